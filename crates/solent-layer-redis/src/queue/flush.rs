//! Forgetting everything.

use redis::cmd;
use solent_layer::{ChannelName, GroupName, LayerError};

use super::{
    answer::{bytes, items},
    shared::Shared,
};
use crate::error::LinkError;

/// How many keys Redis looks at in one step, and how many are removed in one.
const STEP: usize = 1000;

impl Shared {
    pub(super) async fn flush(&self) -> Result<(), LayerError> {
        self.open()?;
        for host in 0..self.hosts.links().len() {
            self.flush_host(host).await?;
        }
        self.note_flush();
        self.listening.clear();
        self.local.flush()
    }

    /// Removes from one host what is this layer's.
    async fn flush_host(&self, host: usize) -> Result<(), LinkError> {
        let link = self.hosts.link(host);
        let prefix = glob_escaped(self.hosts.keys.prefix());
        for pattern in [format!("{prefix}*"), format!("{{{prefix}*}}:solent:taken")] {
            for mut scan in link.scans().await? {
                loop {
                    let answer = scan.next(&pattern, STEP).await?;
                    let keys = items(&answer).iter().filter_map(bytes);
                    let keys: Vec<_> = keys.filter(|key| self.is_mine(key)).collect();
                    self.remove(host, &keys).await?;
                    if scan.is_over() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    async fn remove(&self, host: usize, keys: &[&[u8]]) -> Result<(), LinkError> {
        let most = if self.hosts.is_cluster() { 1 } else { STEP };
        let mut replies = Vec::new();
        for keys in keys.chunks(most) {
            let mut remove = cmd("UNLINK");
            remove.arg(keys);
            replies.push(self.hosts.link(host).send_again(remove));
        }
        for reply in replies {
            reply.await?;
        }
        Ok(())
    }

    /// Whether a key is one that this layer makes, or Python with the same prefix; leases stay. What has another layer's
    /// longer prefix can look like it, if what follows is the name of a channel.
    fn is_mine(&self, key: &[u8]) -> bool {
        is_mine(self.hosts.keys.prefix(), key)
    }
}

fn is_mine(prefix: &str, key: &[u8]) -> bool {
    let Ok(key) = str::from_utf8(key) else {
        return false;
    };
    let taken = key.strip_prefix('{');
    let key = match taken.and_then(|key| key.strip_suffix("}:solent:taken")) {
        Some(key) => key,
        None => key.strip_suffix("$inflight").unwrap_or(key),
    };
    let Some(rest) = key.strip_prefix(prefix) else {
        return false;
    };
    match rest.strip_prefix(":group:") {
        Some(group) => group.parse::<GroupName>().is_ok(),
        None => rest.parse::<ChannelName>().is_ok(),
    }
}

/// A prefix as part of a pattern that means just it.
fn glob_escaped(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len());
    for c in prefix.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_the_layer_are_removed() {
        for key in [
            "asgijobs",
            "asgispecific.0123456789abcdef0123456789abcdef!",
            "asgijobs$inflight",
            "asgi:group:room",
            "{asgijobs}:solent:taken",
        ] {
            assert!(is_mine("asgi", key.as_bytes()), "{key}");
        }
        for key in [
            "asgi",
            "asgi2:group:room",
            "asgi:solent:process:0123456789ab8def8123456789abcdef",
            "asgi_cache:views/x",
            "other",
            "{asgi:x}:solent:taken",
        ] {
            assert!(!is_mine("asgi", key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn prefix_with_signs_of_patterns_means_itself() {
        assert_eq!(glob_escaped("a*[b]"), "a\\*\\[b\\]");
    }
}
