//! Disconnects that outlive the tasks of their connections.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use solent_spec::{BoxFuture, Chain, Result, is_disconnect};
use tokio::{runtime::Handle, sync::Notify, time::timeout};

use crate::{
    counts::Counted,
    session::{Common, Failed},
    who::tell,
};

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
pub(crate) fn spawn(ending: BoxFuture<Result<(), Failed>>, common: Arc<Common>) {
    let deadline = common.disconnect_deadline;
    let running = Running::new(common);
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        let Ok(result) = timeout(deadline, ending).await else {
            return;
        };
        running.finished();
        if let Err(Failed { error, who }) = result
            && !is_disconnect(error.as_ref())
        {
            tell!(error, who, error = %Chain(&*error), "disconnect failed");
        }
    });
}

/// One disconnect under way. Dropped before it is finished, it is given up: its deadline has passed, or there is no
/// runtime to run it.
struct Running {
    common: Option<Arc<Common>>,
}

impl Running {
    fn new(common: Arc<Common>) -> Self {
        RUNNING.fetch_add(1, SeqCst);
        let common = Some(common);
        Self { common }
    }

    fn finished(mut self) {
        self.common = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(common) = self.common.take() {
            common.counts.count(Counted::Abandoned);
            tracing::warn!(
                target: "solent::consumers",
                deadline = ?common.disconnect_deadline,
                "disconnect was given up, it took too long or its runtime has ended"
            );
        }
        if RUNNING.fetch_sub(1, SeqCst) == 1 {
            DONE.notify_waiters();
        }
    }
}
