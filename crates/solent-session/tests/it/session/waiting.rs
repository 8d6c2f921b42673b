//! Responses that wait for a store.

use std::{future::poll_fn, task::Poll};

use ::http::StatusCode;
use solent_session::{Session, Sessions};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, RequestScope, Result, SendError, WebSocket, http,
    websocket::{Inbound, Outbound},
};
use solent_testing::{HttpCommunicator, WebSocketCommunicator};

use super::probe::Probe;

/// Changes the session, so that the response has something to wait for.
fn change<S: RequestScope>(scope: &S) -> impl Future<Output = Result> + use<S> {
    let session = Session::of(scope);
    async move { Ok(session.ok_or("no session")?.insert("color", "blue").await?) }
}

#[tokio::test(start_paused = true)]
async fn response_leaves_once_its_session_is_saved() -> Result {
    let probe = Probe::default();
    let sessions = Sessions::new(probe.clone());
    let application = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<Http>| {
            change(connection.scope()).await?;
            connection
                .send(http::Outbound::start(StatusCode::OK))
                .await?;
            connection.send(http::Outbound::end("body")).await?;
            Ok(())
        },
    ));
    let store = probe.hold_up().await;
    let mut client = HttpCommunicator::start(application, "/")?;

    client.receive_nothing().await?;
    drop(store);

    let response = client.response().await?;
    assert!(response.header("set-cookie").is_some());
    assert_eq!(response.text()?, "body");
    assert_eq!(probe.memory().len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_receives_drives_what_the_response_waits_for() -> Result {
    let sessions = Sessions::new(Probe::default());
    let application = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<WebSocket>| {
            change(connection.scope()).await?;
            assert_eq!(connection.receive().await, Some(Inbound::Connect));
            connection.feed(Outbound::accept())?;
            let Some(Inbound::Message(frame)) = connection.receive().await else {
                return Err("no message".into());
            };
            Ok(connection.send(frame.into()).await?)
        },
    ));
    let (mut client, accepted) = WebSocketCommunicator::open(application, "/ws/").await?;

    assert!(accepted.headers.contains_key("set-cookie"));
    client.send_text("hello").await?;
    assert_eq!(client.receive_text().await?, "hello");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn send_that_is_given_up_is_neither_lost_nor_doubled() -> Result {
    let probe = Probe::default();
    let sessions = Sessions::new(probe.clone());
    let application = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<WebSocket>| {
            change(connection.scope()).await?;
            {
                let mut accept = std::pin::pin!(connection.send(Outbound::accept()));
                let first = poll_fn(|cx| Poll::Ready(accept.as_mut().poll(cx))).await;
                assert!(first.is_pending());
            }
            connection.send(Outbound::Message("after".into())).await?;
            Ok(())
        },
    ));
    let store = probe.hold_up().await;
    let mut client = WebSocketCommunicator::start(application, "/ws/")?;
    tokio::task::yield_now().await;
    drop(store);

    client.connect().await?.accepted()?;
    assert_eq!(client.receive_text().await?, "after");
    client.wait().await?;
    assert_eq!(probe.memory().len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn response_that_waits_takes_a_bounded_number_of_events() -> Result {
    let sessions = Sessions::new(Probe::default());
    let application = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<Http>| {
            change(connection.scope()).await?;
            connection.feed(http::Outbound::start(StatusCode::OK))?;
            let mut taken = 0;
            let refused = loop {
                match connection.feed(http::Outbound::chunk("x")) {
                    Ok(()) => taken += 1,
                    Err(error) => break error,
                }
            };
            assert!(matches!(refused, SendError::Illegal(_)), "{refused}");
            connection.flush().await?;
            connection
                .send(http::Outbound::end(taken.to_string()))
                .await?;
            Ok(())
        },
    ));
    let mut client = HttpCommunicator::start(application, "/")?;

    let response = client.response().await?;

    let text = response.text()?;
    let digits = text.trim_start_matches('x');
    assert_eq!(text.len() - digits.len(), digits.parse::<usize>()?);
    assert!(text.len() > 100, "{text}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_meanwhile_leaves_a_saved_session() -> Result {
    let probe = Probe::default();
    let sessions = Sessions::new(probe.clone());
    let application = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<Http>| {
            change(connection.scope()).await?;
            let response = http::Outbound::text("too late");
            let _ = connection.send(response).await;
            Ok(())
        },
    ));
    let store = probe.hold_up().await;
    let mut client = HttpCommunicator::start(application, "/")?;
    client.receive_nothing().await?;

    let (left, ()) = tokio::join!(client.disconnect(), async { drop(store) });

    left?;
    assert_eq!(probe.memory().len(), 1);
    Ok(())
}
