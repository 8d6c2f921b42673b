//! What lets a request pass, or answers it in the application's place.

use http::Response;
use solent_spec::{Body, BoxApplication, HttpProtocol};

/// Puts `refusal` before `inner`: what it returns answers the request. Costs a connection nothing once it has passed.
pub(crate) fn gate<P: HttpProtocol>(
    inner: BoxApplication<P>,
    refusal: impl Fn(&P::Scope) -> Option<Response<Body>> + Send + Sync + 'static,
) -> BoxApplication<P> {
    BoxApplication::from_fn(move |connection| match refusal(connection.scope()) {
        None => inner.call(connection),
        Some(response) => Box::pin(connection.refuse(response)),
    })
}
