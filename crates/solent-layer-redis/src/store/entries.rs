//! Reading and writing entries.

use std::time::{Duration, SystemTime};

use redis::{Cmd, Value, cmd};

use super::{StoreFailure, StoreLink};
use crate::error::LinkError;

/// An entry, and when it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers take it apart")]
pub struct Entry {
    /// Its content.
    pub value: Vec<u8>,
    /// When it expires, if it does.
    pub expires: Option<SystemTime>,
}

/// Whether an entry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Redis knows these")]
pub enum Condition {
    /// In any case.
    Always,
    /// Only if there is none yet.
    New,
    /// Only in place of another.
    Present,
}

/// What became of an entry that was to be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers act on each of them")]
pub enum Exchanged {
    /// The new value is there.
    Kept,
    /// There is no entry any more, and nothing was written.
    Gone,
    /// The entry has another value than it had, and nothing was written.
    Changed,
}

/// Replaces an entry if its value is what it was, in one step.
const EXCHANGE: &str = "\
local now = redis.call('GET', KEYS[1]) \
if not now then return 'gone' end \
if now ~= ARGV[1] then return 'changed' end \
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) \
return 'kept'";

impl StoreLink {
    /// Reads an entry; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get(&self, name: &str) -> Result<Option<Entry>, StoreFailure> {
        let (value, left) = self
            .ask_both(with_name("GET", name), with_name("PTTL", name))
            .await?;
        let value = match value {
            Value::Nil => return Ok(None),
            Value::BulkString(value) => value,
            _ => return Err(LinkError::Answer.into()),
        };
        let left = match left {
            Value::Int(left) => u64::try_from(left).ok().map(Duration::from_millis),
            _ => return Err(LinkError::Answer.into()),
        };
        let expires = left.and_then(|left| SystemTime::now().checked_add(left));
        Ok(Some(Entry { value, expires }))
    }

    /// Writes an entry. Whether the condition was met.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`].
    ///
    /// # Cancel safety
    ///
    /// The entry may be written all the same, but never in part.
    pub async fn set(
        &self,
        name: &str,
        value: &[u8],
        expires: SystemTime,
        condition: Condition,
    ) -> Result<bool, StoreFailure> {
        let set = set(name, value, expires, condition);
        self.ask(set).await.map(|reply| reply != Value::Nil)
    }

    /// Writes an entry if there is none, and never twice: of all who do, one is told `true`.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`]. The entry may have been written.
    ///
    /// # Cancel safety
    ///
    /// The entry may be written all the same.
    pub async fn claim(&self, name: &str, expires: SystemTime) -> Result<bool, StoreFailure> {
        // Sent twice, the second one would find the first.
        let set = set(name, b"1", expires, Condition::New);
        self.ask_once(set).await.map(|reply| reply != Value::Nil)
    }

    /// Writes an entry in place of another, if that has the value `former`.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`]. The entry may have been written.
    ///
    /// # Cancel safety
    ///
    /// The entry may be written all the same, but never in part.
    pub async fn exchange(
        &self,
        name: &str,
        former: &[u8],
        value: &[u8],
        expires: SystemTime,
    ) -> Result<Exchanged, StoreFailure> {
        let mut exchange = cmd("EVAL");
        exchange
            .arg(EXCHANGE)
            .arg(1)
            .arg(name)
            .arg(former)
            .arg(value)
            .arg(remaining(expires));
        match self.ask_once(exchange).await? {
            Value::BulkString(word) if word == b"kept" => Ok(Exchanged::Kept),
            Value::BulkString(word) if word == b"gone" => Ok(Exchanged::Gone),
            Value::BulkString(word) if word == b"changed" => Ok(Exchanged::Changed),
            _ => Err(LinkError::Answer.into()),
        }
    }

    /// Removes an entry, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`].
    ///
    /// # Cancel safety
    ///
    /// The entry may be removed all the same.
    pub async fn remove(&self, name: &str) -> Result<(), StoreFailure> {
        self.ask(with_name("DEL", name)).await.map(drop)
    }
}

fn with_name(command: &str, name: &str) -> Cmd {
    let mut command = cmd(command);
    command.arg(name);
    command
}

fn set(name: &str, value: &[u8], expires: SystemTime, condition: Condition) -> Cmd {
    let mut set = with_name("SET", name);
    set.arg(value).arg("PX").arg(remaining(expires));
    match condition {
        Condition::Always => {}
        Condition::New => {
            set.arg("NX");
        }
        Condition::Present => {
            set.arg("XX");
        }
    }
    set
}

/// Milliseconds until `expires`, at least one: what has expired is gone as soon as it is there.
fn remaining(expires: SystemTime) -> u64 {
    /// A hundred years.
    const MOST: u64 = 100 * 365 * 24 * 60 * 60 * 1000;
    let left = expires.duration_since(SystemTime::now());
    let left = left.unwrap_or_default().as_millis();
    u64::try_from(left).unwrap_or(MOST).clamp(1, MOST)
}
