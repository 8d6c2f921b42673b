//! When a session ends whose store does not say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use solent_session::SessionData;
use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Iso8601};

/// When a session ends that was written at `modified`. One with an expiry that cannot be read has ended.
pub(super) fn of(data: &SessionData, modified: SystemTime, age: Duration) -> SystemTime {
    let after = |age| modified.checked_add(age).unwrap_or(modified);
    match data.get("_session_expiry") {
        None | Some(Value::Null) => after(age),
        Some(Value::Number(seconds)) => match seconds.as_f64() {
            // Until the browser closes, which a server does not notice.
            Some(0.0) => after(age),
            Some(seconds) => Duration::try_from_secs_f64(seconds).map_or(UNIX_EPOCH, after),
            None => UNIX_EPOCH,
        },
        Some(Value::String(moment)) => parse(moment).unwrap_or(UNIX_EPOCH),
        Some(_) => UNIX_EPOCH,
    }
}

/// Python's `datetime.isoformat()`. Without an offset it is taken for UTC.
fn parse(text: &str) -> Option<SystemTime> {
    let moment = OffsetDateTime::parse(text, &Iso8601::PARSING).or_else(|_| {
        PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc)
    });
    Some(moment.ok()?.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_session_ends_when_it_says() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let ends = |expiry: Value| {
            let mut data = SessionData::new();
            data.insert("_session_expiry".to_owned(), expiry);
            of(&data, at(1000), Duration::from_secs(60))
        };

        assert_eq!(
            of(&SessionData::new(), at(1000), Duration::from_secs(60)),
            at(1060)
        );
        for (expiry, end) in [
            (json!(null), at(1060)),
            (json!(0), at(1060)),
            (json!(5), at(1005)),
            (json!(-5), at(0)),
            (json!("1970-01-01T00:20:00+00:00"), at(1200)),
            (json!("1970-01-01T01:20:00+01:00"), at(1200)),
            (json!("1970-01-01T00:20:00"), at(1200)),
            (json!("soon"), at(0)),
            (json!([1]), at(0)),
        ] {
            assert_eq!(ends(expiry.clone()), end, "{expiry}");
        }
    }
}
