//! Whether Redis knows the commands of this layer, and allows them.

use std::time::Duration;

use redis::{Cmd, cmd};

use super::{pop::Popper, shared::Shared};
use crate::error::LinkError;

/// How long a message is waited for that does not come.
const MOMENT: Duration = Duration::from_millis(1);

impl Shared {
    /// Sends each command that the layer cannot do without, for a group and a channel that do not exist. None of them changes
    /// anything.
    ///
    /// # Errors
    ///
    /// The first refusal, or Redis is away.
    pub(super) async fn try_commands(&self, host: usize) -> Result<(), LinkError> {
        let (prefix, process) = (self.hosts.keys.prefix(), self.process.as_str());
        let group = [prefix, ":group:", process].concat();
        // As the channels of consumers begin: rights may be given by the beginnings of keys.
        let channel = [prefix, "specific.", process, "!"].concat();
        let link = self.hosts.link(host);
        let lives = to(&self.hosts.lease(process), "EXISTS", &[]);
        let commands = of_group(&group).chain(of_channel(&channel)).chain([lives]);
        let asked: Vec<_> = commands.map(|command| link.send_again(command)).collect();
        for reply in asked {
            reply.await?;
        }
        let mut popper = Popper::connect(link, self.heartbeat).await?;
        let never = std::future::pending();
        popper.pop(&[channel], 1, MOMENT, never).await.map(drop)
    }
}

fn of_group(key: &str) -> impl Iterator<Item = Cmd> {
    let reads = [
        to(key, "ZRANGE", &["0", "0"]),
        to(key, "ZRANGEBYSCORE", &["0", "0"]),
        to(key, "ZSCORE", &["x"]),
        to(key, "ZREM", &["x"]),
    ];
    of_channel(key).chain(reads)
}

fn of_channel(key: &str) -> impl Iterator<Item = Cmd> {
    let mut script = cmd("EVAL");
    script.arg("return 0").arg(1).arg(key);
    [
        to(key, "ZADD", &["XX", "0", "x"]),
        to(key, "ZREMRANGEBYSCORE", &["0", "0"]),
        to(key, "ZCARD", &[]),
        to(key, "EXPIRE", &["1"]),
        script,
    ]
    .into_iter()
}

fn to(key: &str, name: &str, arguments: &[&str]) -> Cmd {
    let mut command = cmd(name);
    command.arg(key).arg(arguments);
    command
}
