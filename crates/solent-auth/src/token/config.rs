//! How tokens are asked for, and what becomes of connections when they expire.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use solent_spec::websocket::{Close, CloseCode, Frame, IllegalCloseCode};

use crate::guard::GRACE;

/// Settings of [`Tokens`](super::Tokens).
#[derive(Clone)]
#[non_exhaustive]
#[must_use]
pub struct TokenConfig {
    /// Whether requests without a good token are refused, with status 401. Otherwise the client is anonymous. Default: no.
    pub required: bool,
    /// The longest token that is looked at, in bytes. Default: 8 KiB.
    pub max_len: usize,
    /// How long the verifier may take; after that the answer is status 503. Default: ten seconds.
    pub verify_timeout: Duration,
    /// How long before its token expires a socket's client is told. Not at all if zero. Default: one minute.
    pub warn_before: Duration,
    /// What the client is told, from the time that is left. Default: `{"type": "auth.expiring", "in": 60}`, in seconds.
    pub warning: TokenWarning,
    /// Whether a socket's client may send a newer token in place: `{"type": "auth.token", "token": "…"}`. Such messages do not reach
    /// the application. The answer is `{"type": "auth.accepted", "in": 3600}`, with the seconds that the token is good for, or
    /// `{"type": "auth.refused"}`. Default: yes.
    pub refresh: bool,
    /// How sockets are closed whose token has expired, or was refused where one was needed. Default: 4401.
    pub close: Close,
    /// How long an application may go on after its connection was closed because of its token or its user; then its future is
    /// dropped, and a consumer's `disconnect` runs. Default: 10 seconds.
    pub grace: Duration,
    /// How often the verifier is asked whether the users of open connections may [stay](super::TokenVerifier::holds). Never if zero.
    /// Default: one minute.
    pub interval: Duration,
    /// Whether open connections are in their user's [group](crate::user_group) on the channel layer, if there is one, so that
    /// [`close_user`](crate::close_user) ends them at once. Default: yes.
    pub reachable: bool,
}

/// Makes the message that tells a client how long its token is good.
#[derive(Clone)]
pub struct TokenWarning(Arc<dyn Fn(Duration) -> Frame + Send + Sync>);

impl TokenWarning {
    /// A message of your own.
    pub fn new(make: impl Fn(Duration) -> Frame + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(super) fn frame(&self, left: Duration) -> Frame {
        (self.0)(left)
    }
}

impl Default for TokenWarning {
    fn default() -> Self {
        Self::new(super::message::expiring)
    }
}

impl fmt::Debug for TokenWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenWarning")
    }
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            required: false,
            max_len: 8 * 1024,
            verify_timeout: Duration::from_secs(10),
            warn_before: Duration::from_secs(60),
            warning: TokenWarning::default(),
            refresh: true,
            close: CloseCode::from_u16(4401).into(),
            grace: GRACE,
            interval: Duration::from_secs(60),
            reachable: true,
        }
    }
}

impl TokenConfig {
    /// Sets [`required`](Self::required).
    pub fn required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// Sets [`max_len`](Self::max_len).
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// Sets [`verify_timeout`](Self::verify_timeout).
    pub fn verify_timeout(mut self, timeout: Duration) -> Self {
        self.verify_timeout = timeout;
        self
    }

    /// Sets [`warn_before`](Self::warn_before).
    pub fn warn_before(mut self, before: Duration) -> Self {
        self.warn_before = before;
        self
    }

    /// Sets [`warning`](Self::warning).
    pub fn warning(mut self, make: impl Fn(Duration) -> Frame + Send + Sync + 'static) -> Self {
        self.warning = TokenWarning::new(make);
        self
    }

    /// Sets [`refresh`](Self::refresh).
    pub fn refresh(mut self, refresh: bool) -> Self {
        self.refresh = refresh;
        self
    }

    /// Sets [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// [`IllegalCloseCode`] for a code that may not be sent.
    pub fn close(mut self, close: impl Into<Close>) -> Result<Self, IllegalCloseCode> {
        let close = close.into();
        CloseCode::sendable(close.code.as_u16())?;
        self.close = close;
        Ok(self)
    }

    /// Sets [`grace`](Self::grace).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets [`interval`](Self::interval).
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`reachable`](Self::reachable).
    pub fn reachable(mut self, reachable: bool) -> Self {
        self.reachable = reachable;
        self
    }
}

impl fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenConfig")
            .field("required", &self.required)
            .field("max_len", &self.max_len)
            .field("warn_before", &self.warn_before)
            .field("refresh", &self.refresh)
            .field("close", &self.close)
            .finish_non_exhaustive()
    }
}

/// Settings of [`TokenSource::FirstMessage`](super::TokenSource::FirstMessage).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct FirstMessage {
    /// How long to wait for the message. Default: ten seconds.
    pub timeout: Duration,
    /// The subprotocols that the application speaks, the preferred one first: since the handshake is complete before the application is
    /// called, it cannot choose itself. Default: none, and none is chosen.
    pub subprotocols: Vec<Cow<'static, str>>,
}

impl Default for FirstMessage {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            subprotocols: Vec::new(),
        }
    }
}

impl FirstMessage {
    /// Sets [`timeout`](Self::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Adds one of the [`subprotocols`](Self::subprotocols).
    pub fn subprotocol(mut self, subprotocol: impl Into<Cow<'static, str>>) -> Self {
        self.subprotocols.push(subprotocol.into());
        self
    }
}
