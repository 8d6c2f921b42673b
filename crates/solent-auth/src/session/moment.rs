//! Moments as Python writes them, in ISO 8601.

use std::time::{Duration, SystemTime};

const DAY: i64 = 24 * 60 * 60;

/// Reads Python's `datetime.isoformat()`, with or without an offset. Without one it is taken for UTC.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let rest = rest.strip_prefix(['T', ' '])?;
    let end = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (time, offset) = rest.split_at(end);
    let (whole, nanos) = match time.split_once('.') {
        Some((whole, fraction)) => (whole, fraction_nanos(fraction)?),
        None => (time, 0),
    };
    let seconds = days(year, month, day)? * DAY + time_of_day(whole)? - offset_seconds(offset)?;
    // A fraction counts forward, also before 1970.
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let moment = match seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(whole)?,
        false => SystemTime::UNIX_EPOCH.checked_add(whole)?,
    };
    moment.checked_add(Duration::from_nanos(nanos))
}

/// Writes what Python's `datetime.fromisoformat()` reads, in UTC and to the microsecond. A moment before 1970 is written as 1970.
pub(super) fn format(moment: SystemTime) -> String {
    let since = moment
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since.as_secs();
    let (days, rest) = (seconds / DAY as u64, seconds % DAY as u64);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let fraction = match since.subsec_micros() {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}+00:00")
}

/// Numbers of just so many digits each, with a separator between them.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = is_number.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

/// Seconds since midnight, for `HH:MM` and `HH:MM:SS`.
fn time_of_day(text: &str) -> Option<i64> {
    let [hour, minute, second] = match text.len() {
        5 => {
            let [hour, minute] = numbers(text, ':', [2, 2])?;
            [hour, minute, 0]
        }
        _ => numbers(text, ':', [2, 2, 2])?,
    };
    let is_time = hour < 24 && minute < 60 && second < 60;
    is_time.then_some(hour * 3600 + minute * 60 + second)
}

/// Seconds east of Greenwich, for nothing, `Z`, `+HH:MM` and `-HH:MM:SS`.
fn offset_seconds(text: &str) -> Option<i64> {
    match text.split_at_checked(1) {
        None => Some(0),
        Some(("Z", "")) => Some(0),
        Some(("+", rest)) => time_of_day(rest),
        Some(("-", rest)) => Some(-time_of_day(rest)?),
        Some(_) => None,
    }
}

fn fraction_nanos(digits: &str) -> Option<u64> {
    let is_fraction = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = is_fraction.then(|| digits.parse().ok())??;
    Some(number * 10_u64.pow(9 - digits.len() as u32))
}

/// Days from 1970 to a date of the Gregorian calendar. Years begin in March here, so that leap days are at their end.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468)
}

/// The date so many days after the first of January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        let moment = parse(text)?;
        Some(match moment.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => since.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        })
    }

    #[test]
    fn moments_are_those_of_python() {
        // int(datetime.fromisoformat(text).timestamp()), UTC where there is no offset
        for (text, expected) in [
            ("1970-01-01T00:00:00+00:00", 0.0),
            ("1970-01-01T00:00:00.5", 0.5),
            ("1969-12-31T23:59:59.500000+00:00", -0.5),
            ("2000-02-29T12:00:00+00:00", 951_825_600.0),
            ("2024-02-29T23:59:59-00:30", 1_709_253_000.0 - 1.0),
            ("2100-03-01T00:00+05:30:15", 4_107_542_400.0 - 19_815.0),
            ("2030-01-02 03:04:05Z", 1_893_553_445.0),
            ("9999-12-31T23:59:59+00:00", 253_402_300_799.0),
            ("0001-01-01T00:00:00+00:00", -62_135_596_800.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "soon",
            "2030-01-02",
            "2030-1-2T00:00:00",
            "2030-13-01T00:00:00",
            "2030-00-01T00:00:00",
            "2030-02-29T00:00:00",
            "2100-02-29T00:00:00",
            "2030-04-31T00:00:00",
            "2030-01-00T00:00:00",
            "2030-01-01T24:00:00",
            "2030-01-01T00:60:00",
            "2030-01-01T00:00:60",
            "2030-01-01T00",
            "2030-01-01T00:00:00.",
            "2030-01-01T00:00:00.1234567890",
            "2030-01-01T00:00:00+",
            "2030-01-01T00:00:00+1",
            "2030-01-01T00:00:00+25:00",
            "2030-01-01T00:00:00ZZ",
            "+030-01-01T00:00:00",
            "2030-01-01X00:00:00",
            "2030-01-0\u{e9}T00:00",
            "２０３０-01-01T00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_read_as_it_was_written(seconds in 0u64..253_402_300_800, micros in 0u32..1_000_000) {
            let moment = SystemTime::UNIX_EPOCH + Duration::new(seconds, micros * 1000);

            prop_assert_eq!(parse(&format(moment)), Some(moment));
        }

        #[test]
        fn each_day_has_a_date_of_its_own(day in 0u64..2_932_896) {
            let (year, month, of_month) = date(day);

            prop_assert_eq!(days(year as i64, month as i64, of_month as i64), Some(day as i64));
        }
    }
}
