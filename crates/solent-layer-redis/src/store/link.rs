//! One host.

use std::{fmt, str::FromStr, time::Duration};

use parking_lot::Mutex;
use redis::{Cmd, Value};
use tokio::time::{Instant, timeout};

use super::{StoreFailure, failure::Silent};
use crate::{ConfigError, RedisConfig, RedisHost, RedisLayerUrl, error::LinkError, link::Link};

/// How long a host may be silent before it is asked whether it is there. A command that must not be carried out twice
/// is then not lost with a connection that broke unnoticed, or sent to a server that was replaced.
const SILENCE: Duration = Duration::from_secs(1);

/// One host: a server, what Sentinels say is the master, or a cluster. All commands share one connection.
pub struct StoreLink {
    host: RedisHost,
    config: RedisConfig,
    /// How long a command may take in all, connecting included.
    patience: Duration,
    /// The connection, and when it last answered. Held for a moment, never across a wait.
    state: Mutex<State>,
}

struct State {
    link: Link,
    heard: Option<Instant>,
}

impl StoreLink {
    /// A link to a host, by the URL of a host or of a layer: options of a layer are not used here. Of several hosts the first
    /// one is taken. The `response_timeout` is the [patience](Self::patience). Does not connect yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what is wrong with the URL.
    pub fn open(url: &str) -> Result<Self, ConfigError> {
        let RedisLayerUrl { config, .. } = RedisLayerUrl::from_str(url)?;
        let host = config.hosts.first().cloned().unwrap_or_default();
        let patience = config.response_timeout;
        let link = Link::new(&host, &within(&config, patience))?;
        Ok(Self {
            host,
            config,
            patience,
            state: Mutex::new(State { link, heard: None }),
        })
    }

    /// Sets how long a command may take in all, connecting included.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
        self.renew(&mut self.state.lock());
    }

    /// Sends a command that may be carried out twice, and is sent again when a connection breaks.
    pub(super) async fn ask(&self, command: Cmd) -> Result<Value, StoreFailure> {
        let reply = self.link().send_again(command);
        self.in_time(reply).await
    }

    /// Sends two such commands together.
    pub(super) async fn ask_both(
        &self,
        first: Cmd,
        second: Cmd,
    ) -> Result<(Value, Value), StoreFailure> {
        let link = self.link();
        let (first, second) = (link.send_again(first), link.send_again(second));
        self.in_time(async { Ok((first.await?, second.await?)) })
            .await
    }

    /// Sends a command that must not be carried out twice.
    pub(super) async fn ask_once(&self, command: Cmd) -> Result<Value, StoreFailure> {
        let heard = self.state.lock().heard;
        if heard.is_none_or(|heard| heard.elapsed() >= SILENCE) {
            self.ask(redis::cmd("PING")).await?;
        }
        let reply = self.link().send(command);
        self.in_time(reply).await
    }

    async fn in_time<T>(
        &self,
        asking: impl Future<Output = Result<T, LinkError>>,
    ) -> Result<T, StoreFailure> {
        let Ok(answer) = timeout(self.patience, asking).await else {
            self.link().leave();
            return Err(StoreFailure::Away(Silent(self.patience).into()));
        };
        self.state.lock().heard = answer.is_ok().then(Instant::now);
        answer.map_err(|error| {
            if error.is_elsewhere() {
                self.link().leave();
            }
            error.into()
        })
    }

    /// The connection. It ends with the runtime that it was first used in; there may be another runtime by now.
    fn link(&self) -> Link {
        let mut state = self.state.lock();
        if state.link.has_ended() {
            self.renew(&mut state);
        }
        state.link.clone()
    }

    fn renew(&self, state: &mut State) {
        // The same settings have made a link before. Only a file of a certificate can be missing since then.
        if let Ok(link) = Link::new(&self.host, &within(&self.config, self.patience)) {
            *state = State { link, heard: None };
        }
    }
}

/// Settings with which a command is tried twice within `patience`: a server that stands still is left in time for another.
fn within(config: &RedisConfig, patience: Duration) -> RedisConfig {
    let once = patience / 2;
    let connect = config.connect_timeout.min(once);
    let config = config.clone().send_wait(patience);
    config.connect_timeout(connect).response_timeout(once)
}

impl fmt::Debug for StoreLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without passwords.
        write!(f, "StoreLink({})", self.host)
    }
}
