//! What is no request, byte by byte: RFC 9110, RFC 9112 and RFC 6455.

use solent_server::{HttpLimits, Server, ServerConfig};
use solent_spec::{
    Connection, Http, RequestScope, Result, SendError, WebSocket,
    http::{Inbound, Outbound},
    websocket,
};
use solent_test_servers::Log;

use super::{
    frames::handshake,
    served::Served,
    wire::{Response, get},
};

/// Reads the body and answers with method and path, or gives up with a body that breaks off.
async fn reading(mut connection: Connection<Http>) -> Result {
    loop {
        match connection.receive().await {
            Some(Inbound::Body { more: true, .. }) => {}
            Some(Inbound::Body { more: false, .. }) => break,
            _ => return Err(SendError::Closed.into()),
        }
    }
    let scope = connection.scope();
    let answer = format!("{} {}", scope.head().method(), scope.path());
    connection.send(Outbound::text(answer)).await?;
    Ok(())
}

/// Ends without a word when the client is gone, as consumers do.
async fn ends(mut connection: Connection<Http>) -> Result {
    match connection.receive().await {
        Some(Inbound::Disconnect) => Ok(()),
        _ => Box::pin(ends(connection)).await,
    }
}

async fn accepting(mut connection: Connection<WebSocket>) -> Result {
    connection.send(websocket::Outbound::accept()).await?;
    Ok(())
}

async fn start() -> Served {
    let limits = HttpLimits::default().target(1_000).headers(50);
    let server = Server::new(ServerConfig::default().http(limits))
        .http(reading)
        .websocket(accepting);
    Served::start(server).await
}

/// A GET request with these field lines, each with its line end.
fn with(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: example.org\r\n{fields}\r\n")
}

/// A POST request with these field lines, each with its line end, and this body.
fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: example.org\r\n{fields}\r\n{body}")
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

/// The server may also end the connection without an answer.
const CLOSES: u16 = 0;

/// Sends `request` and nothing more, and returns the only answer; none if the connection just ends.
async fn only_answer(served: &Served, request: &[u8]) -> Option<Response> {
    let mut wire = served.connect().await;
    wire.try_send(request).await;
    wire.finish().await;
    let (status, head) = wire.try_head().await?;
    Some(Response::bare(status, head, wire.rest().await))
}

/// Sends each request with another one right behind it, which nobody must answer, and looks for the status.
async fn check(rows: &[(&str, u16, Vec<u8>)]) {
    let served = start().await;
    let mut failures = Vec::new();
    for (name, status, request) in rows {
        let request = [request, get("/smuggled").as_bytes()].concat();
        let answer = only_answer(&served, &request).await;
        let seen = answer.as_ref().map_or(CLOSES, |answer| answer.status);
        if seen != *status {
            failures.push(format!("{name}: expected {status}, saw {seen}"));
        }
        let text = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
        if text.is_some_and(|text| text.contains("smuggled") || text.contains("HTTP/1.1")) {
            failures.push(format!("{name}: what follows was answered"));
        }
        let alive = served.ask(get("/alive")).await.response().await;
        assert_eq!(alive.text(), "GET /alive", "after {name}");
    }
    assert!(failures.is_empty(), "{failures:#?}");
    served.end().await;
}

macro_rules! rows {
    ($($name:literal => $status:expr, $request:expr;)*) => {
        &[$(($name, $status, Vec::from($request))),*]
    };
}

