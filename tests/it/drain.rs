use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::Result;
use serde_json::json;
use solent::{
    Close, CloseCode, Frame, Group, NoEvents, ServerConfig, Solent, WebSocketConsumer,
    WebSocketContext, server::DrainConfig, websocket_consumer,
};

use super::live::Live;

#[derive(Clone, Default)]
struct Counts {
    connected: Arc<AtomicUsize>,
    disconnected: Arc<AtomicUsize>,
    going_away: Arc<AtomicUsize>,
}

struct Counting {
    all: Group<NoEvents>,
    counts: Counts,
}

impl WebSocketConsumer for Counting {
    type Event = NoEvents;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> solent::Result {
        self.counts.connected.fetch_add(1, SeqCst);
        cx.join(&self.all).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> solent::Result {
        cx.broadcast(&self.all, frame).await?;
        Ok(())
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, close: Close) -> solent::Result {
        self.counts.disconnected.fetch_add(1, SeqCst);
        if close.code == CloseCode::GOING_AWAY {
            self.counts.going_away.fetch_add(1, SeqCst);
        }
        Ok(())
    }
}

fn counting(counts: &Counts) -> Result<Solent> {
    let (all, counts): (Group<NoEvents>, _) = (Group::new("all")?, counts.clone());
    let drain = DrainConfig::default()
        .spread(Duration::from_millis(300))
        .deadline(Duration::from_secs(10));
    let counting = websocket_consumer(move |_| {
        Ok(Counting {
            all: all.clone(),
            counts: counts.clone(),
        })
    });
    Ok(Solent::new()
        .websocket("ws/", counting)
        .config(ServerConfig::default().drain(drain)))
}

#[tokio::test]
async fn stopping_under_load_closes_every_socket_and_runs_every_disconnect() -> Result<()> {
    const SOCKETS: usize = 200;
    let counts = Counts::default();
    let live = Live::start(counting(&counts)?).await?;
    let mut clients = Vec::new();
    for _ in 0..SOCKETS {
        clients.push(live.connect("/ws/").await?);
    }
    // Everybody hears from everybody while the server is told to stop.
    for client in &mut clients {
        client.send(&json!("hello")).await?;
    }

    live.stop();
    let closing = clients
        .into_iter()
        .map(|mut client| tokio::spawn(async move { client.close_code().await }));
    let mut codes = Vec::new();
    for closing in closing.collect::<Vec<_>>() {
        codes.push(closing.await??);
    }
    live.ended().await?;

    assert_eq!(codes, [1001; SOCKETS]);
    assert_eq!(counts.connected.load(SeqCst), SOCKETS);
    assert_eq!(counts.disconnected.load(SeqCst), SOCKETS);
    assert_eq!(counts.going_away.load(SeqCst), SOCKETS);
    Ok(())
}

#[tokio::test]
async fn sockets_that_come_and_go_leave_as_many_disconnects() -> Result<()> {
    const ROUNDS: usize = 300;
    let counts = Counts::default();
    let live = Live::start(counting(&counts)?).await?;

    for round in 0..ROUNDS {
        let mut client = live.connect("/ws/").await?;
        if round % 2 == 0 {
            client.send(&json!("hello")).await?;
        }
        // Dropped without a closing handshake: lost, as far as the server can tell.
        drop(client);
    }
    live.stop();
    live.ended().await?;

    assert_eq!(counts.connected.load(SeqCst), ROUNDS);
    assert_eq!(counts.disconnected.load(SeqCst), ROUNDS);
    Ok(())
}
