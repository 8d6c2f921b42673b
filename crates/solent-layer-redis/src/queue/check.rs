//! Whether Redis lets this process do what it wants to do.

use std::sync::Arc;

use futures::future::join_all;
use redis::cmd;
use solent_layer::{ChannelName, LayerError};

use super::{reader::ReadKeys, script, shared::Shared};
use crate::error::LinkError;

impl Shared {
    /// Resolves when what is sent to a new channel of this process arrives.
    pub(super) async fn read_by(
        &self,
        readers: &[Arc<ReadKeys>],
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        let home = self.hosts.of_non_local(channel.non_local());
        for (host, reader) in readers.iter().enumerate() {
            if host == home || readers.len() == 1 {
                reader.live(self.patience).await?;
            } else {
                // Only senders in Python use it for this channel.
                reader.refusal()?;
            }
        }
        Ok(())
    }

    /// Asks the hosts whether a name can be listened on. One that is there is enough.
    pub(super) async fn can_listen(&self, channel: &ChannelName) -> Result<(), LayerError> {
        let key = self.hosts.keys.channel(channel);
        let asked = self.hosts.links().iter().map(|link| {
            let mut first = cmd("ZRANGE");
            first.arg(&key).arg(0).arg(0);
            link.send_again(first)
        });
        let asked: Vec<_> = asked.collect();
        one_is_there(
            join_all(asked)
                .await
                .into_iter()
                .map(|asked| asked.map(drop)),
        )
    }

    /// Asks all hosts whether this process may do there what it does.
    pub(super) async fn check(&self) -> Result<(), LayerError> {
        self.open()?;
        let hosts = 0..self.hosts.links().len();
        let checked = join_all(hosts.map(|host| self.check_host(host))).await;
        all_are_there(checked)
    }

    async fn check_host(&self, host: usize) -> Result<(), LinkError> {
        self.live(host).await?;
        // With no key and no member it changes nothing.
        let arguments = |command: &mut redis::Cmd| {
            command.arg(1).arg(self.hosts.lease(self.process.as_str()));
        };
        script::REMOVE_UNCHANGED
            .run(self.hosts.link(host), arguments)
            .await?;
        self.try_commands(host).await?;
        self.warn_of_eviction(host).await;
        Ok(())
    }
}

/// Nothing, if a host is there and none refuses.
fn one_is_there(answers: impl Iterator<Item = Result<(), LinkError>>) -> Result<(), LayerError> {
    let (mut there, mut away) = (false, None);
    for answer in answers {
        match answer {
            Ok(()) => there = true,
            Err(error) if error.is_away() => away = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    match away {
        Some(error) if !there => Err(error.into()),
        _ => Ok(()),
    }
}

/// A refusal says more than that another host is away.
fn all_are_there(answers: Vec<Result<(), LinkError>>) -> Result<(), LayerError> {
    let mut away = Ok(());
    for answer in answers {
        match answer {
            Err(error) if error.is_away() => away = Err(error.into()),
            Err(error) => return Err(error.into()),
            Ok(()) => {}
        }
    }
    away
}
