//! A process that serves sockets stands still while others send to them.

use std::{env, net::SocketAddr, process::Stdio};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::json;
use solent::{Solent, layer::redis::RedisLayerKind};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, stdin},
    process::{Child, Command},
    sync::watch,
    time::{Duration, timeout},
};

use super::{
    burst::{BURST, MANY, PAD, Seen, group_send_all, members},
    scene::*,
};
use crate::live::{Client, Live, PATIENCE};

on_both_layers! {
    what_rust_sends_to_a_process_that_stands_still_is_delivered_or_counted,
    what_python_sends_to_a_process_that_stands_still_is_delivered_or_counted,
}

/// Tells the process that a test starts which layer it serves with. Without it there is nothing to serve.
const LAYER: &str = "SOLENT_TEST_FROZEN_LAYER";

/// Shorter than the processes stand still, so that deadlines of all that waits are over when they go on.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// What stands before the address in the output of that process.
const LISTENING: &str = "frozen listens on ";

/// The process that the tests of this module start and stop: the test binary, with this test alone.
#[tokio::test]
#[ignore = "other tests start it as a process of its own"]
async fn serving_process() -> Result<()> {
    let Ok(url) = env::var(LAYER) else {
        return Ok(());
    };
    let members = members(watch::Sender::new(false).subscribe())?;
    let app = Solent::new()
        .layer(layer_at(&url, |config| config.heartbeat(HEARTBEAT))?)
        .websocket("ws/", members);
    let live = Live::start(app).await?;
    println!("{LISTENING}{}", live.addr);
    // The pipe ends with the test that holds its other end.
    stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// A process that serves, and its clients, which are members of the room.
struct Served {
    process: Child,
    clients: Vec<Client>,
}

impl Served {
    async fn start(scene: &Scene, sockets: usize) -> Result<Self> {
        let module = module_path!().split_once("::").context("a module")?.1;
        let mut process = Command::new(env::current_exe()?)
            .args(["--exact", "--ignored", "--nocapture"])
            .arg(format!("{module}::serving_process"))
            .env(LAYER, scene.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().context("no output")?;
        let addr = timeout(PATIENCE, address(BufReader::new(output))).await??;
        let mut clients = Vec::new();
        for _ in 0..sockets {
            let mut client = Client::connect(addr, "/ws/", []).await?;
            // It tells its name when it has joined.
            client.json().await?;
            clients.push(client);
        }
        Ok(Self { process, clients })
    }

    async fn signal(&self, name: &str) -> Result<()> {
        let id = self.process.id().context("the process has ended")?;
        let kill = r#"kill -s "$0" "$1""#;
        let mut send = Command::new("sh");
        send.args(["-c", kill, name, &id.to_string()]);
        ensure!(send.status().await?.success(), "no {name} was sent");
        Ok(())
    }

    /// Each socket gets everything, or hears how much it did not get.
    async fn receive(self, sent: u64) -> Result<()> {
        let all = self.clients.into_iter().map(async |client| {
            let seen = Seen::read(client, sent).await?;
            ensure!(seen.accounts_for(sent), "{seen}");
            anyhow::Ok(())
        });
        try_join_all(all).await?;
        Ok(())
    }
}

async fn address(mut output: impl AsyncBufReadExt + Unpin) -> Result<SocketAddr> {
    let mut line = String::new();
    loop {
        line.clear();
        let read = output.read_line(&mut line).await?;
        ensure!(read > 0, "the process has ended");
        // The name of the test may stand before it.
        if let Some((_, addr)) = line.split_once(LISTENING) {
            return Ok(addr.trim().parse()?);
        }
    }
}

async fn what_rust_sends_to_a_process_that_stands_still_is_delivered_or_counted(
    kind: RedisLayerKind,
) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let elsewhere = scene.rust()?;
    let served = Served::start(&scene, MANY).await?;

    served.signal("STOP").await?;
    group_send_all(&elsewhere, BURST).await?;
    served.signal("CONT").await?;

    served.receive(BURST).await
}

async fn what_python_sends_to_a_process_that_stands_still_is_delivered_or_counted(
    kind: RedisLayerKind,
) -> Result<()> {
    let scene = Scene::start(kind).await?;
    // Python counts the members of a process together, and tells nobody what it drops.
    let mut python = scene.python_with(json!({"capacity": BURST})).await?;
    let served = Served::start(&scene, MANY).await?;

    served.signal("STOP").await?;
    for first in (0..BURST).step_by(500) {
        let send = json!({"do": "group_send_numbers", "group": "room", "first": first, "count": 500, "pad": PAD});
        python.ask(send).await?;
    }
    served.signal("CONT").await?;

    served.receive(BURST).await
}
