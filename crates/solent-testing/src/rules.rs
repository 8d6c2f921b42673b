//! What a transport has to know of its protocol.

use solent_spec::{Protocol, SendError};

/// The rules of a protocol, as the transport of a [`Communicator`](crate::Communicator) enforces them.
///
/// Those of HTTP, WebSocket and lifespan come with their communicators. A protocol of your own may go without
/// ([`AnyOrder`]).
pub trait Rules<P: Protocol>: Send + 'static {
    /// Checks an event that the application sends, and notes it. A refused one must change nothing.
    ///
    /// # Errors
    ///
    /// What the application's send returns.
    fn sent(&mut self, event: &P::Outbound) -> Result<(), SendError>;

    /// Notes an event that the application receives.
    fn received(&mut self, event: &P::Inbound) {
        let _ = event;
    }

    /// Whether the client is gone once it has sent `event`: the application's
    /// [`closed`](solent_spec::Connection::closed) resolves then, though the event waits to be received.
    fn ends(&self, event: &P::Inbound) -> bool {
        let _ = event;
        false
    }

    /// Whether the application has ended the connection. What the client sent and the application has not received is
    /// then dropped.
    fn is_over(&self) -> bool {
        false
    }

    /// What the application receives when the connection is over or the client gone; asked at each receive from then on.
    /// `None` ends the events.
    fn last(&mut self) -> Option<P::Inbound> {
        None
    }
}

/// No rules: every event may come at any time.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnyOrder;

impl<P: Protocol> Rules<P> for AnyOrder {
    fn sent(&mut self, _: &P::Outbound) -> Result<(), SendError> {
        Ok(())
    }
}
