//! Handshakes that the server itself refuses, and what it says of them.

use http::{HeaderValue, Request, Response, StatusCode, header};
use solent_spec::Body;

use crate::{http::error_response, server::Core};

/// What is wrong with a handshake request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a WebSocket is opened with GET")]
    Method,
    #[error("a WebSocket needs HTTP/1.1")]
    Version,
    #[error("the header `Upgrade: websocket` is missing")]
    Upgrade,
    #[error("the header `Connection: Upgrade` is missing")]
    Connection,
    #[error("the header `Sec-WebSocket-Version` is not 13")]
    WebSocketVersion,
    #[error("the header `Sec-WebSocket-Key` is missing or malformed")]
    Key,
    #[error("a request for a WebSocket has no body")]
    Body,
}

impl Refusal {
    /// Logs the refusal, and answers with it.
    pub(crate) fn answer<B>(self, core: &Core, request: &Request<B>) -> Box<Response<Body>> {
        self.log(core, request.uri().path());
        Box::new(self.response())
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version | Self::Upgrade | Self::Connection | Self::WebSocketVersion => {
                StatusCode::UPGRADE_REQUIRED
            }
            Self::Key | Self::Body => StatusCode::BAD_REQUEST,
        }
    }

    /// What has to be set in a proxy that breaks handshakes in this way.
    fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Version => Some("nginx: `proxy_http_version 1.1;`"),
            Self::Upgrade => Some(
                "nginx: `proxy_set_header Upgrade $http_upgrade;`, Apache: `ProxyPass ... upgrade=websocket`",
            ),
            Self::Connection => Some("nginx: `proxy_set_header Connection \"upgrade\";`"),
            _ => None,
        }
    }

    fn log(self, core: &Core, path: &str) {
        let remedy = self.remedy();
        let warns = remedy.and_then(|_| core.handshake_warnings.pass());
        if let (Some(remedy), Some(held_back)) = (remedy, warns) {
            tracing::warn!(
                target: "solent::server", path, held_back,
                "WebSocket handshake refused: {self}; if a proxy is in front of this server, let it pass the header on ({remedy})"
            );
        } else {
            tracing::debug!(target: "solent::server", path, "WebSocket handshake refused: {self}");
        }
    }

    fn response(self) -> Response<Body> {
        let status = self.status();
        let mut response = error_response(status);
        *response.body_mut() = Body::from(format!("{self}\n"));
        let headers = response.headers_mut();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            let version = HeaderValue::from_static("13");
            headers.insert(header::SEC_WEBSOCKET_VERSION, version);
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
        response
    }
}
