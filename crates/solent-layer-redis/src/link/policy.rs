//! Whether Redis may forget what it was told.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use redis::{Value, cmd};

use super::Link;
use crate::error::LinkError;

/// Which hosts have been asked whether they may remove keys that are in use.
pub(crate) struct Evictions(Box<[AtomicBool]>);

impl Evictions {
    pub(crate) fn new(hosts: usize) -> Self {
        Self((0..hosts).map(|_| AtomicBool::new(false)).collect())
    }

    /// Warns once for each host if it may remove keys that are in use. A host that is away is asked again the next time.
    pub(crate) async fn warn(&self, host: usize, link: &Link, keys: &str) {
        if self.0[host].swap(true, Relaxed) {
            return;
        }
        match link.evicts().await {
            Ok(Some(policy)) => tracing::warn!(
                host = %link,
                policy,
                "redis removes {keys} when its memory is full, set its maxmemory-policy to noeviction"
            ),
            Ok(None) => {}
            Err(_) => self.0[host].store(false, Relaxed),
        }
    }
}

impl Link {
    /// What Redis does when its memory is full, if it may then remove keys that are in use.
    ///
    /// # Errors
    ///
    /// Redis is away. That it does not want to tell is no error.
    async fn evicts(&self) -> Result<Option<String>, LinkError> {
        let policy = match self.configured_policy().await? {
            Some(policy) => Some(policy),
            None => self.reported_policy().await?,
        };
        Ok(policy.filter(|policy| policy != "noeviction"))
    }

    async fn configured_policy(&self) -> Result<Option<String>, LinkError> {
        let mut get = cmd("CONFIG");
        get.arg("GET").arg("maxmemory-policy");
        Ok(self.told(get).await?.and_then(policy_in))
    }

    /// Services that run Redis for others often forbid `CONFIG`.
    async fn reported_policy(&self) -> Result<Option<String>, LinkError> {
        let mut info = cmd("INFO");
        info.arg("memory");
        let answer = self.told(info).await?;
        let texts = answer.map(texts).unwrap_or_default();
        let mut lines = texts.iter().flat_map(|text| text.lines());
        let policy = lines.find_map(|line| line.strip_prefix("maxmemory_policy:"));
        Ok(policy.map(|policy| policy.trim().to_owned()))
    }

    /// What Redis answers, if it does not refuse to.
    async fn told(&self, question: redis::Cmd) -> Result<Option<Value>, LinkError> {
        match self.send_again(question).await {
            Err(error) if error.is_away() => Err(error),
            answer => Ok(answer.ok()),
        }
    }
}

/// The value after the name.
fn policy_in(answer: Value) -> Option<String> {
    let texts = texts(answer);
    let at = texts.iter().position(|text| text == "maxmemory-policy")?;
    texts.into_iter().nth(at + 1)
}

/// All text in an answer, whatever it stands in: a cluster's nodes answer each for itself.
fn texts(answer: Value) -> Vec<String> {
    match answer {
        Value::BulkString(bytes) => vec![String::from_utf8_lossy(&bytes).into_owned()],
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => vec![text],
        Value::Array(items) | Value::Set(items) => items.into_iter().flat_map(texts).collect(),
        Value::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(key, value)| [key, value])
            .flat_map(texts)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn policy_is_found_in_what_servers_and_clusters_answer() {
        let pair = (text("maxmemory-policy"), text("allkeys-lru"));
        let server = Value::Map(vec![pair.clone()]);
        let old = Value::Array(vec![pair.0, pair.1]);
        let cluster = Value::Map(vec![(text("10.0.0.1:6379"), server.clone())]);

        for answer in [server, old, cluster] {
            assert_eq!(policy_in(answer).as_deref(), Some("allkeys-lru"));
        }
        assert_eq!(policy_in(Value::Array(vec![])), None);
    }
}
