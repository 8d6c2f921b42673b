//! Taking messages as they come.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures::future::{FusedFuture, FutureExt};
use redis::{Cmd, ErrorKind, RedisError, Value, cmd};
use tokio::time::sleep;

use super::answer::{bytes, number, score, scored};
use crate::{
    error::LinkError,
    link::{Link, Waiting},
};

/// How often Redis is asked to end a wait that it has not begun yet, and how long after each other.
const ATTEMPTS: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(5);

/// A connection that waits for messages.
pub(super) struct Popper {
    link: Link,
    connection: Waiting,
    /// What Redis calls the connection; a cluster's nodes do not say.
    id: Option<i64>,
    /// How much longer than Redis waits an answer may take.
    heartbeat: Duration,
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
    pub(super) async fn connect(link: &Link, heartbeat: Duration) -> Result<Self, LinkError> {
        Self::over(link.waiting().await?, link, heartbeat).await
    }

    /// The same over a connection that there is.
    ///
    /// # Errors
    ///
    /// The connection broke, or is silent.
    pub(super) async fn over(
        mut connection: Waiting,
        link: &Link,
        heartbeat: Duration,
    ) -> Result<Self, LinkError> {
        let id = if link.is_cluster() {
            None
        } else {
            let answer = connection.run(cmd("CLIENT").arg("ID"), heartbeat).await;
            match answer.map_err(broken) {
                Ok(id) => number(&id),
                // Waits are not ended early where that is forbidden.
                Err(LinkError::Refused(_)) => None,
                Err(error) => return Err(error),
            }
        };
        Ok(Self {
            link: link.clone(),
            connection,
            id,
            heartbeat,
            old: false,
        })
    }

    /// Takes up to `most` messages from the first key that has any. Waits for `patience`, or until `interrupt`; then there
    /// may be none.
    ///
    /// # Errors
    ///
    /// The connection broke or is silent, or the server is none to take messages from.
    ///
    /// # Cancel safety
    ///
    /// What is being taken is lost. Interrupt it.
    pub(super) async fn pop(
        &mut self,
        keys: &[String],
        most: usize,
        patience: Duration,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Option<Popped>, LinkError> {
        let limit = patience.saturating_add(self.heartbeat);
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
                (&command, limit),
                interrupt.as_mut(),
            );
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
                self.take_more(&mut popped, most - 1).await;
            }
            return Ok(Some(popped));
        }
    }

    /// What else is there, for a Redis that only waits for one.
    async fn take_more(&mut self, popped: &mut Popped, most: usize) {
        let mut more = cmd("ZPOPMIN");
        more.arg(&popped.key).arg(most);
        // If it fails, what was taken already must not be lost. A connection that broke shows so at the next command.
        if let Ok(more) = self.connection.run(&more, self.heartbeat).await {
            popped.messages.extend(read_messages(more));
        }
    }
}

/// Asks, and takes the question back when interrupted. Either there is an answer or nothing has been taken.
async fn ask(
    connection: &mut Waiting,
    id: Option<i64>,
    link: &Link,
    (command, limit): (&Cmd, Duration),
    interrupt: impl Future<Output = ()>,
) -> Result<Value, LinkError> {
    let asking = connection.run(command, limit);
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
            told = told => match told {
                // It is not allowed. Redis ends the wait by itself.
                Err(LinkError::Refused(_)) => return asking.await.map_err(broken),
                told => drop(told?),
            },
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

fn pop_many(keys: &[String], most: usize, patience: Duration) -> Cmd {
    let mut command = cmd("BZMPOP");
    command
        .arg(patience.as_secs_f64())
        .arg(keys.len())
        .arg(keys);
    command.arg("MIN").arg("COUNT").arg(most);
    command
}

fn pop_one(keys: &[String], patience: Duration) -> Cmd {
    let mut command = cmd("BZPOPMIN");
    command.arg(keys).arg(patience.as_secs_f64());
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
        key: bytes(&key)?.to_vec(),
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
        key: bytes(&key)?.to_vec(),
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
