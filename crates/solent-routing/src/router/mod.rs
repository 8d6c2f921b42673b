//! By URL.

mod builder;
mod index;
mod lookup;
mod reverse;

use std::{collections::HashMap, fmt, future::Future, sync::Arc};

use http::StatusCode;
use solent_spec::{
    Application, BoxApplication, BoxFuture, Connection, HttpProtocol, Middleware, RequestScope,
    Result, http::plain_text, request::UrlRoute,
};

pub use self::builder::RouterBuilder;
use self::index::Index;
use crate::{error::UrlError, pattern::Pattern};

/// Calls the application whose pattern matches the path, or answers that there is none.
///
/// Patterns match the path without its leading slashes, and without the [root path](solent_spec::request::Link::root_path).
/// What they capture is in the scope ([`RequestScope::param`]), and so is the way that was taken, for logs and metrics
/// ([`Link::url_route`](solent_spec::request::Link::url_route)). A request that no route matches is answered with status
/// 404; a WebSocket handshake as well, or with 403 where the server does not offer denial responses. Neither is logged:
/// a path that does not exist is the client's mistake.
///
/// Cheap to clone.
pub struct Router<P: HttpProtocol>(Arc<Inner<P>>);

struct Inner<P: HttpProtocol> {
    routes: Box<[Route<P>]>,
    index: Arc<Index>,
    /// Where named routes are, those of nested routers too: a position for each level.
    names: Arc<HashMap<String, Vec<usize>>>,
    fallback: Option<BoxApplication<P>>,
}

/// A pattern and what it leads to.
struct Route<P: HttpProtocol> {
    pattern: Arc<Pattern>,
    name: Option<Arc<str>>,
    /// Parameters of the route's own, which override captured ones.
    params: Arc<[(Box<str>, Box<str>)]>,
    target: Target<P>,
}

enum Target<P: HttpProtocol> {
    /// An application, for the whole path or, where it is mounted, for every path that begins so.
    Application(BoxApplication<P>),
    /// A router for the rest of the path. If it has no match, the next route is tried.
    Nest(Router<P>),
}

impl<P: HttpProtocol> Router<P> {
    /// A builder without routes.
    pub fn builder() -> RouterBuilder<P> {
        RouterBuilder::default()
    }

    /// The route that a path takes, decoded and without a root path; `None` if there is none, or only a fallback without
    /// a pattern.
    ///
    /// # Examples
    ///
    /// ```
    /// # use solent_routing::Router;
    /// # use solent_spec::{Connection, Result, WebSocket};
    /// # async fn chat(_: Connection<WebSocket>) -> Result { Ok(()) }
    /// let router = Router::<WebSocket>::builder().route("ws/chat/<slug:room>/", chat).build()?;
    ///
    /// let route = router.resolve("/ws/chat/lobby/").ok_or("no route")?;
    ///
    /// assert_eq!(route.pattern(), "ws/chat/<slug:room>/");
    /// assert_eq!(route.param("room"), Some("lobby"));
    /// # Ok::<(), solent_spec::BoxError>(())
    /// ```
    pub fn resolve(&self, path: &str) -> Option<UrlRoute> {
        let found = self.look_up(path)?;
        found.has_route().then(|| found.record(UrlRoute::default()))
    }

    /// This router with every application wrapped; see [`RouterBuilder::wrap`].
    #[must_use]
    pub fn wrapped(&self, middleware: &impl Middleware) -> Self {
        let inner = &*self.0;
        Self(Arc::new(Inner {
            routes: inner
                .routes
                .iter()
                .map(|route| route.wrapped(middleware))
                .collect(),
            fallback: inner
                .fallback
                .clone()
                .map(|fallback| middleware.wrap(fallback)),
            index: Arc::clone(&inner.index),
            names: Arc::clone(&inner.names),
        }))
    }

    fn dispatch(&self, mut connection: Connection<P>) -> BoxFuture<Result> {
        let scope = connection.scope();
        let Some(found) = self.find(scope) else {
            let response = plain_text(StatusCode::NOT_FOUND, "Not Found\n");
            return Box::pin(connection.refuse(response));
        };
        let outer = scope.link().url_route().cloned().unwrap_or_default();
        let (application, len, route) = (found.application, found.len, found.record(outer));
        connection.routed(&route);
        let scope = connection.scope_mut();
        scope.target_mut().advance(len);
        *scope.link_mut().url_route_mut() = route;
        application.call(connection)
    }
}

impl<P: HttpProtocol> Route<P> {
    fn wrapped(&self, middleware: &impl Middleware) -> Self {
        let target = match &self.target {
            Target::Application(application) => {
                Target::Application(middleware.wrap(application.clone()))
            }
            Target::Nest(router) => Target::Nest(router.wrapped(middleware)),
        };
        Self {
            pattern: Arc::clone(&self.pattern),
            name: self.name.clone(),
            params: Arc::clone(&self.params),
            target,
        }
    }
}

impl<P: HttpProtocol> Application<P> for Router<P> {
    fn call(&self, connection: Connection<P>) -> impl Future<Output = Result> + Send {
        self.dispatch(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<P>) -> BoxFuture<Result> {
        self.dispatch(connection)
    }
}

impl<P: HttpProtocol> Clone for Router<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: HttpProtocol> fmt::Debug for Router<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.0.routes.iter().map(|route| route.pattern.source());
        f.debug_list().entries(patterns).finish()
    }
}
