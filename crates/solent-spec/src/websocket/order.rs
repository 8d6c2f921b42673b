//! In which order events may be sent.

use super::{CloseCode, Outbound, WebSocketScope};
use crate::{RequestScope, SendError, request::Feature};

/// The orders that ASGI allows on a WebSocket, as a state machine for transports.
///
/// ```text
/// Connecting --accept--> Open --message*--> Open --close--> Closed
/// Connecting --close or response--> Closed
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketOrder {
    /// The handshake waits for an answer.
    #[default]
    Connecting,
    /// The handshake is complete.
    Open,
    /// A close was sent or received, the handshake was refused, or the connection is lost.
    Closed,
}

impl WebSocketOrder {
    /// Checks `event` and moves on. An illegal event changes nothing.
    ///
    /// # Errors
    ///
    /// [`SendError::Illegal`] names the rule; [`SendError::NotOffered`] for a response where the scope does not offer
    /// [denial responses](Feature::DenialResponse); [`SendError::Closed`] after the end.
    pub fn sent(&mut self, event: &Outbound, scope: &WebSocketScope) -> Result<(), SendError> {
        match (*self, event) {
            (Self::Connecting, Outbound::Accept(accept)) => {
                check_accept(accept.subprotocol.as_deref(), &accept.headers, scope)?;
            }
            (Self::Connecting, Outbound::Respond(_))
                if !scope.link().offers(Feature::DenialResponse) =>
            {
                return Err(SendError::NotOffered(Feature::DenialResponse.name()));
            }
            _ => {}
        }
        self.sent_checked(event)
    }

    /// The same for a transport that no longer has the scope: the contents of an accept are not checked, nor whether a
    /// response is offered.
    ///
    /// # Errors
    ///
    /// As [`sent`](Self::sent).
    pub fn sent_checked(&mut self, event: &Outbound) -> Result<(), SendError> {
        *self = match (*self, event) {
            (Self::Closed, _) => return Err(SendError::Closed),
            (Self::Connecting, Outbound::Accept(_)) => Self::Open,
            (Self::Connecting, Outbound::Close(_) | Outbound::Respond(_)) => Self::Closed,
            (Self::Connecting, Outbound::Message(_) | Outbound::Shared(_)) => {
                return Err(SendError::Illegal(
                    "socket has not been accepted, accept it before sending",
                ));
            }
            (Self::Open, Outbound::Message(_) | Outbound::Shared(_)) => Self::Open,
            (Self::Open, Outbound::Close(close)) => {
                check_close(close.code, &close.reason)?;
                Self::Closed
            }
            (Self::Open, Outbound::Accept(_)) => {
                return Err(SendError::Illegal("socket has been accepted before"));
            }
            (Self::Open, Outbound::Respond(_)) => {
                return Err(SendError::Illegal(
                    "a response can only refuse a handshake, this socket is open",
                ));
            }
        };
        Ok(())
    }

    /// Notes that the connection is over: everything sent from now on is [`SendError::Closed`].
    pub fn disconnected(&mut self) {
        *self = Self::Closed;
    }
}

fn check_accept(
    subprotocol: Option<&str>,
    headers: &http::HeaderMap,
    scope: &WebSocketScope,
) -> Result<(), SendError> {
    if headers.contains_key(http::header::SEC_WEBSOCKET_PROTOCOL) {
        return Err(SendError::Illegal(
            "accept headers must not hold sec-websocket-protocol, set the subprotocol",
        ));
    }
    match subprotocol {
        Some(chosen) if !scope.subprotocols().any(|offered| offered == chosen) => Err(
            SendError::Illegal("subprotocol is not among those the client offered"),
        ),
        _ => Ok(()),
    }
}

fn check_close(code: CloseCode, reason: &str) -> Result<(), SendError> {
    if !code.is_sendable() {
        return Err(SendError::Illegal(
            "close code may not be sent, use 1000-1003, 1007-1014 or 3000-4999",
        ));
    }
    if reason.len() > super::Close::MAX_REASON {
        return Err(SendError::Illegal("close reason is longer than 123 bytes"));
    }
    Ok(())
}
