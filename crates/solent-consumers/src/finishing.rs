//! Disconnects that outlive the tasks of their connections.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use solent_spec::{BoxFuture, Result, is_disconnect};
use tokio::{runtime::Handle, sync::Notify, time::timeout};

use crate::{counts::Counted, session::Common};

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static DONE: Notify = Notify::const_new();

/// Waits until every `disconnect` of this process has run that outlived the task of its connection.
///
/// A server that gives up on a connection drops the connection's task. `disconnect` then runs in a task of its own, with
/// a deadline. Wait for those, once the tasks have been dropped, before the runtime is shut down.
///
/// # Cancel safety
///
/// Cancel safe.
pub async fn disconnects_finished() {
    loop {
        let done = DONE.notified();
        if RUNNING.load(SeqCst) == 0 {
            return;
        }
        done.await;
    }
}

/// Runs what is left of a session in a task of its own.
pub(crate) fn spawn(ending: BoxFuture<Result>, common: Arc<Common>) {
    let Ok(runtime) = Handle::try_current() else {
        common.counts.count(Counted::Abandoned);
        tracing::error!(
            target: "solent::consumers",
            "connection was dropped outside of a runtime, its disconnect cannot run"
        );
        return;
    };
    let running = Running::new();
    runtime.spawn(async move {
        let _running = running;
        match timeout(common.disconnect_deadline, ending).await {
            Err(_) => {
                common.counts.count(Counted::Abandoned);
                tracing::warn!(
                    target: "solent::consumers",
                    deadline = ?common.disconnect_deadline,
                    "disconnect took too long and was given up"
                );
            }
            Ok(Err(error)) if !is_disconnect(error.as_ref()) => {
                tracing::error!(target: "solent::consumers", %error, "disconnect failed");
            }
            Ok(_) => {}
        }
    });
}

/// One disconnect under way.
struct Running;

impl Running {
    fn new() -> Self {
        RUNNING.fetch_add(1, SeqCst);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if RUNNING.fetch_sub(1, SeqCst) == 1 {
            DONE.notify_waiters();
        }
    }
}
