use std::{net::SocketAddr, process::Stdio};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::live::PATIENCE;

/// A server of an ASGI application, on a port of its own. It ends when this is dropped.
pub(crate) struct Uvicorn {
    pub(crate) addr: SocketAddr,
    _process: Child,
}

impl Uvicorn {
    /// Starts it with a command that runs Python, where the application can be found.
    pub(crate) async fn start(mut python: Command, application: &str) -> Result<Self> {
        let mut process = python
            .args(["-m", "uvicorn", application])
            .args(["--port", "0", "--no-access-log"])
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut log = BufReader::new(process.stderr.take().context("no log")?).lines();
        let mut said = String::new();
        let addr = loop {
            let line = timeout(PATIENCE, log.next_line()).await??;
            let line = line.with_context(|| format!("{application} has ended: {said}"))?;
            if let Some((_, place)) = line.split_once("running on http://") {
                break place.split(' ').next().unwrap_or_default().parse()?;
            }
            said += &line;
            said.push('\n');
        };
        // It must not wait for somebody to read what it says, and what it says helps when a test fails.
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                eprintln!("{line}");
            }
        });
        Ok(Self {
            addr,
            _process: process,
        })
    }
}
