//! What is put round applications.

use std::{fmt, future::Future};

use http::Response;

use crate::{
    Body, BoxApplication, BoxFuture, Connection, Head, HttpProtocol, Link, RequestScope, Result,
    request::Path,
};

/// A wrapper round applications, for every protocol that begins with an HTTP request.
///
/// ```
/// use solent_spec::{Application, BoxApplication, Connection, HttpProtocol, Middleware, RequestScope};
///
/// #[derive(Clone)]
/// struct Tenant(&'static str);
///
/// /// Tells the applications inside it whom they serve.
/// struct ForTenant(Tenant);
///
/// impl Middleware for ForTenant {
///     fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
///         let tenant = self.0.clone();
///         BoxApplication::from_fn(move |mut connection: Connection<P>| {
///             connection.scope_mut().link_mut().insert(tenant.clone());
///             inner.call(connection)
///         })
///     }
/// }
/// # use solent_spec::{Http, Result};
///
/// async fn page(_: Connection<Http>) -> Result {
///     Ok(())
/// }
///
/// let application = page.inside(&ForTenant(Tenant("north")));
/// # let _ = application;
/// ```
pub trait Middleware: Send + Sync + 'static {
    /// Returns an application that does what this middleware is for and calls `inner`.
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P>;

    /// Finds out whether what this middleware needs can be used, such as the store of its sessions. `Solent::middleware` lets
    /// an application do it before it listens. By default there is nothing to find out.
    ///
    /// # Errors
    ///
    /// What is in the way, if it will not go away by itself. A backend that is away is no error.
    fn startup(&self) -> BoxFuture<Result> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A middleware that a function makes, for both protocols: `function` is called for each connection, and runs the
/// application, refuses the request, or does something before and after.
///
/// ```
/// use http::StatusCode;
/// use solent_spec::{Application, Connection, Http, Next, RequestScope, Result, from_fn, http::plain_text};
///
/// #[derive(Clone)]
/// struct Tenant(String);
///
/// async fn by_tenant(mut next: Next) -> Result {
///     let Some(name) = next.header("x-tenant").map(str::to_owned) else {
///         return next.refuse(plain_text(StatusCode::BAD_REQUEST, "Which tenant?\n")).await;
///     };
///     next.link_mut().insert(Tenant(name));
///     next.run().await
/// }
///
/// async fn page(_: Connection<Http>) -> Result {
///     Ok(())
/// }
///
/// let application = page.inside(&from_fn(by_tenant));
/// # let _ = application;
/// ```
///
/// It costs a connection two boxes for as long as it lives. A middleware that only prepares the connection, or that is on
/// every route, may implement [`Middleware`] instead.
pub fn from_fn<F, R>(function: F) -> FromFn<F>
where
    F: Fn(Next) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result> + Send + 'static,
{
    FromFn(function)
}

/// What [`from_fn`] makes.
#[derive(Clone, Copy, Debug)]
pub struct FromFn<F>(F);

impl<F, R> Middleware for FromFn<F>
where
    F: Fn(Next) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result> + Send + 'static,
{
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let function = self.0.clone();
        BoxApplication::from_fn(move |connection| {
            let inner = inner.clone();
            Box::pin(function(Next(Box::new(Joined { connection, inner }))))
        })
    }
}

/// A connection of either protocol, and the application that it is on its way to; see [`from_fn`]. It is the connection's scope
/// as well.
#[must_use = "without a call of `run` or `refuse` the connection ends unanswered"]
pub struct Next(Box<dyn Either>);

impl Next {
    /// Runs the application until it is done with the connection.
    ///
    /// # Errors
    ///
    /// The application's. The server wants to see it, so it is passed on.
    pub fn run(self) -> BoxFuture<Result> {
        self.0.run()
    }

    /// Answers the request with `response` in the application's place; see [`Connection::refuse`].
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub fn refuse(self, response: Response<Body>) -> BoxFuture<Result> {
        self.0.refuse(response)
    }
}

impl RequestScope for Next {
    fn head(&self) -> Head<'_> {
        self.0.scope().head()
    }

    fn target(&self) -> &Path {
        self.0.scope().target()
    }

    fn target_mut(&mut self) -> &mut Path {
        self.0.scope_mut().target_mut()
    }

    fn link(&self) -> &Link {
        self.0.scope().link()
    }

    fn link_mut(&mut self) -> &mut Link {
        self.0.scope_mut().link_mut()
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Next").field(&self.path()).finish()
    }
}

/// What [`Next`] needs of a connection and its application, whatever the protocol.
trait Either: Send {
    fn scope(&self) -> &dyn RequestScope;
    fn scope_mut(&mut self) -> &mut dyn RequestScope;
    fn run(self: Box<Self>) -> BoxFuture<Result>;
    fn refuse(self: Box<Self>, response: Response<Body>) -> BoxFuture<Result>;
}

struct Joined<P: HttpProtocol> {
    connection: Connection<P>,
    inner: BoxApplication<P>,
}

impl<P: HttpProtocol> Either for Joined<P> {
    fn scope(&self) -> &dyn RequestScope {
        self.connection.scope()
    }

    fn scope_mut(&mut self) -> &mut dyn RequestScope {
        self.connection.scope_mut()
    }

    fn run(self: Box<Self>) -> BoxFuture<Result> {
        self.inner.call(self.connection)
    }

    fn refuse(self: Box<Self>, response: Response<Body>) -> BoxFuture<Result> {
        Box::pin(self.connection.refuse(response))
    }
}
