//! Tokens that come with the first message.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Response, StatusCode};
use solent_auth::{FirstMessage, TokenConfig, TokenSource, Tokens};
use solent_spec::{
    Body, BoxApplication, Connection, HttpProtocol, Middleware, Result, SendError, WebSocket,
    websocket::{
        Accept, Close, CloseCode, Inbound, Outbound, SharedFrame, SinkRefusal, WebSocketScope,
    },
};
use solent_test_servers::Log;
use solent_testing::{TestRequest, WebSocketCommunicator};

use super::person::{Sesame, bearer, get, presenting, socket};

fn tokens() -> Tokens<Sesame> {
    Tokens::new(Sesame::default()).from([TokenSource::Bearer, TokenSource::first_message()])
}

async fn open(tokens: &Tokens<Sesame>) -> WebSocketCommunicator {
    WebSocketCommunicator::open(socket(tokens), "/")
        .await
        .unwrap()
        .0
}

/// What a socket is closed with after `message`.
async fn closed_after(message: &str) -> u16 {
    let mut client = open(&tokens()).await;
    client.send_text(message).await.unwrap();
    let close = client.receive_close().await.unwrap();
    client.wait().await.unwrap();
    close.code.as_u16()
}

#[tokio::test(start_paused = true)]
async fn application_is_called_when_the_token_has_come() {
    let mut client = open(&tokens()).await;
    client.receive_nothing().await.unwrap();

    client.send_text(presenting("ann~100")).await.unwrap();

    assert_eq!(
        client.receive_text().await.unwrap(),
        r#"{"type":"auth.accepted","in":100}"#
    );
    assert_eq!(client.receive_text().await.unwrap(), "ann~100");
    client.send_text("hello").await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "hello");
    client.close(1000, "").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn token_of_the_first_message_expires_and_is_refreshed_like_any_other() {
    let mut client = open(&tokens()).await;
    client.send_text(presenting("ann~100")).await.unwrap();
    for _ in 0..2 {
        client.receive_text().await.unwrap();
    }
    client
        .receive_nothing_for(Duration::from_secs(39))
        .await
        .unwrap();
    assert_eq!(
        client.receive_text().await.unwrap(),
        r#"{"type":"auth.expiring","in":60}"#
    );

    client.send_text(presenting("ann~200")).await.unwrap();
    assert_eq!(
        client.receive_text().await.unwrap(),
        r#"{"type":"auth.accepted","in":200}"#
    );

    client
        .receive_nothing_for(Duration::from_secs(139))
        .await
        .unwrap();
    client.receive_text().await.unwrap();
    client
        .receive_nothing_for(Duration::from_secs(58))
        .await
        .unwrap();
    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
}

