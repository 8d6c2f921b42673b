//! Start-up and shutdown of the application.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::Extensions;
use solent_spec::{
    BoxApplication, Chain, Connection, Lifespan, SendError, Transport,
    lifespan::{Inbound, LifespanOrder, LifespanScope, Outbound},
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::Core;

/// An application that takes part in the life of the server. Dropping it ends the application.
pub(super) struct Running {
    /// A task, because an application may have work of its own between start-up and shutdown.
    application: JoinHandle<()>,
    to: mpsc::Sender<Inbound>,
    from: mpsc::Receiver<Outbound>,
}

struct LifespanTransport {
    order: LifespanOrder,
    from: mpsc::Receiver<Inbound>,
    to: mpsc::Sender<Outbound>,
}

impl Transport<Lifespan> for LifespanTransport {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        if matches!(self.order, LifespanOrder::Stopping | LifespanOrder::Ended) {
            // Nothing comes after shutdown, and nothing after a start-up that failed.
            return Poll::Ready(None);
        }
        let event = self.from.poll_recv(cx);
        if let Poll::Ready(Some(Inbound::Shutdown)) = event {
            self.order.shutting_down();
        }
        event
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        self.order.sent(&event)?;
        // At most one answer to each of two questions: there is always room.
        self.to.try_send(event).map_err(|_| SendError::Closed)
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs start-up. `None` for an application without lifespan; the error is the application's message.
pub(super) async fn start(core: &Arc<Core>) -> Result<Option<Running>, String> {
    let Some(application) = &core.applications.lifespan else {
        return Ok(None);
    };
    let (to, inbound) = mpsc::channel(2);
    let (outbound, from) = mpsc::channel(2);
    let transport = LifespanTransport {
        order: LifespanOrder::default(),
        from: inbound,
        to: outbound,
    };
    let connection = Connection::new(LifespanScope::default(), transport);
    let mut running = Running {
        application: core.spawn(run(application.clone(), connection)),
        to,
        from,
    };
    match running.ask(Inbound::Startup).await {
        Some(Outbound::StartupComplete { state }) => {
            core.set_state(state);
            Ok(Some(running))
        }
        Some(Outbound::StartupFailed { message }) => Err(message),
        // ASGI: an application that fails or ends here does not take part.
        _ => {
            core.set_state(Extensions::new());
            Ok(None)
        }
    }
}

/// Runs shutdown.
pub(super) async fn stop(running: Option<Running>) -> Result<(), String> {
    let Some(mut running) = running else {
        return Ok(());
    };
    match running.ask(Inbound::Shutdown).await {
        Some(Outbound::ShutdownFailed { message }) => Err(message),
        _ => {
            // What the application does after its answer belongs to its shutdown. A panic has been reported by its hook.
            let _ = (&mut running.application).await;
            Ok(())
        }
    }
}

impl Running {
    /// Asks and waits for the answer; `None` if the application ends without one.
    async fn ask(&mut self, event: Inbound) -> Option<Outbound> {
        self.to.send(event).await.ok()?;
        self.from.recv().await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.application.abort();
    }
}

async fn run(application: BoxApplication<Lifespan>, connection: Connection<Lifespan>) {
    if let Err(error) = application.call(connection).await {
        tracing::warn!(target: "solent::server", protocol = "lifespan", error = %Chain(&*error), "application failed");
    }
}