#[tokio::test]
async fn malformed_request_lines() {
    check(rows! {
        "nothing but a word" => 400, "hello\r\n\r\n";
        "TLS on a plain port" => 400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n";
        "preface of HTTP/2" => CLOSES, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        "HTTP/2.0" => 400, "GET / HTTP/2.0\r\nHost: x\r\n\r\n";
        "HTTP/1.2" => 400, "GET / HTTP/1.2\r\nHost: x\r\n\r\n";
        "HTTP/0.9" => 400, "GET /\r\n\r\n";
        "version in lower case" => 400, "GET / http/1.1\r\nHost: x\r\n\r\n";
        "version without minor" => 400, "GET / HTTP/1\r\nHost: x\r\n\r\n";
        "version with junk" => 400, "GET / HTTP/1.1x\r\nHost: x\r\n\r\n";
        "version of another protocol" => 400, "GET / ICAP/1.0\r\nHost: x\r\n\r\n";
        "no method" => 400, " / HTTP/1.1\r\nHost: x\r\n\r\n";
        "method with a colon" => 400, "GE:T / HTTP/1.1\r\nHost: x\r\n\r\n";
        "method with NUL" => 400, "GE\0T / HTTP/1.1\r\nHost: x\r\n\r\n";
        "method beyond ASCII" => 400, "GÉT / HTTP/1.1\r\nHost: x\r\n\r\n";
        "two spaces before the target" => 400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n";
        "two spaces before the version" => 400, "GET /  HTTP/1.1\r\nHost: x\r\n\r\n";
        "tab for a space" => 400, "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n";
        "space in the target" => 400, "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n";
        "NUL in the target" => 400, "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n";
        "bare CR in the target" => 400, "GET /\rx HTTP/1.1\r\nHost: x\r\n\r\n";
        "delete in the target" => 400, "GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n";
        "relative target" => 400, "GET index HTTP/1.1\r\nHost: x\r\n\r\n";
        "empty target" => 400, "GET  HTTP/1.1\r\nHost: x\r\n\r\n";
        "authority as target" => 400, "GET example.org:80 HTTP/1.1\r\nHost: x\r\n\r\n";
        "asterisk for GET" => 400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n";
        "absolute target without host" => 400, "GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n";
        "broken absolute target" => 400, "GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n";
        "path that is not UTF-8" => 400, "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n";
        "tunnel" => 501, "CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n";
        "target over the limit" => 414, get(&format!("/{}", "x".repeat(2_000)));
        "target over any limit" => 414, get(&format!("/{}", "x".repeat(30_000)));
    })
    .await;
}

#[tokio::test]
async fn malformed_header_fields() {
    check(rows! {
        "no Host" => 400, "GET / HTTP/1.1\r\n\r\n";
        "two Hosts" => 400, with("Host: example.com\r\n");
        "the same Host twice" => 400, with("Host: example.org\r\n");
        "Host with a path" => 400, "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n";
        "Host with a user" => 400, "GET / HTTP/1.1\r\nHost: me@x\r\n\r\n";
        "Host with a space" => 400, "GET / HTTP/1.1\r\nHost: x y\r\n\r\n";
        "list of Hosts" => 400, "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n";
        "Host with a bad port" => 400, "GET / HTTP/1.1\r\nHost: x:port\r\n\r\n";
        "Host with a port too large" => 400, "GET / HTTP/1.1\r\nHost: x:70000\r\n\r\n";
        "space before the colon" => 400, with("X-Space : y\r\n");
        "tab before the colon" => 400, with("X-Tab\t: y\r\n");
        "no colon" => 400, with("X-Nothing\r\n");
        "no name" => 400, with(": y\r\n");
        "name with a space" => 400, with("X Y: z\r\n");
        "name beyond ASCII" => 400, with("X-É: y\r\n");
        "name with NUL" => 400, with("X\0: y\r\n");
        "name with parentheses" => 400, with("X(): y\r\n");
        "first field that is folded" => 400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n";
        "field that goes on in the next line" => 400, with("X-Fold: a\r\n b\r\n");
        "field that goes on after a tab" => 400, with("X-Fold: a\r\n\tb\r\n");
        "NUL in a value" => 400, with("X: a\0b\r\n");
        "bare CR in a value" => 400, with("X: a\rb\r\n");
        "CR before CRLF" => 400, with("X: a\r\r\n");
        "escape in a value" => 400, with("X: \x1b[2J\r\n");
        "too many fields" => 431, with(&"X: y\r\n".repeat(60));
        "huge field" => 431, with(&format!("X: {}\r\n", "y".repeat(100_000)));
        "endless field" => 431, format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(100_000));
    })
    .await;
}

