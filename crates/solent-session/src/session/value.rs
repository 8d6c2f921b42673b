//! Values of sessions.

use serde::{Serialize, ser::Error as _};
use serde_json::Value;
use solent_spec::json;

use super::SessionError;

/// Arrays and objects that may be inside each other in one value. All stores read that many and the session around them.
const MAX_DEPTH: usize = 120;

/// A value as JSON that all stores keep as it is.
pub(super) fn kept(name: &str, value: impl Serialize) -> Result<Value, SessionError> {
    let value = json::to_value(value).map_err(|cause| SessionError::shape(name, cause))?;
    if is_deeper(&value, MAX_DEPTH) {
        let cause = serde_json::Error::custom("value is nested more than 120 deep");
        return Err(SessionError::shape(name, cause));
    }
    Ok(value)
}

fn is_deeper(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(items) => most == 0 || items.iter().any(|item| is_deeper(item, most - 1)),
        Value::Object(entries) => {
            most == 0 || entries.values().any(|value| is_deeper(value, most - 1))
        }
        _ => false,
    }
}
