//! The first moments of a connection that a proxy makes.

use std::{future::poll_fn, io, pin::pin, sync::Arc, task::Poll};

use bytes::BufMut;
use solent_spec::request::Listener;
use tokio::{io::AsyncReadExt, time::timeout};

use super::header::{Client, Header, Malformed, Progress, parse};
use crate::connection::{Accepted, Refusal, Stream, Watch};

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Nothing came: a health check that only connects.
    #[error("it ended before its header")]
    Unused,
    #[error("it ended amid its header")]
    Cut,
    #[error("its header did not come in time")]
    Late,
    #[error("its header is malformed: {0}")]
    Malformed(#[from] Malformed),
    #[error("it broke: {0}")]
    Io(#[from] io::Error),
    /// The server ends, and owes it nothing yet.
    #[error("the server drains")]
    Draining,
}

/// Learns from a proxy whose connection it is. `None` if it is over.
///
/// `other` is the listener of connections whose clients are encrypted if those of the connection's own are not, and the
/// reverse.
pub(crate) async fn introduce(mut accepted: Accepted, other: Arc<Listener>) -> Option<Accepted> {
    let core = Arc::clone(&accepted.core);
    let Some(config) = &core.config.proxy_protocol else {
        return Some(accepted);
    };
    let receiving = receive(&mut accepted.stream, config.max_size);
    let receiving = unless_over(&accepted.watch, receiving);
    let received = timeout(config.timeout, receiving).await;
    let header = match received.unwrap_or(Err(Failure::Late)) {
        Ok(header) => header,
        Err(failure) => {
            tell(&failure, &accepted);
            return None;
        }
    };
    if let Err(refusal) = apply(header, &mut accepted, other) {
        refusal.answer(&core, accepted.stream, accepted.peer);
        return None;
    }
    Some(accepted)
}

/// Reads a header, and nothing that follows it.
async fn receive(stream: &mut Stream, max_size: usize) -> Result<Header, Failure> {
    let mut bytes = Vec::new();
    loop {
        let missing = match parse(&bytes, max_size)? {
            Progress::Whole(header) => return Ok(header),
            Progress::Needs(missing) => missing,
        };
        let read = stream.read_buf(&mut (&mut bytes).limit(missing)).await?;
        if read == 0 {
            return Err(match bytes.is_empty() {
                true => Failure::Unused,
                false => Failure::Cut,
            });
        }
    }
}

/// Waits for `receiving`, but not longer than the watch of its connection.
async fn unless_over(
    watch: &Watch,
    receiving: impl Future<Output = Result<Header, Failure>>,
) -> Result<Header, Failure> {
    let mut receiving = pin!(receiving);
    poll_fn(|cx| {
        watch.register(cx.waker());
        if watch.is_draining() {
            return Poll::Ready(Err(Failure::Draining));
        }
        if watch.is_read_expired() {
            return Poll::Ready(Err(Failure::Late));
        }
        receiving.as_mut().poll(cx)
    })
    .await
}

/// Makes the connection its client's.
fn apply(header: Header, accepted: &mut Accepted, other: Arc<Listener>) -> Result<(), Refusal> {
    match header.client {
        Client::Proxy => {}
        Client::Address(client) => accepted.peer = Some(client),
        Client::Unix => accepted.peer = None,
    }
    if header.secure == Some(other.secure) {
        accepted.listener = other;
    }
    if header.client == Client::Proxy {
        return Ok(());
    }
    accepted.guard.count(accepted.peer)
}

fn tell(failure: &Failure, accepted: &Accepted) {
    let proxy = accepted.peer;
    match failure {
        Failure::Unused | Failure::Draining => {
            tracing::debug!(target: "solent::server", ?proxy, "closed a connection of a proxy: {failure}");
        }
        _ => tracing::warn!(
            target: "solent::server", ?proxy,
            "closed a connection of a proxy: {failure}; a peer in ProxyProtocolConfig::from has to send the PROXY protocol"
        ),
    }
}
