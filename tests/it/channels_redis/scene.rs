//! What the tests have in common.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use solent::layer::{
    ChannelLayer, Delivery, DynLayer, Mailbox,
    redis::{RedisConfig, RedisLayerKind, RedisLayerUrl, RedisPubSubLayer, RedisQueueLayer},
};
use solent_test_servers::RedisServer;
use tokio::time::{Duration, Instant, sleep, timeout};

use super::{
    peer::Peer,
    value::{message, value},
};
use crate::live::PATIENCE;

/// How long nothing must happen to be believed.
const SETTLE: Duration = Duration::from_millis(200);

/// Redis, and the settings that Python and Rust share.
pub(super) struct Scene {
    pub(super) kind: RedisLayerKind,
    servers: Vec<RedisServer>,
    /// The URLs of the hosts, in order.
    hosts: Vec<String>,
    /// The options of Python's layer, without its hosts.
    options: Value,
    /// The same as the query of a URL.
    query: String,
}

impl Scene {
    pub(super) async fn start(kind: RedisLayerKind) -> Result<Self> {
        Self::with(kind, vec![RedisServer::start().await?], json!({}), "")
    }

    /// With options: those of Python, and the same as a part of the query of a URL.
    pub(super) fn with(
        kind: RedisLayerKind,
        servers: Vec<RedisServer>,
        options: Value,
        query: &str,
    ) -> Result<Self> {
        ensure!(options.is_object(), "options are a map");
        let layer = match kind {
            RedisLayerKind::Queue => "queue",
            _ => "pubsub",
        };
        let host = |server: &RedisServer| format!("{}/0", server.url());
        Ok(Self {
            kind,
            hosts: servers.iter().map(host).collect(),
            servers,
            options,
            query: format!("layer={layer}&{query}"),
        })
    }

    /// On other hosts than database 0 of each server.
    pub(super) fn on(mut self, hosts: impl Into<Vec<String>>) -> Self {
        self.hosts = hosts.into();
        self
    }

    /// With capacities that no test fills.
    pub(super) async fn spacious(kind: RedisLayerKind) -> Result<Self> {
        let options = json!({"capacity": 100_000});
        Self::with(
            kind,
            vec![RedisServer::start().await?],
            options,
            "capacity=100000",
        )
    }

    pub(super) fn server(&self) -> &RedisServer {
        &self.servers[0]
    }

    /// What an application is started with.
    pub(super) fn url(&self) -> String {
        let mut hosts = self.hosts.clone();
        let sign = if hosts[0].contains('?') { '&' } else { '?' };
        hosts[0] += &format!("{sign}{}", self.query.trim_end_matches('&'));
        hosts.join(" ")
    }

    /// A layer of a process of Rust.
    pub(super) fn rust(&self) -> Result<DynLayer> {
        self.rust_with(|config| config)
    }

    pub(super) fn rust_with(
        &self,
        change: impl FnOnce(RedisConfig) -> RedisConfig,
    ) -> Result<DynLayer> {
        layer_at(&self.url(), change)
    }

    /// A process of Python.
    pub(super) async fn python(&self) -> Result<Peer> {
        self.python_with(json!({})).await
    }

    /// A process of Python, some of whose options are others.
    pub(super) async fn python_with(&self, others: Value) -> Result<Peer> {
        let mut options = self.options.clone();
        let all = options.as_object_mut().context("options are a map")?;
        all.insert("hosts".into(), json!(self.hosts));
        all.extend(others.as_object().cloned().unwrap_or_default());
        Peer::start(self.python_name(), &options).await
    }

    fn python_name(&self) -> &'static str {
        match self.kind {
            RedisLayerKind::Queue => "core",
            _ => "pubsub",
        }
    }
}

/// A layer by the URL of a scene.
pub(super) fn layer_at(
    url: &str,
    change: impl FnOnce(RedisConfig) -> RedisConfig,
) -> Result<DynLayer> {
    let url: RedisLayerUrl = url.parse()?;
    let config = change(url.config);
    Ok(match url.kind {
        RedisLayerKind::Queue => DynLayer::new(RedisQueueLayer::new(config)?),
        _ => DynLayer::new(RedisPubSubLayer::new(config)?),
    })
}

/// A mailbox that is a member of a group.
pub(super) async fn member(layer: &DynLayer, group: &str) -> Result<Mailbox> {
    let mailbox = layer.open("specific.").await?;
    layer.group_add(&group.parse()?, mailbox.name()).await?;
    Ok(mailbox)
}

pub(super) async fn send(layer: &DynLayer, channel: &str, what: &Value) -> Result<()> {
    Ok(layer.send(&channel.parse()?, message(what)?).await?)
}

pub(super) async fn group_send(layer: &DynLayer, group: &str, what: &Value) -> Result<()> {
    layer.group_send(&group.parse()?, message(what)?).await?;
    Ok(())
}

/// The message that arrives next.
pub(super) async fn next(mailbox: &mut Mailbox) -> Result<Value> {
    match deliver(mailbox).await? {
        Delivery::Message(message) => value(&message),
        other => bail!("a message was to arrive, not {other:?}"),
    }
}

/// So many messages.
pub(super) async fn take(mailbox: &mut Mailbox, count: usize) -> Result<Vec<Value>> {
    let mut taken = Vec::new();
    for _ in 0..count {
        let had = taken.len();
        taken.push(
            next(mailbox)
                .await
                .with_context(|| format!("after {had} of {count}"))?,
        );
    }
    Ok(taken)
}

/// The mailbox is told that it may have missed messages.
pub(super) async fn gap(mailbox: &mut Mailbox) -> Result<solent::layer::Gap> {
    match deliver(mailbox).await? {
        Delivery::Gap(gap) => Ok(gap),
        other => bail!("a gap was to be told, not {other:?}"),
    }
}

pub(super) async fn nothing(mailbox: &mut Mailbox) -> Result<()> {
    match timeout(SETTLE, mailbox.recv()).await {
        Err(_) => Ok(()),
        Ok(delivery) => bail!("nothing was to arrive, not {delivery:?}"),
    }
}

async fn deliver(mailbox: &mut Mailbox) -> Result<Delivery> {
    let delivery = timeout(PATIENCE, mailbox.recv()).await;
    delivery
        .context("nothing arrived")?
        .context("the mailbox is closed")
}

pub(super) fn number(n: u64) -> Value {
    json!({"type": "number", "n": n})
}

/// Asks again and again until something is so.
pub(super) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        ensure!(Instant::now() < end, "in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Makes of each promise a test of each layer.
macro_rules! on_both_layers {
    ($($promise:ident,)+) => {
        mod queue {
            $(#[tokio::test]
            async fn $promise() -> anyhow::Result<()> {
                super::$promise(solent::layer::redis::RedisLayerKind::Queue).await
            })+
        }
        mod pubsub {
            $(#[tokio::test]
            async fn $promise() -> anyhow::Result<()> {
                super::$promise(solent::layer::redis::RedisLayerKind::PubSub).await
            })+
        }
    };
}
pub(super) use on_both_layers;