#[tokio::test]
async fn bodies_whose_end_is_in_doubt() {
    check(rows! {
        "length that is no number" => 400, post("Content-Length: ten\r\n", "");
        "empty length" => 400, post("Content-Length:\r\n", "");
        "negative length" => 400, post("Content-Length: -1\r\n", "");
        "length with a sign" => 400, post("Content-Length: +2\r\n", "ab");
        "length in hexadecimal" => 400, post("Content-Length: 0x2\r\n", "ab");
        "length beyond 64 bits" => 400, post("Content-Length: 99999999999999999999\r\n", "");
        "two lengths" => 400, post("Content-Length: 2\r\nContent-Length: 3\r\n", "abc");
        "list of lengths" => 400, post("Content-Length: 2, 3\r\n", "abc");
        "length with a fraction" => 400, post("Content-Length: 2.0\r\n", "ab");
        "length over the limit" => 413, post("Content-Length: 4194305\r\n", "");
        "largest length" => 413, post("Content-Length: 18446744073709551613\r\n", "");
        "coding that is unknown" => 400, post("Transfer-Encoding: zip\r\n", "");
        "coding identity" => 400, post("Transfer-Encoding: identity\r\n", "");
        "empty coding" => 400, post("Transfer-Encoding:\r\n", "");
        "chunked not last" => 400, post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n");
        "chunked undone by another line" => 400,
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n");
        "chunked with junk" => 400, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n");
        "chunked in quotes" => 400, post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n");
        "chunked with a vertical tab" => 400, post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n");
        "chunked twice" => 400, post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n");
        "chunked on two lines" => 400,
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n");
        "coding before chunked" => 501, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n");
        "coding in HTTP/1.0" => 400,
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        "length, then chunked" => 200,
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n");
        "chunked, then length" => 200,
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n");
    })
    .await;
}

#[tokio::test]
async fn bodies_in_broken_chunks() {
    check(rows! {
        "size that is no number" => 400, chunked("z\r\n");
        "empty size" => 400, chunked("\r\nab\r\n0\r\n\r\n");
        "size with a sign" => 400, chunked("+2\r\nab\r\n0\r\n\r\n");
        "negative size" => 400, chunked("-2\r\nab\r\n0\r\n\r\n");
        "size with a prefix" => 400, chunked("0x2\r\nab\r\n0\r\n\r\n");
        "size with an underscore" => 400, chunked("1_0\r\n0123456789abcdef\r\n0\r\n\r\n");
        "size beyond 64 bits" => 400, chunked("fffffffffffffffff\r\nab\r\n0\r\n\r\n");
        "size that wraps around" => 400, chunked("10000000000000002\r\nab\r\n0\r\n\r\n");
        "size with a line end of LF" => 400, chunked("2\nab\r\n0\r\n\r\n");
        "size with a bare CR" => 400, chunked("2\rxab\r\n0\r\n\r\n");
        "chunk that is longer than its size" => 400, chunked("2\r\nabc\r\n0\r\n\r\n");
        "chunk that ends with LF" => 400, chunked("2\r\nab\n0\r\n\r\n");
        "extension with a line end of LF" => 400, chunked("2;x\nab\r\n0\r\n\r\n");
        "endless extension" => 400, chunked(&format!("2;{}\r\nab\r\n0\r\n\r\n", "x".repeat(50_000)));
        "broken trailer" => 400, chunked("0\r\nX Y: z\r\n\r\n");
        "endless trailer" => 400, chunked(&format!("0\r\nX: {}\r\n\r\n", "y".repeat(50_000)));
    })
    .await;
}