#[tokio::test(start_paused = true)]
async fn socket_that_begins_with_anything_else_is_closed() {
    let log = Log::new();
    for message in [
        "hello".to_owned(),
        String::new(),
        r#"{"type":"auth.token"}"#.to_owned(),
        r#"{"type":"auth.token","token":""}"#.to_owned(),
        presenting(&"s3cret".repeat(2000)),
        presenting("bad/s3cret"),
        presenting("ann~0"),
        format!("{}x", presenting("ann")),
    ] {
        assert_eq!(closed_after(&message).await, 4401, "{message}");
    }
    assert_eq!(closed_after(&presenting("down")).await, 1013);
    assert_eq!(log.text().matches("refused a token").count(), 8);
    assert!(!log.text().contains("s3cret"), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn socket_that_says_nothing_is_closed() {
    let settings = FirstMessage::default().timeout(Duration::from_secs(3));
    let tokens = tokens().from([TokenSource::FirstMessage(settings)]);
    let mut client = open(&tokens).await;

    client
        .receive_nothing_for(Duration::from_millis(2900))
        .await
        .unwrap();

    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn application_is_not_called_for_who_leaves_before() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let application = tokens().wrap(BoxApplication::new(move |_: Connection<WebSocket>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    }));
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();

    client.close(1001, "").await.unwrap();

    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn token_of_another_source_comes_first() {
    let (mut client, _) = WebSocketCommunicator::open(socket(&tokens()), bearer("ann"))
        .await
        .unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "ann");

    let strict = tokens().config(TokenConfig::default().required(true));
    assert_eq!(get(&strict, "/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&tokens(), "/").await.text().unwrap(), "nobody");
}

#[tokio::test(start_paused = true)]
async fn subprotocol_is_one_that_both_know() {
    let settings = FirstMessage::default()
        .subprotocol("chat.v2")
        .subprotocol("chat.v1");
    let tokens = tokens().from([TokenSource::FirstMessage(settings)]);
    for (offered, chosen) in [
        (vec!["chat.v1", "chat.v2"], Some("chat.v2")),
        (vec!["news", "chat.v1"], Some("chat.v1")),
        (vec!["news"], None),
        (vec![], None),
    ] {
        let request = TestRequest::get("/").subprotocols(offered);
        let (_client, accepted) = WebSocketCommunicator::open(socket(&tokens), request)
            .await
            .unwrap();
        assert_eq!(accepted.subprotocol.as_deref(), chosen);
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_accept_can_no_longer_say_is_told_to_the_log() {
    async fn late(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        connection
            .send(Accept::default().subprotocol("news").into())
            .await?;
        connection.receive().await;
        Ok(())
    }
    let log = Log::new();
    let application = tokens().wrap(BoxApplication::<WebSocket>::new(late));
    let request = TestRequest::get("/").subprotocols(["news"]);
    let (mut client, accepted) = WebSocketCommunicator::open(application, request)
        .await
        .unwrap();
    assert_eq!(accepted.subprotocol, None);

    client.send_text(presenting("ann")).await.unwrap();
    client.receive_text().await.unwrap();
    client.receive_nothing().await.unwrap();

    assert!(log.text().contains("name its subprotocols in FirstMessage"));
}

fn respond(scope: &WebSocketScope, status: u16) -> Outbound {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    WebSocket::refuse(scope, response)
}

#[tokio::test(start_paused = true)]
async fn application_that_refuses_closes_the_socket() {
    for (refusal, code) in [
        ("close", 4403),
        ("code", 4000),
        ("404", 4404),
        ("503", 1011),
        ("redirect", 4403),
    ] {
        let refuse = move |mut connection: Connection<WebSocket>| async move {
            connection.receive().await;
            let refusal = match refusal {
                "close" => Outbound::close(),
                "code" => Close::from(CloseCode::from_u16(4000)).into(),
                "404" => respond(connection.scope(), 404),
                "503" => respond(connection.scope(), 503),
                _ => respond(connection.scope(), 302),
            };
            connection.send(refusal).await?;
            Ok(())
        };
        let application = tokens().wrap(BoxApplication::<WebSocket>::new(refuse));
        let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();
        client.send_text(presenting("ann")).await.unwrap();
        client.receive_text().await.unwrap();

        assert_eq!(
            client.receive_close().await.unwrap().code.as_u16(),
            code,
            "{refusal}"
        );
        client.wait().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn application_finds_its_socket_in_order() {
    async fn check(mut connection: Connection<WebSocket>) -> Result {
        assert_eq!(connection.receive().await, Some(Inbound::Connect));
        let early = connection.feed(Outbound::Message("early".into()));
        assert!(matches!(early, Err(SendError::Illegal(_))));
        let sink = connection.direct().expect("a way round the events");
        let frame = SharedFrame::new("round");
        assert_eq!(sink.send_frame(&frame), Err(SinkRefusal::NotOpen));

        connection.send(Outbound::accept()).await?;
        assert!(matches!(
            connection.feed(Outbound::accept()),
            Err(SendError::Illegal(_))
        ));
        sink.send_frame(&frame)?;
        connection
            .direct()
            .expect("a way round the events")
            .send_frame(&frame)?;

        let event = connection.receive().await;
        assert!(matches!(event, Some(Inbound::Disconnect(close)) if close.code.as_u16() == 4999));
        let late = connection.feed(Outbound::Message("late".into()));
        assert!(matches!(late, Err(SendError::Closed)));
        Ok(())
    }
    let application = tokens().wrap(BoxApplication::<WebSocket>::new(check));
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();
    client.send_text(presenting("ann")).await.unwrap();
    client.receive_text().await.unwrap();
    for _ in 0..2 {
        assert_eq!(client.receive_text().await.unwrap(), "round");
    }

    client.close(4999, "").await.unwrap();
}
