//! Accepting connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use solent_spec::request::Listener;
use tokio::{sync::watch, task::JoinHandle};

use super::{Core, listener_scope};
use crate::{
    connection::{self, Refusal, Stream, Watch},
    listen::BoundListener,
};

/// How long to wait when the process is out of descriptors or memory.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Accepts until told to stop.
pub(super) fn spawn(
    core: &Arc<Core>,
    listener: BoundListener,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let core = Arc::clone(core);
    tokio::spawn(async move {
        let scope = listener_scope(&core, &listener);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, peer)) => begin(&core, &scope, stream, peer),
                Err(error) => recover(&error).await,
            }
        }
    })
}

fn begin(core: &Arc<Core>, scope: &Arc<Listener>, stream: Stream, peer: Option<SocketAddr>) {
    let guard = match core.limiter.admit(peer) {
        Ok(guard) => guard,
        Err(refusal) => return refuse(&stream, refusal, peer),
    };
    let watch = Watch::new(core);
    let live = core.live();
    let serving = connection::serve(
        Arc::clone(core),
        Arc::clone(scope),
        stream,
        peer,
        guard,
        Arc::clone(&watch),
    );
    let task = core.spawn(async move {
        let _live = live;
        serving.await;
    });
    watch.served_by(task.abort_handle());
}

fn refuse(stream: &Stream, refusal: Refusal, peer: Option<SocketAddr>) {
    tracing::debug!(target: "solent::server", client = ?peer, ?refusal, "connection refused");
    let _ = stream.try_write(refusal.response());
}

/// A connection that failed before it was accepted concerns nobody; a lack of resources passes.
async fn recover(error: &io::Error) {
    let transient = [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::Interrupted,
    ];
    if !transient.contains(&error.kind()) {
        tracing::warn!(target: "solent::server", %error, "cannot accept connections, raise the limit on open files?");
        tokio::time::sleep(EXHAUSTED).await;
    }
}
