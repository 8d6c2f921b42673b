//! What handles a connection.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{Connection, HttpProtocol, Middleware, Protocol, Result};

/// A future in a box, as [`BoxApplication::call`] returns it.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Anything that handles one connection at a time, any number of them at once.
///
/// An `async fn` that takes a [`Connection`] is an application. So is a router, a consumer behind its factory, and any
/// of them inside a middleware.
///
/// ```
/// use solent_spec::{Connection, Result, WebSocket, websocket::{Inbound, Outbound}};
///
/// async fn echo(mut connection: Connection<WebSocket>) -> Result {
///     while let Some(event) = connection.receive().await {
///         match event {
///             Inbound::Connect => connection.send(Outbound::accept()).await?,
///             Inbound::Message(frame) => connection.send(frame.into()).await?,
///             Inbound::Disconnect(_) => break,
///         }
///     }
///     Ok(())
/// }
/// # fn application(_: impl solent_spec::Application<WebSocket>) {}
/// # application(echo);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{P}` connections",
    note = "an application is an `async fn(Connection<P>) -> Result`, a router, a consumer's factory or a middleware"
)]
pub trait Application<P: Protocol>: Send + Sync + 'static {
    /// Handles `connection` until it is over.
    ///
    /// The server swallows an error that means the client is gone ([`is_disconnect`](crate::is_disconnect)), logs any
    /// other one, and ends the connection in the way its protocol has for that: 500 or an aborted response for HTTP,
    /// close code 1011 for a WebSocket.
    fn call(&self, connection: Connection<P>) -> impl Future<Output = Result> + Send;

    /// The same as a future of its own, which is what [`BoxApplication`] keeps for as long as the connection lives.
    ///
    /// An application that only chooses or prepares another one returns the other one's future here, so that a
    /// connection does not carry a box for each room it came through.
    fn call_boxed(self: &Arc<Self>, connection: Connection<P>) -> BoxFuture<Result>
    where
        Self: Sized,
    {
        let this = Arc::clone(self);
        Box::pin(async move { this.call(connection).await })
    }

    /// Puts the application inside a middleware: `chat.inside(&members)`. Of several, the last is the outermost.
    fn inside(self, middleware: &impl Middleware) -> BoxApplication<P>
    where
        Self: Sized,
        P: HttpProtocol,
    {
        middleware.wrap(BoxApplication::new(self))
    }
}

impl<P, F, R> Application<P> for F
where
    P: Protocol,
    F: Fn(Connection<P>) -> R + Send + Sync + 'static,
    R: Future<Output = Result> + Send + 'static,
{
    fn call(&self, connection: Connection<P>) -> impl Future<Output = Result> + Send {
        self(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<P>) -> BoxFuture<Result> {
        Box::pin(self(connection))
    }
}

/// An application whose type is forgotten. Cheap to clone.
///
/// A call costs one allocation, the boxed future.
pub struct BoxApplication<P: Protocol>(Arc<Call<P>>);

type Call<P> = dyn Fn(Connection<P>) -> BoxFuture<Result> + Send + Sync;

impl<P: Protocol> BoxApplication<P> {
    /// Forgets the type of `application`.
    pub fn new(application: impl Application<P>) -> Self {
        let application = Arc::new(application);
        Self::from_fn(move |connection| application.call_boxed(connection))
    }

    /// An application that only chooses or prepares another one. What `choose` returns is kept as it is, so that a connection
    /// does not carry a second box.
    pub fn from_fn(
        choose: impl Fn(Connection<P>) -> BoxFuture<Result> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(choose))
    }

    /// Handles `connection` until it is over; see [`Application::call`].
    pub fn call(&self, connection: Connection<P>) -> BoxFuture<Result> {
        (self.0)(connection)
    }
}

impl<P: Protocol> Application<P> for BoxApplication<P> {
    fn call(&self, connection: Connection<P>) -> impl Future<Output = Result> + Send {
        self.call(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<P>) -> BoxFuture<Result> {
        self.call(connection)
    }
}

impl<P: Protocol> Clone for BoxApplication<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Protocol> fmt::Debug for BoxApplication<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoxApplication<{}>", P::NAME)
    }
}
