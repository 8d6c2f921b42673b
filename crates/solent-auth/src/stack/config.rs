//! How logins are looked after.

use std::time::Duration;

use solent_spec::websocket::{Close, CloseCode, IllegalCloseCode};

use crate::guard::GRACE;

/// Settings for an [`AuthStack`](crate::AuthStack), but for those of its sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct AuthConfig {
    /// How often session and user of an open connection are read again, so that a logout anywhere ends it; a quarter more or
    /// less, so that not all ask at once. Never if zero. Default: one minute.
    pub check_interval: Duration,
    /// Whether open connections are in their user's [group](crate::user_group) on the channel layer, if there is one, so that
    /// they can be closed at once. Costs a connection a mailbox. Default: yes.
    pub reachable: bool,
    /// How a WebSocket is closed when its user is not logged in any more. Default: code 4401.
    pub close: Close,
    /// How long an application may go on after its connection was closed because of its user; then its future is dropped, and
    /// a consumer's `disconnect` runs. Should be longer than servers wait for a client to answer a close. Default: 10 seconds.
    pub grace: Duration,
    /// Whether session and user are read only if the application asks for the user. Such a connection is watched from then on.
    /// Default: no, they are read before the application is called.
    pub lazy: bool,
    /// What happens to a connection when it cannot be found out who it is. Default: it is refused.
    pub on_failure: OnFailure,
    /// How long a [login ticket](crate::Auth::login_ticket) is good. Default: one minute.
    pub ticket_age: Duration,
}

/// What happens to a connection whose session or user cannot be read, because a store is out of reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailure {
    /// It is refused with status 503: a logged-in user must not be taken for an anonymous client by accident.
    #[default]
    Refuse,
    /// It is anonymous. For applications that have something to show to every client.
    Anonymous,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            check_interval: Duration::from_secs(60),
            reachable: true,
            close: Close::new(CloseCode::from_u16(4401), "not logged in any more"),
            grace: GRACE,
            lazy: false,
            on_failure: OnFailure::default(),
            ticket_age: Duration::from_secs(60),
        }
    }
}

impl AuthConfig {
    /// Sets [`check_interval`](Self::check_interval).
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval;
        self
    }

    /// Sets [`reachable`](Self::reachable).
    pub fn reachable(mut self, reachable: bool) -> Self {
        self.reachable = reachable;
        self
    }

    /// Sets [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// [`IllegalCloseCode`] for a code that may not be sent.
    pub fn close(mut self, close: Close) -> Result<Self, IllegalCloseCode> {
        CloseCode::sendable(close.code.as_u16())?;
        self.close = close;
        Ok(self)
    }

    /// Sets [`grace`](Self::grace).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets [`lazy`](Self::lazy).
    pub fn lazy(mut self, lazy: bool) -> Self {
        self.lazy = lazy;
        self
    }

    /// Sets [`on_failure`](Self::on_failure).
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Sets [`ticket_age`](Self::ticket_age).
    pub fn ticket_age(mut self, age: Duration) -> Self {
        self.ticket_age = age;
        self
    }
}
