//! By URL.

mod builder;
mod index;

use std::{fmt, future::Future, sync::Arc};

use http::{Response, StatusCode, header};
use solent_spec::{
    Application, Body, BoxApplication, BoxFuture, Connection, HttpProtocol, RequestScope, Result,
    request::{Path, UrlRoute},
};

pub use self::builder::RouterBuilder;
use self::index::Index;
use crate::{
    error::UrlError,
    pattern::{Extent, Match, Pattern},
};

/// Calls the application whose pattern matches the path, or answers that there is none.
///
/// Patterns match the path without its leading slashes, and without the [root path](solent_spec::request::Link::root_path).
/// What they capture is in the scope ([`RequestScope::param`]). A request that no route matches is answered with status 404;
/// a WebSocket handshake as well, where the server offers denial responses.
pub struct Router<P: HttpProtocol> {
    routes: Arc<[Route<P>]>,
    index: Arc<Index>,
    names: Arc<[(String, Vec<usize>)]>,
    fallback: Option<BoxApplication<P>>,
}

/// A pattern and what it leads to.
struct Route<P: HttpProtocol> {
    pattern: Arc<Pattern>,
    target: Target<P>,
}

enum Target<P: HttpProtocol> {
    /// An application for exactly this path.
    Application(BoxApplication<P>),
    /// An application for every path that begins so.
    Mount(BoxApplication<P>),
    /// A router for the rest of the path. If it has no match, the next route is tried.
    Nest(Router<P>),
}

/// The end of a path through the routers.
struct Resolved<'a, P: HttpProtocol> {
    application: &'a BoxApplication<P>,
    /// Bytes of the path that are matched.
    len: usize,
    /// What each level matched, innermost first.
    levels: Vec<(&'a str, Match)>,
}

impl<P: HttpProtocol> Router<P> {
    /// A builder without routes.
    pub fn builder() -> RouterBuilder<P> {
        RouterBuilder::default()
    }

    /// The path of a named route for values of its parameters: percent-encoded, with a leading slash, without a root path.
    /// Names of nested routers are prefixed with the name of the nesting and a colon: `"api:room"`.
    ///
    /// # Errors
    ///
    /// An unknown name, a missing or impossible value, or a route that cannot be reversed.
    pub fn url_for(
        &self,
        name: &str,
        values: &[(&str, &str)],
    ) -> std::result::Result<String, UrlError> {
        let mut url = String::from("/");
        let mut router = self;
        let found = self.names.iter().find(|(known, _)| known == name);
        let (_, path) = found.ok_or_else(|| UrlError::NoRoute(name.to_owned()))?;
        for at in path {
            let route = &router.routes[*at];
            let Pattern::Path(pattern) = &*route.pattern else {
                return Err(UrlError::Regex(name.to_owned()));
            };
            url.push_str(&pattern.url(name, values)?);
            if let Target::Nest(inner) = &route.target {
                router = inner;
            }
        }
        Ok(url)
    }

    fn resolve(&self, rest: &str) -> Option<Resolved<'_, P>> {
        let stripped = rest.trim_start_matches('/');
        let slashes = rest.len() - stripped.len();
        let mut found = self
            .index
            .candidates(stripped)
            .find_map(|at| self.routes[at].resolve(stripped))?;
        found.len += slashes;
        Some(found)
    }

    /// The application for a path, and what the path says.
    fn find(
        &self,
        path: &mut Path,
        root_path: &str,
        route: &mut UrlRoute,
    ) -> Option<&BoxApplication<P>> {
        if path.matched() == 0 {
            path.advance(root_len(path.decoded(), root_path)?);
        }
        let resolved = self.resolve(path.rest())?;
        path.advance(resolved.len);
        for (pattern, found) in resolved.levels.into_iter().rev() {
            found.record(pattern, route);
        }
        Some(resolved.application)
    }

    fn dispatch(&self, mut connection: Connection<P>) -> BoxFuture<Result> {
        let scope = connection.scope_mut();
        let mut path = std::mem::take(scope.target_mut());
        let mut route = std::mem::take(scope.link_mut().url_route_mut());
        let application = self.find(&mut path, scope.link().root_path(), &mut route);
        *scope.target_mut() = path;
        *scope.link_mut().url_route_mut() = route;
        match application.or(self.fallback.as_ref()) {
            Some(application) => application.call(connection),
            None => Box::pin(not_found(connection)),
        }
    }
}

impl<P: HttpProtocol> Route<P> {
    fn resolve<'a>(&'a self, path: &str) -> Option<Resolved<'a, P>> {
        let (application, extent) = match &self.target {
            Target::Application(application) => (Some(application), Extent::Whole),
            Target::Mount(application) => (Some(application), Extent::Prefix),
            Target::Nest(_) => (None, Extent::Prefix),
        };
        let found = self.pattern.matches(path, extent)?;
        let len = found.len;
        let mut resolved = match (&self.target, application) {
            (Target::Nest(router), _) => router.resolve(&path[len..])?,
            (_, application) => Resolved {
                application: application?,
                len: 0,
                levels: Vec::new(),
            },
        };
        resolved.len += len;
        resolved.levels.push((self.pattern.as_str(), found));
        Some(resolved)
    }
}

/// The length of the root path at the beginning of `path`, if it is there and ends with a segment.
fn root_len(path: &str, root_path: &str) -> Option<usize> {
    let rest = path.strip_prefix(root_path)?;
    (rest.is_empty() || rest.starts_with('/') || root_path.is_empty()).then_some(root_path.len())
}

/// Nothing is logged: a path that does not exist is the client's mistake.
async fn not_found<P: HttpProtocol>(mut connection: Connection<P>) -> Result {
    let mut response = Response::new(Body::from("Not Found\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    let refusal = P::refuse(connection.scope(), response);
    connection.send(refusal).await?;
    Ok(())
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
        Self {
            routes: Arc::clone(&self.routes),
            index: Arc::clone(&self.index),
            names: Arc::clone(&self.names),
            fallback: self.fallback.clone(),
        }
    }
}

impl<P: HttpProtocol> fmt::Debug for Router<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.routes.iter().map(|route| route.pattern.as_str()))
            .finish()
    }
}