/// Each is answered, and so is the request behind it.
#[tokio::test]
async fn odd_requests_that_the_rules_allow() {
    let served = start().await;
    let rows: &[(&str, &str, String)] = &[
        (
            "empty lines first",
            "GET /",
            format!("\r\n\r\n{}", get("/")),
        ),
        (
            "line ends of LF",
            "GET /",
            "GET / HTTP/1.1\nHost: x\n\n".into(),
        ),
        (
            "empty Host",
            "GET /",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n".into(),
        ),
        (
            "Host of an IPv6 address",
            "GET /",
            "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n".into(),
        ),
        (
            "Host with an empty port",
            "GET /",
            "GET / HTTP/1.1\r\nHost: x:\r\n\r\n".into(),
        ),
        (
            "whole server",
            "OPTIONS *",
            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".into(),
        ),
        (
            "method of one's own",
            "PURGE /",
            "PURGE / HTTP/1.1\r\nHost: x\r\n\r\n".into(),
        ),
        (
            "absolute target",
            "GET /a",
            "GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n".into(),
        ),
        ("half a percent code", "GET /%4", get("/%4")),
        ("percent code of no digits", "GET /%zz", get("/%zz")),
        ("dots", "GET /a/../b", get("/a/../b")),
        ("two slashes", "GET //a", get("//a")),
        ("no space after the colon", "GET /", with("X:y\r\n")),
        ("tab round a value", "GET /", with("X:\ty\t\r\n")),
        ("empty value", "GET /", with("X:\r\n")),
        ("value beyond ASCII", "GET /", with("X: é\r\n")),
        (
            "the same length twice",
            "POST /",
            post("Content-Length: 2\r\nContent-Length: 2\r\n", "ab"),
        ),
        (
            "body of a GET",
            "GET /",
            with("Content-Length: 2\r\n") + "ab",
        ),
        (
            "chunked in capitals",
            "POST /",
            post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
        ),
        (
            "chunk extensions",
            "POST /",
            chunked("2;a=\"b\";c\r\nab\r\n0;d\r\n\r\n"),
        ),
        (
            "size with zeros",
            "POST /",
            chunked("0002\r\nab\r\n000\r\n\r\n"),
        ),
        ("trailers", "POST /", chunked("0\r\nX: y\r\n\r\n")),
        (
            "expectation that is unknown",
            "GET /",
            with("Expect: nothing\r\n"),
        ),
        (
            "upgrade to something else",
            "GET /",
            with("Upgrade: h2c\r\nConnection: Upgrade\r\n"),
        ),
    ];

    for (name, answer, request) in rows {
        let mut wire = served.ask(request.clone() + &get("/behind")).await;
        let response = wire.response().await;
        assert_eq!((response.status, response.text()), (200, *answer), "{name}");
        assert_eq!(wire.response().await.text(), "GET /behind", "{name}");
    }

    served.end().await;
}

/// A handshake in which one field line is another one, or absent.
fn handshake_but(old: &str, new: &str) -> String {
    let whole = handshake("/", "");
    assert!(whole.contains(old));
    whole.replace(old, new)
}

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

