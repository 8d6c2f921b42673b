//! What an application says about its own response: nothing that is wrong reaches the wire.

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use solent_server::{Server, ServerConfig};
use solent_spec::{
    Body, Connection, Http, RequestScope, Result, WebSocket,
    http::{Outbound, ResponseStart},
    websocket::{self, Accept},
};
use solent_test_servers::Log;
use tokio::sync::Notify;

use super::{frames::handshake, served::Served, wire::get};

/// The response that a path asks for: a status, header lines and a body, separated by bars.
fn asked(path: &str) -> Response<Body> {
    let mut parts = path.trim_start_matches('/').split('|');
    let status: u16 = parts.next().unwrap().parse().unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for field in parts
        .next()
        .unwrap()
        .split('&')
        .filter(|field| !field.is_empty())
    {
        let (name, value) = field.split_once('=').unwrap();
        let name = name.parse::<header::HeaderName>().unwrap();
        response.headers_mut().append(name, value.parse().unwrap());
    }
    *response.body_mut() = parts.next().unwrap().to_owned().into();
    response
}

/// Answers with what the path asks for, whole.
async fn whole(mut connection: Connection<Http>) -> Result {
    let response = asked(connection.scope().path());
    connection.send(response.into()).await?;
    Ok(())
}

/// The same as [`whole`], as events.
async fn in_events(mut connection: Connection<Http>) -> Result {
    let (head, body) = asked(connection.scope().path()).into_parts();
    let mut start = ResponseStart::new(head.status);
    start.headers = head.headers;
    connection.send(start.into()).await?;
    let body = body.as_full().unwrap().to_vec();
    connection.send(Outbound::chunk(body)).await?;
    tokio::task::yield_now().await;
    connection.send(Outbound::end("")).await?;
    Ok(())
}

/// Refuses a handshake with what the path asks for.
async fn denying(mut connection: Connection<WebSocket>) -> Result {
    let response = asked(connection.scope().path());
    connection
        .send(websocket::Outbound::Respond(Box::new(response)))
        .await?;
    Ok(())
}

/// A response, and two things that the log has to say of it.
const FAULTY: &[(&str, [&str; 2])] = &[
    ("/100||", ["100", "200 to 599"]),
    ("/101||", ["101", "200 to 599"]),
    ("/103||", ["103", "200 to 599"]),
    ("/199||", ["199", "200 to 599"]),
    ("/600||", ["600", "200 to 599"]),
    ("/999||", ["999", "200 to 599"]),
    ("/200|content-length=3|hello", ["is 3", "5 bytes"]),
    ("/200|content-length=x|hello", ["\"x\"", "no number"]),
    (
        "/200|content-length=%2B5|hello",
        ["no number", "Content-Length"],
    ),
    ("/200|content-length=5,5|hello", ["\"5,5\"", "no number"]),
    ("/200|content-length=5&content-length=6|hello", ["5", "6"]),
    (
        "/200|transfer-encoding=gzip|hello",
        ["transfer-encoding", "gzip"],
    ),
    (
        "/200|transfer-encoding=gzip,chunked|hello",
        ["transfer-encoding", "gzip"],
    ),
    (
        "/200|connection=content-length|hello",
        ["connection", "content-length"],
    ),
    ("/200|keep-alive=timeout|hello", ["keep-alive", "timeout"]),
    ("/204||hello", ["204", "5 bytes"]),
    ("/204|content-length=5|", ["is 5", "0 bytes"]),
    ("/205||hello", ["205", "5 bytes"]),
    ("/304||hello", ["304", "5 bytes"]),
];

/// Asks for each faulty response, and for a good one behind it on the same connection.
async fn check(server: Server, request: impl Fn(&str) -> String, good: u16) {
    let log = Log::new();
    let served = Served::start(server).await;

    for (path, words) in FAULTY {
        let path = path.replace("%2B", "+");
        let mut wire = served.connect().await;
        for path in [path.as_str(), "/404||good"] {
            wire.send(request(path)).await;
            let expected = if path == "/404||good" { good } else { 500 };
            assert_eq!(wire.response().await.status, expected, "{path}");
        }
        let text = log.text();
        let line = text.lines().rfind(|line| line.contains("ERROR"));
        let line = line.unwrap_or_default();
        assert!(line.contains(&format!("path=\"{path}\"")), "{path}: {line}");
        for word in words {
            assert!(line.contains(word), "{path}: {line}");
        }
    }

    served.end().await;
}

#[tokio::test]
async fn whole_response_that_contradicts_itself_is_500() {
    check(Server::new(ServerConfig::default()).http(whole), get, 404).await;
}

#[tokio::test]
async fn response_in_events_that_contradicts_itself_is_500() {
    check(
        Server::new(ServerConfig::default()).http(in_events),
        get,
        404,
    )
    .await;
}

#[tokio::test]
async fn refusal_of_a_handshake_that_contradicts_itself_is_500() {
    let server = Server::new(ServerConfig::default()).websocket(denying);
    check(server, |path| handshake(path, ""), 404).await;
}

