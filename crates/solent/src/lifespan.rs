//! Start-up and shutdown of what serves.

use http::Extensions;
use parking_lot::Mutex;
use solent_spec::{
    Application, Connection, Lifespan, Result,
    lifespan::{Inbound, Outbound},
};

use crate::{
    background::{Background, Health, Tasks},
    context::Context,
};

/// Hands over the state and runs the background tasks while the server serves.
pub(crate) struct Life {
    state: Extensions,
    context: Context,
    health: Health,
    /// Taken by the one lifespan connection that a server opens.
    tasks: Mutex<Vec<Background>>,
}

impl Life {
    pub(crate) fn new(
        state: Extensions,
        context: Context,
        health: Health,
        tasks: Vec<Background>,
    ) -> Self {
        Self {
            state,
            context,
            health,
            tasks: Mutex::new(tasks),
        }
    }

    fn start(&self) -> Tasks {
        let mut tasks = self.tasks.lock();
        Tasks::start(std::mem::take(&mut *tasks), &self.context, &self.health)
    }
}

impl Application<Lifespan> for Life {
    async fn call(&self, mut connection: Connection<Lifespan>) -> Result {
        let mut running = None;
        while let Some(event) = connection.receive().await {
            match event {
                Inbound::Startup => {
                    running = Some(self.start());
                    let state = self.state.clone();
                    connection.send(Outbound::StartupComplete { state }).await?;
                }
                Inbound::Shutdown => {
                    if let Some(running) = running.take() {
                        running.stop().await;
                    }
                    connection.send(Outbound::ShutdownComplete).await?;
                    break;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
