//! A process of Python.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{
    live::PATIENCE,
    python::{interpreter, script},
};

/// A process of Python with a layer of channels_redis, which does what it is told.
pub(super) struct Peer {
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Killed when this is dropped.
    _process: Child,
}

impl Peer {
    /// `layer` is `core` or `pubsub`; `options` are the keyword arguments of the layer, as `CONFIG` has them in Django.
    pub(super) async fn start(layer: &str, options: &Value) -> Result<Self> {
        let mut process = Command::new(interpreter()?)
            .arg(script("peer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().context("no output")?;
        let mut peer = Self {
            input: process.stdin.take().context("no input")?,
            answers: BufReader::new(output).lines(),
            _process: process,
        };
        peer.tell(&json!({"layer": layer, "options": options}))
            .await?;
        Ok(peer)
    }

    /// Has a command carried out, and returns what it gives.
    pub(super) async fn ask(&mut self, command: Value) -> Result<Value> {
        match self.attempt(&command).await? {
            Ok(value) => Ok(value),
            Err(error) => bail!("Python failed at {command}: {error}"),
        }
    }

    /// The error of a command that is to fail.
    pub(super) async fn fail(&mut self, command: Value) -> Result<String> {
        match self.attempt(&command).await? {
            Ok(value) => bail!("{command} was to fail, and gave {value}"),
            Err(error) => Ok(error),
        }
    }

    /// Opens a channel of its own.
    pub(super) async fn open(&mut self) -> Result<String> {
        let name = self.ask(json!({"do": "open"})).await?;
        Ok(name.as_str().context("no name")?.to_owned())
    }

    /// Opens a channel of its own that is a member of a group.
    pub(super) async fn member(&mut self, group: &str) -> Result<String> {
        let channel = self.open().await?;
        self.ask(json!({"do": "group_add", "group": group, "channel": channel}))
            .await?;
        Ok(channel)
    }

    pub(super) async fn send(&mut self, channel: &str, message: &Value) -> Result<()> {
        self.ask(json!({"do": "send", "channel": channel, "message": message}))
            .await
            .map(drop)
    }

    pub(super) async fn group_send(&mut self, group: &str, message: &Value) -> Result<()> {
        self.ask(json!({"do": "group_send", "group": group, "message": message}))
            .await
            .map(drop)
    }

    /// Sends messages with the numbers from `first`, and returns how many there was room for.
    pub(super) async fn send_numbers(
        &mut self,
        channel: &str,
        first: u64,
        count: u64,
    ) -> Result<u64> {
        let command =
            json!({"do": "send_numbers", "channel": channel, "first": first, "count": count});
        self.ask(command).await?.as_u64().context("no number")
    }

    pub(super) async fn group_send_numbers(
        &mut self,
        group: &str,
        first: u64,
        count: u64,
    ) -> Result<()> {
        let command =
            json!({"do": "group_send_numbers", "group": group, "first": first, "count": count});
        self.ask(command).await.map(drop)
    }

    /// Sends messages with numbers whatever happens to Redis, and returns those that it did not refuse.
    pub(super) async fn group_send_through(
        &mut self,
        group: &str,
        first: u64,
        count: u64,
    ) -> Result<Vec<u64>> {
        let command =
            json!({"do": "group_send_through", "group": group, "first": first, "count": count});
        Ok(serde_json::from_value(self.ask(command).await?)?)
    }

    /// The next messages of a channel, or of a socket.
    pub(super) async fn take(&mut self, place: &str, count: usize) -> Result<Vec<Value>> {
        let taken = self
            .ask(json!({"do": "take", "place": place, "count": count}))
            .await?;
        Ok(serde_json::from_value(taken)?)
    }

    /// The next message of a channel, or of a socket.
    pub(super) async fn next(&mut self, place: &str) -> Result<Value> {
        self.take(place, 1).await?.pop().context("nothing came")
    }

    /// All messages that have come to a channel until now.
    pub(super) async fn take_all(&mut self, place: &str) -> Result<Vec<Value>> {
        let taken = self.ask(json!({"do": "take_all", "place": place})).await?;
        Ok(serde_json::from_value(taken)?)
    }

    async fn attempt(&mut self, command: &Value) -> Result<Result<Value, String>> {
        self.tell(command).await?;
        let answer = timeout(PATIENCE, self.answers.next_line()).await;
        let answer = answer.with_context(|| format!("Python did not do {command}"))??;
        let answer: Value = serde_json::from_str(&answer.context("Python has ended")?)?;
        Ok(match answer.get("failed") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["done"].clone()),
        })
    }

    async fn tell(&mut self, line: &Value) -> Result<()> {
        Ok(self.input.write_all(format!("{line}\n").as_bytes()).await?)
    }
}
