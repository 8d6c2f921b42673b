use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result};
use solent::{
    Frame, NoEvents, Solent, WebSocketConsumer, WebSocketContext,
    server::{self, ServerConfig},
};
use tokio::process::Command;

use super::live::{Live, PATIENCE};

#[derive(Default)]
struct Echo;

impl WebSocketConsumer for Echo {
    type Event = NoEvents;
    type Input = Frame;

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> solent::Result {
        cx.send(frame).await
    }
}

/// The Python that `cargo xtask servers` prepared, with what is in `python/requirements.txt`.
pub(crate) fn interpreter() -> Result<PathBuf> {
    if let Some(python) = env::var_os("SOLENT_TEST_PYTHON") {
        return Ok(python.into());
    }
    // Beside the folder that Cargo has for tests.
    let python = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("venv")
        .join("bin/python");
    anyhow::ensure!(
        python.exists(),
        "there is no Python for the tests: run `cargo xtask servers` once, or set SOLENT_TEST_PYTHON to a Python \
         with what is in tests/python/requirements.txt"
    );
    Ok(python)
}

/// Where a script of `python/` is.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(name)
}

/// Runs a script of `python/` to its end and returns what it printed.
async fn python(name: &str, arguments: &[String]) -> Result<String> {
    let mut command = Command::new(interpreter()?);
    command
        .arg(script(name))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .context("the script did not end")??;
    let error = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the script failed: {error}");
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn python_client_gets_back_what_it_sends_compressed_or_not() -> Result<()> {
    let websocket = server::WebSocketConfig::default().max_message(4 * 1024 * 1024);
    let app = Solent::new()
        .websocket("ws/echo/", Echo::application())
        .config(ServerConfig::default().websocket(websocket));
    let live = Live::start(app).await?;

    let said = python("echo.py", &[format!("ws://{}/ws/echo/", live.addr)]).await?;

    assert_eq!(said.trim(), "ok");
    live.stop();
    live.ended().await
}
