//! A connection for subscriptions.

use std::time::Duration;

use redis::{
    RedisResult,
    aio::MultiplexedConnection,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
    cmd,
};

use super::{
    master::check_role,
    patience::within,
    topics::{Changes, Topic},
    waiting::silent,
};

/// A connection for subscriptions.
#[derive(Clone)]
pub(super) enum Subscribed {
    Server(MultiplexedConnection),
    /// The one that Sentinels say is the master.
    Master(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Subscribed {
    /// Asks whether the other end is there, and is still the one to listen to.
    pub(super) async fn ask(&mut self, limit: Duration) -> RedisResult<()> {
        let asking = async {
            match self {
                Self::Server(connection) => cmd("PING").exec_async(connection).await,
                // A server that was cut off goes on answering after another has become master.
                Self::Master(connection) => check_role(connection).await,
                Self::Cluster(connection) => {
                    let masters = MultipleNodeRoutingInfo::AllMasters;
                    let all = Some(ResponsePolicy::AllSucceeded);
                    let routing = RoutingInfo::MultiNode((masters, all));
                    let ping = cmd("PING");
                    connection.route_command(ping, routing).await.map(drop)
                }
            }
        };
        within(limit, asking).await.unwrap_or_else(|| Err(silent()))
    }

    /// Unsubscribes and subscribes. A server has channels and patterns; a cluster is only subscribed to where its shards
    /// publish.
    pub(super) async fn change(&mut self, changes: &Changes) -> RedisResult<()> {
        let (leave, join) = (
            Names::of(&changes.unsubscribe),
            Names::of(&changes.subscribe),
        );
        match self {
            Self::Server(connection) | Self::Master(connection) => {
                if !leave.channels.is_empty() {
                    connection.unsubscribe(&leave.channels).await?;
                }
                if !leave.patterns.is_empty() {
                    connection.punsubscribe(&leave.patterns).await?;
                }
                if !join.channels.is_empty() {
                    connection.subscribe(&join.channels).await?;
                }
                if !join.patterns.is_empty() {
                    connection.psubscribe(&join.patterns).await?;
                }
            }
            Self::Cluster(connection) => {
                for name in leave.shards {
                    connection.sunsubscribe(name).await?;
                }
                for name in join.shards {
                    connection.ssubscribe(name).await?;
                }
            }
        }
        Ok(())
    }
}

/// The names of topics, by kind.
#[derive(Default)]
struct Names<'a> {
    channels: Vec<&'a str>,
    patterns: Vec<&'a str>,
    shards: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(topics: &'a [Topic]) -> Self {
        let mut names = Self::default();
        for topic in topics {
            let kind = match topic {
                Topic::Channel(_) => &mut names.channels,
                Topic::Pattern(_) => &mut names.patterns,
                Topic::Shard(_) => &mut names.shards,
            };
            kind.push(topic.name());
        }
        names
    }
}
