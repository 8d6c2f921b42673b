//! What an application says about its own response, checked before it leaves.

use std::{fmt, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
};
use http_body::Body as _;
use solent_spec::{Body, BoxError, Chain, http::ExchangeBody, request::Caller, websocket::Accept};

use super::error_response;

/// The request that a response answers, for the log.
#[derive(Debug)]
pub(super) struct Asked {
    method: Method,
    target: Uri,
    /// The pattern of its route, once the response is there.
    route: Option<Arc<str>>,
}

/// A response contradicts itself, or HTTP/1.1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("status {0} ends no response, those of 200 to 599 do")]
    Status(u16),
    #[error("Content-Length is {0:?}, which is no number")]
    LengthValue(HeaderValue),
    #[error("Content-Length is said twice: {0} and {1}")]
    Lengths(u64, u64),
    #[error("Content-Length is {declared}, but the body has {actual} bytes")]
    Length { declared: u64, actual: u64 },
    #[error("Content-Length is {declared}, but the body has at least {actual} bytes")]
    TooLong { declared: u64, actual: u64 },
    #[error("status {status} allows no body, but there are {actual} bytes or more")]
    NoContent { status: u16, actual: u64 },
    #[error("header {0}: {1:?} is of one hop only, which is the server's own business")]
    Hop(HeaderName, HeaderValue),
    #[error("header {0}: {1:?} is not allowed where a WebSocket is accepted")]
    Accept(HeaderName, HeaderValue),
    #[error("the body's first piece cannot be had")]
    Body(#[source] BoxError),
    #[error("subprotocol {0:?} is no header value")]
    Subprotocol(String),
}

/// What is left to be watched while the body leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Framing {
    /// How many bytes the body has to have.
    pub(super) length: Option<u64>,
    /// The body has to be empty, which only shows when it is polled.
    pub(super) empty: bool,
    /// The body ends when the application ends it.
    pub(super) open: bool,
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            target: request.uri().clone(),
            route: None,
        }
    }

    /// Notes the route that the request has taken.
    pub(super) fn took(&mut self, caller: &Caller) {
        self.route = caller.route();
    }

    /// Logs a fault that is not logged yet, and returns what is sent instead.
    pub(super) fn refuse(&self, fault: &Fault) -> Response<Body> {
        tracing::error!(
            target: "solent::server", method = %self.method, path = self.target.path(),
            route = self.route.as_deref(), error = %Chain(fault),
            "response of the application is not valid, the client gets 500"
        );
        error_response(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Logs why a response breaks off.
    pub(super) fn abort(&self, error: &dyn fmt::Display) {
        tracing::error!(
            target: "solent::server", method = %self.method, path = self.target.path(),
            route = self.route.as_deref(), %error,
            "response of the application is aborted"
        );
    }

    pub(super) fn handshake_refused(&self, status: StatusCode) {
        tracing::debug!(
            target: "solent::server", path = self.target.path(), route = self.route.as_deref(),
            status = status.as_u16(),
            "WebSocket handshake refused"
        );
    }

    /// Checks the head of a response, and makes it what is sent.
    pub(super) fn check(&self, response: &mut Response<ExchangeBody>) -> Result<Framing, Fault> {
        // A mounted service may say another one, which hyper takes badly.
        *response.version_mut() = Version::HTTP_11;
        let status = response.status();
        if !(200..600).contains(&status.as_u16()) {
            return Err(Fault::Status(status.as_u16()));
        }
        let declared = check_headers(response.headers_mut())?;
        if is_without_content(status) {
            return without_content(response, declared);
        }
        let size = response.body().size_hint();
        match (declared, size.exact()) {
            // The body of a GET may be left out of the answer to a HEAD.
            (Some(_), Some(0)) if self.method == Method::HEAD => {}
            (Some(declared), Some(actual)) if declared != actual => {
                return Err(Fault::Length { declared, actual });
            }
            (Some(declared), None) if size.lower() > declared => {
                let actual = size.lower();
                return Err(Fault::TooLong { declared, actual });
            }
            _ => {}
        }
        let length = declared.or(size.exact());
        if self.method == Method::HEAD {
            return Ok(without_body(response, length));
        }
        Ok(Framing {
            length,
            empty: false,
            open: length.is_none(),
        })
    }
}

/// Checks what an application adds to the response that accepts a WebSocket.
pub(crate) fn check_accept(accept: &Accept) -> Result<(), Fault> {
    const SERVERS: [HeaderName; 7] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::SEC_WEBSOCKET_ACCEPT,
        header::SEC_WEBSOCKET_EXTENSIONS,
        header::SEC_WEBSOCKET_PROTOCOL,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    if let Some(name) = &accept.subprotocol
        && HeaderValue::try_from(name).is_err()
    {
        return Err(Fault::Subprotocol(name.clone()));
    }
    let own = SERVERS
        .iter()
        .find_map(|name| Some((name, accept.headers.get(name)?)));
    own.map_or(Ok(()), |(name, value)| {
        Err(Fault::Accept(name.clone(), value.clone()))
    })
}

/// RFC 9110 §15.3.5, §15.3.6 and §15.4.5.
fn is_without_content(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    )
}

