//! An extractor for axum handlers that are [mounted](crate::Solent::mount_service) in an application.

use std::sync::Arc;

use axum_core::extract::FromRequestParts;
use http::{Extensions, StatusCode, request::Parts};

/// Extracts a value that the application has, by its type: a [`DynLayer`](crate::layer::DynLayer) to send to groups, what
/// was given to [`Solent::state`](crate::Solent::state) or returned by a start-up hook, or what a middleware has left, such as
/// a [`Session`](crate::session::Session).
///
/// `async fn alarm(FromSolent(layer): FromSolent<DynLayer>, text: String) -> StatusCode` is such a handler; the tutorial has it whole.
///
/// A handler whose application has no such value answers with status 500, and an ERROR names the type.
#[derive(Clone, Copy, Debug)]
pub struct FromSolent<T>(
    /// The value.
    pub T,
);

impl<S: Sync, T: Clone + Send + Sync + 'static> FromRequestParts<S> for FromSolent<T> {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let own = parts.extensions.get::<T>();
        let shared = || parts.extensions.get::<Arc<Extensions>>()?.get::<T>();
        match own.or_else(shared) {
            Some(value) => Ok(Self(value.clone())),
            None => {
                tracing::error!(
                    target: "solent", wanted = std::any::type_name::<T>(), path = parts.uri.path(),
                    "axum handler wants a value that the application does not have",
                );
                Err(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}
