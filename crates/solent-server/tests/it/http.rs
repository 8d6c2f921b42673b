//! Requests and responses, bodies and connections that are used again.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use solent_server::{HttpLimits, Server, ServerConfig};
use solent_spec::{
    Body, Connection, Http, RequestScope, Result,
    http::{Inbound, Outbound, ResponseStart},
};
use tokio::{net::TcpStream, sync::mpsc};

use super::{
    served::{Served, soon},
    wire::{Wire, get},
};

/// Answers with the path.
async fn path(mut connection: Connection<Http>) -> Result {
    let path = connection.scope().path().to_owned();
    connection.send(Outbound::text(path)).await?;
    Ok(())
}

/// Answers with the request body, in the pieces in which it came, and its trailers.
async fn mirror(mut connection: Connection<Http>) -> Result {
    let start = ResponseStart::new(StatusCode::OK).trailers();
    let start = start.header(header::TRAILER, HeaderValue::from_static("x-end"));
    connection.send(start.into()).await?;
    loop {
        match connection.receive().await {
            Some(Inbound::Body { data, more }) => {
                connection.send(Outbound::Body { data, more }).await?;
                if !more {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-end", HeaderValue::from_static("yes"));
    let more = false;
    connection
        .send(Outbound::Trailers { headers, more })
        .await?;
    Ok(())
}

async fn start(application: impl solent_spec::Application<Http>) -> Served {
    Served::start(Server::new(ServerConfig::default()).http(application)).await
}

/// The same as [`start`], but a client that has closed its direction is soon taken for one that left.
async fn start_impatient(application: impl solent_spec::Application<Http>) -> Served {
    let limits = HttpLimits::default().half_close(Duration::from_millis(100));
    Served::start(Server::new(ServerConfig::default().http(limits)).http(application)).await
}

#[tokio::test]
async fn connection_serves_one_request_after_the_other() {
    let served = start(path).await;
    let mut wire = served.connect().await;

    for path in ["/first", "/second", "/third"] {
        wire.send(get(path)).await;
        let response = wire.response().await;
        assert_eq!((response.status, response.text()), (200, path));
        assert_eq!(response.header("connection"), None);
    }

    served.end().await;
}

#[tokio::test]
async fn connection_ends_when_the_client_asks_for_it() {
    let served = start(path).await;

    let mut wire = served
        .ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;

    assert_eq!(wire.response().await.header("connection"), Some("close"));
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let served = start(path).await;
    let requests: String = (0..20).map(|nth| get(&format!("/{nth}"))).collect();

    let mut wire = served.ask(requests).await;

    for nth in 0..20 {
        assert_eq!(wire.response().await.text(), format!("/{nth}"));
    }
    served.end().await;
}

#[tokio::test]
async fn request_behind_one_whose_body_is_not_read_is_answered() {
    let served = start(path).await;
    let post = "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";

    let mut wire = served.ask(format!("{post}{}", get("/next"))).await;

    assert_eq!(wire.response().await.text(), "/post");
    assert_eq!(wire.response().await.text(), "/next");
    served.end().await;
}

#[tokio::test]
async fn chunks_reach_the_application_and_the_client_as_they_come() {
    let served = start(mirror).await;
    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.0, 200);

    // Each chunk comes back before the next one is sent.
    for text in ["one", "two", "three"] {
        wire.send(format!("{:x};extension=1\r\n{text}\r\n", text.len()))
            .await;
        assert_eq!(wire.chunk().await.unwrap(), text.as_bytes());
    }
    wire.send("0\r\n\r\n").await;

    assert_eq!(wire.chunk().await, None);
    served.end().await;
}

#[tokio::test]
async fn body_with_a_length_is_whole() {
    let served = start(mirror).await;
    let body = "x".repeat(300_000);

    let mut wire = served.connect().await;
    let head = format!(
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    wire.send(head).await;
    wire.send(&body[..150_000]).await;
    wire.send(&body[150_000..]).await;

    assert_eq!(wire.response().await.text(), body);
    served.end().await;
}

#[tokio::test]
async fn announced_trailers_follow_the_body() {
    let served = start(mirror).await;

    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nContent-Length: 2\r\n\r\nhi")
        .await;

    let response = wire.response().await;
    assert_eq!(response.text(), "hi");
    assert_eq!(response.trailers.get("x-end"), Some("yes"));
    served.end().await;
}

#[tokio::test]
async fn trailers_are_for_clients_that_want_them() {
    let served = start(mirror).await;

    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
        .await;

    let response = wire.response().await;
    assert_eq!(
        (response.text(), response.trailers.get("x-end")),
        ("hi", None)
    );
    served.end().await;
}

#[tokio::test]
async fn trailers_of_a_request_come_after_its_body() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let served = start(move |mut connection: Connection<Http>| {
        let tx = tx.clone();
        async move {
            while let Some(event) = connection.receive().await {
                let last = matches!(event, Inbound::Trailers(_) | Inbound::Disconnect);
                tx.send(event)?;
                if last {
                    break;
                }
            }
            connection.send(Outbound::text("done")).await?;
            Ok(())
        }
    })
    .await;

    let mut wire = served
        .ask(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
             2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n",
        )
        .await;
    assert_eq!(wire.response().await.text(), "done");

    let mut events = Vec::new();
    while let Ok(event) = rx.try_recv() {
        events.push(event);
    }
    let Some((Inbound::Trailers(trailers), body)) = events.split_last() else {
        panic!("{events:?}");
    };
    assert_eq!(trailers["x-sum"], "7");
    assert!(
        matches!(body.last(), Some(Inbound::Body { more: false, .. })),
        "{body:?}"
    );
    served.end().await;
}

#[tokio::test]
async fn client_is_told_to_continue_once_its_body_is_wanted() {
    let served = start(async |mut connection: Connection<Http>| {
        if let Some(Inbound::Body { data, .. }) = connection.receive().await {
            connection
                .send(Response::new(Body::from(data)).into())
                .await?;
        }
        Ok(())
    })
    .await;

    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .await;

    assert_eq!(wire.head().await.0, 100);
    wire.send("hi").await;
    assert_eq!(wire.response().await.text(), "hi");
    served.end().await;
}

#[tokio::test]
async fn client_is_not_told_to_continue_where_nobody_reads() {
    let served = start(path).await;

    let mut wire = served
        .ask("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .await;

    let response = wire.response().await;
    assert_eq!((response.status, response.text()), (200, "/x"));
    served.end().await;
}

#[tokio::test]
async fn answer_to_head_has_a_length_and_no_body() {
    let served = start(path).await;

    let mut wire = served.ask("HEAD /1234 HTTP/1.1\r\nHost: x\r\n\r\n").await;

    let (status, head) = wire.head().await;
    assert_eq!((status, head.get("content-length")), (200, Some("5")));
    // What follows at once is the next response.
    wire.send(get("/next")).await;
    assert_eq!(wire.response().await.text(), "/next");
    served.end().await;
}

#[tokio::test]
async fn responses_without_content_have_none() {
    let served = start(async |mut connection: Connection<Http>| {
        let status = match connection.scope().path() {
            "/204" => StatusCode::NO_CONTENT,
            _ => StatusCode::NOT_MODIFIED,
        };
        connection.send(Outbound::start(status)).await?;
        connection.send(Outbound::end("")).await?;
        Ok(())
    })
    .await;
    let mut wire = served.connect().await;

    for path in ["/204", "/304", "/204"] {
        wire.send(get(path)).await;
        let (status, head) = wire.head().await;
        assert_eq!(format!("/{status}"), path);
        assert_eq!(head.get("transfer-encoding"), None);
    }

    served.end().await;
}

#[tokio::test]
async fn without_an_application_there_is_nothing() {
    let served = Served::start(Server::new(ServerConfig::default())).await;
    let mut wire = served.connect().await;

    for path in ["/", "/x"] {
        wire.send(get(path)).await;
        assert_eq!(wire.response().await.status, 404);
    }

    served.end().await;
}

#[tokio::test]
async fn absolute_target_is_its_path() {
    let served = start(path).await;

    let mut wire = served
        .ask("GET http://example.org/absolute?q HTTP/1.1\r\nHost: example.org\r\n\r\n")
        .await;

    assert_eq!(wire.response().await.text(), "/absolute");
    served.end().await;
}

#[tokio::test]
async fn path_is_decoded_and_query_is_not() {
    let served = start(async |mut connection: Connection<Http>| {
        let scope = connection.scope();
        let answer = format!(
            "{} {} {}",
            scope.path(),
            scope.head().raw_path(),
            scope.query()
        );
        connection.send(Outbound::text(answer)).await?;
        Ok(())
    })
    .await;

    let mut wire = served.ask(get("/caf%C3%A9%2Fx?a=%20&b")).await;

    assert_eq!(
        wire.response().await.text(),
        "/café/x /caf%C3%A9%2Fx a=%20&b"
    );
    served.end().await;
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let served = start(path).await;

    let mut wire = served.ask("GET /old HTTP/1.0\r\n\r\n").await;

    assert_eq!(wire.response().await.text(), "/old");
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn http_1_0_gets_a_stream_that_ends_with_the_connection() {
    let served = start(async |mut connection: Connection<Http>| {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        connection.send(Outbound::chunk("one ")).await?;
        // It is polled once more before the head leaves.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        connection.send(Outbound::end("two")).await?;
        Ok(())
    })
    .await;

    let mut wire = served
        .ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .await;

    let (status, head) = wire.head().await;
    assert_eq!((status, head.get("transfer-encoding")), (200, None));
    assert_eq!(wire.rest().await, b"one two");
    served.end().await;
}

#[tokio::test]
async fn length_that_the_application_states_is_kept() {
    let served = start(async |mut connection: Connection<Http>| {
        let length = ResponseStart::new(StatusCode::OK)
            .header(header::CONTENT_LENGTH, HeaderValue::from_static("6"));
        connection.send(length.into()).await?;
        connection.send(Outbound::chunk("abc")).await?;
        tokio::task::yield_now().await;
        connection.send(Outbound::end("def")).await?;
        Ok(())
    })
    .await;

    let mut wire = served.ask(get("/")).await;

    let response = wire.response().await;
    assert_eq!(response.header("content-length"), Some("6"));
    assert_eq!(response.header("transfer-encoding"), None);
    assert_eq!(response.text(), "abcdef");
    served.end().await;
}

#[tokio::test]
async fn server_header_is_sent_where_the_application_has_none() {
    let config = ServerConfig::default().server_header("solent".to_owned());
    let served = Served::start(Server::new(config).http(
        async |mut connection: Connection<Http>| {
            let mut response = Response::new(Body::empty());
            if connection.scope().path() == "/own" {
                let own = HeaderValue::from_static("own");
                response.headers_mut().insert(header::SERVER, own);
            }
            connection.send(response.into()).await?;
            Ok(())
        },
    ))
    .await;
    let mut wire = served.connect().await;

    for (path, server) in [("/", "solent"), ("/own", "own")] {
        wire.send(get(path)).await;
        assert_eq!(wire.response().await.header("server"), Some(server));
    }

    served.end().await;
}

#[tokio::test]
async fn scope_knows_both_ends_and_the_mount_point() {
    let config = ServerConfig::default().root_path("/mounted/");
    let served = Served::start(Server::new(config).http(
        async |mut connection: Connection<Http>| {
            let link = connection.scope().link();
            let answer = format!(
                "{} {} {}",
                link.client().unwrap(),
                link.server().unwrap(),
                link.root_path()
            );
            connection.send(Outbound::text(answer)).await?;
            Ok(())
        },
    ))
    .await;

    let stream = TcpStream::connect(served.addr()).await.unwrap();
    let (client, server) = (stream.local_addr().unwrap(), served.addr());

    let mut wire = Wire::new(stream);
    wire.send(get("/")).await;

    assert_eq!(
        wire.response().await.text(),
        format!("{client} {server} /mounted")
    );
    served.end().await;
}

#[tokio::test]
async fn files_are_sent_whole_and_in_part() {
    let path = std::env::temp_dir().join(format!("solent-server-{}.txt", std::process::id()));
    std::fs::write(&path, "0123456789").unwrap();
    let file = path.clone();
    let served = start(move |mut connection: Connection<Http>| {
        let path = file.clone();
        async move {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            if connection.scope().path() == "/whole" {
                connection.send(Outbound::PathSend(path)).await?;
            } else {
                let part = Outbound::ZeroCopySend {
                    file: std::fs::File::open(path)?,
                    offset: Some(2),
                    count: Some(3),
                    more: true,
                };
                connection.send(part).await?;
                connection.send(Outbound::end("!")).await?;
            }
            Ok(())
        }
    })
    .await;
    let mut wire = served.connect().await;

    for (path, content) in [("/whole", "0123456789"), ("/part", "234!")] {
        wire.send(get(path)).await;
        assert_eq!(wire.response().await.text(), content);
    }

    std::fs::remove_file(path).unwrap();
    served.end().await;
}

#[tokio::test]
async fn application_hears_when_the_client_leaves() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let served = start_impatient(move |mut connection: Connection<Http>| {
        let tx = tx.clone();
        async move {
            while let Some(event) = connection.receive().await {
                let last = event == Inbound::Disconnect;
                tx.send(event)?;
                if last {
                    break;
                }
            }
            Ok(())
        }
    })
    .await;

    let wire = served.ask(get("/")).await;
    let body = soon(rx.recv()).await.unwrap();
    assert!(matches!(body, Inbound::Body { more: false, .. }));
    drop(wire);

    assert_eq!(soon(rx.recv()).await, Some(Inbound::Disconnect));
    served.end().await;
}

#[tokio::test]
async fn application_hears_when_the_client_leaves_amid_the_response() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let served = start_impatient(move |mut connection: Connection<Http>| {
        let tx = tx.clone();
        async move {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            connection.send(Outbound::chunk("first")).await?;
            while connection.receive().await != Some(Inbound::Disconnect) {}
            tx.send(
                connection
                    .send(Outbound::chunk("second"))
                    .await
                    .unwrap_err(),
            )?;
            Ok(())
        }
    })
    .await;

    let mut wire = served.ask(get("/")).await;
    wire.head().await;
    assert_eq!(wire.chunk().await.unwrap(), b"first");
    drop(wire);

    assert!(soon(rx.recv()).await.unwrap().is_closed());
    served.end().await;
}

#[tokio::test]
async fn application_hears_when_a_body_breaks_off() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let served = start(move |mut connection: Connection<Http>| {
        let tx = tx.clone();
        async move {
            while connection.receive().await != Some(Inbound::Disconnect) {}
            tx.send(())?;
            Ok(())
        }
    })
    .await;

    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    wire.finish().await;

    soon(rx.recv()).await.unwrap();
    served.end().await;
}
