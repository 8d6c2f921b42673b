use std::{collections::BTreeMap, path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::{
    live::PATIENCE,
    python::{interpreter, script},
    uvicorn::Uvicorn,
};

/// The project `accounts`, and the environment it is run with.
#[derive(Clone)]
pub(super) struct Project {
    environment: BTreeMap<&'static str, String>,
}

impl Project {
    pub(super) fn new() -> Self {
        let environment = [
            ("DJANGO_SETTINGS_MODULE", "accounts.settings"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ];
        Self {
            environment: environment
                .map(|(name, value)| (name, value.to_owned()))
                .into(),
        }
    }

    pub(super) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.insert(name, value.into());
        self
    }

    /// Makes the tables.
    pub(super) async fn migrate(&self) -> Result<()> {
        self.manage(&["migrate", "--verbosity", "0"], "").await?;
        Ok(())
    }

    /// Makes groups and users; the keys of the users, by name.
    pub(super) async fn populate(&self, wanted: &Value) -> Result<BTreeMap<String, String>> {
        let keys = self.manage(&["populate"], &wanted.to_string()).await?;
        Ok(serde_json::from_str(&keys)?)
    }

    /// Runs a command of Django's to its end, and returns what it printed.
    pub(super) async fn manage(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = self.python()?;
        command.arg("manage.py").args(arguments);
        run(command, input).await
    }

    /// Serves the project.
    pub(super) async fn serve(&self) -> Result<Uvicorn> {
        Uvicorn::start(self.python()?, "accounts.asgi:application").await
    }

    fn python(&self) -> Result<Command> {
        let mut command = Command::new(interpreter()?);
        command.current_dir(script(".")).envs(&self.environment);
        Ok(command)
    }
}

/// The rows that an SQLite file has for a query.
pub(super) async fn sqlite(file: &Path, sql: &str) -> Result<Vec<Vec<Value>>> {
    const QUERY: &str = "import json, sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=20)
with database:
    print(json.dumps(database.execute(sys.argv[2]).fetchall()))";
    let mut command = Command::new(interpreter()?);
    command.args(["-c", QUERY]).arg(file).arg(sql);
    Ok(serde_json::from_str(&run(command, "").await?)?)
}

/// Runs a script of `python/` to its end, with an input, and returns what it printed.
pub(super) async fn python(name: &str, arguments: &[String], input: &str) -> Result<String> {
    let mut command = Command::new(interpreter()?);
    command.arg(script(name)).args(arguments);
    run(command, input).await
}

async fn run(mut command: Command, input: &str) -> Result<String> {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut writer = process.stdin.take().context("no input")?;
    let write = async move {
        // It may have ended without reading; its status says why.
        let _ = writer.write_all(input.as_bytes()).await;
    };
    let (output, ()) = timeout(PATIENCE, async {
        tokio::join!(process.wait_with_output(), write)
    })
    .await?;
    let output = output?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {error}");
    Ok(String::from_utf8(output.stdout)?)
}
