use std::{future::poll_fn, task::Poll};

use http::StatusCode;
use solent_spec::{
    Body, Connection, Http, Result,
    http::{Inbound, Outbound},
};

use super::{Piece, Pushed, TestHost, data, next, poll, ready, start, text};

/// Answers with the events it received, up to the last piece and what comes at once after it.
async fn lists(mut connection: Connection<Http>) -> Result {
    let mut seen = String::new();
    loop {
        let event = connection.receive().await.ok_or("an event")?;
        let last = matches!(
            event,
            Inbound::Body { more: false, .. } | Inbound::Disconnect
        );
        seen += &format!("{} ", describe(&event));
        if last {
            break;
        }
    }
    let at_once = poll_fn(|cx| Poll::Ready(connection.poll_receive(cx))).await;
    if let Poll::Ready(Some(event)) = at_once {
        seen += &describe(&event);
    }
    Ok(connection.send(Outbound::text(seen)).await?)
}

fn describe(event: &Inbound) -> String {
    match event {
        Inbound::Body { data, more } => format!("{:?}{}", data, if *more { "+" } else { "." }),
        Inbound::Trailers(trailers) => format!("trailers {}", trailers.len()),
        event => format!("{event:?}"),
    }
}

fn seen(body: Body) -> String {
    let response = ready(&mut start(lists, body, &TestHost::new()));
    text(response.into_body())
}

#[test]
fn empty_body_is_one_piece() {
    assert_eq!(seen(Body::empty()), r#"b"". "#);
}

#[test]
fn whole_body_is_one_piece() {
    assert_eq!(seen("hello".into()), r#"b"hello". "#);
}

#[test]
fn streamed_body_ends_with_a_last_piece() {
    let pushed = Pushed::default();
    pushed.data("one");
    pushed.data("two");
    pushed.end();

    assert_eq!(seen(pushed.body()), r#"b"one"+ b"two"+ b"". "#);
}

#[test]
fn trailers_come_after_the_last_piece_and_at_once() {
    let pushed = Pushed::default();
    pushed.data("one");
    pushed.trailers();
    pushed.end();

    assert_eq!(seen(pushed.body()), r#"b"one"+ b"". trailers 1"#);
}

#[test]
fn body_that_breaks_off_is_a_disconnect_for_ever() {
    let pushed = Pushed::default();
    pushed.data("one");
    pushed.fail();

    assert_eq!(seen(pushed.body()), r#"b"one"+ Disconnect Disconnect"#);
}

#[test]
fn request_and_response_stream_at_the_same_time() {
    async fn echo(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        while let Some(Inbound::Body { data, more }) = connection.receive().await {
            connection.send(Outbound::Body { data, more }).await?;
            if !more {
                break;
            }
        }
        Ok(())
    }
    let pushed = Pushed::default();

    let mut exchange = start(echo, pushed.body(), &TestHost::new());
    let mut body = ready(&mut exchange).into_body();

    assert_eq!(next(&mut body), Piece::Pending);
    for piece in ["one", "two"] {
        pushed.data(piece);
        assert_eq!(next(&mut body), data(piece));
        assert_eq!(next(&mut body), Piece::Pending);
    }
    pushed.end();
    assert_eq!(next(&mut body), Piece::End);
}

#[test]
fn response_waits_for_nothing_but_the_application() {
    let pushed = Pushed::default();
    let mut exchange = start(lists, pushed.body(), &TestHost::new());

    assert!(poll(&mut exchange).is_pending());
    pushed.data("one");
    assert!(poll(&mut exchange).is_pending());
    pushed.end();

    let response = ready(&mut exchange);
    assert_eq!(text(response.into_body()), r#"b"one"+ b"". "#);
}

#[test]
fn body_can_be_taken_whole_in_place_of_events() {
    async fn takes(mut connection: Connection<Http>) -> Result {
        let mut body = connection.direct().ok_or("a body")?;
        assert!(connection.direct().is_none(), "there is but one");
        assert_eq!(next(&mut body), data("one"));
        assert_eq!(next(&mut body), Piece::Trailers(vec!["checksum".into()]));
        Ok(connection.send(Outbound::text("taken")).await?)
    }
    let pushed = Pushed::default();
    pushed.data("one");
    pushed.trailers();

    let response = ready(&mut start(takes, pushed.body(), &TestHost::new()));

    assert_eq!(text(response.into_body()), "taken");
}
