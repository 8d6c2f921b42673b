//! Telling of applications that fail.

use solent_spec::{AppError, Chain, request::Caller};

/// Logs that the application of a request failed, with all causes of its error. The query is left out: it may hold credentials.
pub(crate) fn tell(protocol: &'static str, caller: &Caller, error: &AppError) {
    tracing::error!(
        target: "solent::server",
        protocol,
        path = caller.path(),
        client = caller.client().map(display),
        connection = caller.connection().map(|id| id.get()),
        error = %Chain(&**error),
        "application failed"
    );
}
