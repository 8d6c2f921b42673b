//! Requests refused for where they come from, without a token.

use http::{Method, Response, StatusCode};
use solent_spec::{Body, BoxApplication, HttpProtocol, Middleware, RequestScope, http::plain_text};

use crate::{
    gate::gate,
    origin::{OriginList, is_same_host, origin_of},
    url::{InvalidPattern, excerpt},
};

/// Refuses HTTP requests that change something and that a page of another site made a browser send.
///
/// Browsers send cookies along with the forms of any page. They also say where a request comes from: in
/// `Sec-Fetch-Site`, which no page can send, or in `Origin`. A request that is not `GET`, `HEAD`, `OPTIONS` or `TRACE` is
/// refused with status 403 if it comes from another origin, also from another one of the same site, unless that is
/// [trusted](Self::trust). A request with neither header is not from a browser that is still in use, and passes.
///
/// Requests need no token, and pages no change, so this is what protects an application where nothing else is asked for;
/// [`Csrf`](crate::Csrf) is for those who share their forms with Django. Whatever a `GET` request changes stays
/// unprotected. WebSocket handshakes pass; for these there is [`Origins`](crate::Origins).
///
/// # Examples
///
/// ```
/// use solent_edge::CrossSite;
/// use solent_spec::{BoxApplication, Connection, Http, Middleware, Result};
///
/// async fn order(_: Connection<Http>) -> Result {
///     Ok(())
/// }
///
/// let own_pages = CrossSite::new().trust("https://shop.example.com")?;
/// let application = own_pages.wrap(BoxApplication::<Http>::new(order));
/// # let _ = application;
/// # Ok::<(), solent_edge::InvalidPattern>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CrossSite {
    trusted: OriginList,
}

impl CrossSite {
    /// Trusts no other origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets requests pass that come from the origins that match `pattern`; see [`Origins`](crate::Origins) for how to
    /// write it. With `*` all pass whose origin is known.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] if it can match nothing.
    pub fn trust(mut self, pattern: impl AsRef<str>) -> Result<Self, InvalidPattern> {
        self.trusted.add(pattern.as_ref())?;
        Ok(self)
    }

    /// Whether a request may pass.
    pub fn permits<S: RequestScope>(&self, scope: &S) -> bool {
        if is_safe(scope.head().method()) {
            return true;
        }
        let origin = origin_of(scope);
        if origin
            .as_deref()
            .is_some_and(|origin| self.trusted.matches(origin))
        {
            return true;
        }
        match scope.head().header("sec-fetch-site") {
            Some(site) => matches!(site, b"same-origin" | b"none"),
            None => origin.is_none_or(|origin| is_same_host(&origin, scope)),
        }
    }

    /// The response to a request that may not pass, of which the log is told; `None` for one that [may](Self::permits).
    pub fn refusal<S: RequestScope>(&self, scope: &S) -> Option<Response<Body>> {
        if self.permits(scope) {
            return None;
        }
        let origin = origin_of(scope).unwrap_or_default();
        solent_spec::warn_throttled!(target: "solent::edge",
            origin = ?excerpt(&origin), method = %scope.head().method(), path = scope.path(), host = scope.host(),
            "refused a request that a page of another origin made; if the page is yours, add its origin with \
             CrossSite::trust; if a proxy changes the host, have it forward the host and trust it",
        );
        Some(plain_text(
            StatusCode::FORBIDDEN,
            "Forbidden: not from this page\n",
        ))
    }
}

impl Middleware for CrossSite {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        if P::IS_WEBSOCKET {
            return inner;
        }
        let this = self.clone();
        gate(inner, move |scope| this.refusal(scope))
    }
}

/// Whether a request with this method is to change nothing, by RFC 9110 §9.2.1.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}
