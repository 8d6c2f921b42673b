//! Which origins may open a WebSocket: the middleware.

use http::{Response, StatusCode};
use solent_spec::{Body, BoxApplication, HttpProtocol, Middleware, RequestScope, http::plain_text};

use super::{header::origin_of, list::OriginList, same_host::is_same_host};
use crate::{
    AllowedHosts,
    gate::gate,
    url::{InvalidPattern, excerpt},
};

/// Which pages may open a WebSocket.
///
/// A browser lets any page connect to any host, and sends the host's cookies along; only the `Origin` header tells which
/// page it was. So whatever knows its users by a cookie has to look at it. Handshakes of other origins are refused with
/// status 403, and an event of `tracing` names the origin and what would let it in. HTTP requests pass; for these there is
/// [`CrossSite`](crate::CrossSite).
///
/// # Patterns
///
/// | pattern | matches |
/// |---|---|
/// | `*` | everything, also a handshake without an origin |
/// | `example.com` | the host, with any scheme and port |
/// | `.example.com` | the host and all under it, with any scheme and port |
/// | `https://example.com`, `https://.example.com:8443` | the same with this scheme and port; without one that of the scheme |
/// | `[::1]`, `http://[::1]:8000` | the same for an IPv6 address |
///
/// Upper and lower case are the same. These are the patterns of Channels' `OriginValidator`, and they match what they match
/// there, with one exception: an origin that makes Channels fail is refused. A pattern that can match nothing, such as
/// `*.example.com` or `example.com:8000`, is told to the log when it is added.
///
/// # Examples
///
/// ```
/// use solent_edge::Origins;
/// use solent_spec::{BoxApplication, Connection, Middleware, Result, WebSocket};
///
/// async fn chat(_: Connection<WebSocket>) -> Result {
///     Ok(())
/// }
///
/// // The pages that come from the host they connect to, and those of one other.
/// let origins = Origins::same_host().allow("https://app.example.com")?;
/// let application = origins.wrap(BoxApplication::<WebSocket>::new(chat));
/// # let _ = application;
/// # Ok::<(), solent_edge::InvalidPattern>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Origins {
    same_host: bool,
    absent: bool,
    listed: OriginList,
}

impl Origins {
    /// The origins that match one of `patterns`, as Channels' `OriginValidator` has it: a handshake without an origin passes
    /// if `*` is among them.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] names a pattern that can match nothing.
    pub fn new<T: AsRef<str>>(
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidPattern> {
        let mut listed = OriginList::default();
        for pattern in patterns {
            listed.add(pattern.as_ref())?;
        }
        Ok(Self::listed(listed))
    }

    fn listed(listed: OriginList) -> Self {
        Self {
            same_host: false,
            absent: listed.has_any(),
            listed,
        }
    }

    /// The pages that come from the host and port that they connect to; and handshakes without an origin, since these are
    /// not from a browser.
    ///
    /// The host is what [`RequestScope::host`] says. Behind a proxy that asks for another host than the browser did, let
    /// it forward the host and trust it, or [`allow`](Self::allow) the origin. Where browsers say themselves that a request
    /// is of the same origin (`Sec-Fetch-Site`), they are believed: no page can send that header.
    ///
    /// A name that an attacker lets point to this machine is its host, too. Where sockets of a private network do
    /// something for any client, without asking for its user, take [`AllowedHosts`](crate::AllowedHosts) as well.
    pub fn same_host() -> Self {
        Self {
            same_host: true,
            absent: true,
            listed: OriginList::default(),
        }
    }

    /// Lets the origins in that match `pattern`, too.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] if it can match nothing.
    pub fn allow(mut self, pattern: impl AsRef<str>) -> Result<Self, InvalidPattern> {
        self.listed.add(pattern.as_ref())?;
        Ok(self)
    }

    /// Sets whether a handshake without an origin passes. No browser sends one, every other client may leave it out.
    pub fn allow_absent(mut self, allow: bool) -> Self {
        self.absent = allow;
        self
    }

    /// Whether a handshake may pass.
    pub fn permits<S: RequestScope>(&self, scope: &S) -> bool {
        match origin_of(scope) {
            None => self.absent,
            Some(origin) => self.permits_origin(&origin, scope),
        }
    }

    fn permits_origin<S: RequestScope>(&self, origin: &str, scope: &S) -> bool {
        self.listed.matches(origin)
            || self.same_host
                && (scope.header("sec-fetch-site") == Some("same-origin")
                    || is_same_host(origin, scope))
    }

    /// The response to a request that may not pass, of which the log is told; `None` for one that [may](Self::permits).
    pub fn refusal<S: RequestScope>(&self, scope: &S) -> Option<Response<Body>> {
        if self.permits(scope) {
            return None;
        }
        tell(origin_of(scope).as_deref(), scope);
        Some(plain_text(
            StatusCode::FORBIDDEN,
            "Forbidden: not from this page\n",
        ))
    }
}

impl AllowedHosts {
    /// The pages of these hosts, over any scheme and port, as the origins that may open a WebSocket: Channels'
    /// `AllowedHostsOriginValidator`. A handshake without an origin is refused, unless every host is allowed.
    pub fn origins(&self) -> Origins {
        Origins::listed(OriginList::of_hosts(self.patterns()))
    }
}

/// [`Origins::same_host`].
impl Default for Origins {
    fn default() -> Self {
        Self::same_host()
    }
}

impl Middleware for Origins {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        if !P::IS_WEBSOCKET {
            return inner;
        }
        let this = self.clone();
        gate(inner, move |scope| this.refusal(scope))
    }
}

fn tell<S: RequestScope>(origin: Option<&str>, scope: &S) {
    let (path, host) = (scope.path(), scope.host());
    match origin {
        None => solent_spec::warn_throttled!(target: "solent::edge",
            path,
            host,
            "refused a socket without an origin; Origins::allow_absent lets such clients in, which are no browsers",
        ),
        Some(origin) => solent_spec::warn_throttled!(target: "solent::edge",
            origin = ?excerpt(origin), path, host,
            "refused a socket that a page of another origin opened; if the page is yours, add its origin with \
             Origins::allow; if a proxy changes the host, have it forward the host and trust it",
        ),
    }
}
