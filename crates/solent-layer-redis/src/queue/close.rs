//! The end of a layer.

use redis::cmd;

use super::{leave::Membership, shared::Shared, task::Tasks, upkeep::settle};
use crate::{error::LinkError, link::Link};

impl Shared {
    /// Closes the layer and gives up what it has in Redis.
    pub(super) async fn close(&self, tasks: &Tasks) -> Result<(), LinkError> {
        let memberships = self.local.memberships();
        if !self.end() {
            return Ok(());
        }
        tasks.end().await;
        let told = if tasks.has_begun() {
            let mut memberships = memberships;
            memberships.extend(self.leaving.take());
            self.give_up(memberships, tasks).await
        } else {
            Ok(())
        };
        self.hosts.links().iter().for_each(Link::close);
        told
    }

    async fn give_up(&self, memberships: Vec<Membership>, tasks: &Tasks) -> Result<(), LinkError> {
        let left = self.leave_all(memberships).await;
        let mut replies = Vec::new();
        let keys = tasks.known_keys();
        for link in self.hosts.links() {
            let lease = self.hosts.lease(self.process.as_str());
            for key in keys.iter().chain([&lease]) {
                let mut remove = cmd("UNLINK");
                remove.arg(key);
                replies.push(link.send_again(remove));
            }
        }
        settle(&mut replies).await?;
        left.map_err(|(_, error)| error)
    }
}
