//! A Redis Cluster.

use std::{sync::Arc, time::Duration};

use super::{
    RedisServer,
    instance::{Instance, Settings},
    sentinels::{instances, wait_until_linked},
};
use crate::{ServerError, wait::blocking};

/// How many slots a cluster shares out.
const SLOTS: usize = 16_384;

/// A [`RedisCluster`] to be. Default: three masters without replicas.
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisClusterBuilder {
    masters: usize,
    replicas: bool,
    node_timeout: Duration,
    settings: Settings,
}

impl Default for RedisClusterBuilder {
    fn default() -> Self {
        Self {
            masters: 3,
            replicas: false,
            node_timeout: Duration::from_secs(1),
            settings: Settings::default(),
        }
    }
}

impl RedisClusterBuilder {
    /// Sets how many masters share the slots; at least one. A fail-over takes three, of which two agree.
    pub fn masters(mut self, masters: usize) -> Self {
        self.masters = masters.max(1);
        self
    }

    /// Gives each master a replica, which takes over when its master goes.
    pub fn replicas(mut self) -> Self {
        self.replicas = true;
        self
    }

    /// Sets after how long without an answer the others take a node for gone. Default: a second, so that tests of fail-overs are
    /// quick. A test without one wants more, lest a machine that is busy elsewhere looks like a node that is gone.
    pub fn node_timeout(mut self, timeout: Duration) -> Self {
        self.node_timeout = timeout;
        self
    }

    /// Asks clients for this password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Some(password.into());
        self
    }

    /// Adds an argument of every node, as [`RedisBuilder::arg`](super::RedisBuilder::arg) does.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.settings.args.push(arg.into());
        self
    }

    /// Starts all nodes, shares out the slots and waits until every node says that the cluster is whole.
    ///
    /// # Errors
    ///
    /// As [`RedisBuilder::start`](super::RedisBuilder::start).
    ///
    /// # Cancel safety
    ///
    /// As [`RedisBuilder::start`](super::RedisBuilder::start).
    pub async fn start(self) -> Result<RedisCluster, ServerError> {
        blocking(move || self.run()).await
    }

    fn run(mut self) -> Result<RedisCluster, ServerError> {
        let node_timeout = self.node_timeout.as_millis();
        self.settings
            .lines
            .push(format!("cluster-node-timeout {node_timeout}"));
        self.settings.lines.extend(
            [
                "cluster-enabled yes",
                // A replica that has heard nothing of its master for long takes over all the same.
                "cluster-replica-validity-factor 0",
                "repl-diskless-sync-delay 0",
            ]
            .map(str::to_owned),
        );
        let count = if self.replicas {
            2 * self.masters
        } else {
            self.masters
        };
        let nodes = (0..count)
            .map(|_| Instance::start(self.settings.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let (masters, replicas) = nodes.split_at(self.masters);

        share_slots(masters)?;
        meet(&nodes)?;
        for (master, replica) in masters.iter().zip(replicas) {
            follow(master, replica)?;
        }
        for node in &nodes {
            wait_until_whole(node, &nodes, replicas.len())?;
        }

        let nodes = nodes.into_iter();
        Ok(RedisCluster {
            nodes: nodes
                .map(|node| RedisServer::from_instance(node, false))
                .collect(),
            masters: self.masters,
        })
    }
}

/// A Redis Cluster: each node is a process of its own, and all are killed when this is dropped.
#[derive(Debug)]
#[must_use = "the nodes are killed when this is dropped"]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    masters: usize,
}

impl RedisCluster {
    /// Starts a cluster of this many masters, without replicas.
    ///
    /// # Errors
    ///
    /// As [`RedisClusterBuilder::start`].
    ///
    /// # Cancel safety
    ///
    /// As [`RedisClusterBuilder::start`].
    pub async fn start(masters: usize) -> Result<Self, ServerError> {
        Self::builder().masters(masters).start().await
    }

    /// A cluster to be described before it starts.
    pub fn builder() -> RedisClusterBuilder {
        RedisClusterBuilder::default()
    }

