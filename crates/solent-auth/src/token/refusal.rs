//! How requests are answered that do not get in.

use http::{HeaderValue, Response, StatusCode, header};
use solent_spec::{Body, Connection, HttpProtocol, Result, http::plain_text};

/// Why a request does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has no token, and needs one.
    Missing,
    /// Its token is no good, and why.
    Bad(&'static str),
    /// It cannot be told whether its token is good.
    Unavailable,
}

impl Refusal {
    /// Answers `connection`: RFC 6750 §3.
    pub(super) async fn send<P: HttpProtocol>(self, connection: Connection<P>) -> Result {
        connection.refuse(self.response()).await
    }

    fn response(self) -> Response<Body> {
        let (status, text, challenge) = match self {
            Self::Missing => (
                StatusCode::UNAUTHORIZED,
                "Unauthorized: a token is needed\n",
                Some("Bearer"),
            ),
            Self::Bad(_) => (
                StatusCode::UNAUTHORIZED,
                "Unauthorized: the token is not good\n",
                Some("Bearer error=\"invalid_token\""),
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Service unavailable: tokens cannot be verified now\n",
                None,
            ),
        };
        let mut response = plain_text(status, text);
        let headers = response.headers_mut();
        if let Some(challenge) = challenge {
            let challenge = HeaderValue::from_static(challenge);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
