//! What this process is subscribed to.

use std::collections::HashSet;

use futures::future::join_all;
use parking_lot::Mutex;
use solent_layer::{ChannelName, GroupName, LocalWatch};

use super::topic::Topics;
use crate::{
    error::LinkError,
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
    ///
    /// # Errors
    ///
    /// Redis is away, or refuses. The topic stays wanted: it is this process's own.
    pub(super) async fn opened(&self, channel: &ChannelName) -> Result<(), LinkError> {
        let topic = self.topics.of_process(channel);
        self.want_everywhere(&topic);
        // Which host a channel is published at depends on its whole name; the others are for other channels.
        let home = self.of_name(self.topics.channel(channel));
        self.subscribers[home].live(&topic).await?;
        for (host, subscriber) in self.subscribers.iter().enumerate() {
            if host != home {
                subscriber.refusal(&topic)?;
            }
        }
        Ok(())
    }

    /// Wants a topic of this process on all hosts, if it is not yet. All at once: whoever opens another channel meanwhile, or
    /// gives up, leaves none out.
    fn want_everywhere(&self, topic: &Topic) {
        let mut own = self.own.lock();
        if own.contains(topic) {
            return;
        }
        for subscriber in &self.subscribers {
            subscriber.want(topic.clone());
        }
        own.insert(topic.clone());
    }

    /// Resolves when what is sent to a group with a member here arrives.
    ///
    /// # Errors
    ///
    /// Redis is away, or refuses.
    pub(super) async fn joined(&self, group: &GroupName) -> Result<(), LinkError> {
        let topic = self.topics.of_group(group);
        self.of(&topic).live(&topic).await
    }

    /// Resolves when what is sent to a name that is listened on arrives.
    ///
    /// # Errors
    ///
    /// Redis is away, or refuses.
    pub(super) async fn listened(&self, channel: &ChannelName) -> Result<(), LinkError> {
        let topic = self.topics.of_listened(channel);
        self.of(&topic).live(&topic).await
    }

    /// Resolves when every host has taken and given up a subscription.
    ///
    /// # Errors
    ///
    /// Redis is away, or refuses.
    pub(super) async fn check(&self) -> Result<(), LinkError> {
        let topics = self.topics.of_check();
        let checks = self.subscribers.iter().map(|subscriber| async {
            for topic in &topics {
                let _wanted = Wanted::new(subscriber, topic);
                subscriber.live(topic).await?;
            }
            Ok::<(), LinkError>(())
        });
        let mut away = Ok(());
        for checked in join_all(checks).await {
            match checked {
                Err(error) if error.is_away() => away = Err(error),
                checked => checked?,
            }
        }
        away
    }

    pub(super) fn close(&self) {
        self.subscribers.iter().for_each(Subscriber::close);
    }

    fn of(&self, topic: &Topic) -> &Subscriber {
        &self.subscribers[self.of_name(topic.name())]
    }

    fn of_name(&self, name: &str) -> usize {
        self.ring.shard(name)
    }

    fn want(&self, topic: Topic) {
        self.of(&topic).want(topic);
    }
}

/// A topic is wanted for as long as there is this.
struct Wanted<'a> {
    subscriber: &'a Subscriber,
    topic: &'a Topic,
}

impl<'a> Wanted<'a> {
    fn new(subscriber: &'a Subscriber, topic: &'a Topic) -> Self {
        subscriber.want(topic.clone());
        Self { subscriber, topic }
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.subscriber.unwant(self.topic);
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
