use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use solent_spec::{
    Application, Body, Connection, Http, Result, SendError,
    http::{Inbound, Outbound},
    request::Feature,
};

use super::{Count, Gate, Piece, Pushed, TestHost, answer, data, next, poll, ready, start, text};

/// Sends pieces of `size` bytes for ever and counts them.
fn floods(size: usize, sent: &Count) -> impl Application<Http> {
    let sent = sent.clone();
    move |mut connection: Connection<Http>| {
        let sent = sent.clone();
        async move {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            loop {
                connection.send(Outbound::chunk(vec![0; size])).await?;
                sent.add();
            }
        }
    }
}

#[test]
fn application_waits_once_64_kib_are_waiting() {
    const KIB: usize = 1024;
    let sent = Count::default();

    let mut body = answer(floods(KIB, &sent), &TestHost::new()).into_body();

    assert_eq!(sent.get(), 64, "so many may wait without the application");
    for taken in 1..10 {
        assert!(matches!(next(&mut body), Piece::Data(piece) if piece.len() == KIB));
        let pieces = sent.get();
        assert!(
            (64..=64 + taken).contains(&pieces),
            "{pieces} after {taken}"
        );
    }
}

#[test]
fn one_piece_of_any_size_is_taken() {
    let sent = Count::default();

    let mut body = answer(floods(1 << 20, &sent), &TestHost::new()).into_body();

    assert_eq!(sent.get(), 0, "the piece waits for the client");
    assert!(matches!(next(&mut body), Piece::Data(piece) if piece.len() == 1 << 20));
    assert!(matches!(next(&mut body), Piece::Data(_)));
    assert_eq!(sent.get(), 1);
}

#[test]
fn last_piece_needs_no_room() {
    async fn large(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        Ok(connection.send(Outbound::end(vec![0; 1 << 20])).await?)
    }

    let response = answer(large, &TestHost::new());

    assert_eq!(super::exact(response.body()), Some(1 << 20));
}

#[test]
fn files_wait_for_each_other() {
    let sent = Count::default();
    let application = {
        let sent = sent.clone();
        move |mut connection: Connection<Http>| {
            let sent = sent.clone();
            async move {
                connection.send(Outbound::start(StatusCode::OK)).await?;
                loop {
                    let part = Outbound::ZeroCopySend {
                        file: std::fs::File::open(env!("CARGO_MANIFEST_DIR"))?,
                        offset: None,
                        count: None,
                        more: true,
                    };
                    connection.send(part).await?;
                    sent.add();
                }
            }
        }
    };
    let host = TestHost::offering(&[Feature::ZeroCopySend], true);

    let mut body = answer(application, &host).into_body();

    assert_eq!(sent.get(), 0, "one file waits to be read");
    for _ in 0..10 {
        assert_eq!(next(&mut body), data("[None None]"));
    }
    assert!(sent.get() <= 11, "{} files are open", sent.get());
}

/// Waits for the end of the exchange and counts it, then sends and counts the refusal.
fn waits(ends: &Count, begin: bool) -> impl Application<Http> {
    let ends = ends.clone();
    move |mut connection: Connection<Http>| {
        let ends = ends.clone();
        async move {
            if begin {
                connection.send(Outbound::start(StatusCode::OK)).await?;
                connection.send(Outbound::chunk("x")).await?;
            }
            while connection.receive().await != Some(Inbound::Disconnect) {}
            ends.add();
            let refused = connection.send(Outbound::text("late")).await.unwrap_err();
            assert!(matches!(refused, SendError::Closed));
            ends.add();
            Err(refused.into())
        }
    }
}

#[test]
fn client_that_leaves_before_the_response_is_noticed() {
    let (host, ends) = (TestHost::new(), Count::default());
    let mut exchange = start(waits(&ends, false), Body::empty(), &host);
    assert!(poll(&mut exchange).is_pending());

    drop(exchange);

    assert_eq!(host.run_rest(), (1, 0), "the host gets the rest");
    assert_eq!(ends.get(), 2);
    assert!(host.failures().is_empty());
}

#[test]
fn client_that_leaves_during_the_response_is_noticed() {
    let (host, ends) = (TestHost::new(), Count::default());
    let mut body = answer(waits(&ends, true), &host).into_body();
    assert_eq!(next(&mut body), data("x"));
    assert_eq!(next(&mut body), Piece::Pending);

    drop(body);

    assert_eq!(host.run_rest(), (1, 0));
    assert_eq!(ends.get(), 2);
}

#[test]
fn application_that_waits_for_room_is_told_that_the_client_left() {
    let (host, sent) = (TestHost::new(), Count::default());
    let body = answer(floods(1024, &sent), &host).into_body();

    drop(body);

    assert_eq!(host.run_rest(), (1, 0), "its send failed and it ended");
    assert_eq!(sent.get(), 64);
}

#[test]
fn application_is_woken_when_the_client_leaves() {
    let (host, ends, woken) = (
        TestHost::new(),
        Count::default(),
        Arc::new(Count::default()),
    );
    let mut exchange = start(waits(&ends, false), Pushed::default().body(), &host);
    let waker = Waker::from(Arc::clone(&woken));
    let polled = Future::poll(Pin::new(&mut exchange), &mut Context::from_waker(&waker));
    assert!(polled.is_pending());

    drop(exchange);

    assert_eq!(woken.get(), 1);
}

#[test]
fn response_that_was_never_fetched_is_let_go() {
    let (host, gate) = (TestHost::new(), Gate::default());
    let alive = Arc::new(());
    let application = {
        let (gate, alive) = (gate.clone(), Arc::clone(&alive));
        move |mut connection: Connection<Http>| {
            let (gate, alive) = (gate.clone(), Arc::clone(&alive));
            async move {
                connection.send(Outbound::text("x")).await?;
                gate.pass().await;
                drop(alive);
                Ok(())
            }
        }
    };
    let mut exchange = start(application, Body::empty(), &host);
    let response: Response<_> = ready(&mut exchange);

    drop((response, exchange));
    gate.open();

    assert_eq!(host.run_rest(), (1, 0));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn connection_can_be_used_from_another_task() {
    async fn hands_over(mut connection: Connection<Http>) -> Result {
        tokio::spawn(async move {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            for _ in 0..300 {
                connection.send(Outbound::chunk(vec![b'x'; 1024])).await?;
                tokio::task::yield_now().await;
            }
            connection.send(Outbound::end("")).await
        })
        .await??;
        Ok(())
    }
    let host = TestHost::new();
    let exchange = start(hands_over, Body::empty(), &host);

    let collect = async { exchange.await.into_body().collect().await };
    let body = tokio::time::timeout(Duration::from_secs(30), collect).await;

    let body = body.expect("nobody forgets to wake the other").unwrap();
    assert_eq!(body.to_bytes().len(), 300 * 1024);
}

#[test]
fn whole_response_can_stream_the_request_back() {
    async fn reflects(mut connection: Connection<Http>) -> Result {
        let body = connection.direct().ok_or("a body")?;
        Ok(connection.send(Response::new(body).into()).await?)
    }
    let pushed = Pushed::default();
    pushed.data("one");
    pushed.end();

    let response = ready(&mut start(reflects, pushed.body(), &TestHost::new()));

    assert_eq!(text(response.into_body()), "one");
}
