//! Users who may not stay.

use std::time::Duration;

use solent_auth::{TokenConfig, Tokens, check_user, close_user};
use solent_layer::DynLayer;
use solent_layer_memory::MemoryLayer;
use solent_testing::WebSocketCommunicator;

use super::person::{Sesame, bearer, presenting, socket};

async fn open(
    verifier: &Sesame,
    config: TokenConfig,
    layer: &DynLayer,
    token: &str,
) -> WebSocketCommunicator {
    let tokens = Tokens::new(verifier.clone()).config(config);
    let request = bearer(token).state(layer.clone());
    let (mut client, _) = WebSocketCommunicator::open(socket(&tokens), request)
        .await
        .unwrap();
    assert_eq!(client.receive_text().await.unwrap(), token);
    client.receive_nothing().await.unwrap();
    client
}

fn layer() -> DynLayer {
    DynLayer::new(MemoryLayer::default())
}

async fn assert_closed(client: &mut WebSocketCommunicator) {
    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn user_who_is_banned_is_closed_at_the_next_check() {
    let verifier = Sesame::default();
    let mut client = open(&verifier, TokenConfig::default(), &layer(), "ann").await;
    client
        .receive_nothing_for(Duration::from_secs(200))
        .await
        .unwrap();

    verifier.banned.lock().unwrap().push("ann".into());

    // The interval, and a quarter more.
    tokio::time::sleep(Duration::from_secs(76)).await;
    assert_closed(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn user_who_is_banned_is_closed_at_once_when_somebody_says_so() {
    let (verifier, layer) = (Sesame::default(), layer());
    let config = TokenConfig::default().interval(Duration::ZERO);
    let mut ann = open(&verifier, config.clone(), &layer, "ann").await;
    let mut bob = open(&verifier, config, &layer, "bob").await;

    check_user(&layer, "ann").await.unwrap();
    ann.receive_nothing().await.unwrap();

    verifier.banned.lock().unwrap().push("ann".into());
    check_user(&layer, "ann").await.unwrap();
    assert_closed(&mut ann).await;
    bob.receive_nothing().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_socket_of_a_user_can_be_closed() {
    let (verifier, layer) = (Sesame::default(), layer());
    let mut sockets = Vec::new();
    for token in ["ann/1", "ann/2", "ann/3"] {
        sockets.push(open(&verifier, TokenConfig::default(), &layer, token).await);
    }
    // A newer token makes no difference.
    sockets[0].send_text(presenting("ann/4")).await.unwrap();
    sockets[0].receive_text().await.unwrap();

    close_user(&layer, "ann").await.unwrap();

    for client in &mut sockets {
        assert_closed(client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn user_who_is_not_to_be_reached_is_not() {
    let (verifier, layer) = (Sesame::default(), layer());
    let config = TokenConfig::default().reachable(false);
    let mut client = open(&verifier, config, &layer, "ann").await;

    close_user(&layer, "ann").await.unwrap();

    client.receive_nothing().await.unwrap();
}
