//! Which hosts are answered for: the middleware.

use http::{Response, StatusCode};
use solent_spec::{Body, BoxApplication, HttpProtocol, Middleware, RequestScope, http::plain_text};

use super::name::{domain_of, is_listed};
use crate::{
    gate::gate,
    url::{InvalidPattern, excerpt},
};

/// Which host names an application answers to: Django's `ALLOWED_HOSTS`.
///
/// A client chooses the host that its request names. Links made from that name, caches in front, and checks that
/// compare an [origin](crate::Origins::same_host) with it, can all be misled by another name, and a name that an attacker lets
/// point to a private address makes a browser ask there. Requests for other hosts are refused with status 400,
/// WebSocket handshakes as well, and an event of `tracing` names the host.
///
/// The host is what [`RequestScope::host`] says. A request without one is refused.
///
/// | pattern | matches |
/// |---|---|
/// | `*` | every host that is one |
/// | `example.com` | the host, with any port, also with a dot behind it |
/// | `.example.com` | the host and all under it |
/// | `127.0.0.1`, `[::1]` | an address |
///
/// # Examples
///
/// ```
/// use solent_edge::AllowedHosts;
/// use solent_spec::{BoxApplication, Connection, Middleware, Result, WebSocket};
///
/// async fn chat(_: Connection<WebSocket>) -> Result {
///     Ok(())
/// }
///
/// let hosts = AllowedHosts::new([".example.com"])?;
/// let application = hosts.wrap(BoxApplication::<WebSocket>::new(chat));
/// // Also the pages of these hosts only, as AllowedHostsOriginValidator has it.
/// let application = hosts.origins().wrap(application);
/// # let _ = application;
/// # Ok::<(), solent_edge::InvalidPattern>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AllowedHosts {
    /// In lower case.
    patterns: Box<[Box<str>]>,
}

impl AllowedHosts {
    /// The hosts that match one of `patterns`.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] names a pattern that can match nothing.
    pub fn new<T: AsRef<str>>(
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidPattern> {
        const WANTED: &str = "it is a name or an address without scheme and port, with a leading dot for all names under it";
        let read = |pattern: T| {
            let pattern = pattern.as_ref();
            let lower = pattern.to_lowercase();
            if is_mistaken(&lower) {
                return Err(InvalidPattern::new(pattern, WANTED));
            }
            Ok(lower.into_boxed_str())
        };
        let patterns = patterns.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// This machine under its own names, for development: `.localhost`, `127.0.0.1` and `[::1]`.
    pub fn local() -> Self {
        let patterns = [".localhost", "127.0.0.1", "[::1]"].map(Box::from);
        Self {
            patterns: Box::new(patterns),
        }
    }

    pub(crate) fn patterns(&self) -> &[Box<str>] {
        &self.patterns
    }

    /// Whether a request may pass.
    pub fn permits<S: RequestScope>(&self, scope: &S) -> bool {
        scope
            .host()
            .and_then(domain_of)
            .is_some_and(|domain| is_listed(&domain, &self.patterns))
    }

    /// The response to a request that may not pass, of which the log is told; `None` for one that [may](Self::permits).
    pub fn refusal<S: RequestScope>(&self, scope: &S) -> Option<Response<Body>> {
        if self.permits(scope) {
            return None;
        }
        let path = scope.path();
        match scope.host() {
            None => {
                solent_spec::warn_throttled!(target: "solent::edge", path, "refused a request that names no host",)
            }
            Some(host) if domain_of(host).is_none() => {
                solent_spec::warn_throttled!(target: "solent::edge",
                host = ?excerpt(host), path,
                    "refused a request for a host that is none by RFC 1034 and 1035",
                )
            }
            Some(host) => solent_spec::warn_throttled!(target: "solent::edge",
            host = ?excerpt(host), path,
                "refused a request for another host; if it is one of yours, add it to AllowedHosts",
            ),
        }
        Some(plain_text(
            StatusCode::BAD_REQUEST,
            "Bad Request: no such host here\n",
        ))
    }
}

impl Middleware for AllowedHosts {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let this = self.clone();
        gate(inner, move |scope| this.refusal(scope))
    }
}

fn is_mistaken(pattern: &str) -> bool {
    let host = pattern.strip_prefix('.').unwrap_or(pattern);
    pattern != "*" && domain_of(host).is_none_or(|domain| domain != host)
}
