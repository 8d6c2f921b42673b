//! Which request something is about, for the log.

use std::{
    fmt,
    net::SocketAddr,
    num::NonZeroU64,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use http::uri::PathAndQuery;

use super::{RequestScope, UrlRoute};
use crate::http::HttpScope;

/// The number of a connection to a server, to find in the log what else happened to it. Unique within a process; the requests of
/// one connection share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(NonZeroU64);

impl ConnectionId {
    /// The number of a new connection.
    #[expect(
        clippy::new_without_default,
        reason = "each one is another one, so there is no default"
    )]
    pub fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Relaxed).wrapping_add(1);
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }

    /// The number, as it is logged.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which request something is about, for the log: its connection, client, path and route. It shows no query, which may hold credentials.
pub struct Caller {
    connection: Option<ConnectionId>,
    client: Option<SocketAddr>,
    target: Target,
    /// The pattern of the route. Written by routers, read for the log; held for a few instructions.
    route: Mutex<Option<Arc<str>>>,
}

/// Where the path is.
#[derive(Clone)]
enum Target {
    /// In the request's head, which is shared.
    Shared(Option<PathAndQuery>),
    /// A copy, for what lives longer than the head should.
    Own(Box<str>),
}

impl Caller {
    /// The caller of a request. Copies the path.
    pub fn of(scope: &impl RequestScope) -> Self {
        Self::with(scope, Target::Own(scope.head().raw_path().into()))
    }

    /// The caller of an HTTP request. Copies nothing.
    pub(crate) fn of_http(scope: &HttpScope) -> Self {
        let target = scope.request().uri.path_and_query().cloned();
        Self::with(scope, Target::Shared(target))
    }

    fn with(scope: &impl RequestScope, target: Target) -> Self {
        Self {
            connection: scope.link().connection(),
            client: scope.link().client(),
            target,
            route: Mutex::new(None),
        }
    }

    /// Notes the route that the request has taken. The last router counts.
    pub fn set_route(&self, route: &UrlRoute) {
        *self.lock() = Some(route.shared_pattern());
    }

    /// The pattern of the route that the request has taken, if a router has led it anywhere.
    pub fn route(&self) -> Option<Arc<str>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.route.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, if the server numbers them.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    /// The peer's address. Absent on a Unix socket.
    pub fn client(&self) -> Option<SocketAddr> {
        self.client
    }

    /// The path as it was sent, percent-encoded, without the query.
    pub fn path(&self) -> &str {
        match &self.target {
            Target::Shared(target) => target.as_ref().map_or("", PathAndQuery::path),
            Target::Own(path) => path,
        }
    }
}

impl Clone for Caller {
    fn clone(&self) -> Self {
        Self {
            connection: self.connection,
            client: self.client,
            target: self.target.clone(),
            route: Mutex::new(self.route()),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("connection", &self.connection)
            .field("client", &self.client)
            .field("path", &self.path())
            .finish()
    }
}
