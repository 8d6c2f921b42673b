//! Closing while the client still sends.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::coop::consume_budget,
    time::timeout,
};

use super::{ConnectionGuard, Stream};
use crate::server::Core;

/// Connections that may be closed so at a time; others are closed at once.
const MOST: usize = 1024;

/// Shuts the direction to the client and drops what the client still sends, until it has closed, or
/// time or bytes are used up. To close a socket with unread input resets it, and the client's system
/// may drop the response.
pub(crate) fn linger(core: &Arc<Core>, stream: Stream, guard: Option<ConnectionGuard>) {
    let limits = &core.config.http;
    let place = Place(Arc::clone(core));
    let before = core.lingering.fetch_add(1, Relaxed);
    if limits.linger.is_zero() || before >= MOST {
        return;
    }
    let live = core.live();
    core.spawn(async move {
        let core = Arc::clone(&place.0);
        let _held = (place, live, guard);
        let limits = &core.config.http;
        tokio::select! {
            _ = timeout(limits.linger, discard(stream, limits.linger_bytes)) => {}
            () = core.abandoned() => {}
        }
    });
}

async fn discard(mut stream: Stream, most: usize) {
    let mut stream = Pin::new(&mut stream);
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut buffer = vec![0; 16 * 1024];
    let mut left = most;
    while left > 0 {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => left = left.saturating_sub(count),
        }
        consume_budget().await;
    }
}

/// One of the connections that are closed so.
struct Place(Arc<Core>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lingering.fetch_sub(1, Relaxed);
    }
}
