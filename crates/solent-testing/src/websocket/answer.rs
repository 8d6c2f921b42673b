//! How an application answers a handshake.

use http::HeaderMap;
use solent_spec::websocket::{Close, Outbound};

use crate::{CommunicatorError, TestResponse, http::read};

/// How an application answered a handshake.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a handshake is accepted or it is not"
)]
pub enum Answer {
    /// The socket is open.
    Accepted(Accepted),
    /// There is no socket.
    Rejected(Rejection),
}

/// What an accepted handshake was answered with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Accepted {
    /// The subprotocol that the application chose.
    pub subprotocol: Option<String>,
    /// The headers that the application added to the response.
    pub headers: HeaderMap,
}

/// What a refused handshake was answered with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// A close before the accept. A client sees status 403, and neither code nor reason.
    Close(Close),
    /// A response of the application's own.
    Response(Box<TestResponse>),
}

impl Answer {
    pub(super) async fn read(event: Outbound) -> Result<Self, CommunicatorError> {
        Ok(match event {
            Outbound::Accept(accept) => Self::Accepted(Accepted {
                subprotocol: accept.subprotocol,
                headers: accept.headers,
            }),
            Outbound::Close(close) => Self::Rejected(Rejection::Close(close)),
            Outbound::Respond(response) => {
                let response = read(*response).await?;
                Self::Rejected(Rejection::Response(Box::new(response)))
            }
            event => {
                let got = format!("{event:?}");
                return Err(CommunicatorError::unexpected(
                    "an answer to the handshake",
                    got,
                ));
            }
        })
    }

    /// The answer of an application that accepts.
    ///
    /// # Errors
    ///
    /// [`Unexpected`](CommunicatorError::Unexpected) if it does not.
    pub fn accepted(self) -> Result<Accepted, CommunicatorError> {
        match self {
            Self::Accepted(accepted) => Ok(accepted),
            other => Err(CommunicatorError::unexpected(
                "an accept",
                format!("{other:?}"),
            )),
        }
    }

    /// The answer of an application that refuses.
    ///
    /// # Errors
    ///
    /// [`Unexpected`](CommunicatorError::Unexpected) if it does not.
    pub fn rejected(self) -> Result<Rejection, CommunicatorError> {
        match self {
            Self::Rejected(rejection) => Ok(rejection),
            other => Err(CommunicatorError::unexpected(
                "a refusal",
                format!("{other:?}"),
            )),
        }
    }
}

impl Rejection {
    /// The status that a client sees.
    pub fn status(&self) -> u16 {
        match self {
            Self::Close(_) => 403,
            Self::Response(response) => response.status.as_u16(),
        }
    }
}
