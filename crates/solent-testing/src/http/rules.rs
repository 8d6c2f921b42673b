//! The order of an HTTP exchange.

use solent_spec::{
    Http, SendError,
    http::{HttpOrder, Receive, Send},
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
    fn sent(&mut self, event: &Send) -> Result<(), SendError> {
        match event.feature() {
            Some(feature) if !self.features.contains(&feature) => {
                Err(SendError::NotOffered(feature.name()))
            }
            _ => self.order.sent(event),
        }
    }

    fn received(&mut self, event: &Receive) {
        if matches!(event, Receive::Disconnect) {
            self.order.disconnected();
        }
    }

    fn ends(&self, event: &Receive) -> bool {
        matches!(event, Receive::Disconnect)
    }

    fn is_over(&self) -> bool {
        self.order == HttpOrder::Done
    }

    fn last(&mut self) -> Option<Receive> {
        self.order.disconnected();
        Some(Receive::Disconnect)
    }
}
