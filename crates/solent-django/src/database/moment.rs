//! Points in time as databases write them.

use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use time::{Date, Month, OffsetDateTime, Time};

/// What Django stores in SQLite: `2030-01-02 03:04:05.678901`, in UTC, without the fraction if that is zero. Texts of this
/// form are in the order of time.
///
/// What the format cannot hold becomes the last moment that it can.
pub(super) fn to_text(moment: SystemTime) -> String {
    let moment = utc(moment);
    let (date, time) = (moment.date(), moment.time());
    let mut text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
    );
    if time.microsecond() != 0 {
        let _ = write!(text, ".{:06}", time.microsecond());
    }
    text
}

fn utc(moment: SystemTime) -> OffsetDateTime {
    let since = |duration: std::time::Duration| i128::try_from(duration.as_nanos()).ok();
    let nanos = match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => since(after),
        Err(before) => since(before.duration()).map(|nanos| -nanos),
    };
    nanos
        .and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).ok())
        .filter(|moment| (1..=9999).contains(&moment.year()))
        .unwrap_or_else(last)
}

fn last() -> OffsetDateTime {
    let date = Date::from_calendar_date(9999, Month::December, 31).expect("a day of the calendar");
    let time = Time::from_hms_micro(23, 59, 59, 999_999).expect("a time of the day");
    date.with_time(time).assume_utc()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_look_as_django_writes_them() {
        let at = |micros| UNIX_EPOCH + Duration::from_micros(micros);

        assert_eq!(
            to_text(at(1_893_553_445_678_901)),
            "2030-01-02 03:04:05.678901"
        );
        assert_eq!(to_text(at(1_893_553_445_000_000)), "2030-01-02 03:04:05");
        assert_eq!(
            to_text(at(1_893_553_445_000_001)),
            "2030-01-02 03:04:05.000001"
        );
        assert_eq!(to_text(UNIX_EPOCH), "1970-01-01 00:00:00");
    }

    #[test]
    fn moments_that_no_calendar_has_are_the_last_one() {
        let far = UNIX_EPOCH + Duration::from_secs(1 << 60);

        assert_eq!(to_text(far), "9999-12-31 23:59:59.999999");
    }
}
