//! What a token says.

use std::{fmt, sync::Arc, time::SystemTime};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::JwtError;

/// The claims of a verified token (RFC 7519 §4). Cheap to clone; `Debug` shows their names only.
#[derive(Clone)]
pub struct Claims(Arc<Inner>);

struct Inner {
    all: Map<String, Value>,
    expires_at: Option<SystemTime>,
}

impl Claims {
    pub(super) fn new(all: Map<String, Value>, expires_at: Option<SystemTime>) -> Self {
        Self(Arc::new(Inner { all, expires_at }))
    }

    /// Whom the token is about: `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// Who made it: `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// The token's own id: `jti`.
    pub fn id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// Until when it is accepted: `exp` and the [leeway](super::JwtConfig::leeway).
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    /// The words of `scope` (RFC 8693 §4.2), or of `scp` as some issuers call it; a list is read as well.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scopes = self.get("scope").or_else(|| self.get("scp"));
        let text = scopes.and_then(Value::as_str).unwrap_or_default();
        let list = scopes.and_then(Value::as_array);
        let list = list.into_iter().flatten().filter_map(Value::as_str);
        text.split(' ').filter(|word| !word.is_empty()).chain(list)
    }

    /// A claim by name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.all.get(name)
    }

    /// All claims as a type of your own.
    ///
    /// # Errors
    ///
    /// Claims that are not of the shape of `T`.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0.all)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claims")
            .field(&self.0.all.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// A claim that is a time, in seconds; `None` if it is absent (RFC 7519 §2, `NumericDate`).
pub(super) fn seconds(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<f64>, JwtError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(Some(seconds)),
            _ => Err(JwtError::Claim(name)),
        },
    }
}

/// A claim that is one text or a list of texts.
pub(super) fn texts<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Vec<&'a str>, JwtError> {
    match claims.get(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(list)) => {
            let texts: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
            texts.ok_or(JwtError::Claim(name))
        }
        Some(_) => Err(JwtError::Claim(name)),
    }
}
