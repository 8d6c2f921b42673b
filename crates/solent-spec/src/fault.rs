//! Errors of applications that are the client's fault.

use std::error::Error;

use http::StatusCode;

use crate::{
    Chain,
    json::InvalidJson,
    request::ParamError,
    websocket::{Close, CloseCode},
};

/// The most causes of an error that are looked at.
const MOST_CAUSES: usize = 32;

/// The status of the response where an application ends with an error that is the client's fault:
/// 404 for a part of the URL that does not fit its type, 400 for malformed JSON. `None` for all
/// others, which are the application's own.
pub fn client_fault(error: &(dyn Error + 'static)) -> Option<StatusCode> {
    causes(error).find_map(|cause| {
        if cause.downcast_ref().is_some_and(ParamError::is_misfit) {
            return Some(StatusCode::NOT_FOUND);
        }
        cause.is::<InvalidJson>().then_some(StatusCode::BAD_REQUEST)
    })
}

/// How to close a WebSocket whose application ends with an error that is the client's fault.
pub fn client_fault_close(error: &(dyn Error + 'static)) -> Option<Close> {
    causes(error).find_map(|cause| {
        if let Some(invalid) = cause.downcast_ref::<InvalidJson>() {
            return Some(invalid.close());
        }
        let misfit = cause.downcast_ref().is_some_and(ParamError::is_misfit);
        misfit.then(|| Close::new(CloseCode::POLICY, &Chain(error).to_string()))
    })
}

/// An error and what it was caused by.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source()).take(MOST_CAUSES)
}
