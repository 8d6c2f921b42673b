//! Start-up and shutdown of an application.

use std::sync::{Mutex, PoisonError};

use http::Extensions;
use solent_spec::{
    Application, Connection, Lifespan, Result,
    lifespan::{Receive, Send},
};
use tokio::task::JoinSet;

use crate::background::{Background, Context};

/// Hands over the state and runs the background tasks while the server serves.
pub(crate) struct Life {
    state: Extensions,
    context: Context,
    /// Taken by the one lifespan connection that a server opens.
    tasks: Mutex<Vec<Background>>,
}

impl Life {
    pub(crate) fn new(state: Extensions, context: Context, tasks: Vec<Background>) -> Self {
        Self {
            state,
            context,
            tasks: Mutex::new(tasks),
        }
    }
}

impl Application<Lifespan> for Life {
    async fn call(&self, mut connection: Connection<Lifespan>) -> Result {
        let mut running = JoinSet::new();
        while let Some(event) = connection.receive().await {
            match event {
                Receive::Startup => {
                    let tasks = std::mem::take(
                        &mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner),
                    );
                    for task in tasks {
                        running.spawn(task.run(self.context.clone()));
                    }
                    connection
                        .send(Send::StartupComplete {
                            state: self.state.clone(),
                        })
                        .await?;
                }
                Receive::Shutdown => {
                    running.shutdown().await;
                    connection.send(Send::ShutdownComplete).await?;
                    break;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
