use solent_session::Identity;
use solent_spec::{
    BoxApplication, Connection, Middleware, Result, WebSocket,
    websocket::{Close, CloseCode, Inbound, Outbound},
};
use solent_testing::{TestRequest, WebSocketCommunicator};
use tokio::time::{Duration, advance};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

async fn echo(mut connection: Connection<WebSocket>) -> Result {
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Connect => connection.send(Outbound::accept()).await?,
            Inbound::Message(frame) => connection.send(frame.into()).await?,
            Inbound::Disconnect(_) => break,
        }
    }
    Ok(())
}

fn logged_in(id: &str) -> Identity {
    let identity = Identity::default();
    identity.set(Some(id.into()));
    identity
}

/// A client of an echo behind `limit`.
async fn open(limit: &MessageRate, request: TestRequest) -> WebSocketCommunicator {
    let application = limit.wrap(BoxApplication::<WebSocket>::new(echo));
    let (client, _) = WebSocketCommunicator::open(application, request)
        .await
        .unwrap();
    client
}

fn from(address: &str) -> TestRequest {
    TestRequest::get("/").client(address.parse().unwrap())
}

/// Sends until the socket is closed: how many messages were answered, and what it was closed with.
async fn flood(client: &mut WebSocketCommunicator) -> (usize, Close) {
    for answered in 0.. {
        client.send_text("hello").await.unwrap();
        match client.events().receive_output().await.unwrap() {
            Outbound::Message(_) => {}
            Outbound::Close(close) => return (answered, close),
            other => panic!("expected an echo, got {other:?}"),
        }
    }
    unreachable!("a flood has an end");
}

#[tokio::test(start_paused = true)]
async fn each_connection_has_its_own_limit() {
    let limit = MessageRate::new(Rate::per_hour(3));
    let mut one = open(&limit, from("192.0.2.1:1")).await;
    let mut other = open(&limit, from("192.0.2.1:2")).await;

    let (answered, close) = flood(&mut one).await;

    assert_eq!(answered, 3);
    assert_eq!(close, Close::new(CloseCode::POLICY, "too many messages"));
    one.wait().await.unwrap();
    assert_eq!(flood(&mut other).await.0, 3);
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_its_time_is_not_limited() {
    let limit = MessageRate::new(Rate::per_hour(2)).per_user(Rate::per_hour(2));
    let mut client = open(&limit, from("192.0.2.1:1").state(logged_in("7"))).await;

    for _ in 0..20 {
        client.send_text("hello").await.unwrap();
        assert_eq!(client.receive_text().await.unwrap(), "hello");
        advance(HOUR / 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn connections_of_a_user_share_a_limit() {
    let limit = MessageRate::of_users(Rate::per_hour(3));
    let mut one = open(&limit, from("192.0.2.1:1").state(logged_in("7"))).await;
    let mut two = open(&limit, from("192.0.2.2:1").state(logged_in("7"))).await;
    let mut other = open(&limit, from("192.0.2.1:1").state(logged_in("8"))).await;

    assert_eq!(flood(&mut one).await.0, 3);
    assert_eq!(flood(&mut two).await.0, 0);
    assert_eq!(flood(&mut other).await.0, 3);

    let mut again = open(&limit, from("192.0.2.3:1").state(logged_in("7"))).await;
    assert_eq!(
        flood(&mut again).await.0,
        0,
        "to come back is no way round it"
    );
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_logged_in_the_address_counts() {
    let limit = MessageRate::of_users(Rate::per_hour(3));
    let mut one = open(&limit, from("[2001:db8::1]:1")).await;
    let mut two = open(&limit, from("[2001:db8::2]:1").state(Identity::default())).await;
    let mut other = open(&limit, from("[2001:db8:0:1::1]:1")).await;

    assert_eq!(flood(&mut one).await.0, 3);
    assert_eq!(flood(&mut two).await.0, 0);
    assert_eq!(flood(&mut other).await.0, 3);

    for _ in 0..2 {
        let mut nowhere = open(&limit, TestRequest::get("/")).await;
        assert_eq!(flood(&mut nowhere).await.0, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn login_on_an_open_socket_changes_whose_limit_counts() {
    let limit = MessageRate::of_users(Rate::per_hour(2));
    let identity = Identity::default();
    let mut client = open(&limit, from("192.0.2.1:1").state(identity.clone())).await;
    client.send_text("hello").await.unwrap();
    client.receive_text().await.unwrap();

    identity.set(Some("7".into()));

    assert_eq!(flood(&mut client).await.0, 2);
    let mut nobody = open(&limit, from("192.0.2.1:2")).await;
    assert_eq!(flood(&mut nobody).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn narrower_of_two_limits_counts() {
    let limit = MessageRate::new(Rate::per_hour(2)).per_user(Rate::per_hour(3));
    let user = logged_in("7");
    let mut one = open(&limit, from("192.0.2.1:1").state(user.clone())).await;
    let mut two = open(&limit, from("192.0.2.1:2").state(user)).await;

    assert_eq!(flood(&mut one).await.0, 2);
    assert_eq!(flood(&mut two).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn application_is_told_the_end_and_nothing_that_came_after_the_limit() {
    let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
    let close = Close::new(CloseCode::from_u16(4429), "slow down");
    let limit = MessageRate::new(Rate::per_hour(2))
        .close(close.clone())
        .unwrap();
    let application = move |mut connection: Connection<WebSocket>| {
        let tx = tx.clone();
        async move {
            connection.receive().await;
            connection.send(Outbound::accept()).await?;
            // Messages pile up until it looks.
            tokio::time::sleep(Duration::from_secs(1)).await;
            while let Some(event) = connection.receive().await {
                tx.send(event)?;
            }
            let late = connection.send(solent_spec::websocket::Frame::text("late").into());
            assert!(late.await.unwrap_err().is_closed());
            Ok(())
        }
    };
    let application = limit.wrap(BoxApplication::<WebSocket>::new(application));
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();

    for _ in 0..5 {
        client.send_text("hello").await.unwrap();
    }

    assert_eq!(client.receive_close().await.unwrap(), close);
    client.wait().await.unwrap();
    for _ in 0..2 {
        assert!(matches!(rx.recv().await, Some(Inbound::Message(_))));
    }
    assert!(matches!(rx.recv().await, Some(Inbound::Disconnect(end)) if end.code == close.code));
    assert_eq!(rx.recv().await, None);
}