#[tokio::test]
async fn lengths_that_agree_pass() {
    let served = Served::start(Server::new(ServerConfig::default()).http(whole)).await;
    let mut wire = served.connect().await;
    let rows = [
        ("GET", "/200|content-length=5|hello", Some("5"), "hello"),
        (
            "GET",
            "/200|content-length=5&content-length=5|hello",
            Some("5"),
            "hello",
        ),
        (
            "GET",
            "/200|transfer-encoding=chunked|hello",
            Some("5"),
            "hello",
        ),
        ("HEAD", "/200|content-length=5|hello", Some("5"), ""),
        ("HEAD", "/200|content-length=7|", Some("7"), ""),
        ("HEAD", "/200||hello", Some("5"), ""),
        ("GET", "/204|content-length=0|", None, ""),
        ("GET", "/205||", Some("0"), ""),
        ("GET", "/304|content-length=7|", None, ""),
        ("GET", "/599||hello", Some("5"), "hello"),
    ];

    for (method, path, length, body) in rows {
        wire.send(get(path).replace("GET", method)).await;
        let (status, head) = wire.head().await;
        assert_eq!(format!("{status}"), path[1..4], "{method} {path}");
        assert_eq!(head.get("content-length"), length, "{method} {path}");
        assert_eq!(
            wire.take(body.len()).await,
            body.as_bytes(),
            "{method} {path}"
        );
    }

    served.end().await;
}

/// A server whose application sends these pieces under this length, each once the client has the one before it.
async fn in_pieces(length: u64, pieces: &'static [&'static str]) -> (Served, Arc<Notify>) {
    let arrived = Arc::new(Notify::new());
    let go_on = Arc::clone(&arrived);
    let application = move |mut connection: Connection<Http>| {
        let go_on = Arc::clone(&go_on);
        async move {
            let length = HeaderValue::from(length);
            let start = ResponseStart::new(StatusCode::OK).header(header::CONTENT_LENGTH, length);
            connection.send(start.into()).await?;
            for piece in pieces {
                connection.send(Outbound::chunk(*piece)).await?;
                go_on.notified().await;
            }
            connection.send(Outbound::end("")).await?;
            Ok(())
        }
    };
    let served = Served::start(Server::new(ServerConfig::default()).http(application)).await;
    (served, arrived)
}

#[tokio::test]
async fn body_that_outgrows_its_length_is_aborted_before_it_does() {
    let log = Log::new();
    let (served, arrived) = in_pieces(8, &["hello", "world"]).await;

    let mut wire = served.ask(get("/long")).await;
    assert_eq!(wire.head().await.1.get("content-length"), Some("8"));
    assert_eq!(wire.take(5).await, b"hello");
    arrived.notify_one();

    // No further byte: three more would make the response look whole.
    wire.is_closed().await;
    let text = log.text();
    assert!(
        text.contains("Content-Length is 8, but the body has at least 10 bytes"),
        "{text}"
    );
    assert!(text.contains("/long"), "{text}");
    arrived.notify_one();
    served.end().await;
}

#[tokio::test]
async fn body_that_ends_before_its_length_is_aborted_and_told() {
    let log = Log::new();
    let (served, arrived) = in_pieces(8, &["hello"]).await;

    let mut wire = served.ask(get("/short")).await;
    assert_eq!(wire.head().await.0, 200);
    assert_eq!(wire.take(5).await, b"hello");
    arrived.notify_one();

    wire.is_closed().await;
    let text = log.text();
    assert!(
        text.contains("Content-Length is 8, but the body has 5 bytes"),
        "{text}"
    );
    served.end().await;
}

#[tokio::test]
async fn first_piece_over_the_length_is_500() {
    let (served, arrived) = in_pieces(3, &["hello"]).await;

    let response = served.ask(get("/")).await.response().await;

    assert_eq!(response.status, 500);
    arrived.notify_one();
    served.end().await;
}

#[tokio::test]
async fn stream_under_a_status_without_content_is_500() {
    let application = async |mut connection: Connection<Http>| {
        connection
            .send(Outbound::start(StatusCode::NO_CONTENT))
            .await?;
        tokio::task::yield_now().await;
        match connection.scope().path() {
            "/empty" => connection.send(Outbound::end("")).await?,
            _ => connection.send(Outbound::end("hello")).await?,
        }
        Ok(())
    };
    let served = Served::start(Server::new(ServerConfig::default()).http(application)).await;
    let mut wire = served.connect().await;

    for (path, status) in [("/full", 500), ("/empty", 204), ("/full", 500)] {
        wire.send(get(path)).await;
        let (seen, head) = wire.head().await;
        assert_eq!(seen, status, "{path}");
        let length = head
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        wire.take(length).await;
    }

    served.end().await;
}

#[tokio::test]
async fn headers_of_the_server_are_not_accepted_with_a_websocket() {
    let log = Log::new();
    let application = async |mut connection: Connection<WebSocket>| {
        let mut accept = Accept::default();
        match connection.scope().path() {
            "/length" => drop(accept.headers.insert(header::CONTENT_LENGTH, 5.into())),
            "/coding" => {
                let chunked = HeaderValue::from_static("chunked");
                accept.headers.insert(header::TRANSFER_ENCODING, chunked);
            }
            "/extension" => {
                let deflate = HeaderValue::from_static("permessage-deflate");
                accept
                    .headers
                    .insert(header::SEC_WEBSOCKET_EXTENSIONS, deflate);
            }
            _ => {
                let cookie = HeaderValue::from_static("a=b");
                accept.headers.insert(header::SET_COOKIE, cookie);
            }
        }
        connection.send(accept.into()).await?;
        Ok(())
    };
    let served = Served::start(Server::new(ServerConfig::default()).websocket(application)).await;

    for (path, status) in [
        ("/length", 500),
        ("/coding", 500),
        ("/extension", 500),
        ("/cookie", 101),
    ] {
        let (seen, _) = served.ask(handshake(path, "")).await.head().await;
        assert_eq!(seen, status, "{path}");
        assert_eq!(
            log.text().contains(&format!("path=\"{path}\"")),
            status == 500,
            "{path}"
        );
    }

    served.end().await;
}
