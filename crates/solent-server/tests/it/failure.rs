//! Applications that fail, and what their clients see of it.

use std::{panic::panic_any, sync::Arc};

use http::StatusCode;
use solent_server::{Server, ServerConfig};
use solent_spec::{
    Application, Connection, Http, HttpProtocol, RequestScope, Result, WebSocket,
    http::{Outbound, ResponseStart},
    request::ConnectionId,
    websocket,
};
use solent_test_servers::Log;
use tokio::sync::Notify;

use super::{
    frames::{Frames, handshake},
    served::Served,
    wire::get,
};

/// Sends the beginning of a response and goes on with `rest` once the client has it.
async fn start_and<F>(
    rest: impl Fn(Connection<Http>) -> F + Clone + Send + Sync + 'static,
) -> (Served, Arc<Notify>)
where
    F: Future<Output = Result> + Send + 'static,
{
    let arrived = Arc::new(Notify::new());
    let go_on = Arc::clone(&arrived);
    let served = start(move |mut connection: Connection<Http>| {
        let (rest, go_on) = (rest.clone(), Arc::clone(&go_on));
        async move {
            let start = ResponseStart::new(StatusCode::OK);
            let start = match connection.scope().query() {
                "" => start,
                length => start.header(http::header::CONTENT_LENGTH, length.parse()?),
            };
            connection.send(start.into()).await?;
            connection.send(Outbound::chunk("first")).await?;
            go_on.notified().await;
            rest(connection).await
        }
    })
    .await;
    (served, arrived)
}

async fn start(application: impl Application<Http>) -> Served {
    Served::start(Server::new(ServerConfig::default()).http(application)).await
}

/// Fails in the way that the path names; any other path is fine.
async fn failing(mut connection: Connection<Http>) -> Result {
    match connection.scope().path() {
        "/error" => Err("on purpose".into()),
        "/nothing" => Ok(()),
        "/panic" => panic_any("on purpose"),
        "/late-panic" => {
            tokio::task::yield_now().await;
            panic_any("on purpose")
        }
        "/half" => {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            Ok(())
        }
        "/order" => {
            connection.send(Outbound::end("no start")).await?;
            Ok(())
        }
        "/push" => {
            let (path, headers) = (String::new(), http::HeaderMap::new());
            connection.feed(Outbound::start(StatusCode::OK))?;
            connection.send(Outbound::Push { path, headers }).await?;
            Ok(())
        }
        "/missing-file" => {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            connection
                .send(Outbound::PathSend("/does/not/exist".into()))
                .await?;
            Ok(())
        }
        _ => {
            connection.send(Outbound::text("fine")).await?;
            Ok(())
        }
    }
}

#[tokio::test]
async fn failure_before_the_response_is_500_and_the_connection_lives() {
    let served = start(failing).await;
    let mut wire = served.connect().await;

    for path in [
        "/error",
        "/nothing",
        "/panic",
        "/late-panic",
        "/half",
        "/order",
        "/push",
    ] {
        wire.send(get(path)).await;
        let response = wire.response().await;
        assert_eq!(response.status, 500, "{path}");
        assert!(!response.text().contains("purpose"), "{path}");
        wire.send(get("/fine")).await;
        assert_eq!(wire.response().await.text(), "fine", "after {path}");
    }

    served.end().await;
}

#[tokio::test]
async fn panic_before_the_first_poll_is_500_and_the_server_lives() {
    let served = start(|connection: Connection<Http>| {
        assert_eq!(connection.scope().path(), "/fine", "on purpose");
        failing(connection)
    })
    .await;
    let mut wire = served.connect().await;

    for (path, status) in [("/panic", 500), ("/fine", 200)] {
        wire.send(get(path)).await;
        assert_eq!(wire.response().await.status, status);
    }

    served.end().await;
}

#[tokio::test]
async fn failure_amid_the_response_aborts_it() {
    let (served, arrived) =
        start_and(
            async |connection: Connection<Http>| match connection.scope().path() {
                "/error" => Err("on purpose".into()),
                "/nothing" => Ok(()),
                _ => panic_any("on purpose"),
            },
        )
        .await;

    for path in ["/error", "/nothing", "/panic"] {
        let mut wire = served.ask(get(path)).await;
        assert_eq!(wire.head().await.0, 200);
        assert_eq!(wire.chunk().await.unwrap(), b"first");
        arrived.notify_one();
        // No last chunk, so that nobody takes the response for whole.
        wire.is_closed().await;
    }

    served.end().await;
}

