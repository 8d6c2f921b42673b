//! Whether the server is about to end.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{Closed, ClosedSignal};

/// Resolves once the server drains: it accepts nothing new, finishes what is under way, and ends.
///
/// An application that answers late or never (a long poll, a stream of events) waits for it beside its work, and then ends
/// its response. The server does so in its place when it has waited long enough.
///
/// ```
/// use solent_spec::{Connection, Http, RequestScope, Result, http::Outbound};
///
/// async fn poll(mut connection: Connection<Http>) -> Result {
///     let draining = connection.scope().link().draining();
///     let news = std::future::pending::<String>();
///     let answer = tokio::select! {
///         news = news => Outbound::text(news),
///         () = draining => http::Response::builder()
///             .status(503)
///             .header("retry-after", "1")
///             .body("".into())?
///             .into(),
///     };
///     connection.send(answer).await?;
///     Ok(())
/// }
/// ```
///
/// # Cancel safety
///
/// Cancel safe: a server that drains does not stop to.
#[derive(Clone, Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Draining(Closed);

impl Draining {
    /// Never resolves: for transports without a server behind them.
    pub fn never() -> Self {
        Self(Closed::never())
    }

    pub(crate) fn is_never(&self) -> bool {
        self.0.is_never()
    }

    /// Whether the server drains, without waiting.
    pub fn is_draining(&self) -> bool {
        self.0.is_closed()
    }
}

impl Default for Draining {
    fn default() -> Self {
        Self::never()
    }
}

impl ClosedSignal {
    /// What resolves when this is [told](Self::close): for a server that tells its connections of its drain.
    pub fn draining(&self) -> Draining {
        Draining(self.closed())
    }
}

impl Future for Draining {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}
