//! In which order events may be sent.

use super::Outbound;
use crate::SendError;

/// The orders that ASGI allows in an HTTP exchange, as a state machine for transports.
///
/// ```text
/// Idle --start--> Started --body(more)*--> Streaming --body(last)--> Done
/// with trailers announced: --body(last)--> Trailers --trailers(more)*--trailers(last)--> Done
/// Idle --response--> Done
/// Started --pathsend--> Done
/// Idle --debug--> Noted, and on as from Idle
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpOrder {
    /// Nothing has been sent.
    #[default]
    Idle,
    /// Nothing has been sent but debug information.
    Noted,
    /// The response has been started, without a body so far.
    Started {
        /// Whether trailers have been announced.
        trailers: bool,
    },
    /// A part of the body has been sent.
    Streaming {
        /// Whether trailers have been announced.
        trailers: bool,
    },
    /// The body is complete, the announced trailers are not.
    Trailers,
    /// The response is complete, or the client is gone.
    Done,
}

impl HttpOrder {
    /// Checks `event` and moves on. An illegal event changes nothing.
    ///
    /// # Errors
    ///
    /// [`SendError::Illegal`] names the rule; [`SendError::Closed`] after the end.
    pub fn sent(&mut self, event: &Outbound) -> Result<(), SendError> {
        *self = match (*self, event) {
            (Self::Done, _) => return Err(SendError::Closed),
            (Self::Idle | Self::Noted, Outbound::Start(start)) => Self::Started {
                trailers: start.trailers,
            },
            (Self::Idle | Self::Noted, Outbound::Response(_)) => Self::Done,
            (Self::Idle, Outbound::Debug(_)) => Self::Noted,
            (_, Outbound::Debug(_)) => {
                return Err(SendError::Illegal(
                    "debug information is sent once, before the response's start",
                ));
            }
            (Self::Idle | Self::Noted, _) => {
                return Err(SendError::Illegal(
                    "response has not been started, send its start first",
                ));
            }
            (_, Outbound::Start(_) | Outbound::Response(_)) => {
                return Err(SendError::Illegal("response has been started before"));
            }
            (Self::Trailers, Outbound::Trailers { more, .. }) => {
                if *more {
                    Self::Trailers
                } else {
                    Self::Done
                }
            }
            (Self::Trailers, _) => {
                return Err(SendError::Illegal(
                    "body is complete, only trailers may follow",
                ));
            }
            (_, Outbound::Trailers { .. }) => {
                return Err(SendError::Illegal(
                    "trailers follow the last piece of a body whose start announced them",
                ));
            }
            (state, Outbound::EarlyHint { .. } | Outbound::Push { .. }) => state,
            (Self::Started { trailers }, Outbound::PathSend(_)) => Self::after_body(trailers),
            (Self::Streaming { .. }, Outbound::PathSend(_)) => {
                return Err(SendError::Illegal(
                    "a path is the whole body, but some of it has been sent",
                ));
            }
            (
                Self::Started { trailers } | Self::Streaming { trailers },
                Outbound::Body { more, .. } | Outbound::ZeroCopySend { more, .. },
            ) => {
                if *more {
                    Self::Streaming { trailers }
                } else {
                    Self::after_body(trailers)
                }
            }
        };
        Ok(())
    }

    /// Notes that the client is gone: everything sent from now on is [`SendError::Closed`].
    pub fn disconnected(&mut self) {
        *self = Self::Done;
    }

    /// Whether the response has been started.
    pub fn is_started(self) -> bool {
        !matches!(self, Self::Idle | Self::Noted)
    }

    fn after_body(trailers: bool) -> Self {
        if trailers { Self::Trailers } else { Self::Done }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::http::ResponseStart;

    fn run(events: &[Outbound]) -> Vec<&'static str> {
        let mut order = HttpOrder::default();
        events
            .iter()
            .map(|event| match order.sent(event) {
                Ok(()) => "ok",
                Err(SendError::Closed) => "closed",
                Err(_) => "illegal",
            })
            .collect()
    }

    #[test]
    fn body_needs_a_start_and_ends_once() {
        let start = || Outbound::start(StatusCode::OK);

        assert_eq!(
            run(&[
                Outbound::chunk("x"),
                start(),
                start(),
                Outbound::chunk("x"),
                Outbound::end("y"),
                Outbound::end("z")
            ]),
            ["illegal", "ok", "illegal", "ok", "ok", "closed"]
        );
    }

    #[test]
    fn trailers_must_be_announced() {
        let trailers = |more| Outbound::Trailers {
            headers: HeaderMap::new(),
            more,
        };
        let announced = || Outbound::Start(ResponseStart::new(StatusCode::OK).trailers());

        assert_eq!(
            run(&[Outbound::start(StatusCode::OK), trailers(false)]),
            ["ok", "illegal"]
        );
        assert_eq!(
            run(&[
                announced(),
                trailers(false),
                Outbound::end("x"),
                Outbound::end("x"),
                trailers(true),
                trailers(false)
            ]),
            ["ok", "illegal", "ok", "illegal", "ok", "ok"]
        );
    }

    #[test]
    fn path_is_the_whole_body() {
        let path = || Outbound::PathSend("/x".into());

        assert_eq!(
            run(&[Outbound::start(StatusCode::OK), path(), Outbound::end("")]),
            ["ok", "ok", "closed"]
        );
        assert_eq!(
            run(&[
                Outbound::start(StatusCode::OK),
                Outbound::chunk("x"),
                path()
            ]),
            ["ok", "ok", "illegal"]
        );
    }
}
