//! What this process is subscribed to.

use std::{collections::HashSet, sync::Mutex, sync::PoisonError};

use solent_layer::{ChannelName, GroupName, LocalWatch};

use super::topic::Topics;
use crate::{
    link::{Subscriber, Topic},
    wire::Ring,
};

/// Subscribes to groups that have members here, to names that are listened on, and to this process's own channels.
pub(super) struct Subscriptions {
    /// One for each host.
    subscribers: Vec<Subscriber>,
    ring: Ring,
    topics: Topics,
    /// The topics of this process's own channels: one for each prefix that was opened with.
    own: Mutex<HashSet<Topic>>,
}

impl Subscriptions {
    pub(super) fn new(subscribers: Vec<Subscriber>, ring: Ring, topics: Topics) -> Self {
        Self {
            subscribers,
            ring,
            topics,
            own: Mutex::default(),
        }
    }

    /// Resolves when what is sent to a new channel of this process arrives.
    pub(super) async fn opened(&self, channel: &ChannelName) {
        let topic = self.topics.of_process(channel);
        let new = self
            .own
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(topic.clone());
        // Which host a channel is published at depends on its whole name.
        for subscriber in &self.subscribers {
            if new {
                subscriber.want(topic.clone());
            }
            subscriber.live(&topic).await;
        }
    }

    /// Resolves when what is sent to a group with a member here arrives.
    pub(super) async fn joined(&self, group: &GroupName) {
        let topic = self.topics.of_group(group);
        self.of(&topic).live(&topic).await;
    }

    /// Resolves when what is sent to a name that is listened on arrives.
    pub(super) async fn listened(&self, channel: &ChannelName) {
        let topic = self.topics.of_listened(channel);
        self.of(&topic).live(&topic).await;
    }

    pub(super) fn close(&self) {
        self.subscribers.iter().for_each(Subscriber::close);
    }

    fn of(&self, topic: &Topic) -> &Subscriber {
        &self.subscribers[self.ring.shard(topic.name())]
    }

    fn want(&self, topic: Topic) {
        self.of(&topic).want(topic);
    }
}

impl LocalWatch for Subscriptions {
    fn group_begun(&self, group: &GroupName) {
        self.want(self.topics.of_group(group));
    }

    fn group_ended(&self, group: &GroupName) {
        let topic = self.topics.of_group(group);
        self.of(&topic).unwant(&topic);
    }

    fn listening_begun(&self, channel: &ChannelName) {
        self.want(self.topics.of_listened(channel));
    }

    fn listening_ended(&self, channel: &ChannelName) {
        let topic = self.topics.of_listened(channel);
        self.of(&topic).unwant(&topic);
    }
}
