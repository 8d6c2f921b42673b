//! A master, its replicas, and the Sentinels that watch over them.

use std::{sync::Arc, time::Duration};

use super::{
    RedisServer,
    instance::{Instance, Settings, quoted},
};
use crate::{
    ServerError,
    wait::{self, PATIENCE, blocking},
};

/// What the Sentinels call the master.
const MASTER_NAME: &str = "mymaster";

/// A [`RedisSentinels`] to be. Default: one replica, three Sentinels.
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisSentinelsBuilder {
    replicas: usize,
    sentinels: usize,
    down_after: Duration,
    settings: Settings,
}

impl Default for RedisSentinelsBuilder {
    fn default() -> Self {
        Self {
            replicas: 1,
            sentinels: 3,
            down_after: Duration::from_millis(500),
            settings: Settings::default(),
        }
    }
}

impl RedisSentinelsBuilder {
    /// Sets how many replicas the master has; at least one.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas.max(1);
        self
    }

    /// Sets how many Sentinels there are; at least one. More than half of them must agree.
    pub fn sentinels(mut self, sentinels: usize) -> Self {
        self.sentinels = sentinels.max(1);
        self
    }

    /// Sets after how long without an answer the Sentinels take a server for gone. Default: half a second, so that tests of fail-overs
    /// are quick. A test without one wants more, lest a machine that is busy elsewhere looks like a server that is gone.
    pub fn down_after(mut self, timeout: Duration) -> Self {
        self.down_after = timeout;
        self
    }

    /// Asks clients of the master and the replicas for this password. The Sentinels themselves ask for none.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Some(password.into());
        self
    }

    /// Adds an argument of the master and the replicas, as [`RedisBuilder::arg`](super::RedisBuilder::arg) does.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.settings.args.push(arg.into());
        self
    }

    /// Starts all, and waits until every Sentinel knows every other one and every replica.
    ///
    /// # Errors
    ///
    /// As [`RedisBuilder::start`](super::RedisBuilder::start).
    ///
    /// # Cancel safety
    ///
    /// As [`RedisBuilder::start`](super::RedisBuilder::start).
    pub async fn start(self) -> Result<RedisSentinels, ServerError> {
        blocking(move || self.run()).await
    }

    fn run(self) -> Result<RedisSentinels, ServerError> {
        let mut settings = self.settings.clone();
        settings.lines.push("repl-diskless-sync-delay 0".to_owned());
        let master = Instance::start(settings.clone())?;
        let master_port = master.port();
        settings
            .lines
            .push(format!("replicaof 127.0.0.1 {master_port}"));

        let mut servers = vec![master];
        for _ in 0..self.replicas {
            servers.push(Instance::start(settings.clone())?);
        }
        for replica in &servers[1..] {
            wait_until_linked(replica)?;
        }
        let sentinels = (0..self.sentinels)
            .map(|_| Instance::start(self.sentinel(master_port)))
            .collect::<Result<Vec<_>, _>>()?;
        for sentinel in &sentinels {
            wait_until_acquainted(sentinel, self.sentinels - 1, self.replicas)?;
        }

        let servers = servers.into_iter();
        let sentinels = sentinels.into_iter();
        Ok(RedisSentinels {
            servers: servers.map(plain).collect(),
            sentinels: sentinels.map(plain).collect(),
        })
    }

    fn sentinel(&self, master: u16) -> Settings {
        let quorum = self.sentinels / 2 + 1;
        let down_after = self.down_after.as_millis();
        let failover_timeout = 4 * down_after;
        let mut lines = vec![
            format!("sentinel monitor {MASTER_NAME} 127.0.0.1 {master} {quorum}"),
            format!("sentinel down-after-milliseconds {MASTER_NAME} {down_after}"),
            format!("sentinel failover-timeout {MASTER_NAME} {failover_timeout}"),
        ];
        if let Some(password) = &self.settings.password {
            lines.push(format!(
                "sentinel auth-pass {MASTER_NAME} {}",
                quoted(password)
            ));
        }
        Settings {
            lines,
            sentinel: true,
            ..Settings::default()
        }
    }
}

