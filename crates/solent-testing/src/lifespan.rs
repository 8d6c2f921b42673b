//! Start-up and shutdown.

use http::Extensions;
use solent_spec::{
    Application, Lifespan, SendError,
    lifespan::{Inbound, LifespanOrder, LifespanScope, Outbound},
};

use crate::{Communicator, CommunicatorConfig, CommunicatorError, Rules};

/// Starts an application up and shuts it down, as a server does before the first connection and after the last.
///
/// ```
/// use solent_spec::{Connection, Lifespan, Result, lifespan::{Inbound, Outbound}};
/// use solent_testing::LifespanCommunicator;
///
/// #[derive(Clone)]
/// struct Pool(u32);
///
/// async fn life(mut connection: Connection<Lifespan>) -> Result {
///     while let Some(event) = connection.receive().await {
///         let answer = match event {
///             Inbound::Startup => {
///                 let mut state = http::Extensions::new();
///                 state.insert(Pool(8));
///                 Outbound::StartupComplete { state }
///             }
///             _ => Outbound::ShutdownComplete,
///         };
///         connection.send(answer).await?;
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result {
/// let mut server = LifespanCommunicator::start(life);
/// let state = server.startup().await?;
/// assert_eq!(state.get::<Pool>().unwrap().0, 8);
/// server.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the application is told to end when the communicator is dropped"]
pub struct LifespanCommunicator {
    communicator: Communicator<Lifespan>,
}

impl LifespanCommunicator {
    /// Starts `application`.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start(application: impl Application<Lifespan>) -> Self {
        Self::with_config(application, CommunicatorConfig::default())
    }

    /// The same with settings.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn with_config(
        application: impl Application<Lifespan>,
        config: CommunicatorConfig,
    ) -> Self {
        let scope = LifespanScope::default();
        let rules = LifespanRules(LifespanOrder::default());
        Self {
            communicator: Communicator::with_rules(application, scope, rules, config),
        }
    }

    /// Asks the application to start and returns the state that it leaves for connections.
    ///
    /// # Errors
    ///
    /// [`Refused`](CommunicatorError::Refused) with its message; [`Failed`](CommunicatorError::Failed) and
    /// [`Ended`](CommunicatorError::Ended) if it takes no part, which a server takes for consent; a time-out.
    pub async fn startup(&mut self) -> Result<Extensions, CommunicatorError> {
        const WANTED: &str = "an answer to startup";
        self.communicator.send_input(Inbound::Startup).await?;
        match self.communicator.receive(WANTED).await? {
            Outbound::StartupComplete { state } => Ok(state),
            Outbound::StartupFailed { message } => Err(CommunicatorError::Refused(message)),
            event => Err(CommunicatorError::unexpected(WANTED, format!("{event:?}"))),
        }
    }

    /// Asks the application to clean up, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// [`Refused`](CommunicatorError::Refused) with its message; what it ended with; a time-out.
    pub async fn shutdown(&mut self) -> Result<(), CommunicatorError> {
        const WANTED: &str = "an answer to shutdown";
        self.communicator.send_input(Inbound::Shutdown).await?;
        match self.communicator.receive(WANTED).await? {
            Outbound::ShutdownComplete => {}
            Outbound::ShutdownFailed { message } => {
                return Err(CommunicatorError::Refused(message));
            }
            event => return Err(CommunicatorError::unexpected(WANTED, format!("{event:?}"))),
        }
        self.communicator.end_input();
        self.communicator.wait().await
    }

    /// The conversation event by event.
    pub fn events(&mut self) -> &mut Communicator<Lifespan> {
        &mut self.communicator
    }
}

struct LifespanRules(LifespanOrder);

impl Rules<Lifespan> for LifespanRules {
    fn sent(&mut self, event: &Outbound) -> Result<(), SendError> {
        self.0.sent(event)
    }

    fn received(&mut self, event: &Inbound) {
        if *event == Inbound::Shutdown {
            self.0.shutting_down();
        }
    }

    fn is_over(&self) -> bool {
        self.0 == LifespanOrder::Ended
    }
}
