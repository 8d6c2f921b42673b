//! The end of a layer.

use std::collections::HashMap;

use redis::cmd;
use solent_layer::{ChannelName, GroupName};

use super::{shared::Shared, task::Tasks, upkeep::settle};
use crate::{error::LinkError, link::Link};

/// The most commands that are waited for together, and the most members of each.
const AT_ONCE: usize = 128;

impl Shared {
    /// Closes the layer and gives up what it has in Redis.
    pub(super) async fn close(&self, tasks: &Tasks) -> Result<(), LinkError> {
        let memberships = self.local.memberships();
        if !self.end() {
            return Ok(());
        }
        tasks.end().await;
        let told = if tasks.has_begun() {
            self.give_up(memberships, tasks).await
        } else {
            Ok(())
        };
        self.hosts.links().iter().for_each(Link::close);
        told
    }

    async fn give_up(
        &self,
        memberships: Vec<(GroupName, ChannelName)>,
        tasks: &Tasks,
    ) -> Result<(), LinkError> {
        let mut groups: HashMap<GroupName, Vec<ChannelName>> = HashMap::new();
        for (group, channel) in memberships {
            groups.entry(group).or_default().push(channel);
        }
        let mut replies = Vec::new();
        for (group, channels) in &groups {
            for channels in channels.chunks(AT_ONCE) {
                replies.push(self.hosts.leave(group, channels));
                if replies.len() >= AT_ONCE {
                    settle(&mut replies).await?;
                }
            }
        }
        let keys = tasks.known_keys();
        for link in self.hosts.links() {
            let lease = self.hosts.lease(self.process.as_str());
            for key in keys.iter().chain([&lease]) {
                let mut remove = cmd("UNLINK");
                remove.arg(key);
                replies.push(link.send_again(remove));
            }
        }
        settle(&mut replies).await
    }
}
