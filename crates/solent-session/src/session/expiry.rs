//! When a session ends.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Iso8601};

use super::SessionData;

/// When a session ends, unless it is ended before.
///
/// One that is [set](crate::Session::set_expiry) for a session is kept in its data under `_session_expiry`, as Django does: whole
/// seconds as a number, 0 until the browser closes, and a moment as text in ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Django knows three")]
pub enum Expiry {
    /// When the browser closes. The store keeps it for [`age`](crate::SessionConfig::age).
    BrowserClose,
    /// This long after it was last saved, at least a second.
    After(Duration),
    /// Then, saved or not.
    At(SystemTime),
}

impl Expiry {
    /// Where the data has it.
    pub(super) const NAME: &str = "_session_expiry";

    /// The end of the year 9999, the last that dates on the wire can name.
    pub fn never() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799)
    }

    /// The expiry that is set in `data`; `None` also for what cannot be understood.
    pub(super) fn read(data: &SessionData) -> Option<Self> {
        let value = data.get(Self::NAME)?;
        let expiry = match value {
            Value::Null => return None,
            Value::Number(seconds) => seconds.as_f64().map(Self::from_seconds),
            Value::String(text) => parse(text).map(Self::At),
            _ => None,
        };
        if expiry.is_none() {
            tracing::debug!(target: "solent::session", "expiry of a session cannot be read, its usual one applies");
        }
        expiry
    }

    /// Sets the expiry in `data`, or removes it. Whether that changed anything.
    pub(super) fn write(expiry: Option<Self>, data: &mut SessionData) -> bool {
        let Some(expiry) = expiry else {
            return data.remove(Self::NAME).is_some();
        };
        let value = match expiry {
            Self::BrowserClose => Value::from(0),
            Self::After(age) => Value::from(age.as_secs().max(1)),
            Self::At(time) => Value::from(format(time)),
        };
        let former = data.insert(Self::NAME.to_owned(), value);
        former.as_ref() != data.get(Self::NAME)
    }

    fn from_seconds(seconds: f64) -> Self {
        if seconds == 0.0 {
            Self::BrowserClose
        } else if seconds < 0.0 {
            Self::At(SystemTime::UNIX_EPOCH)
        } else {
            Self::After(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        }
    }
}

/// Python's `datetime.isoformat()`, with or without an offset. Without one it is taken for UTC.
fn parse(text: &str) -> Option<SystemTime> {
    let text = text.replacen(' ', "T", 1);
    let time = OffsetDateTime::parse(&text, &Iso8601::PARSING)
        .or_else(|_| {
            PrimitiveDateTime::parse(&text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc)
        })
        .ok()?;
    Some(time.into())
}

/// What Python's `datetime.fromisoformat()` reads, in UTC and to the microsecond.
fn format(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time.clamp(SystemTime::UNIX_EPOCH, Expiry::never()));
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second, micro) = time.to_hms_micro();
    let month = u8::from(month);
    let fraction = match micro {
        0 => String::new(),
        micro => format!(".{micro:06}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}+00:00")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Option<Expiry> {
        let mut data = SessionData::new();
        data.insert("_session_expiry".to_owned(), value);
        Expiry::read(&data)
    }

    fn at(seconds: u64, micros: u32) -> Expiry {
        Expiry::At(SystemTime::UNIX_EPOCH + Duration::new(seconds, micros * 1000))
    }

    #[test]
    fn expiry_is_read_as_django_wrote_it() {
        assert_eq!(Expiry::read(&SessionData::new()), None);
        assert_eq!(read(Value::Null), None);
        assert_eq!(read(json!(0)), Some(Expiry::BrowserClose));
        assert_eq!(
            read(json!(300)),
            Some(Expiry::After(Duration::from_secs(300)))
        );
        assert_eq!(read(json!(-5)), Some(at(0, 0)));
        for (text, micros) in [
            ("2030-01-02T03:04:05.678901+00:00", 678_901),
            ("2030-01-02T03:04:05.678901", 678_901),
            ("2030-01-02 03:04:05+00:00", 0),
            ("2030-01-02T04:04:05+01:00", 0),
        ] {
            assert_eq!(read(json!(text)), Some(at(1_893_553_445, micros)), "{text}");
        }
    }

    #[test]
    fn moments_at_the_end_of_time_can_be_read() {
        for text in ["9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00+23:00"] {
            assert!(read(json!(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn expiry_that_cannot_be_read_is_none() {
        for value in [
            json!("soon"),
            json!(""),
            json!("2030-13-01T00:00:00"),
            json!({}),
            json!([1]),
            json!(true),
        ] {
            assert_eq!(read(value.clone()), None, "{value}");
        }
        assert_eq!(read(json!(1e300)), Some(Expiry::After(Duration::MAX)));
    }

    #[test]
    fn writing_tells_whether_anything_changed() {
        let mut data = SessionData::new();
        let hour = Some(Expiry::After(Duration::from_secs(3600)));

        assert!(Expiry::write(hour, &mut data));
        assert!(!Expiry::write(hour, &mut data));
        assert_eq!(Expiry::read(&data), hour);
        assert!(Expiry::write(None, &mut data));
        assert!(!Expiry::write(None, &mut data));
        assert!(data.is_empty());
    }

    proptest! {
        #[test]
        fn moments_survive_to_the_microsecond(seconds in 0u64..253_402_300_799, micros in 0u32..1_000_000) {
            let expiry = at(seconds, micros);
            let mut data = SessionData::new();

            Expiry::write(Some(expiry), &mut data);

            prop_assert_eq!(Expiry::read(&data), Some(expiry));
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,40}") {
            read(json!(text));
        }
    }
}
