//! Newer tokens for sockets that are open.

use std::time::Duration;

use solent_auth::{Credential, RefreshError, TokenConfig, Tokens};
use solent_spec::{
    BoxApplication, Connection, Middleware, RequestScope, Result, WebSocket,
    websocket::{Inbound, Outbound},
};
use solent_test_servers::Log;
use solent_testing::WebSocketCommunicator;

use super::person::{Sesame, bearer, presenting, socket};

async fn open(config: TokenConfig, token: &str) -> WebSocketCommunicator {
    let tokens = Tokens::new(Sesame::default()).config(config);
    let (mut client, _) = WebSocketCommunicator::open(socket(&tokens), bearer(token))
        .await
        .unwrap();
    assert_eq!(client.receive_text().await.unwrap(), token);
    client
}

fn quiet() -> TokenConfig {
    TokenConfig::default().warn_before(Duration::ZERO)
}

async fn present(client: &mut WebSocketCommunicator, token: &str) -> String {
    client.send_text(presenting(token)).await.unwrap();
    client.receive_text().await.unwrap()
}

async fn close_after(client: &mut WebSocketCommunicator, seconds: u64) {
    client
        .receive_nothing_for(Duration::from_secs(seconds))
        .await
        .unwrap();
    let close = client.receive_close().await.unwrap();
    assert_eq!(close.code.as_u16(), 4401);
}

#[tokio::test(start_paused = true)]
async fn newer_token_prolongs_the_socket() {
    let mut client = open(TokenConfig::default(), "ann~70").await;
    client
        .receive_nothing_for(Duration::from_secs(9))
        .await
        .unwrap();
    assert_eq!(
        client.receive_text().await.unwrap(),
        r#"{"type":"auth.expiring","in":60}"#
    );

    let answer = present(&mut client, "ann~100/new").await;
    assert_eq!(answer, r#"{"type":"auth.accepted","in":100}"#);
    client.send_text("who?").await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "ann~100/new");

    client
        .receive_nothing_for(Duration::from_secs(39))
        .await
        .unwrap();
    assert_eq!(
        client.receive_text().await.unwrap(),
        r#"{"type":"auth.expiring","in":60}"#
    );
    close_after(&mut client, 58).await;
}

#[tokio::test(start_paused = true)]
async fn newer_token_may_shorten_the_socket_or_keep_it_for_ever() {
    let mut client = open(quiet(), "ann").await;
    assert_eq!(
        present(&mut client, "ann~10").await,
        r#"{"type":"auth.accepted","in":10}"#
    );
    client
        .receive_nothing_for(Duration::from_secs(5))
        .await
        .unwrap();

    assert_eq!(
        present(&mut client, "ann/ever").await,
        r#"{"type":"auth.accepted"}"#
    );
    client
        .receive_nothing_for(Duration::from_secs(50))
        .await
        .unwrap();

    assert_eq!(
        present(&mut client, "ann~1").await,
        r#"{"type":"auth.accepted","in":1}"#
    );
    client.receive_close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn token_that_is_refused_changes_nothing() {
    let log = Log::new();
    for token in ["bad/s3cret", "bob/s3cret", "ann~0"] {
        let mut client = open(quiet(), "ann~50").await;

        assert_eq!(
            present(&mut client, token).await,
            r#"{"type":"auth.refused"}"#
        );

        client.send_text("who?").await.unwrap();
        assert_eq!(client.receive_text().await.unwrap(), "ann~50");
        close_after(&mut client, 48).await;
    }
    assert!(log.text().contains("refused a newer token"));
    assert!(!log.text().contains("s3cret"), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn message_without_a_usable_token_is_refused() {
    let mut client = open(quiet().max_len(20), "ann~50").await;
    let long = presenting(&"x".repeat(21));
    for message in [
        r#"{"type":"auth.token"}"#,
        r#"{"type":"auth.token","token":7}"#,
        &*long,
    ] {
        client.send_text(message).await.unwrap();
        assert_eq!(
            client.receive_text().await.unwrap(),
            r#"{"type":"auth.refused"}"#
        );
    }
}

#[tokio::test(start_paused = true)]
async fn token_that_cannot_be_verified_changes_nothing() {
    for token in ["down", "slow"] {
        let mut client = open(quiet().verify_timeout(Duration::from_secs(2)), "ann~50").await;

        assert_eq!(
            present(&mut client, token).await,
            r#"{"type":"auth.unavailable"}"#
        );

        client.send_text("who?").await.unwrap();
        assert_eq!(client.receive_text().await.unwrap(), "ann~50");
    }
}

#[tokio::test(start_paused = true)]
async fn token_expires_also_while_a_newer_one_is_verified() {
    let mut client = open(quiet(), "ann~3").await;

    client.send_text(presenting("slow")).await.unwrap();

    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
}

#[tokio::test(start_paused = true)]
async fn messages_after_a_token_wait_for_it() {
    let mut client = open(quiet(), "ann~50").await;

    client.send_text(presenting("ann~90")).await.unwrap();
    client.send_text("who?").await.unwrap();

    assert_eq!(
        client.receive_text().await.unwrap(),
        r#"{"type":"auth.accepted","in":90}"#
    );
    assert_eq!(client.receive_text().await.unwrap(), "ann~90");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_again_and_again_is_closed() {
    let mut client = open(quiet(), "ann").await;
    for _ in 0..5 {
        assert_eq!(
            present(&mut client, "bad").await,
            r#"{"type":"auth.refused"}"#
        );
    }

    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn token_that_is_accepted_forgives_those_refused() {
    let mut client = open(quiet(), "ann").await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(
                present(&mut client, "bad").await,
                r#"{"type":"auth.refused"}"#
            );
        }
        assert_eq!(
            present(&mut client, "ann").await,
            r#"{"type":"auth.accepted"}"#
        );
    }
}

#[tokio::test(start_paused = true)]
async fn application_sees_tokens_where_they_are_its_business() {
    let mut client = open(quiet().refresh(false), "ann~50").await;

    let echo = present(&mut client, "ann~90").await;

    assert_eq!(echo, presenting("ann~90"));
    close_after(&mut client, 48).await;
}

#[tokio::test(start_paused = true)]
async fn application_refreshes_the_token_itself() {
    async fn refresh(mut connection: Connection<WebSocket>) -> Result {
        let credential = connection
            .scope()
            .state::<Credential>()
            .cloned()
            .ok_or("no token")?;
        while let Some(event) = connection.receive().await {
            match event {
                Inbound::Connect => connection.send(Outbound::accept()).await?,
                Inbound::Message(frame) => {
                    let answer = match credential
                        .refresh(frame.as_text().unwrap_or_default())
                        .await
                    {
                        Ok(()) => "ok",
                        Err(RefreshError::Refused) => "refused",
                        Err(RefreshError::AnotherUser) => "another user",
                        Err(_) => "unavailable",
                    };
                    connection.send(Outbound::Message(answer.into())).await?;
                }
                Inbound::Disconnect(_) => break,
            }
        }
        Ok(())
    }
    let tokens = Tokens::new(Sesame::default()).config(quiet());
    let application = tokens.wrap(BoxApplication::<WebSocket>::new(refresh));
    let (mut client, _) = WebSocketCommunicator::open(application, bearer("ann~5"))
        .await
        .unwrap();

    for (token, answer) in [
        ("bad", "refused"),
        ("bob", "another user"),
        ("down", "unavailable"),
        ("ann~60", "ok"),
    ] {
        client.send_text(token).await.unwrap();
        assert_eq!(client.receive_text().await.unwrap(), answer);
    }
    close_after(&mut client, 58).await;
}
