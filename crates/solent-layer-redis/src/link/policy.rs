//! Whether Redis may forget what it was told.

use redis::{Value, cmd};

use super::Link;

impl Link {
    /// What Redis does when its memory is full, if it may then remove keys that are in use.
    pub(crate) async fn evicts(&self) -> Option<String> {
        let policy = match self.configured_policy().await {
            Some(policy) => policy,
            None => self.reported_policy().await?,
        };
        (policy != "noeviction").then_some(policy)
    }

    async fn configured_policy(&self) -> Option<String> {
        let mut get = cmd("CONFIG");
        get.arg("GET").arg("maxmemory-policy");
        let answer = self.send_again(get).await.ok()?;
        policy_in(answer)
    }

    /// Services that run Redis for others often forbid `CONFIG`.
    async fn reported_policy(&self) -> Option<String> {
        let mut info = cmd("INFO");
        info.arg("memory");
        let answer = self.send_again(info).await.ok()?;
        let line = texts(answer)
            .iter()
            .flat_map(|text| text.lines())
            .find_map(|line| line.strip_prefix("maxmemory_policy:").map(str::to_owned))?;
        Some(line.trim().to_owned())
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
        Value::BulkString(octets) => vec![String::from_utf8_lossy(&octets).into_owned()],
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