#[tokio::test]
async fn malformed_handshakes() {
    let key = |key: &str| handshake_but("dGhlIHNhbXBsZSBub25jZQ==", key);
    let version = |version: &str| handshake_but("Version: 13", &format!("Version: {version}"));
    let served = start().await;
    let rows: &[(&str, u16, String)] = &[
        ("POST", 405, handshake_but("GET", "POST")),
        ("HEAD", 405, handshake_but("GET", "HEAD")),
        ("HTTP/1.0", 426, handshake_but("HTTP/1.1", "HTTP/1.0")),
        ("no Host", 400, handshake_but("Host: example.org\r\n", "")),
        (
            "no Connection",
            426,
            handshake_but("Connection: Upgrade\r\n", ""),
        ),
        (
            "Connection without upgrade",
            426,
            handshake_but("Connection: Upgrade", "Connection: keep-alive"),
        ),
        (
            "no Upgrade",
            426,
            handshake_but("Upgrade: websocket\r\n", ""),
        ),
        (
            "upgrade to something else",
            426,
            handshake_but("Upgrade: websocket", "Upgrade: h2c"),
        ),
        ("body", 400, handshake("/", "Content-Length: 2\r\n") + "ab"),
        (
            "body in chunks",
            400,
            handshake("/", "Transfer-Encoding: chunked\r\n") + "2\r\nab\r\n0\r\n\r\n",
        ),
        (
            "empty body in chunks",
            400,
            handshake("/", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
        ),
        ("no key", 400, handshake_but(KEY, "")),
        ("two keys", 400, handshake("/", KEY)),
        ("empty key", 400, key("")),
        ("short key", 400, key("dGhlIHNhbXBsZQ==")),
        ("long key", 400, key("dGhlIHNhbXBsZSBub25jZSE=")),
        ("key without padding", 400, key("dGhlIHNhbXBsZSBub25jZQ")),
        (
            "key that is not base64",
            400,
            key("dGhlIHNhbXBsZSBub25jZ-=="),
        ),
        ("key with stray bits", 400, key("dGhlIHNhbXBsZSBub25jZR==")),
        ("no version", 426, handshake_but(VERSION, "")),
        ("two versions", 426, handshake("/", VERSION)),
        ("version of a draft", 426, version("8")),
        ("list of versions", 426, version("13, 8")),
        ("version with a zero", 426, version("013")),
        ("version to come", 426, version("14")),
        (
            "path that is not UTF-8",
            400,
            handshake_but("GET /", "GET /%ff"),
        ),
    ];

    for (name, status, request) in rows {
        let mut wire = served.ask(request).await;
        let (seen, head) = wire.head().await;
        assert_eq!(seen, *status, "{name}");
        if seen == 426 {
            assert_eq!(head.get("sec-websocket-version"), Some("13"), "{name}");
            assert_eq!(head.get("upgrade"), Some("websocket"), "{name}");
        }
        if seen == 405 {
            assert_eq!(head.get("allow"), Some("GET"), "{name}");
        }
        let alive = served.ask(handshake("/", "")).await.head().await;
        assert_eq!(alive.0, 101, "after {name}");
    }

    served.end().await;
}

#[tokio::test]
async fn odd_handshakes_that_the_rules_allow() {
    let served = start().await;
    let rows: &[(&str, String)] = &[
        (
            "capitals",
            handshake_but("Upgrade: websocket", "UPGRADE: WebSocket"),
        ),
        (
            "list of connection options",
            handshake_but("Connection: Upgrade", "Connection: keep-alive, UPGRADE"),
        ),
        (
            "two Connection lines",
            handshake("/", "Connection: keep-alive\r\n"),
        ),
        (
            "list of protocols to upgrade to",
            handshake_but("Upgrade: websocket", "Upgrade: h2c, websocket"),
        ),
        (
            "absolute target",
            handshake_but("GET /", "GET http://example.org/"),
        ),
        (
            "extension that is unknown",
            handshake("/", "Sec-WebSocket-Extensions: x-unknown; a=b\r\n"),
        ),
        (
            "extensions that are no list",
            handshake("/", "Sec-WebSocket-Extensions: ;;=,\"\r\n"),
        ),
        (
            "offer of compression that is broken",
            handshake(
                "/",
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n",
            ),
        ),
        (
            "subprotocols",
            handshake("/", "Sec-WebSocket-Protocol: a, b\r\n"),
        ),
        ("no bytes of body", handshake("/", "Content-Length: 0\r\n")),
    ];

    for (name, request) in rows {
        let (status, head) = served.ask(request).await.head().await;
        assert_eq!(status, 101, "{name}");
        assert_eq!(
            head.get("sec-websocket-accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        assert_eq!(head.get("sec-websocket-extensions"), None, "{name}");
        assert_eq!(head.get("sec-websocket-protocol"), None, "{name}");
    }

    served.end().await;
}

#[tokio::test]
async fn client_is_to_blame_for_a_broken_body_whatever_the_application_makes_of_it() {
    blamed(start().await).await;
    blamed(Served::start(Server::new(ServerConfig::default()).http(ends)).await).await;
}

/// Sends bodies that break off. Each is a 400, and no error of the application.
async fn blamed(served: Served) {
    let log = Log::new();

    for request in [
        chunked("z\r\n"),
        chunked("5\r\nab"),
        post("Content-Length: 10\r\n", "half"),
    ] {
        let answer = only_answer(&served, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 400, "{request}");
        assert_eq!(answer.header("connection"), Some("close"), "{request}");
    }

    served.end().await;
    let text = log.text();
    assert!(!text.contains("ERROR"), "{text}");
    assert!(
        text.contains("request body is malformed or incomplete"),
        "{text}"
    );
}

#[tokio::test]
async fn proxy_that_drops_a_header_of_a_handshake_is_named_once() {
    let log = Log::new();
    let served = start().await;

    for _ in 0..3 {
        let request = handshake_but("Upgrade: websocket\r\n", "");
        let response = served.ask(request).await.response().await;
        assert_eq!(response.status, 426);
        assert!(response.text().contains("`Upgrade: websocket` is missing"));
    }

    served.end().await;
    let text = log.text();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("WebSocket handshake refused"))
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{text}");
    assert!(
        warnings[0].contains("proxy_set_header Upgrade $http_upgrade"),
        "{text}"
    );
}
