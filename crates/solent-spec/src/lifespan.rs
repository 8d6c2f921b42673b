//! The lifespan protocol: start-up before the first connection, shutdown after the last. ASGI's `lifespan`.

use std::convert::Infallible;

use http::Extensions;

use crate::{Protocol, SendError};

/// The lifespan protocol. A server runs one such connection for as long as it serves.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Lifespan;

impl Protocol for Lifespan {
    const NAME: &'static str = "lifespan";
    type Scope = LifespanScope;
    type Inbound = Inbound;
    type Outbound = Outbound;
    type Direct = Infallible;
}

/// The scope of the lifespan protocol. Empty: state is handed over in [`Outbound::StartupComplete`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LifespanScope;

/// What an application receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inbound {
    /// The server is about to accept connections and waits for the answer.
    Startup,
    /// The last connection is closed; the server waits for the answer before it ends.
    Shutdown,
}

/// What an application sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outbound {
    /// The application is ready. What is in `state` is in the scope of every connection.
    StartupComplete {
        /// Values by type: pools, clients, settings.
        state: Extensions,
    },
    /// The application cannot start; the server reports the message and ends.
    StartupFailed {
        /// What is wrong and what to do.
        message: String,
    },
    /// The application has cleaned up.
    ShutdownComplete,
    /// The application could not clean up; the server reports the message and ends.
    ShutdownFailed {
        /// What is wrong.
        message: String,
    },
}

/// The orders that ASGI allows, as a state machine for transports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifespanOrder {
    /// Nothing has been answered.
    #[default]
    Starting,
    /// Startup is complete.
    Running,
    /// Shutdown has been announced.
    Stopping,
    /// Startup failed, or shutdown is answered.
    Ended,
}

impl LifespanOrder {
    /// Notes that [`Inbound::Shutdown`] has been delivered.
    pub fn shutting_down(&mut self) {
        if *self != Self::Ended {
            *self = Self::Stopping;
        }
    }

    /// Checks `event` and moves on. An illegal event changes nothing.
    ///
    /// # Errors
    ///
    /// [`SendError::Illegal`] names the rule; [`SendError::Closed`] after the end.
    pub fn sent(&mut self, event: &Outbound) -> Result<(), SendError> {
        *self = match (*self, event) {
            (Self::Ended, _) => return Err(SendError::Closed),
            (Self::Starting, Outbound::StartupComplete { .. }) => Self::Running,
            (Self::Starting, Outbound::StartupFailed { .. }) => Self::Ended,
            (Self::Stopping, Outbound::ShutdownComplete | Outbound::ShutdownFailed { .. }) => {
                Self::Ended
            }
            (Self::Starting, _) => {
                return Err(SendError::Illegal("startup has not been answered yet"));
            }
            (Self::Running, Outbound::ShutdownComplete | Outbound::ShutdownFailed { .. }) => {
                return Err(SendError::Illegal("shutdown has not been received yet"));
            }
            (Self::Running | Self::Stopping, _) => {
                return Err(SendError::Illegal("startup has been answered before"));
            }
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shutdown_is_answered_once_and_only_when_asked() {
        let complete = Outbound::StartupComplete {
            state: Extensions::new(),
        };
        let mut order = LifespanOrder::default();

        assert!(matches!(
            order.sent(&Outbound::ShutdownComplete),
            Err(SendError::Illegal(_))
        ));
        order.sent(&complete).unwrap();
        assert!(matches!(order.sent(&complete), Err(SendError::Illegal(_))));
        order.shutting_down();
        order.sent(&Outbound::ShutdownComplete).unwrap();
        assert!(matches!(
            order.sent(&Outbound::ShutdownComplete),
            Err(SendError::Closed)
        ));
    }
}
