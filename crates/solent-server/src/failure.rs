//! Telling of applications that fail.

use std::any::Any;

use http::StatusCode;
use solent_spec::{AppError, Chain, request::Caller};

/// Logs that the application of a request failed, with all causes of its error. The query is left out: it may hold credentials.
pub(crate) fn tell(protocol: &'static str, caller: &Caller, error: &AppError) {
    tracing::error!(
        target: "solent::server",
        protocol,
        path = caller.path(),
        route = caller.route().as_deref(),
        client = caller.client().map(display),
        connection = caller.connection().map(|id| id.get()),
        error = %Chain(&**error),
        "application failed"
    );
}

/// Logs that an application ended with an error that is its client's fault.
pub(crate) fn tell_refused(caller: &Caller, status: StatusCode, error: &AppError) {
    tracing::debug!(
        target: "solent::server",
        path = caller.path(),
        route = caller.route().as_deref(),
        status = status.as_u16(),
        error = %Chain(&**error),
        "request refused, what the client asks for does not fit"
    );
}

/// Logs that an application was given up in the drain.
pub(crate) fn tell_given_up(protocol: &'static str, caller: &Caller) {
    tracing::warn!(
        target: "solent::server",
        protocol,
        path = caller.path(),
        route = caller.route().as_deref(),
        connection = caller.connection().map(|id| id.get()),
        "application was told that its connection is over and did not end, the drain does not wait for it"
    );
}

/// What a panic says.
pub(crate) fn panicked(payload: &(dyn Any + Send)) -> AppError {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    match message {
        Some(message) => format!("application panicked: {message}").into(),
        None => "application panicked".into(),
    }
}