    /// The URL of each node, `redis://127.0.0.1:1234`.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// The nodes: first all that started as masters, in the order of their slots, then a replica of each in the same order,
    /// if there are replicas.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Kills a node and waits until the others have come to terms with it: a master with a replica has been succeeded and
    /// the cluster is whole; without one, the others know that it failed, and that its slots are served by nobody.
    ///
    /// # Errors
    ///
    /// [`ServerError::Elapsed`] if that has not come about within 30 seconds.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    ///
    /// # Cancel safety
    ///
    /// The node is killed all the same.
    pub async fn take_away(&self, node: usize) -> Result<(), ServerError> {
        let nodes = instances(&self.nodes);
        let succeeded = self.nodes.len() > self.masters;
        let id = {
            let node = Arc::clone(&nodes[node]);
            blocking(move || my_id(&node)).await?
        };
        blocking(move || {
            nodes[node].kill();
            for other in nodes.iter().filter(|other| other.pid().is_some()) {
                wait_until_failed(other, &id)?;
                if succeeded {
                    wait_for_state(other, "ok")?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Starts a node again that was taken away, and waits until every running node says that the cluster is whole.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::restart`].
    ///
    /// # Panics
    ///
    /// If there is no such node.
    ///
    /// # Cancel safety
    ///
    /// It starts all the same.
    pub async fn bring_back(&self, node: usize) -> Result<(), ServerError> {
        let nodes = instances(&self.nodes);
        let masters = self.masters;
        blocking(move || {
            nodes[node].run()?;
            let id = my_id(&nodes[node])?;
            for other in nodes.iter().filter(|other| other.pid().is_some()) {
                wait_until_back(other, &id, masters)?;
                wait_for_state(other, "ok")?;
            }
            Ok(())
        })
        .await
    }
}

fn share_slots(masters: &[Instance]) -> Result<(), ServerError> {
    for (idx, master) in masters.iter().enumerate() {
        let first = SLOTS * idx / masters.len();
        let last = SLOTS * (idx + 1) / masters.len() - 1;
        let (first, last) = (first.to_string(), last.to_string());
        master.ask(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
    }
    Ok(())
}

/// Introduces every node to the first, and waits until each knows all.
fn meet(nodes: &[Instance]) -> Result<(), ServerError> {
    let Some((first, others)) = nodes.split_first() else {
        return Ok(());
    };
    for (idx, node) in nodes.iter().enumerate() {
        // Epochs that differ from the start need no vote to be told apart.
        node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(idx + 1).to_string()])?;
    }
    for node in others {
        first.ask(&["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string()])?;
    }
    for node in nodes {
        let wanted = format!("cluster_known_nodes:{}\r", nodes.len());
        node.wait(
            "acquaintance with all nodes",
            &["CLUSTER", "INFO"],
            |lines| lines.join("\n").contains(&wanted),
        )?;
    }
    Ok(())
}

fn follow(master: &Instance, replica: &Instance) -> Result<(), ServerError> {
    let id = my_id(master)?;
    replica.ask(&["CLUSTER", "REPLICATE", &id])?;
    wait_until_linked(replica)
}

/// Waits until `node` takes the cluster for whole, and knows where all others are and how many of them are replicas.
fn wait_until_whole(
    node: &Instance,
    nodes: &[Instance],
    replicas: usize,
) -> Result<(), ServerError> {
    wait_for_state(node, "ok")?;
    node.wait("links to all nodes", &["CLUSTER", "NODES"], |lines| {
        let text = lines.join("\n");
        let linked = text.lines().filter(|line| !line.contains("disconnected"));
        let healthy = linked.filter(|line| !line.contains("handshake"));
        healthy.count() == nodes.len() && text.matches("slave").count() == replicas
    })?;
    Ok(())
}

fn wait_for_state(node: &Instance, state: &str) -> Result<(), ServerError> {
    let wanted = format!("cluster_state:{state}\r");
    node.wait(
        &format!("cluster_state:{state}"),
        &["CLUSTER", "INFO"],
        |lines| lines.join("\n").contains(&wanted),
    )?;
    Ok(())
}

/// Waits until `node` knows that another failed.
fn wait_until_failed(node: &Instance, id: &str) -> Result<(), ServerError> {
    node.wait(
        "the knowledge that a node failed",
        &["CLUSTER", "NODES"],
        |lines| flags(&lines.join("\n"), id).is_some_and(|flags| flags.contains(&"fail")),
    )?;
    Ok(())
}

/// Waits until `node` has heard that another is back, and of its new place if it was succeeded.
fn wait_until_back(node: &Instance, id: &str, masters: usize) -> Result<(), ServerError> {
    node.wait(
        "the knowledge that a node is back",
        &["CLUSTER", "NODES"],
        |lines| {
            let text = lines.join("\n");
            let has_failed = |flags: &[&str]| flags.iter().any(|flag| flag.starts_with("fail"));
            let ruling = text
                .lines()
                .filter_map(flags_of)
                .filter(|flags| flags.contains(&"master") && !has_failed(flags));
            flags(&text, id).is_some_and(|flags| !has_failed(&flags)) && ruling.count() <= masters
        },
    )?;
    Ok(())
}

/// What `CLUSTER NODES` says a node is: `master`, `slave`, `fail`, `fail?`, …
fn flags<'a>(nodes: &'a str, id: &str) -> Option<Vec<&'a str>> {
    nodes
        .lines()
        .find(|line| line.starts_with(id))
        .and_then(flags_of)
}

fn flags_of(line: &str) -> Option<Vec<&str>> {
    Some(line.split(' ').nth(2)?.split(',').collect())
}

fn my_id(node: &Instance) -> Result<String, ServerError> {
    Ok(node.ask(&["CLUSTER", "MYID"])?.to_string())
}
