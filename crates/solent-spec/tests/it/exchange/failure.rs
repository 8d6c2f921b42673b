use http::StatusCode;
use solent_spec::{
    Application, Body, Connection, Http, Result, SendError,
    http::{Inbound, Outbound},
};

use super::{Gate, Piece, Pushed, TestHost, answer, data, next, poll, ready, start, text};

/// A response with status 500, and the host knows why.
#[track_caller]
fn assert_500(application: impl Application<Http>, failures: &[&str]) {
    let host = TestHost::new();

    let response = answer(application, &host);

    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(response.into_body()), "Internal Server Error\n");
    assert_eq!(host.failures(), failures);
}

#[test]
fn error_before_the_start_is_a_500() {
    assert_500(
        |_: Connection<Http>| async { Err("no database".into()) },
        &["no database"],
    );
}

#[test]
fn application_that_ends_without_a_response_is_a_500() {
    assert_500(
        |_: Connection<Http>| async { Ok(()) },
        &["application ended without completing its response"],
    );
}

#[test]
fn panic_is_a_500_and_its_message_is_kept() {
    async fn panics(_: Connection<Http>) -> Result {
        panic!("number {}", 13)
    }

    assert_500(panics, &["application panicked: number 13"]);
}

#[test]
fn panic_before_there_is_a_future_is_a_500() {
    fn panics(connection: Connection<Http>) -> std::future::Ready<Result> {
        match connection.scope().path() {
            "/" => panic!("early"),
            _ => std::future::ready(Ok(())),
        }
    }

    assert_500(panics, &["application panicked: early"]);
}

#[test]
fn half_a_response_that_nobody_has_seen_becomes_a_500() {
    async fn half(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        connection.send(Outbound::chunk("half")).await?;
        Err("no more".into())
    }

    assert_500(half, &["no more"]);
}

/// Sends one piece, waits, and ends in another way each time.
fn begins(gate: &Gate, end: fn() -> Result) -> impl Application<Http> {
    let gate = gate.clone();
    move |mut connection: Connection<Http>| {
        let gate = gate.clone();
        async move {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            connection.send(Outbound::chunk("half")).await?;
            gate.pass().await;
            end()
        }
    }
}

#[test]
fn response_that_was_begun_is_aborted() {
    type End = fn() -> Result;
    let ends: [(End, &[&str]); 4] = [
        (|| Err("no more".into()), &["no more"]),
        (
            || Ok(()),
            &["application ended without completing its response"],
        ),
        (|| panic!("ouch"), &["application panicked: ouch"]),
        (|| Err(SendError::Closed.into()), &[]),
    ];
    for (end, failures) in ends {
        let (host, gate) = (TestHost::new(), Gate::default());
        let mut body = answer(begins(&gate, end), &host).into_body();
        assert_eq!(next(&mut body), data("half"));

        gate.open();

        assert!(matches!(next(&mut body), Piece::Error(_)));
        assert_eq!(host.failures(), failures, "logged once");
        drop(body);
        assert_eq!(host.run_rest(), (0, 0));
    }
}

#[test]
fn error_after_a_complete_response_is_only_noted() {
    async fn fails_late(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::text("fine")).await?;
        Err("too late".into())
    }
    let host = TestHost::new();

    let response = answer(fails_late, &host);

    assert_eq!(text(response.into_body()), "fine");
    assert_eq!(host.failures(), ["too late"]);
}

#[test]
fn application_that_ends_since_its_client_is_gone_is_not_noted() {
    type End = fn() -> Result;
    let ends: [End; 2] = [|| Err(SendError::Closed.into()), || Ok(())];
    for end in ends {
        let reads = move |mut connection: Connection<Http>| async move {
            match connection.receive().await {
                Some(Inbound::Disconnect) => end(),
                _ => Err("a disconnect, please".into()),
            }
        };
        let (host, pushed) = (TestHost::new(), Pushed::default());
        pushed.fail();

        let response = ready(&mut start(reads, pushed.body(), &host));

        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(host.failures().is_empty());
    }
}

#[test]
fn error_names_itself_through_the_illegal_event_that_caused_it() {
    async fn confused(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::end("too early")).await?;
        Ok(())
    }

    assert_500(
        confused,
        &["response has not been started, send its start first"],
    );
}

#[test]
fn exchange_that_was_answered_can_be_polled_and_dropped() {
    let host = TestHost::new();
    let mut exchange = start(|_: Connection<Http>| async { Ok(()) }, Body::empty(), &host);

    assert!(poll(&mut exchange).is_ready());
    assert!(poll(&mut exchange).is_ready());
    drop(exchange);

    assert_eq!(host.run_rest(), (0, 0));
}
