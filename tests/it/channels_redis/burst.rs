//! Bursts to sockets that Solent holds, from all who can send.

use std::fmt;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use solent::{
    Application, Group, Json, Solent, WebSocketConsumer, WebSocketContext,
    layer::{
        Capacities, ChannelLayer, DynLayer, Gap, MemoryConfig, MemoryLayer, redis::RedisLayerKind,
    },
    spec::WebSocket,
};
use tokio::sync::watch;

use super::scene::*;
use crate::live::{Client, Live};

on_both_layers! {
    burst_of_python_reaches_every_socket_whole,
    burst_of_rust_reaches_every_socket_whole,
    burst_of_a_consumer_to_its_own_group_reaches_every_socket_whole,
    burst_to_one_channel_reaches_it_whole,
    what_stalled_consumers_do_not_get_is_counted_exactly,
}

/// How many messages are sent at once.
pub(super) const BURST: u64 = 3_000;

/// To how many sockets Django sends, and to how many all others, which take the same way.
pub(super) const MANY: usize = 20;
const FEW: usize = 3;

/// How many a consumer sends, while it handles nothing else.
const OWN: u64 = 1_000;

/// How many mailboxes hold of consumers that stand still.
const CAPACITY: usize = 300;

/// What makes an event about as long as one of a chat.
pub(super) const PAD: &str =
    "a line of a chat that somebody has written to all who are in the room just now";

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename = "number")]
struct Number {
    n: u64,
    pad: String,
}

fn numbered(n: u64) -> Number {
    Number { n, pad: PAD.into() }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// Sends so many messages to the room.
    Burst(u64),
    /// Does nothing until the consumers may go on.
    Stall,
}

/// Tells its client what arrives: first its own name, then each number, and what it missed.
struct Member {
    room: Group<Number>,
    goes_on: watch::Receiver<bool>,
}

impl WebSocketConsumer for Member {
    type Input = Json<Order>;
    type Event = Number;

    fn groups(&self) -> Vec<Group<Number>> {
        vec![self.room.clone()]
    }

    async fn connect(&mut self, cx: &mut WebSocketContext<Number>) -> solent::Result {
        cx.accept().await?;
        let name = cx.address().await?.to_string();
        cx.send_json(&name).await
    }

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext<Number>,
        Json(order): Json<Order>,
    ) -> solent::Result {
        match order {
            Order::Burst(count) => {
                for n in 0..count {
                    cx.send_to(&self.room, &numbered(n)).await?;
                }
            }
            Order::Stall => {
                cx.send_json(&"stalled").await?;
                self.goes_on.wait_for(|goes_on| *goes_on).await?;
            }
        }
        Ok(())
    }

    async fn event(
        &mut self,
        cx: &mut WebSocketContext<Number>,
        number: &Number,
    ) -> solent::Result {
        cx.send_json(&number.n).await
    }

    async fn missed(&mut self, cx: &mut WebSocketContext<Number>, gap: Gap) -> solent::Result {
        cx.send_json(&json!({"lost": gap.lost, "uncounted": gap.uncounted}))
            .await
    }
}

/// Consumers that are members of the room.
pub(super) fn members(goes_on: watch::Receiver<bool>) -> Result<impl Application<WebSocket>> {
    let room = Group::new("room")?;
    Ok(Member::application_with(move |_| {
        Ok(Member {
            room: room.clone(),
            goes_on: goes_on.clone(),
        })
    }))
}

/// Sockets that are members of the room.
struct Room {
    live: Live,
    clients: Vec<Client>,
    /// The channels of their consumers.
    names: Vec<String>,
    goes_on: watch::Sender<bool>,
}

impl Room {
    async fn with(layer: DynLayer, sockets: usize) -> Result<Self> {
        let goes_on = watch::Sender::new(false);
        let consumer = members(goes_on.subscribe())?;
        let live = Live::start(Solent::new().layer(layer).websocket("ws/", consumer)).await?;
        let (mut clients, mut names) = (Vec::new(), Vec::new());
        for _ in 0..sockets {
            let mut client = live.connect("/ws/").await?;
            names.push(client.json().await?.as_str().context("a name")?.to_owned());
            clients.push(client);
        }
        Ok(Self {
            live,
            clients,
            names,
            goes_on,
        })
    }

    /// Each socket gets all numbers, in order, and hears of no gap.
    async fn receive_whole(self, count: u64) -> Result<()> {
        let all = self.clients.into_iter().map(async |client| {
            let seen = Seen::read(client, count).await?;
            ensure!(seen.lost == 0 && seen.accounts_for(count), "{seen}");
            anyhow::Ok(())
        });
        try_join_all(all).await?;
        let drops = self.live.layer.drops().context("it counts")?;
        ensure!(drops.total() == 0, "{drops:?}");
        Ok(())
    }
}

/// What a client was told.
pub(super) struct Seen {
    delivered: u64,
    lost: u64,
    /// A gap that is not counted was told.
    uncounted: bool,
}

