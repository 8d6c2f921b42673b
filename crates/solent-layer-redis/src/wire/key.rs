//! The names of what is in Redis.

use std::sync::Arc;

use solent_layer::{ChannelName, GroupName};

/// Makes Redis keys and channels, all of which begin with the prefix of the layer. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    /// Keys that begin with `prefix`. Nothing is put between it and a channel's name.
    pub(crate) fn new(prefix: impl Into<Arc<str>>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// What every key begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The sorted set of a channel's messages. All channels of one process and one name prefix share it.
    pub(crate) fn channel(&self, channel: &ChannelName) -> String {
        self.joined("", channel.non_local())
    }

    /// The sorted set of messages that were taken from `key` and are not confirmed.
    pub(crate) fn inflight(key: &str) -> String {
        [key, "$inflight"].concat()
    }

    /// The sorted set of a group's members.
    pub(crate) fn group(&self, group: &GroupName) -> String {
        self.joined(":group:", group.as_str())
    }

    /// The Redis channel that a group's messages are published to.
    pub(crate) fn group_topic(&self, group: &GroupName) -> String {
        self.joined("__group__", group.as_str())
    }

    /// What a lease is kept under.
    pub(crate) fn lease(&self, name: &GroupName) -> String {
        self.joined(":solent:lease:", name.as_str())
    }

    fn joined(&self, between: &str, name: &str) -> String {
        [&self.prefix, between, name].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_channels_redis() {
        let keys = Keys::new("asgi");
        let channel = |name: &str| keys.channel(&name.parse().unwrap());

        assert_eq!(channel("test-channel-1"), "asgitest-channel-1");
        assert_eq!(
            channel("specific.0123456789abcdef0123456789abcdef!aa"),
            "asgispecific.0123456789abcdef0123456789abcdef!"
        );
        assert_eq!(Keys::inflight(&channel("c")), "asgic$inflight");
        let group = "test_group".parse().unwrap();
        assert_eq!(keys.group(&group), "asgi:group:test_group");
        assert_eq!(keys.group_topic(&group), "asgi__group__test_group");
        assert_eq!(
            Keys::new("test_prefix").group(&group),
            "test_prefix:group:test_group"
        );
    }
}
