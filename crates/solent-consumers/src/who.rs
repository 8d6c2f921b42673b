//! Which consumer, and which client, a line of the log is about.

use std::fmt::Display;

use solent_spec::{RequestScope, request::Caller};

/// A consumer and its client. Made only when there is something to tell.
pub(crate) struct Who {
    consumer: &'static str,
    /// The request that the consumer answers; a worker's consumer has none.
    caller: Option<Caller>,
}

impl Who {
    /// The consumer of a request. Copies the path.
    pub(crate) fn of(consumer: &'static str, scope: &impl RequestScope) -> Self {
        Self {
            consumer,
            caller: Some(Caller::of(scope)),
        }
    }

    /// A consumer without a request.
    pub(crate) fn alone(consumer: &'static str) -> Self {
        Self {
            consumer,
            caller: None,
        }
    }

    pub(crate) fn consumer(&self) -> &'static str {
        self.consumer
    }

    pub(crate) fn path(&self) -> Option<&str> {
        self.caller.as_ref().map(Caller::path)
    }

    pub(crate) fn client(&self) -> Option<impl Display> {
        self.caller.as_ref().and_then(Caller::client)
    }

    pub(crate) fn connection(&self) -> Option<u64> {
        let connection = self.caller.as_ref().and_then(Caller::connection);
        connection.map(|id| id.get())
    }
}

/// Logs at a level what concerns a [`Who`].
macro_rules! tell {
    ($level:ident, $who:expr, $($field:tt)*) => {{
        let who: &$crate::who::Who = &$who;
        tracing::$level!(
            target: "solent::consumers",
            consumer = who.consumer(),
            path = who.path(),
            client = who.client().map(tracing::field::display),
            connection = who.connection(),
            $($field)*
        )
    }};
}

pub(crate) use tell;
