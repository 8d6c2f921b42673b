//! Ending without cutting a client off.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::Core;
use crate::clock::sleep_awake;

/// The pause between two batches of closes.
const PAUSE: Duration = Duration::from_millis(50);

/// What one close may take of the spread; few sockets are closed sooner.
const PER_SOCKET: Duration = Duration::from_millis(2);

/// The pause between two looks for applications that go on.
const LOOK: Duration = Duration::from_millis(500);

/// After the deadline, the time that handlers of `disconnect` get.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Finishes requests and closes WebSockets; gives up at the deadline.
pub(super) async fn drain(core: &Arc<Core>) {
    core.start_draining();
    for connection in core.connections.alive() {
        connection.drain();
    }
    let all = async {
        close_websockets(core).await;
        core.wait_idle().await;
    };
    let drained = tokio::select! {
        () = all => true,
        () = end_responses(core) => true,
        () = sleep_awake(core.config.drain.deadline) => false,
    };
    if !drained {
        give_up(core).await;
    }
}

/// Waits for responses only as long as each kind deserves. Never resolves.
async fn end_responses(core: &Core) {
    let config = &core.config.drain;
    let requests = async {
        sleep_awake(config.requests).await;
        let connections = core.connections.alive();
        connections
            .iter()
            .for_each(|connection| connection.end_waiting());
    };
    let streams = async {
        sleep_awake(config.streams).await;
        let connections = core.connections.alive();
        connections
            .iter()
            .for_each(|connection| connection.end_stream());
    };
    tokio::join!(requests, streams, end_applications(core));
}

/// Ends applications that go on though their WebSocket is over. Never resolves.
async fn end_applications(core: &Core) {
    // How long each has been over, by the address of its outbox.
    let mut over: HashMap<usize, Duration> = HashMap::new();
    loop {
        sleep_awake(LOOK).await;
        let mut still = HashMap::new();
        for outbox in core.websockets.alive() {
            if !outbox.is_shut() {
                continue;
            }
            let at = Arc::as_ptr(&outbox).addr();
            let since = over
                .get(&at)
                .map_or(Duration::ZERO, |before| *before + LOOK);
            if since >= core.config.drain.applications {
                outbox.abort();
            }
            still.insert(at, since);
        }
        over = still;
    }
}

/// Closes in batches, over the configured time at the most, and in time for answers to come before the deadline.
async fn close_websockets(core: &Core) {
    let open = core.websockets.alive();
    let config = &core.config.drain;
    let needed = PER_SOCKET.saturating_mul(u32::try_from(open.len()).unwrap_or(u32::MAX));
    let spread = config.spread.min(config.deadline / 2).min(needed);
    let batches = (spread.as_millis() / PAUSE.as_millis()).max(1) as usize;
    for batch in open.chunks(open.len().div_ceil(batches).max(1)) {
        batch.iter().for_each(|outbox| outbox.go_away());
        sleep(PAUSE).await;
    }
}

/// Cuts what is left: first the sockets, so that applications notice, then the applications.
async fn give_up(core: &Core) {
    let (connections, websockets) = (core.connections.alive(), core.websockets.alive());
    tracing::warn!(
        target: "solent::server",
        connections = connections.len(),
        websockets = websockets.len(),
        "drain deadline passed, cutting what is still open"
    );
    connections.iter().for_each(|connection| connection.cut());
    websockets.iter().for_each(|outbox| outbox.cut());
    if tokio::time::timeout(LAST_WORDS, core.wait_idle())
        .await
        .is_err()
    {
        websockets.iter().for_each(|outbox| outbox.abort());
        core.abandon();
        let _ = tokio::time::timeout(LAST_WORDS, core.wait_idle()).await;
    }
}
