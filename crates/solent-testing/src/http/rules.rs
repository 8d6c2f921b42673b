//! The order of an HTTP exchange.

use solent_spec::{
    Http, SendError,
    http::{HttpOrder, Inbound, Outbound},
    request::Feature,
};

use crate::Rules;

/// The spec's state machine, and the features that are offered.
pub(super) struct HttpRules {
    order: HttpOrder,
    features: Vec<Feature>,
}

impl HttpRules {
    pub(super) fn new(features: Vec<Feature>) -> Self {
        Self {
            order: HttpOrder::default(),
            features,
        }
    }
}

impl Rules<Http> for HttpRules {
    fn sent(&mut self, event: &Outbound) -> Result<(), SendError> {
        match event.feature() {
            Some(feature) if !self.features.contains(&feature) => {
                Err(SendError::NotOffered(feature.name()))
            }
            _ => self.order.sent(event),
        }
    }

    fn received(&mut self, event: &Inbound) {
        if matches!(event, Inbound::Disconnect) {
            self.order.disconnected();
        }
    }

    fn ends(&self, event: &Inbound) -> bool {
        matches!(event, Inbound::Disconnect)
    }

    fn is_over(&self) -> bool {
        self.order == HttpOrder::Done
    }

    fn last(&mut self) -> Option<Inbound> {
        self.order.disconnected();
        Some(Inbound::Disconnect)
    }
}
