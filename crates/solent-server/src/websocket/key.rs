//! What a handshake request must be: RFC 6455 §4.2.1.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version, header};
use tungstenite::handshake::derive_accept_key;

use super::Refusal;

/// Whether a request asks for a WebSocket.
pub(crate) fn is_upgrade<B>(request: &Request<B>) -> bool {
    has_token(request.headers(), &header::UPGRADE, "websocket")
}

/// Whether a request asks for a WebSocket in all but the header that says so, as it does behind a proxy that drops it.
pub(crate) fn is_stripped<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    request.method() == Method::GET
        && headers.contains_key(header::SEC_WEBSOCKET_KEY)
        && headers.contains_key(header::SEC_WEBSOCKET_VERSION)
}

/// Checks a handshake request and returns the value of `Sec-WebSocket-Accept`.
pub(super) fn accept_key<B>(request: &Request<B>) -> Result<HeaderValue, Refusal> {
    if request.method() != Method::GET {
        return Err(Refusal::Method);
    }
    let headers = request.headers();
    if request.version() != Version::HTTP_11 {
        return Err(Refusal::Version);
    }
    if !is_upgrade(request) {
        return Err(Refusal::Upgrade);
    }
    if !has_token(headers, &header::CONNECTION, "upgrade") {
        return Err(Refusal::Connection);
    }
    if single(headers, &header::SEC_WEBSOCKET_VERSION) != Some(b"13") {
        return Err(Refusal::WebSocketVersion);
    }
    single(headers, &header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_nonce(key))
        .and_then(|key| HeaderValue::try_from(derive_accept_key(key)).ok())
        .ok_or(Refusal::Key)
}

/// The value of a header that must be there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

/// Sixteen bytes in base64: 22 characters, of which the last one carries two bits, and two of padding.
fn is_nonce(key: &[u8]) -> bool {
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key, [rest @ .., last, b'=', b'='] if rest.len() == 21 && rest.iter().all(base64) && b"AQgw".contains(last))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> http::request::Builder {
        Request::get("/")
            .header("upgrade", "WebSocket")
            .header("connection", "keep-alive, Upgrade")
            .header("sec-websocket-version", "13")
    }

    fn status(request: http::request::Builder) -> Result<HeaderValue, u16> {
        accept_key(&request.body(()).unwrap()).map_err(|refusal| refusal.status().as_u16())
    }

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn example_of_the_rfc_is_accepted() {
        assert_eq!(
            status(request().header("sec-websocket-key", KEY)).unwrap(),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn faulty_handshakes_get_the_status_of_their_fault() {
        let with_key = || request().header("sec-websocket-key", KEY);
        assert_eq!(status(with_key().method("POST")), Err(405));
        assert_eq!(status(with_key().version(Version::HTTP_10)), Err(426));
        assert_eq!(
            status(with_key().header("sec-websocket-version", "8")),
            Err(426)
        );
        assert_eq!(
            status(with_key().header("sec-websocket-key", KEY)),
            Err(400)
        );
        assert_eq!(status(request()), Err(400));
        for key in [
            "",
            "x",
            "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "!!hlIHNhbXBsZSBub25jZQ==",
        ] {
            assert_eq!(
                status(request().header("sec-websocket-key", key)),
                Err(400),
                "{key}"
            );
        }
        let bare = Request::get("/")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13");
        assert_eq!(status(bare.header("sec-websocket-key", KEY)), Err(426));
    }
}
