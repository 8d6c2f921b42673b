//! Bodies that cannot be had, and when that is known.

use std::{
    env, fs,
    pin::Pin,
    process,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use solent_server::{Server, ServerConfig};
use solent_spec::{
    Body, BoxError, Connection, Http, Result,
    http::{Outbound, ResponseStart},
    request::UrlRoute,
};
use solent_test_servers::Log;

use super::{served::Served, wire::get};

/// A body that fails in one way or another, after some pieces.
struct Bad {
    good: usize,
    how: &'static str,
}

impl http_body::Body for Bad {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.good > 0 {
            self.good -= 1;
            return Poll::Ready(Some(Ok(Frame::data("piece".into()))));
        }
        match self.how {
            "panic" => panic!("on purpose"),
            "error" => Poll::Ready(Some(Err("on purpose".into()))),
            _ => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.how {
            "hint" => panic!("on purpose"),
            "lie" => SizeHint::with_exact(7),
            _ => SizeHint::default(),
        }
    }
}

async fn application(mut connection: Connection<Http>) -> Result {
    let mut route = UrlRoute::default();
    route.push_pattern(&"<how>/<int:good>".into());
    connection.routed(&route);
    let path = connection.scope().path().to_owned();
    let parts: Vec<_> = path.split('/').skip(1).collect();
    match parts[..] {
        ["file", name] => {
            let place = match name {
                "missing" => env::temp_dir().join("solent-missing"),
                "directory" => env::temp_dir(),
                "special" => "/dev/null".into(),
                _ => file(),
            };
            let mut start = ResponseStart::new(StatusCode::OK);
            if name == "short" {
                let length = HeaderValue::from_static("1000");
                start = start.header(header::CONTENT_LENGTH, length);
            }
            connection.send(start.into()).await?;
            connection.send(Outbound::PathSend(place)).await?;
        }
        [how, good] => {
            let how = ["panic", "error", "hint", "lie"]
                .into_iter()
                .find(|known| *known == how);
            let body = Bad {
                good: good.parse()?,
                how: how.unwrap_or_default(),
            };
            let response = Response::new(Body::stream(body));
            connection.send(response.into()).await?;
        }
        _ => connection.send(Outbound::text("fine")).await?,
    }
    Ok(())
}

/// A file of 5 bytes.
fn file() -> std::path::PathBuf {
    let path = env::temp_dir().join(format!("solent-first-piece-{}", process::id()));
    fs::write(&path, "hello").unwrap();
    path
}

async fn start() -> Served {
    Served::start(Server::new(ServerConfig::default()).http(application)).await
}

#[tokio::test]
async fn file_that_cannot_be_sent_is_500_with_its_route_and_kind() {
    let log = Log::new();
    let served = start().await;
    let mut wire = served.connect().await;

    for name in ["missing", "directory", "special", "short"] {
        wire.send(get(&format!("/file/{name}"))).await;
        let response = wire.response().await;
        assert_eq!(response.status, 500, "{name}");
        assert!(!response.text().contains("solent"), "{}", response.text());
    }
    wire.send(get("/file/whole")).await;
    let response = wire.response().await;

    assert_eq!((response.status, response.text()), (200, "hello"));
    assert_eq!(response.header("content-length"), Some("5"));
    let log = log.text();
    for said in [
        "solent-missing\" does not exist",
        "is a directory, and no file",
        "\"/dev/null\" is no regular file",
        "Content-Length is 1000, but the body has 5 bytes",
        "route=\"<how>/<int:good>\"",
    ] {
        assert!(log.contains(said), "{said} in {log}");
    }
    served.end().await;
}

#[tokio::test]
async fn body_that_fails_at_once_is_500_and_later_ends_the_connection() {
    let log = Log::new();
    let served = start().await;
    let mut other = served.connect().await;

    for how in ["panic", "error", "hint", "lie"] {
        let good = usize::from(how == "hint");
        let mut wire = served.ask(get(&format!("/{how}/{good}"))).await;
        let (status, _) = wire.head().await;
        assert_eq!(status, 500, "{how}");
        drop(wire);
        if how == "hint" {
            continue;
        }
        let mut wire = served.ask(get(&format!("/{how}/2"))).await;
        let rest = String::from_utf8(wire.rest().await).unwrap();
        assert!(!rest.ends_with("0\r\n\r\n"), "{how}: {rest}");
        other.send(get("/")).await;
        assert_eq!(other.response().await.text(), "fine", "{how}");
    }

    let log = log.text();
    assert!(log.contains("application panicked: on purpose"), "{log}");
    assert!(
        log.contains("7 bytes by its size hint, but it has none"),
        "{log}"
    );
    assert!(log.contains("route=\"<how>/<int:good>\""), "{log}");
    served.end().await;
}

#[tokio::test]
async fn parameter_that_does_not_fit_is_404_and_no_error() {
    let log = Log::new();
    let application = async |connection: Connection<Http>| {
        let mut route = UrlRoute::default();
        route.push_captures(&[("room", "lobby")]);
        let room: u32 = route.parse("room")?;
        let _ = (connection, room);
        Ok(())
    };
    let served = Served::start(Server::new(ServerConfig::default()).http(application)).await;

    let mut wire = served.ask(get("/lobby")).await;

    assert_eq!(wire.response().await.status, 404);
    let log = log.text();
    assert!(!log.contains("ERROR"), "{log}");
    served.end().await;
}