impl Seen {
    /// Reads until everything that was sent is accounted for.
    pub(super) async fn read(mut client: Client, sent: u64) -> Result<Self> {
        let mut seen = Self {
            delivered: 0,
            lost: 0,
            uncounted: false,
        };
        let mut next = 0;
        while seen.delivered + seen.lost < sent {
            let value = client.json().await;
            match value.with_context(|| seen.to_string())? {
                Value::Number(n) => {
                    let n = n.as_u64().context("a number")?;
                    ensure!(n >= next, "{n} came after {next}: {seen}");
                    next = n + 1;
                    seen.delivered += 1;
                }
                gap => {
                    seen.lost += gap["lost"].as_u64().context("a gap")?;
                    seen.uncounted |= gap["uncounted"] == true;
                }
            }
        }
        Ok(seen)
    }

    /// Whether everything was delivered, or is counted by a gap.
    pub(super) fn accounts_for(&self, sent: u64) -> bool {
        !self.uncounted && self.delivered + self.lost == sent
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            delivered,
            lost,
            uncounted,
        } = self;
        write!(
            f,
            "{delivered} delivered, {lost} lost, uncounted: {uncounted}"
        )
    }
}

/// Sends so many numbers to the room.
pub(super) async fn group_send_all(layer: &DynLayer, count: u64) -> Result<()> {
    for n in 0..count {
        group_send(
            layer,
            "room",
            &json!({"type": "number", "n": n, "pad": PAD}),
        )
        .await?;
    }
    Ok(())
}

async fn burst_of_python_reaches_every_socket_whole(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    // Python counts the members of a process together.
    let mut python = scene.python_with(json!({"capacity": BURST})).await?;
    let room = Room::with(scene.rust()?, MANY).await?;

    let sending = async {
        // Not all in one go, which would take longer than an answer may on a busy machine.
        for first in (0..BURST).step_by(500) {
            let send = json!({"do": "group_send_numbers", "group": "room", "first": first, "count": 500, "pad": PAD});
            python.ask(send).await?;
        }
        Ok(())
    };
    tokio::try_join!(sending, room.receive_whole(BURST))?;
    Ok(())
}

async fn burst_of_rust_reaches_every_socket_whole(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let elsewhere = scene.rust()?;
    let room = Room::with(scene.rust()?, FEW).await?;

    tokio::try_join!(group_send_all(&elsewhere, BURST), room.receive_whole(BURST))?;
    Ok(())
}

async fn own_group(layer: DynLayer) -> Result<()> {
    let mut room = Room::with(layer, FEW).await?;
    room.clients[0].send(&json!({"burst": OWN})).await?;
    room.receive_whole(OWN).await
}

async fn burst_of_a_consumer_to_its_own_group_reaches_every_socket_whole(
    kind: RedisLayerKind,
) -> Result<()> {
    let scene = Scene::start(kind).await?;
    own_group(scene.rust()?).await
}

#[tokio::test]
async fn burst_of_a_consumer_on_the_memory_layer_reaches_every_socket_whole() -> Result<()> {
    own_group(DynLayer::new(MemoryLayer::default())).await
}

async fn burst_to_one_channel_reaches_it_whole(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let elsewhere = scene.rust()?;
    let mut python = scene.python_with(json!({"capacity": BURST})).await?;
    for from_python in [false, true] {
        let room = Room::with(scene.rust()?, 1).await?;
        let name = room.names[0].clone();
        let sending = async {
            if from_python {
                let send = json!({"do": "send_numbers", "channel": name, "first": 0, "count": BURST, "pad": PAD});
                let sent = python.ask(send).await?;
                ensure!(sent == BURST, "Python sent {sent}");
                return Ok(());
            }
            for n in 0..BURST {
                send(
                    &elsewhere,
                    &name,
                    &json!({"type": "number", "n": n, "pad": PAD}),
                )
                .await?;
            }
            Ok(())
        };
        tokio::try_join!(sending, room.receive_whole(BURST))?;
    }
    Ok(())
}

/// Consumers stand still while more is sent than their mailboxes hold.
async fn stalled(layer: DynLayer, elsewhere: &DynLayer) -> Result<()> {
    let mut room = Room::with(layer, FEW).await?;
    for client in &mut room.clients {
        client.send(&json!("stall")).await?;
        assert_eq!(client.json().await?, "stalled");
    }

    group_send_all(elsewhere, OWN).await?;
    let drops = room.live.layer.drops().context("it counts")?;
    until("the last has arrived, or was dropped", async || {
        drops.total() > 0
    })
    .await?;
    room.goes_on.send_replace(true);

    let mut lost = 0;
    for client in room.clients {
        let seen = Seen::read(client, OWN).await?;
        ensure!(seen.lost > 0 && seen.accounts_for(OWN), "{seen}");
        lost += seen.lost;
    }
    ensure!(drops.total() == lost, "{lost} were told of, {drops:?}");
    Ok(())
}

async fn what_stalled_consumers_do_not_get_is_counted_exactly(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let layer = scene.rust_with(|config| config.capacities(Capacities::new(CAPACITY)))?;
    stalled(layer, &scene.rust()?).await
}

#[tokio::test]
async fn what_stalled_consumers_on_the_memory_layer_do_not_get_is_counted_exactly() -> Result<()> {
    let config = MemoryConfig::default().capacities(Capacities::new(CAPACITY));
    let layer = DynLayer::new(MemoryLayer::new(config));
    stalled(layer.clone(), &layer).await
}
