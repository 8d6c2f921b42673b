//! What lets a request pass, or answers it in the application's place.

use http::StatusCode;
use solent_spec::{
    BoxApplication, Connection, HttpProtocol, RequestScope, Result, http::plain_text,
};

/// Looks at a request before its application does.
pub(crate) trait Check: Send + Sync + 'static {
    /// Says whether the request may pass; who refuses it also tells the log why.
    fn check<S: RequestScope>(&self, scope: &S) -> Result<(), Refusal>;
}

/// How a request is refused that does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// A line for whoever sent the request. It says no more of the settings than the status does.
    pub(crate) text: &'static str,
}

impl Refusal {
    /// Answers `connection`: on a WebSocket with a denial response, or with what comes closest.
    pub(crate) async fn send<P: HttpProtocol>(self, mut connection: Connection<P>) -> Result {
        let response = plain_text(self.status, self.text);
        let refusal = P::refuse(connection.scope(), response);
        connection.send(refusal).await?;
        Ok(())
    }
}

/// Puts `check` before `inner`. Costs a connection nothing once it has passed.
pub(crate) fn gate<P: HttpProtocol>(
    inner: BoxApplication<P>,
    check: impl Check,
) -> BoxApplication<P> {
    BoxApplication::from_fn(move |connection| match check.check(connection.scope()) {
        Ok(()) => inner.call(connection),
        Err(refusal) => Box::pin(refusal.send(connection)),
    })
}
