//! Taking messages as they come.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures::future::{FusedFuture, FutureExt};
use redis::{Cmd, ErrorKind, RedisError, Value, cmd};
use tokio::time::{sleep, timeout};

use super::answer::{number, octets, score, scored};
use crate::{
    error::LinkError,
    link::{Link, Waiting},
};

/// How often Redis is asked to end a wait that it has not begun yet, and how long after each other.
const ATTEMPTS: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(5);

/// How much longer than Redis waits an answer may take.
const LATE: Duration = Duration::from_secs(5);

/// A connection that waits for messages.
pub(super) struct Popper {
    link: Link,
    connection: Waiting,
    /// What Redis calls the connection; a cluster's nodes do not say.
    id: Option<i64>,
    /// Whether Redis is too old to give several messages at once.
    old: bool,
}

/// What was taken from one key.
#[derive(Debug, Default)]
pub(super) struct Popped {
    pub(super) key: Vec<u8>,
    /// Payloads, oldest first.
    pub(super) messages: Vec<Popping>,
}

/// One payload, and its score.
#[derive(Clone, Debug)]
pub(super) struct Popping {
    pub(super) score: f64,
    pub(super) payload: Bytes,
}

impl Popper {
    /// # Errors
    ///
    /// Redis is away.
    pub(super) async fn connect(link: &Link) -> Result<Self, LinkError> {
        let mut connection = link.waiting().await?;
        let id = if link.is_cluster() {
            None
        } else {
            let answer = connection.run(cmd("CLIENT").arg("ID")).await;
            number(&answer.map_err(broken)?)
        };
        Ok(Self {
            link: link.clone(),
            connection,
            id,
            old: false,
        })
    }

    /// Takes up to `most` messages from the first key that has any. Waits for as long as it takes, or `patience`, or until
    /// `interrupt`; then there may be none.
    ///
    /// # Errors
    ///
    /// The connection broke, or the server is none to take messages from.
    ///
    /// # Cancel safety
    ///
    /// What is being taken is lost. Interrupt it.
    pub(super) async fn pop(
        &mut self,
        keys: &[String],
        most: usize,
        patience: Option<Duration>,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Option<Popped>, LinkError> {
        let limit = patience.map(|patience| patience + LATE);
        let patience = patience.map_or(0, |patience| patience.as_secs().max(1));
        let interrupt = interrupt.fuse();
        tokio::pin!(interrupt);
        loop {
            let command = if self.old {
                pop_one(keys, patience)
            } else {
                pop_many(keys, most, patience)
            };
            let answer = ask(
                &mut self.connection,
                self.id,
                &self.link,
                &command,
                interrupt.as_mut(),
            );
            let answer = async {
                match limit {
                    Some(limit) => timeout(limit, answer).await.unwrap_or_else(|_| {
                        Err(broken(RedisError::from((
                            ErrorKind::Io,
                            "no answer in time",
                        ))))
                    }),
                    None => answer.await,
                }
            };
            let answer = match answer.await {
                Err(LinkError::Refused(error)) if !self.old && is_unknown(&error) => {
                    self.old = true;
                    if interrupt.is_terminated() {
                        return Ok(None);
                    }
                    continue;
                }
                answer => answer?,
            };
            if !self.old {
                return Ok(read_many(answer));
            }
            let Some(mut popped) = read_one(answer) else {
                return Ok(None);
            };
            if most > 1 {
                self.take_more(&mut popped, most - 1).await?;
            }
            return Ok(Some(popped));
        }
    }

    /// What else is there, for a Redis that only waits for one.
    async fn take_more(&mut self, popped: &mut Popped, most: usize) -> Result<(), LinkError> {
        let mut more = cmd("ZPOPMIN");
        more.arg(&popped.key).arg(most);
        let more = self.connection.run(&more).await.map_err(broken)?;
        popped.messages.extend(read_messages(more));
        Ok(())
    }
}

/// Asks, and takes the question back when interrupted. Either there is an answer or nothing has been taken.
async fn ask(
    connection: &mut Waiting,
    id: Option<i64>,
    link: &Link,
    command: &Cmd,
    interrupt: impl Future<Output = ()>,
) -> Result<Value, LinkError> {
    let asking = connection.run(command);
    tokio::pin!(asking);
    tokio::select! {
        biased;
        answer = &mut asking => return answer.map_err(broken),
        () = interrupt => {}
    }
    let Some(id) = id else {
        return asking.await.map_err(broken);
    };
    for _ in 0..ATTEMPTS {
        let mut unblock = cmd("CLIENT");
        unblock.arg("UNBLOCK").arg(id);
        let told = link.send_again(unblock);
        tokio::select! {
            biased;
            answer = &mut asking => return answer.map_err(broken),
            told = told => drop(told?),
        }
        // Redis may not have begun to wait when it was told not to.
        tokio::select! {
            biased;
            answer = &mut asking => return answer.map_err(broken),
            () = sleep(BETWEEN) => {}
        }
    }
    Err(LinkError::Answer)
}

fn pop_many(keys: &[String], most: usize, patience: u64) -> Cmd {
    let mut command = cmd("BZMPOP");
    command.arg(patience).arg(keys.len()).arg(keys);
    command.arg("MIN").arg("COUNT").arg(most);
    command
}

fn pop_one(keys: &[String], patience: u64) -> Cmd {
    let mut command = cmd("BZPOPMIN");
    command.arg(keys).arg(patience);
    command
}

/// A key, and members with their scores.
fn read_many(answer: Value) -> Option<Popped> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let mut parts = parts.into_iter();
    let (key, messages) = (parts.next()?, parts.next()?);
    Some(Popped {
        key: octets(&key)?.to_vec(),
        messages: read_messages(messages).collect(),
    })
}

/// A key, a member and its score.
fn read_one(answer: Value) -> Option<Popped> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let mut parts = parts.into_iter();
    let (key, member, at) = (parts.next()?, parts.next()?, parts.next()?);
    let (Value::BulkString(payload), score) = (member, score(&at)?) else {
        return None;
    };
    Some(Popped {
        key: octets(&key)?.to_vec(),
        messages: vec![Popping {
            score,
            payload: payload.into(),
        }],
    })
}

fn read_messages(value: Value) -> impl Iterator<Item = Popping> {
    scored(value).into_iter().map(|(payload, score)| Popping {
        score,
        payload: payload.into(),
    })
}

fn is_unknown(error: &RedisError) -> bool {
    error.to_string().contains("unknown command")
}

fn broken(error: RedisError) -> LinkError {
    if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) {
        LinkError::Refused(error.into())
    } else {
        LinkError::Broken(error.into())
    }
}