/// A Redis master with replicas, and Sentinels that promote one of these when the master goes. Each is a process of its own;
/// all are killed when this is dropped.
#[derive(Debug)]
#[must_use = "the servers are killed when this is dropped"]
pub struct RedisSentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// Starts a master with one replica and three Sentinels.
    ///
    /// # Errors
    ///
    /// As [`RedisSentinelsBuilder::start`].
    ///
    /// # Cancel safety
    ///
    /// As [`RedisSentinelsBuilder::start`].
    pub async fn start() -> Result<Self, ServerError> {
        Self::builder().start().await
    }

    /// Sentinels to be described before they start.
    pub fn builder() -> RedisSentinelsBuilder {
        RedisSentinelsBuilder::default()
    }

    /// What the Sentinels call the master.
    pub fn master_name(&self) -> &str {
        MASTER_NAME
    }

    /// The URL of each Sentinel, `redis://127.0.0.1:1234`.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(RedisServer::url).collect()
    }

    /// The Sentinels.
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The master and the replicas. The first was the master when all started.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The server that the first Sentinel takes for the master.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::command`].
    ///
    /// # Cancel safety
    ///
    /// Nothing changes.
    pub async fn master(&self) -> Result<&RedisServer, ServerError> {
        let sentinel = Arc::clone(self.sentinels[0].instance());
        let port = blocking(move || master_port(&sentinel)).await?;
        self.servers
            .iter()
            .find(|server| server.port() == port)
            .ok_or_else(|| ServerError::Unreadable {
                command: "SENTINEL".to_owned(),
                reply: format!("port {port}, which is none of ours"),
            })
    }

    /// Kills the master and waits until every Sentinel names another server, which has become master; returns that. A
    /// killed server that is [restarted](RedisServer::restart) becomes a replica after some ten seconds.
    ///
    /// # Errors
    ///
    /// [`ServerError::Elapsed`] if there is no replica to promote, or none has been within 30 seconds.
    ///
    /// # Cancel safety
    ///
    /// The master is killed all the same.
    pub async fn fail_over(&self) -> Result<&RedisServer, ServerError> {
        let old = self.master().await?;
        let sentinels = instances(&self.sentinels);
        let servers = instances(&self.servers);
        let port = old.port();
        blocking(move || {
            for sentinel in &sentinels {
                wait_until_acquainted(sentinel, sentinels.len() - 1, 1)?;
            }
            if let Some(master) = servers.iter().find(|server| server.port() == port) {
                master.kill();
            }
            for sentinel in &sentinels {
                wait_for_another_master(sentinel, port, &servers)?;
            }
            Ok(())
        })
        .await?;
        self.master().await
    }
}

fn plain(instance: Instance) -> RedisServer {
    RedisServer::from_instance(instance, false)
}

pub(super) fn instances(servers: &[RedisServer]) -> Vec<Arc<Instance>> {
    servers
        .iter()
        .map(|server| Arc::clone(server.instance()))
        .collect()
}

/// Waits until a replica has what its master has.
pub(super) fn wait_until_linked(replica: &Instance) -> Result<(), ServerError> {
    let linked = |lines: &[String]| lines.join("\n").contains("master_link_status:up");
    replica.wait("a link to its master", &["INFO", "replication"], linked)?;
    Ok(())
}

/// Waits until a Sentinel knows this many others and at least this many replicas that could be promoted.
fn wait_until_acquainted(
    sentinel: &Instance,
    others: usize,
    replicas: usize,
) -> Result<(), ServerError> {
    sentinel.wait(
        "acquaintance with all Sentinels",
        &["SENTINEL", "MASTER", MASTER_NAME],
        |lines| field(lines, "num-other-sentinels") == Some(&others.to_string()),
    )?;
    sentinel.wait(
        "acquaintance with the replicas",
        &["SENTINEL", "REPLICAS", MASTER_NAME],
        |lines| {
            let ready = |pair: &&[String]| pair == &["flags", "slave"];
            let linked = |pair: &&[String]| pair == &["master-link-status", "ok"];
            let count = |lines: &[String], what: fn(&&[String]) -> bool| {
                lines.windows(2).filter(what).count()
            };
            count(lines, ready) >= replicas && count(lines, linked) >= replicas
        },
    )?;
    Ok(())
}

/// The value after a name, in a list of names and values.
fn field<'a>(lines: &'a [String], name: &str) -> Option<&'a String> {
    let at = lines.iter().position(|line| line == name)?;
    lines.get(at + 1)
}

fn master_port(sentinel: &Instance) -> Result<u16, ServerError> {
    let lines = sentinel.lines(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME])?;
    lines
        .get(1)
        .and_then(|port| port.parse().ok())
        .ok_or_else(|| ServerError::Unreadable {
            command: "SENTINEL".to_owned(),
            reply: lines.join(" "),
        })
}

fn wait_for_another_master(
    sentinel: &Instance,
    old: u16,
    servers: &[Arc<Instance>],
) -> Result<(), ServerError> {
    let new = wait::poll(|| {
        let port = master_port(sentinel)?;
        let promoted = servers
            .iter()
            .filter(|server| port != old && server.port() == port)
            .any(|server| {
                server
                    .lines(&["ROLE"])
                    .is_ok_and(|role| role.first().is_some_and(|role| role == "master"))
            });
        Ok(promoted.then_some(()))
    })?;
    new.ok_or_else(|| ServerError::Elapsed {
        port: sentinel.port(),
        wanted: "the promotion of a replica".to_owned(),
        timeout: PATIENCE,
        last: String::new(),
        log: sentinel.log(),
    })
}
