//! Wires on which Redis is slow, or cut off early.

use std::{net::SocketAddr, time::Duration};

use solent_layer::{ChannelLayer, DynLayer, LayerError};
use solent_layer_redis::{RedisConfig, RedisPubSubLayer, RedisQueueLayer};
use solent_test_servers::Log;
use solent_test_servers::RedisServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::scene::*;

/// A wire to a server. It ends when this is dropped.
struct Wire {
    addr: SocketAddr,
    _connections: JoinSet<()>,
}

impl Wire {
    /// Answers take so long; after so many pieces of them, a connection ends.
    async fn start(server: &RedisServer, delay: Duration, pieces: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, target) = (listener.local_addr().unwrap(), server.addr());
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    let server = TcpStream::connect(target).await.unwrap();
                    carry(client, server, delay, pieces).await;
                });
            }
        });
        Self {
            addr,
            _connections: connections,
        }
    }

    fn layers(&self) -> [DynLayer; 2] {
        let config = RedisConfig::default().hosts([host(&format!("redis://{}", self.addr))]);
        [
            DynLayer::new(RedisPubSubLayer::new(config.clone()).unwrap()),
            DynLayer::new(RedisQueueLayer::new(config).unwrap()),
        ]
    }
}

async fn carry(client: TcpStream, server: TcpStream, delay: Duration, pieces: usize) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let (late, arrives) = mpsc::unbounded_channel();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = note(from_server, delay, late) => {}
        () = deliver_late(arrives, to_client, pieces) => {}
    }
}

type Late = (Instant, Vec<u8>);

async fn note(mut from: OwnedReadHalf, delay: Duration, late: mpsc::UnboundedSender<Late>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        let _ = late.send((Instant::now() + delay, buffer[..len].to_vec()));
    }
}

async fn deliver_late(
    mut arrives: mpsc::UnboundedReceiver<Late>,
    mut to: OwnedWriteHalf,
    pieces: usize,
) {
    for _ in 0..pieces {
        let Some((at, bytes)) = arrives.recv().await else {
            return;
        };
        sleep_until(at).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn redis_that_answers_slowly_is_not_away() {
    let server = RedisServer::start().await.unwrap();
    let wire = Wire::start(&server, Duration::from_millis(600), usize::MAX).await;

    for layer in wire.layers() {
        let mut mailbox = layer.open("a.").await.unwrap();
        layer.group_add(&room(), mailbox.name()).await.unwrap();
        layer.group_send(&room(), number(1)).await.unwrap();
        assert_eq!(receive(&mut mailbox).await, 1);
    }
}

#[tokio::test]
async fn server_that_ends_each_connection_at_the_first_command_is_not_flooded_with_new_ones() {
    let server = RedisServer::start().await.unwrap();
    // The handshake is answered.
    let wire = Wire::start(&server, Duration::ZERO, 1).await;
    let [_, layer] = wire.layers();

    let checked = layer.check().await;

    assert!(matches!(checked, Err(LayerError::Away(_))), "{checked:?}");
    let connections = server.info("total_connections_received").await.unwrap();
    let connections: u32 = connections.parse().unwrap();
    assert!(connections < 60, "{connections} connections in a second");
}

#[tokio::test]
async fn messages_that_cannot_be_read_are_warned_of_once_a_second() {
    let server = RedisServer::start().await.unwrap();
    let log = Log::new();
    let config = hasty(&server.url());
    for make in [
        |config| DynLayer::new(RedisPubSubLayer::new(config).unwrap()),
        |config| DynLayer::new(RedisQueueLayer::new(config).unwrap()),
    ] {
        let layer = make(config.clone());
        let other = make(config.clone().encryption_keys(["another"]));
        let _mailbox = member(&layer).await;
        for n in 0..200 {
            other.group_send(&room(), number(n)).await.unwrap();
        }
        let drops = layer.drops().unwrap();
        until("all have arrived", async || drops.total() == 200).await;
    }

    let warnings = log.text().matches("a message cannot be read").count();
    assert!((2..20).contains(&warnings), "{warnings}");
}

#[tokio::test]
async fn jobs_go_to_the_other_hosts_while_one_is_away() {
    let (here, gone) = (
        RedisServer::start().await.unwrap(),
        RedisServer::start().await.unwrap(),
    );
    let config = RedisConfig::default()
        .hosts([host(&here.url()), host(&gone.url())])
        .send_wait(Duration::from_millis(50));
    let layer = RedisQueueLayer::new(config).unwrap();
    let mut jobs = layer.listen(&"jobs".parse().unwrap()).await.unwrap();
    gone.kill().await.unwrap();
    until("it is known to be away", async || {
        layer.check().await.is_err()
    })
    .await;

    for n in 0..10 {
        layer.send(jobs.name(), number(n)).await.unwrap();
    }

    let mut done = Vec::new();
    for _ in 0..10 {
        done.push(receive(&mut jobs).await);
    }
    done.sort_unstable();
    assert_eq!(done, Vec::from_iter(0..10));
}
