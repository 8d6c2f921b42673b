//! What the log must not tell, at its most talkative.

use std::{collections::BTreeMap, time::Duration};

use solent_layer::{ChannelLayer, DynLayer, Message};
use solent_layer_redis::{RedisConfig, RedisPubSubLayer, RedisQueueLayer, store::StoreLink};
use solent_test_servers::{Log, RedisServer};

use crate::scene::*;

const PASSWORD: &str = "correct-horse";
const WRONG: &str = "battery-staple";
const PAYLOAD: &str = "a-secret-of-two-people";
const SESSION: &str = "a-key-of-a-session";

fn layers(config: &RedisConfig) -> [DynLayer; 2] {
    [
        DynLayer::new(RedisPubSubLayer::new(config.clone()).unwrap()),
        DynLayer::new(RedisQueueLayer::new(config.clone()).unwrap()),
    ]
}

/// Sends until a message arrives.
async fn reach(layer: &DynLayer) {
    let mut mailbox = member(layer).await;
    let secret = Message::encode(&BTreeMap::from([("text", PAYLOAD)])).unwrap();
    until("a message is sent", async || {
        layer.group_send(&room(), secret.clone()).await.is_ok()
    })
    .await;
    while !matches!(
        deliver(&mut mailbox).await,
        solent_layer::Delivery::Message(_)
    ) {}
}

async fn read(store: &StoreLink) {
    until("the session is read", async || {
        store.get(SESSION).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn log_of_a_whole_run_has_no_password_session_or_payload() {
    let log = Log::new();
    let server = RedisServer::builder()
        .password(PASSWORD)
        .start()
        .await
        .unwrap();
    let url = |password| format!("redis://:{password}@{}", server.addr());
    let config = hasty(&url(PASSWORD)).send_wait(Duration::from_millis(300));
    let store = StoreLink::open(&url(PASSWORD)).unwrap();
    for layer in layers(&config) {
        reach(&layer).await;
        read(&store).await;

        server.kill().await.unwrap();
        let away = layer.check().await.unwrap_err();
        tracing::error!(?away, error = %solent_spec::Chain(&away), "away");
        server.restart().await.unwrap();

        reach(&layer).await;
        read(&store).await;
        tracing::info!(?layer, ?config, ?store, "as it is");
    }
    for layer in layers(&hasty(&url(WRONG))) {
        let refused = layer.check().await.unwrap_err();
        tracing::error!(?refused, error = %solent_spec::Chain(&refused), "refused");
    }
    let refused = StoreLink::open(&url(WRONG)).unwrap().get(SESSION).await;
    tracing::error!(?refused, "refused");

    let text = log.text();
    assert!(
        text.contains("redis is back") && text.contains("WRONGPASS"),
        "{text}"
    );
    for secret in [PASSWORD, WRONG, PAYLOAD, SESSION] {
        let told: Vec<_> = text.lines().filter(|line| line.contains(secret)).collect();
        assert!(told.is_empty(), "{told:#?}");
    }
}
