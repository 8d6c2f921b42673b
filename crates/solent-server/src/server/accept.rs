//! Accepting connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use solent_spec::{Chain, request::Listener};
use tokio::{sync::watch, task::JoinHandle};

use super::{Core, listener_scope};
use crate::{
    connection::{self, Accepted, Stream, Watch},
    listen::BoundListener,
    proxy,
};

/// How long to wait when the process is out of descriptors or memory. Also the least time between two lines of the log.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Accepts until told to stop.
pub(super) fn spawn(
    core: &Arc<Core>,
    listener: BoundListener,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let core = Arc::clone(core);
    tokio::spawn(async move {
        let scopes = Scopes::of(&core, &listener);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, peer)) => begin(&core, &scopes, stream, peer),
                Err(error) => recover(&error).await,
            }
        }
    })
}

/// What every connection of a listener begins with.
struct Scopes {
    listener: Arc<Listener>,
    /// The same where a proxy says otherwise of the encryption.
    other: Arc<Listener>,
}

impl Scopes {
    fn of(core: &Core, listener: &BoundListener) -> Self {
        let listener = listener_scope(core, listener);
        let other = (*listener).clone().secure(!listener.secure);
        Self {
            listener,
            other: Arc::new(other),
        }
    }
}

fn begin(core: &Arc<Core>, scopes: &Scopes, stream: Stream, peer: Option<SocketAddr>) {
    let proxied = core.config.proxy_protocol.as_ref();
    let is_proxy = proxied.is_some_and(|config| config.from.contains(peer));
    // A proxy's own address stands for all of its clients.
    let guard = match core.limiter.admit(peer.filter(|_| !is_proxy)) {
        Ok(guard) => guard,
        Err(refusal) => return refusal.answer(core, stream, peer),
    };
    let watch = Watch::new(core);
    let live = core.live();
    let accepted = Accepted {
        core: Arc::clone(core),
        listener: Arc::clone(&scopes.listener),
        stream,
        peer,
        guard,
        watch: Arc::clone(&watch),
    };
    let task = if is_proxy {
        // Boxed, so that it costs the connection nothing once it is over.
        let introduced = Box::pin(proxy::introduce(accepted, Arc::clone(&scopes.other)));
        core.spawn(async move {
            let _live = live;
            if let Some(accepted) = introduced.await {
                connection::serve(accepted).await;
            }
        })
    } else {
        core.spawn(async move {
            let _live = live;
            connection::serve(accepted).await;
        })
    };
    watch.served_by(task.abort_handle());
}

/// What `accept` fails with where the connection that it would have returned is broken. The next one may be sound. Linux
/// reports such errors by `accept` itself (`accept(2)`, "Error handling"), and a firewall's refusal too.
const OF_THE_PEER: [io::ErrorKind; 8] = [
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::Interrupted,
    io::ErrorKind::NetworkDown,
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::TimedOut,
];

/// Waits where the process lacks something, and not where one connection failed.
async fn recover(error: &io::Error) {
    if !OF_THE_PEER.contains(&error.kind()) {
        tracing::warn!(target: "solent::server", error = %Chain(error), "cannot accept connections, raise the limit on open files?");
        tokio::time::sleep(EXHAUSTED).await;
    }
}
