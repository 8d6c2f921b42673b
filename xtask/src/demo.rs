//! `cargo xtask demo`

use crate::{flags::Demo, shell::Shell};

impl Demo {
    /// Builds the demonstration, and serves it. What talks to Redis is compiled only for a layer that is there.
    pub(crate) fn run(self, sh: &Shell) -> anyhow::Result<()> {
        let variable = std::env::var("SOLENT_LAYER").ok();
        let mut words = self.arguments.iter().chain(&variable);
        let features = match words.any(|word| names_redis(word)) {
            true => "--features redis",
            false => "",
        };
        sh.cargo(&format!(
            "run --package solent --example demo {features} --"
        ))
        .args(self.arguments)
        .run()
    }
}

/// Whether a word of the command line, or the value of a variable, is the URL of a layer on Redis.
fn names_redis(word: &str) -> bool {
    let url = word.strip_prefix("--layer=").unwrap_or(word);
    url.starts_with("redis") || url.starts_with("unix:/")
}

#[cfg(test)]
mod tests {
    use super::names_redis;

    #[test]
    fn layer_on_redis_needs_the_feature() {
        for word in [
            "redis://localhost:6379/0",
            "--layer=rediss://host",
            "unix:/run/redis.sock",
        ] {
            assert!(names_redis(word), "{word}");
        }
        for word in ["--bind", "unix:run", "memory:", "--worker", "primes"] {
            assert!(!names_redis(word), "{word}");
        }
    }
}
