//! What becomes of a socket when its token expires.

use std::time::Duration;

use solent_auth::{TokenConfig, Tokens};
use solent_spec::{
    BoxApplication, Connection, Middleware, Result, WebSocket,
    websocket::{Close, CloseCode, Frame, Inbound},
};
use solent_testing::{TestRequest, WebSocketCommunicator};
use tokio::time::{Instant, advance, timeout};

use super::person::{Sesame, bearer, socket};

async fn open(config: TokenConfig, token: &str) -> WebSocketCommunicator {
    let tokens = Tokens::new(Sesame::default()).config(config);
    let (mut client, _) = WebSocketCommunicator::open(socket(&tokens), bearer(token))
        .await
        .unwrap();
    assert_eq!(client.receive_text().await.unwrap(), token);
    client
}

/// Without checks every minute, of which there would be many.
fn unchecked() -> TokenConfig {
    TokenConfig::default().interval(Duration::ZERO)
}

#[tokio::test(start_paused = true)]
async fn client_is_warned_and_then_closed() {
    let mut client = open(TokenConfig::default(), "ann~300").await;

    client
        .receive_nothing_for(Duration::from_secs(239))
        .await
        .unwrap();
    let warning = client.receive_text().await.unwrap();
    assert_eq!(warning, r#"{"type":"auth.expiring","in":60}"#);

    client
        .receive_nothing_for(Duration::from_secs(58))
        .await
        .unwrap();
    client.send_text("who?").await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "ann~300");

    let close = client.receive_close().await.unwrap();
    assert_eq!(close.code.as_u16(), 4401);
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn client_whose_token_expires_soon_is_warned_once_its_socket_is_open() {
    async fn slow(mut connection: Connection<WebSocket>) -> Result {
        connection.receive().await;
        let more = timeout(Duration::from_secs(2), connection.receive());
        assert!(more.await.is_err());
        connection
            .send(solent_spec::websocket::Outbound::accept())
            .await?;
        while !matches!(
            connection.receive().await,
            Some(Inbound::Disconnect(_)) | None
        ) {}
        Ok(())
    }
    let application = Tokens::new(Sesame::default()).wrap(BoxApplication::<WebSocket>::new(slow));
    let (mut client, _) = WebSocketCommunicator::open(application, bearer("ann~30"))
        .await
        .unwrap();

    let warning = client.receive_text().await.unwrap();

    assert_eq!(warning, r#"{"type":"auth.expiring","in":28}"#);
}

#[tokio::test(start_paused = true)]
async fn handshake_that_takes_longer_than_its_token_is_refused() {
    async fn asleep(mut connection: Connection<WebSocket>) -> Result {
        while connection.receive().await.is_some() {}
        Ok(())
    }
    let application = Tokens::new(Sesame::default()).wrap(BoxApplication::<WebSocket>::new(asleep));
    let mut client = WebSocketCommunicator::start(application, bearer("ann~3")).unwrap();

    let rejection = client.connect().await.unwrap().rejected().unwrap();

    assert_eq!(rejection.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn warning_can_be_left_out_or_be_another_one() {
    let mut client = open(
        TokenConfig::default().warn_before(Duration::ZERO),
        "ann~100",
    )
    .await;
    client
        .receive_nothing_for(Duration::from_secs(99))
        .await
        .unwrap();
    client.receive_close().await.unwrap();

    let config = TokenConfig::default()
        .warn_before(Duration::from_secs(5))
        .warning(|left| Frame::binary(vec![left.as_secs_f32().round() as u8]));
    let mut client = open(config, "ann~100").await;
    client
        .receive_nothing_for(Duration::from_secs(94))
        .await
        .unwrap();
    assert_eq!(client.receive().await.unwrap().as_bytes(), [5]);
}

#[tokio::test(start_paused = true)]
async fn code_of_the_close_can_be_set() {
    let close = Close::new(CloseCode::from_u16(4003), "token expired");
    let mut client = open(
        TokenConfig::default()
            .warn_before(Duration::ZERO)
            .close(close)
            .unwrap(),
        "ann~2",
    )
    .await;

    let close = client.receive_close().await.unwrap();

    assert_eq!(
        (close.code.as_u16(), &*close.reason),
        (4003, "token expired")
    );
    let illegal = TokenConfig::default().close(CloseCode::NO_STATUS);
    assert!(illegal.is_err(), "it may not be sent");
}

#[tokio::test(start_paused = true)]
async fn token_without_an_end_keeps_its_socket_open() {
    let mut client = open(unchecked(), "ann").await;

    client
        .receive_nothing_for(Duration::from_secs(10 * 365 * 24 * 3600))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn token_may_end_in_a_distant_future() {
    for seconds in [40 * 24 * 3600, 200 * 365 * 24 * 3600_u64] {
        let mut client = open(unchecked(), &format!("ann~{seconds}")).await;
        client
            .receive_nothing_for(Duration::from_secs(39 * 24 * 3600))
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn busy_application_does_not_prolong_a_token() {
    let mut client = open(TokenConfig::default().warn_before(Duration::ZERO), "ann~10").await;
    let begun = Instant::now();
    loop {
        if client.send_text("ping").await.is_err() {
            break;
        }
        match client.receive_text().await {
            Ok(text) => assert_eq!(text, "ping"),
            Err(_) => break,
        }
        advance(Duration::from_millis(100)).await;
    }
    let lasted = begun.elapsed().as_secs_f32();
    assert!((9.8..10.3).contains(&lasted), "{lasted}");
}

#[tokio::test(start_paused = true)]
async fn client_may_leave_before() {
    let mut client = open(TokenConfig::default(), "ann~100").await;

    client.close(1000, "bye").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn request_that_brings_no_token_is_watched_by_nobody() {
    let tokens = Tokens::new(Sesame::default());
    let request = TestRequest::get("/");
    let (mut client, _) = WebSocketCommunicator::open(socket(&tokens), request)
        .await
        .unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "nobody");

    let message = super::person::presenting("ann");
    client.send_text(&*message).await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), message);
}
