//! What a request must be, beyond what hyper sees to.

use http::{Method, Request, StatusCode, Uri, Version, header, uri::Authority};

use crate::HttpLimits;

/// Checks a request's head; the status is that of the refusal.
pub(super) fn check<B>(request: &Request<B>, limits: &HttpLimits) -> Result<(), StatusCode> {
    check_target(request, limits)?;
    check_host(request)?;
    check_codings(request)?;
    check_length(request, limits)
}

/// RFC 9112 §3.2: only CONNECT names an authority, only OPTIONS the whole server.
fn check_target<B>(request: &Request<B>, limits: &HttpLimits) -> Result<(), StatusCode> {
    let uri = request.uri();
    if target_length(uri) > limits.target {
        return Err(StatusCode::URI_TOO_LONG);
    }
    match *request.method() {
        // No tunnels here (RFC 9110 §15.6.2).
        Method::CONNECT => Err(StatusCode::NOT_IMPLEMENTED),
        Method::OPTIONS if uri.path() == "*" => Ok(()),
        _ if uri.path().starts_with('/') => Ok(()),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

/// The bytes of a target as it came, of which hyper takes 65,534.
fn target_length(uri: &Uri) -> usize {
    let scheme = uri
        .scheme_str()
        .map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let query = uri.query().map_or(0, |query| query.len() + "?".len());
    scheme + authority + uri.path().len() + query
}

/// RFC 9112 §3.2: an HTTP/1.1 request without a Host field, with several, or with one that is no authority is bad.
fn check_host<B>(request: &Request<B>) -> Result<(), StatusCode> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        (Some(host), None) if is_authority(host.as_bytes()) => Ok(()),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

/// A host and an optional port; empty where the target has no authority (RFC 9110 §7.2).
fn is_authority(host: &[u8]) -> bool {
    host.is_empty()
        || is_plain(host)
        || (!host.contains(&b'@')
            && Authority::try_from(host).is_ok_and(|authority| has_port_or_none(&authority)))
}

/// What nearly every client sends, told without parsing it: a name or an IPv4 address, and up to four digits of port.
fn is_plain(host: &[u8]) -> bool {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let name = host.iter().take_while(|byte| is_of_name(byte)).count();
    match host.split_at(name) {
        ([], _) => false,
        (_, []) => true,
        (_, rest) => {
            matches!(rest, [b':', port @ ..] if port.len() <= 4 && port.iter().all(u8::is_ascii_digit))
        }
    }
}

/// RFC 3986 §3.2.3: a port is a number, and may be empty.
fn has_port_or_none(authority: &Authority) -> bool {
    let port = authority.as_str()[authority.host().len()..].strip_prefix(':');
    port.is_none_or(|port| {
        port.is_empty()
            || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
    })
}

/// RFC 9112 §6.1 and §7: chunked comes last, which hyper sees to, and once; no other coding is undone here, and a body
/// still in one would be taken for what it stands for.
fn check_codings<B>(request: &Request<B>) -> Result<(), StatusCode> {
    let values = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let mut codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let Some(first) = codings.next() else {
        return Ok(());
    };
    match (is_chunked(first), codings.next()) {
        (true, None) => Ok(()),
        (true, Some(_)) => Err(StatusCode::BAD_REQUEST),
        (false, _) => Err(StatusCode::NOT_IMPLEMENTED),
    }
}

fn is_chunked(coding: &[u8]) -> bool {
    coding.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

/// A body that announces its size is refused before it is read.
fn check_length<B>(request: &Request<B>, limits: &HttpLimits) -> Result<(), StatusCode> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits.body) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(request: http::request::Builder) -> Option<u16> {
        let limits = HttpLimits::default().target(100).body(10);
        check(&request.body(()).unwrap(), &limits)
            .err()
            .map(|status| status.as_u16())
    }

    fn get(target: &str) -> http::request::Builder {
        Request::get(target).header("host", "example.org")
    }

    #[test]
    fn ordinary_requests_pass() {
        assert_eq!(status(get("/")), None);
        assert_eq!(status(get("http://example.org/absolute")), None);
        assert_eq!(status(Request::options("*").header("host", "")), None);
        assert_eq!(status(Request::get("/").version(Version::HTTP_10)), None);
        assert_eq!(status(get("/").header("content-length", "10")), None);
        for host in ["[::1]:8000", "x:", "x:65535"] {
            assert_eq!(status(Request::get("/").header("host", host)), None);
        }
        assert_eq!(
            status(get("/").header("transfer-encoding", "Chunked")),
            None
        );
    }

    #[test]
    fn only_chunked_is_undone_and_only_once() {
        let coded = |coding| status(get("/").header("transfer-encoding", coding));

        assert_eq!(coded("chunked, chunked"), Some(400));
        assert_eq!(coded("gzip, chunked"), Some(501));
        let twice = get("/").header("transfer-encoding", "chunked");
        assert_eq!(
            status(twice.header("transfer-encoding", "chunked")),
            Some(400)
        );
    }

    #[test]
    fn bad_requests_get_the_status_of_their_fault() {
        assert_eq!(status(Request::get("/")), Some(400));
        assert_eq!(status(get("/").header("host", "two")), Some(400));
        assert_eq!(status(Request::get("/").header("host", "a b")), Some(400));
        assert_eq!(
            status(Request::get("/").header("host", "user@example.org")),
            Some(400)
        );
        for host in ["x:port", "x:70000", "[::1]:+1"] {
            assert_eq!(status(Request::get("/").header("host", host)), Some(400));
        }
        assert_eq!(status(get("*")), Some(400));
        assert_eq!(status(get(&format!("/{}", "x".repeat(100)))), Some(414));
        assert_eq!(status(get("/").header("content-length", "11")), Some(413));
        assert_eq!(
            status(
                Request::builder()
                    .method("CONNECT")
                    .uri("example.org:80")
                    .header("host", "x")
            ),
            Some(501)
        );
    }
}
