use std::process::Stdio;

use anyhow::{Context, Result};
use solent::{
    Frame, NoEvents, ServerConfig, Solent, WebSocketConsumer, WebSocketContext, server,
    websocket_consumer,
};
use tokio::process::Command;

use super::live::{Live, PATIENCE};

struct Echo;

impl WebSocketConsumer for Echo {
    type Event = NoEvents;

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> solent::Result {
        cx.send(frame).await
    }
}

/// Runs a script with the Python that `cargo xtask test` prepared; `None` without one.
async fn python(script: &str, arguments: &[String]) -> Result<Option<String>> {
    let Ok(python) = std::env::var("SOLENT_TEST_PYTHON") else {
        eprintln!(
            "SOLENT_TEST_PYTHON is not set, run `cargo xtask test` to test with a Python client as well"
        );
        return Ok(None);
    };
    let script = format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python);
    command
        .arg(script)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .context("the script did not end")??;
    let error = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the script failed: {error}");
    Ok(Some(String::from_utf8(output.stdout)?))
}

#[tokio::test]
async fn python_client_gets_back_what_it_sends_compressed_or_not() -> Result<()> {
    let websocket = server::WebSocketConfig::default().max_message(4 * 1024 * 1024);
    let app = Solent::new()
        .websocket("ws/echo/", websocket_consumer(|_| Ok(Echo)))
        .config(ServerConfig::default().websocket(websocket));
    let live = Live::start(app).await?;

    let said = python("echo.py", &[format!("ws://{}/ws/echo/", live.addr)]).await?;

    assert!(said.is_none_or(|said| said.trim() == "ok"));
    live.stop();
    live.ended().await
}
