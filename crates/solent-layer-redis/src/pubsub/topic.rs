//! What is published where.

use solent_layer::{ChannelName, GroupName};

use crate::{link::Topic, wire::Keys};

/// Names the Redis channels of a layer.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    keys: Keys,
    /// Whether channels belong to one shard of a cluster.
    sharded: bool,
}

impl Topics {
    pub(super) fn new(keys: Keys, sharded: bool) -> Self {
        Self { keys, sharded }
    }

    /// The keys with the prefix of the layer.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The command that publishes.
    pub(super) fn publish(&self) -> &'static str {
        if self.sharded { "SPUBLISH" } else { "PUBLISH" }
    }

    /// Whether a message for one channel of a process says which.
    pub(super) fn addresses(&self) -> bool {
        self.sharded
    }

    /// Where a group's messages are published.
    pub(super) fn group(&self, group: &GroupName) -> String {
        self.keys.group_topic(group)
    }

    /// Where a channel's messages are published.
    pub(super) fn channel<'a>(&self, channel: &'a ChannelName) -> &'a str {
        if self.sharded {
            channel.non_local()
        } else {
            channel.as_str()
        }
    }

    /// What to subscribe to in order to see whether that is allowed: a group that has no members, and the channels of a process
    /// that does not exist.
    pub(super) fn of_check(&self) -> [Topic; 2] {
        let channels = "specific.solent.check!";
        let process = if self.sharded {
            Topic::Shard(channels.into())
        } else {
            Topic::Pattern([channels, "*"].concat().into())
        };
        [self.named(&self.group_of_check()), process]
    }

    /// A group that has no members.
    pub(super) fn group_of_check(&self) -> String {
        [self.keys.prefix(), "__group__solent.check"].concat()
    }

    /// What to subscribe to for a group.
    pub(super) fn of_group(&self, group: &GroupName) -> Topic {
        self.named(&self.group(group))
    }

    /// What to subscribe to for a name that workers listen on.
    pub(super) fn of_listened(&self, channel: &ChannelName) -> Topic {
        self.named(channel.as_str())
    }

    /// What to subscribe to for all channels of this process whose names begin as this one's: one pattern rather than a
    /// subscription for each, or, where patterns are not to be had, a Redis channel of the process.
    pub(super) fn of_process(&self, channel: &ChannelName) -> Topic {
        let name = channel.non_local();
        if self.sharded {
            Topic::Shard(name.into())
        } else {
            // Of the characters that patterns are made of, a name has none.
            Topic::Pattern([name, "*"].concat().into())
        }
    }

    /// The group that a Redis channel is of.
    pub(super) fn read_group<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(self.keys.prefix())?
            .strip_prefix("__group__")
    }

    fn named(&self, name: &str) -> Topic {
        if self.sharded {
            Topic::Shard(name.into())
        } else {
            Topic::Channel(name.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_those_of_channels_redis() {
        let topics = Topics::new(Keys::new("asgi"), false);
        let channel: ChannelName = "specific.0123!abc".parse().unwrap();
        let group: GroupName = "chat".parse().unwrap();

        assert_eq!(topics.group(&group), "asgi__group__chat");
        assert_eq!(topics.read_group("asgi__group__chat"), Some("chat"));
        assert_eq!(topics.read_group("asgi2__group__chat"), None);
        assert_eq!(topics.channel(&channel), "specific.0123!abc");
        let pattern = Topic::Pattern("specific.0123!*".into());
        assert_eq!(topics.of_process(&channel), pattern);
    }
}
