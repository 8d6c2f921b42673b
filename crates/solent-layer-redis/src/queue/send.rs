//! To one channel.

use redis::Value;
use solent_layer::{ChannelName, DropCause, LayerError, Message, SendError};

use super::{hosts::solent_process, script, shared::Shared};
use crate::{
    error::LinkError,
    link::Link,
    wire::{EncodeError, score_text},
};

/// How many messages may wait for a process of Solent, for all of its channels together. It takes them as they come, and
/// counts capacity where it can be counted: at each of its channels.
const BACKLOG: usize = 8192;

impl Shared {
    pub(super) async fn send(
        &self,
        channel: &ChannelName,
        message: Message,
    ) -> Result<(), SendError> {
        self.open()?;
        let payload = if channel.is_process_specific() {
            self.payloads.encode_to(&message, channel)
        } else {
            self.payloads.encode(&message)
        };
        let payload = payload.map_err(refused)?;
        let key = self.hosts.keys.channel(channel);
        let score = self.clock.next();
        let hosts = self.hosts.for_send(channel, self.capacity(channel));
        let mut away = None;
        for (link, capacity) in hosts {
            match self.append(link, &key, score, capacity, &payload).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // It was never sent there, so that another host may have it.
                Err(error @ LinkError::Away { .. }) => away = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(error) = away {
            return Err(error.into());
        }
        self.local.drops().add(DropCause::Full);
        Err(SendError::Full(message))
    }

    /// Appends a payload to a channel, if there is room.
    async fn append(
        &self,
        link: &Link,
        key: &str,
        score: f64,
        capacity: usize,
        payload: &[u8],
    ) -> Result<bool, LinkError> {
        let answer = script::SEND.run(link, |command| {
            command
                .arg(1)
                .arg(key)
                .arg(score_text(score - self.expiry.as_secs_f64()))
                .arg(capacity)
                .arg(score_text(score))
                .arg(payload)
                .arg(self.expiry.as_secs());
        });
        match answer.await? {
            Value::Int(added) => Ok(added == 1),
            _ => Err(LinkError::Answer),
        }
    }

    /// How many messages may wait in Redis under a channel's key.
    pub(super) fn capacity(&self, channel: &ChannelName) -> usize {
        let capacity = self.capacities.of(channel);
        if solent_process(channel).is_some() {
            capacity.max(BACKLOG)
        } else {
            capacity
        }
    }
}

pub(super) fn refused(error: EncodeError) -> LayerError {
    LayerError::Backend(error.into())
}