fn without_content(
    response: &mut Response<ExchangeBody>,
    declared: Option<u64>,
) -> Result<Framing, Fault> {
    let status = response.status();
    let actual = response.body().size_hint().lower();
    if actual > 0 {
        let status = status.as_u16();
        return Err(Fault::NoContent { status, actual });
    }
    if let Some(declared) = declared {
        // That of a 304 is the length of what the client has.
        if status != StatusCode::NOT_MODIFIED && declared > 0 {
            return Err(Fault::Length {
                declared,
                actual: 0,
            });
        }
        if status != StatusCode::RESET_CONTENT {
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
    }
    Ok(Framing {
        empty: response.body().size_hint().exact() != Some(0),
        ..Framing::default()
    })
}

/// The answer to a HEAD keeps its length alone.
fn without_body(response: &mut Response<ExchangeBody>, length: Option<u64>) -> Framing {
    if let Some(length) = length.filter(|length| *length > 0) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
    }
    *response.body_mut() = ExchangeBody::default();
    Framing::default()
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Refuses headers that only the server may send, and returns the length that the others state. Looks at each header
/// once, since it runs for every response.
fn check_headers(headers: &mut HeaderMap) -> Result<Option<u64>, Fault> {
    let (mut declared, mut lengths, mut codings) = (None, 0, 0);
    for (name, value) in &*headers {
        match *name {
            header::CONTENT_LENGTH => {
                declared = Some(same_length(declared, value)?);
                lengths += 1;
            }
            header::CONNECTION if consists_of(value, &["close", "keep-alive", "upgrade"]) => {}
            // What servers are told to ignore.
            header::TRANSFER_ENCODING if consists_of(value, &["chunked", "identity"]) => {
                codings += 1;
            }
            header::CONNECTION | header::TRANSFER_ENCODING | header::TE => {
                return Err(Fault::Hop(name.clone(), value.clone()));
            }
            _ if *name == KEEP_ALIVE || *name == PROXY_CONNECTION => {
                return Err(Fault::Hop(name.clone(), value.clone()));
            }
            _ => {}
        }
    }
    if codings > 0 {
        headers.remove(header::TRANSFER_ENCODING);
    }
    if let Some(length) = declared
        && lengths > 1
    {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(declared)
}

fn consists_of(value: &HeaderValue, known: &[&str]) -> bool {
    let mut tokens = value.as_bytes().split(|byte| *byte == b',');
    tokens.all(|token| {
        let token = token.trim_ascii();
        known
            .iter()
            .any(|known| token.eq_ignore_ascii_case(known.as_bytes()))
    })
}

/// A length that agrees with one that was stated before.
fn same_length(before: Option<u64>, value: &HeaderValue) -> Result<u64, Fault> {
    let length = parse_length(value).ok_or_else(|| Fault::LengthValue(value.clone()))?;
    match before {
        Some(before) if before != length => Err(Fault::Lengths(before, length)),
        _ => Ok(length),
    }
}

/// Digits only, and no more than hyper can count.
fn parse_length(value: &HeaderValue) -> Option<u64> {
    const LARGEST: u64 = u64::MAX - 2;
    let digits = value.to_str().ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let length = digits.parse().ok().filter(|_| is_number)?;
    (length <= LARGEST).then_some(length)
}
