//! What a token has to say.

use std::{borrow::Cow, num::NonZeroUsize, time::Duration};

use serde_json::Value;

/// What a [`JwtVerifier`](super::JwtVerifier) asks of a token besides a good signature.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct JwtConfig {
    /// The issuers whose tokens are accepted; a token has to name one of them as `iss`. Empty: any. Default: empty.
    pub issuers: Vec<String>,
    /// Whom tokens may be for: `aud` has to hold one of them. Empty: a token that names an audience is refused, since it is for
    /// somebody else (RFC 7519 §4.1.3). Default: empty.
    pub audiences: Vec<String>,
    /// Whether the audience does not matter. Default: no.
    pub any_audience: bool,
    /// How far clocks may be apart: a token is accepted for so long after `exp`, and so long before `nbf`. Default: 30 seconds.
    pub leeway: Duration,
    /// Whether a token has to expire. Default: yes.
    pub require_expiry: bool,
    /// The `typ` that a token's header has to have, such as `"at+jwt"` (RFC 9068), without regard to case. `None`: any. Default: `None`.
    pub token_type: Option<String>,
    /// Claims that a token has to have, with these values: such as `token_type` and `"access"`, where an issuer makes other tokens
    /// with the same key. Default: none.
    pub claims: Vec<(Cow<'static, str>, Value)>,
    /// The longest token that is read, in bytes. Default: 8 KiB.
    pub max_len: usize,
    /// Accepts each token once, by its `jti`, and remembers so many of those that have not expired; for short-lived tokens that are
    /// made for one connection. In one process only: where there are several, give them a store that they share, by
    /// [`spent`](super::JwtVerifier::spent). Default: `None`, tokens may be used again and again.
    pub single_use: Option<NonZeroUsize>,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            any_audience: false,
            leeway: Duration::from_secs(30),
            require_expiry: true,
            token_type: None,
            claims: Vec::new(),
            max_len: 8 * 1024,
            single_use: None,
        }
    }
}

impl JwtConfig {
    /// Adds one of the [`issuers`](Self::issuers).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Adds one of the [`audiences`](Self::audiences).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets [`any_audience`](Self::any_audience).
    pub fn any_audience(mut self, any: bool) -> Self {
        self.any_audience = any;
        self
    }

    /// Sets [`leeway`](Self::leeway).
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets [`require_expiry`](Self::require_expiry).
    pub fn require_expiry(mut self, require: bool) -> Self {
        self.require_expiry = require;
        self
    }

    /// Sets [`token_type`](Self::token_type).
    pub fn token_type(mut self, token_type: impl Into<Option<String>>) -> Self {
        self.token_type = token_type.into();
        self
    }

    /// Adds one of the [`claims`](Self::claims).
    pub fn claim(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.claims.push((name.into(), value.into()));
        self
    }

    /// Sets [`max_len`](Self::max_len).
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// Sets [`single_use`](Self::single_use).
    pub fn single_use(mut self, remembered: impl Into<Option<NonZeroUsize>>) -> Self {
        self.single_use = remembered.into();
        self
    }
}
