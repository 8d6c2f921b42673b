//! The order of a WebSocket's events.

use solent_spec::{
    SendError, WebSocket,
    websocket::{Close, CloseCode, Inbound, Outbound, WebSocketOrder, WebSocketScope},
};

use crate::Rules;

/// The spec's state machine, and how the connection ends.
pub(super) struct WebSocketRules {
    order: WebSocketOrder,
    scope: WebSocketScope,
    /// What the application learns last, until it has.
    last: Option<Close>,
}

impl WebSocketRules {
    pub(super) fn new(scope: WebSocketScope) -> Self {
        Self {
            order: WebSocketOrder::default(),
            scope,
            last: Some(CloseCode::ABNORMAL.into()),
        }
    }
}

impl Rules<WebSocket> for WebSocketRules {
    fn sent(&mut self, event: &Outbound) -> Result<(), SendError> {
        let before = self.order;
        self.order.sent(event, &self.scope)?;
        if let (WebSocketOrder::Open, Outbound::Close(close)) = (before, event) {
            // The client answers at once, with the same code.
            self.last = Some(close.code.into());
        }
        Ok(())
    }

    fn received(&mut self, event: &Inbound) {
        if matches!(event, Inbound::Disconnect(_)) {
            self.order.disconnected();
            self.last = None;
        }
    }

    fn ends(&self, event: &Inbound) -> bool {
        matches!(event, Inbound::Disconnect(_))
    }

    fn is_over(&self) -> bool {
        self.order == WebSocketOrder::Closed
    }

    fn last(&mut self) -> Option<Inbound> {
        self.order.disconnected();
        self.last.take().map(Inbound::Disconnect)
    }
}