#[tokio::test]
async fn fewer_bytes_than_announced_abort_the_response() {
    let (served, arrived) = start_and(async |mut connection: Connection<Http>| {
        connection.send(Outbound::end("")).await?;
        Ok(())
    })
    .await;

    let mut wire = served.ask(get("/?10")).await;

    assert_eq!(wire.head().await.1.get("content-length"), Some("10"));
    assert_eq!(wire.take(5).await, b"first");
    arrived.notify_one();
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn missing_file_never_looks_like_an_empty_one() {
    let served = start(failing).await;

    let mut wire = served.ask(get("/missing-file")).await;

    assert_eq!(wire.response().await.status, 500);
    served.end().await;
}

/// A WebSocket application that fails before it has answered the handshake.
async fn refusing(mut connection: Connection<WebSocket>) -> Result {
    match connection.scope().path() {
        "/error" => Err("on purpose".into()),
        "/nothing" => Ok(()),
        "/panic" => panic_any("on purpose"),
        "/early-message" => {
            connection
                .send(websocket::Frame::text("early").into())
                .await?;
            Ok(())
        }
        "/not-offered" => {
            let accept = websocket::Accept::default().subprotocol("chat");
            connection.send(accept.into()).await?;
            Ok(())
        }
        "/own" => {
            let mut response = http::Response::new("sign in first".into());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response.headers_mut().insert("x-own", "yes".parse()?);
            connection.send(WebSocket::respond(response)).await?;
            Ok(())
        }
        _ => {
            connection.send(websocket::Outbound::close()).await?;
            Ok(())
        }
    }
}

#[tokio::test]
async fn handshake_gets_the_status_of_its_refusal() {
    let served = Served::start(Server::new(ServerConfig::default()).websocket(refusing)).await;
    let mut wire = served.connect().await;

    for (path, status) in [
        ("/close", 403),
        ("/nothing", 403),
        ("/error", 500),
        ("/panic", 500),
        ("/early-message", 500),
        ("/not-offered", 500),
        ("/own", 401),
    ] {
        wire.send(handshake(path, "Sec-WebSocket-Protocol: other\r\n"))
            .await;
        let response = wire.response().await;
        assert_eq!(response.status, status, "{path}");
        if path == "/own" {
            assert_eq!(response.text(), "sign in first");
            assert_eq!(response.header("x-own"), Some("yes"));
        }
    }

    served.end().await;
}

#[tokio::test]
async fn panic_before_the_first_poll_of_a_handshake_is_500() {
    let application = |connection: Connection<WebSocket>| {
        assert_eq!(connection.scope().path(), "/close", "on purpose");
        refusing(connection)
    };
    let served = Served::start(Server::new(ServerConfig::default()).websocket(application)).await;
    let mut wire = served.connect().await;

    for (path, status) in [("/panic", 500), ("/close", 403)] {
        wire.send(handshake(path, "")).await;
        assert_eq!(wire.response().await.status, status);
    }

    served.end().await;
}

#[tokio::test]
async fn without_an_application_a_handshake_finds_nothing() {
    let served = start(failing).await;

    let mut wire = served.ask(handshake("/", "")).await;

    assert_eq!(wire.response().await.status, 404);
    served.end().await;
}

/// What went wrong, and why.
#[derive(Debug)]
struct Caused(std::io::Error);

impl std::fmt::Display for Caused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("could not fetch")
    }
}

impl std::error::Error for Caused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn caused() -> Box<Caused> {
    Box::new(Caused(std::io::Error::other("no route")))
}

#[tokio::test]
async fn failure_is_logged_with_its_causes_and_whose_request_it_was() {
    let log = Log::new();
    let numbers = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (by_http, by_websocket) = (Arc::clone(&numbers), Arc::clone(&numbers));
    let note = |numbers: &std::sync::Mutex<Vec<u64>>, id: Option<ConnectionId>| {
        numbers.lock().unwrap().push(id.unwrap().get());
    };
    let server = Server::new(ServerConfig::default())
        .http(move |connection: Connection<Http>| {
            note(&by_http, connection.scope().link().connection());
            async { Err(caused() as _) }
        })
        .websocket(move |mut connection: Connection<WebSocket>| {
            note(&by_websocket, connection.scope().link().connection());
            async move {
                connection.send(websocket::Outbound::accept()).await?;
                Err(caused() as _)
            }
        });
    let served = Served::start(server).await;

    let mut wire = served.ask(get("/page%20one?token=secret")).await;
    assert_eq!(wire.response().await.status, 500);
    let mut frames = Frames::open(&served, "/chat?token=secret").await;
    assert_eq!(frames.next().await.close_code(), 1011);

    let text = log.text();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("ERROR")).collect();
    let numbers = numbers.lock().unwrap().clone();
    assert_eq!(lines.len(), 2, "{text}");
    for ((line, number), path) in lines.iter().zip(&numbers).zip(["/page%20one", "/chat"]) {
        assert!(line.contains("could not fetch: no route"), "{line}");
        assert!(line.contains(&format!("path=\"{path}\"")), "{line}");
        assert!(line.contains("client=127.0.0.1:"), "{line}");
        assert!(line.contains(&format!("connection={number}")), "{line}");
    }
    assert_ne!(numbers[0], numbers[1]);
    assert!(!text.contains("secret"), "{text}");
    served.end().await;
}
