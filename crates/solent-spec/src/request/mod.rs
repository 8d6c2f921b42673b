//! What the scopes of HTTP and WebSocket have in common: the request and its circumstances.

use std::str::FromStr;

use serde::de::DeserializeOwned;

mod caller;
mod head;
mod header_block;
mod link;
mod network;
mod path;
mod peers;
mod url_route;

pub use self::{
    caller::{Caller, ConnectionId},
    head::{CompactHead, Head},
    header_block::HeaderBlock,
    link::{Feature, Link, Listener, ServerAddr},
    network::{IPV6_PREFIX, client_network},
    path::{Path, PathError},
    peers::{Peers, PeersError},
    url_route::{ParamError, UrlRoute},
};

/// A scope that began with an HTTP request.
///
/// The provided methods are the keys of ASGI's `http` and `websocket` scopes.
pub trait RequestScope: Send {
    /// The request's method, target and headers.
    fn head(&self) -> Head<'_>;

    /// The decoded path, and how much of it routers have matched.
    fn target(&self) -> &Path;

    /// The decoded path, for routers.
    fn target_mut(&mut self) -> &mut Path;

    /// Where the request came from, where it arrived, and what travels with it.
    fn link(&self) -> &Link;

    /// The same, for middleware to add to.
    fn link_mut(&mut self) -> &mut Link;

    /// The path, percent-decoded; it includes the [root path](Link::root_path). ASGI's `path`.
    fn path(&self) -> &str {
        self.target().decoded()
    }

    /// Everything after the first `?`, still percent-encoded; empty without one. ASGI's `query_string`.
    fn query(&self) -> &str {
        self.head().query()
    }

    /// The value of the first header called `name` (lower case), if it is visible ASCII or UTF-8.
    fn header(&self, name: &str) -> Option<&str> {
        self.head()
            .header(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The host that the client asked for, and the port where it named one: what a trusted proxy says it was, else what
    /// the request's target says (an absolute one, or HTTP/2's `:authority`), else the `Host` header. `None` for a request
    /// that names no host, or none that is text.
    fn host(&self) -> Option<&str> {
        self.link().host().or_else(|| self.header("host"))
    }

    /// A part of the URL that its route's pattern captured, as a `T`: the `room` of `"chat/<slug:room>/"`.
    ///
    /// # Errors
    ///
    /// [`ParamError`] if the route has no such part, or if what it captured is no `T`.
    fn param<T: FromStr>(&self, name: &str) -> Result<T, ParamError>
    where
        Self: Sized,
    {
        match self.link().url_route() {
            Some(route) => route.parse(name),
            None => UrlRoute::default().parse(name),
        }
    }

    /// All named parts of the URL as the fields of a struct; see [`UrlRoute::deserialize`].
    ///
    /// # Errors
    ///
    /// [`ParamError`] names the part that is absent or of another type.
    fn params<T: DeserializeOwned>(&self) -> Result<T, ParamError>
    where
        Self: Sized,
    {
        match self.link().url_route() {
            Some(route) => route.deserialize(),
            None => UrlRoute::default().deserialize(),
        }
    }

    /// What lifespan startup or a middleware left for this connection, by type.
    fn state<T: Send + Sync + 'static>(&self) -> Option<&T>
    where
        Self: Sized,
    {
        self.link().get()
    }
}
