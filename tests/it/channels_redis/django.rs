//! A Django project, sockets that Solent holds, and sockets that Django holds.

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use solent::layer::redis::RedisLayerKind;
use tokio::process::{Child, Command};

use super::{peer::Peer, scene::*};
use crate::{
    python::{interpreter, script},
    uvicorn::Uvicorn,
};

on_both_layers! {
    view_reaches_the_sockets_that_solent_holds,
    consumers_of_both_share_a_room,
    command_reaches_the_sockets_that_solent_holds,
}

/// The bench example in a process of its own. It ends when this is dropped.
struct Sockets {
    addr: SocketAddr,
    _process: Child,
}

impl Sockets {
    async fn start(scene: &Scene) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addr = listener.local_addr()?;
        // As systemd hands over a socket, so that the address is known and clients need not wait.
        let process = Command::new("sh")
            .args(["-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0"])
            .arg(env!("CARGO_BIN_EXE_bench"))
            .args(["--bind", "fd:0", "--threads", "1", "--layer", &scene.url()])
            .stdin(OwnedFd::from(listener))
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            addr,
            _process: process,
        })
    }

    fn room(&self, room: &str) -> String {
        format!("ws://{}/ws/chat/{room}/", self.addr)
    }
}

/// The project of the guide, in uvicorn. It ends when this is dropped.
struct Django(Uvicorn);

impl Django {
    async fn start(scene: &Scene) -> Result<Self> {
        let python = in_project(scene, Command::new(interpreter()?));
        Ok(Self(Uvicorn::start(python, "shop.asgi:application").await?))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.0.addr)
    }

    fn room(&self, room: &str) -> String {
        format!("ws://{}/ws/chat/{room}/", self.0.addr)
    }
}

/// A command in the project's folder, on the scene's Redis.
fn in_project(scene: &Scene, mut command: Command) -> Command {
    let layer = match scene.kind {
        RedisLayerKind::Queue => "channels_redis.core.RedisChannelLayer",
        _ => "channels_redis.pubsub.RedisPubSubChannelLayer",
    };
    command
        .current_dir(script("."))
        .env("REDIS_URL", format!("{}/0", scene.server().url()))
        .env("CHANNEL_LAYER", layer)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true);
    command
}

async fn connect(client: &mut Peer, url: &str) -> Result<()> {
    client.ask(json!({"do": "connect", "url": url})).await?;
    Ok(())
}

async fn post(client: &mut Peer, url: &str, form: Value) -> Result<()> {
    let status = client
        .ask(json!({"do": "post", "url": url, "form": form}))
        .await?;
    ensure!(status == 204, "{url}: {status}");
    Ok(())
}

/// What a client of the chat gets.
fn said(message: &str) -> Value {
    json!({ "message": message }).to_string().into()
}

async fn view_reaches_the_sockets_that_solent_holds(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let (sockets, django) = (Sockets::start(&scene).await?, Django::start(&scene).await?);
    let mut client = scene.python().await?;
    let (room, other) = (sockets.room("x"), sockets.room("y"));
    connect(&mut client, &room).await?;
    connect(&mut client, &other).await?;

    // A ready frame is what it is, whatever the consumer would write.
    let text = r#"{ "html" : "<b>grüße 中 😀</b>" }"#;
    let (say, show) = (django.url("rooms/x/say/"), django.url("rooms/x/show/"));
    for n in 0..20 {
        let message = format!("für alle {n}");
        post(&mut client, &say, json!({"message": message})).await?;
        post(&mut client, &show, json!({"text": text})).await?;
        assert_eq!(client.take(&room, 2).await?, [said(&message), text.into()]);
    }

    assert_eq!(client.take_all(&other).await?, [] as [Value; 0]);
    Ok(())
}

async fn consumers_of_both_share_a_room(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let (sockets, django) = (Sockets::start(&scene).await?, Django::start(&scene).await?);
    let mut client = scene.python().await?;
    let (moved, stays) = (sockets.room("x"), django.room("x"));
    connect(&mut client, &moved).await?;
    connect(&mut client, &stays).await?;

    for from in [&moved, &stays, &moved, &stays] {
        client
            .ask(json!({"do": "say", "url": from, "message": from}))
            .await?;
        for to in [&moved, &stays] {
            let text = client.next(to).await?;
            // Spaces are as each of them writes them.
            let got: Value = serde_json::from_str(text.as_str().context("no text")?)?;
            assert_eq!(got, json!({"message": from}), "from {from} to {to}");
        }
    }
    let show = django.url("rooms/x/show/");
    post(&mut client, &show, json!({"text": "ready"})).await?;

    assert_eq!(client.next(&moved).await?, "ready");
    assert_eq!(client.next(&stays).await?, "ready");
    Ok(())
}

async fn command_reaches_the_sockets_that_solent_holds(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let sockets = Sockets::start(&scene).await?;
    let mut client = scene.python().await?;
    let room = sockets.room("x");
    connect(&mut client, &room).await?;

    let status = in_project(&scene, Command::new(interpreter()?))
        .args(["manage.py", "say", "x", "at night"])
        .status()
        .await?;

    ensure!(status.success(), "{status}");
    assert_eq!(client.next(&room).await?, said("at night"));
    Ok(())
}
