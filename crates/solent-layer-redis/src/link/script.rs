//! Scripts that run in Redis.

use redis::{Cmd, Value, cmd};

use super::Link;
use crate::error::LinkError;

/// A script, known to Redis by its digest.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text,
            digest: redis::Script::new(text).get_hash().to_owned(),
        }
    }

    /// Runs the script on `link`. `arguments` adds the number of keys, the keys, and what else it takes; it is called once
    /// more if Redis does not know the script yet.
    ///
    /// # Errors
    ///
    /// [`LinkError`]. What may have been carried out is not tried again.
    pub(crate) async fn run(
        &self,
        link: &Link,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Value, LinkError> {
        let mut by_digest = cmd("EVALSHA");
        by_digest.arg(&self.digest);
        arguments(&mut by_digest);
        match link.send(by_digest).await {
            Err(LinkError::Refused(error)) if error.code() == Some("NOSCRIPT") => {
                let mut whole = cmd("EVAL");
                whole.arg(self.text);
                arguments(&mut whole);
                link.send(whole).await
            }
            answer => answer,
        }
    }
}
