//! The middleware that asks.

use std::{fmt, sync::Arc};

use http::{HeaderValue, Method, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use solent_spec::{
    Body, BoxApplication, Chain, Connection, Http, HttpProtocol, Middleware, Protocol, Result,
};

use super::{Asked, Check};

/// Lets in requests that pass `check`.
///
/// The others are refused before the application inside is called, HTTP and WebSocket alike: with status 401 if the client is
/// anonymous, with 403 if its user may not.
///
/// ```
/// use solent_auth::{Asked, Check, authenticated, permission, require};
/// # struct User;
/// # impl solent_auth::AuthUser for User { fn id(&self) -> std::borrow::Cow<'_, str> { "7".into() } }
///
/// let members = require(authenticated::<User>());
/// let staff = require(permission::<User>("chat.moderate").or(permission::<User>("site.admin")));
/// let inside = require(authenticated::<User>().and(|asked: &Asked<'_>| asked.path().starts_with("/in/")));
/// # let _ = (members, staff, inside);
/// ```
pub fn require<C: Check>(check: C) -> Require<C> {
    Require {
        check: Arc::new(check),
        login_page: None,
        challenge: None,
    }
}

/// The middleware that [`require`] makes.
#[must_use]
pub struct Require<C> {
    check: Arc<C>,
    login_page: Option<Arc<str>>,
    challenge: Option<HeaderValue>,
}

impl<C> Require<C> {
    /// Redirects anonymous visitors here when they request a page (`GET` or `HEAD` over HTTP). The page they asked for is in
    /// the query's `next`, as Django's login view has it;
    /// [`next_page`](crate::AuthScope::next_page) reads it, if it is one of the site's own pages.
    pub fn login_page(mut self, url: impl Into<Arc<str>>) -> Self {
        self.login_page = Some(url.into());
        self
    }

    /// The `WWW-Authenticate` of a refusal with status 401, such as `Bearer`. There is none by default, since no scheme of
    /// HTTP stands for a login page.
    pub fn challenge(mut self, challenge: HeaderValue) -> Self {
        self.challenge = Some(challenge);
        self
    }
}

impl<C: Check> Require<C> {
    /// `None` if the request may pass, or else what it is refused with.
    async fn refusal(&self, asked: Asked<'_>, protocol: &str) -> Option<Response<Body>> {
        match self.check.check(&asked).await {
            Ok(true) => None,
            Ok(false) if asked.is_somebody() => Some(plain(StatusCode::FORBIDDEN)),
            Ok(false) => Some(self.unauthorized(&asked, protocol)),
            Err(error) => {
                tracing::error!(target: "solent::auth", error = %Chain(&error), "could not find out whether a request is allowed");
                Some(plain(StatusCode::SERVICE_UNAVAILABLE))
            }
        }
    }

    fn unauthorized(&self, asked: &Asked<'_>, protocol: &str) -> Response<Body> {
        let is_page =
            protocol == Http::NAME && matches!(*asked.method(), Method::GET | Method::HEAD);
        if is_page
            && let Some(page) = &self.login_page
            && let Ok(location) = HeaderValue::try_from(with_next(page, asked))
        {
            let mut response = plain(StatusCode::FOUND);
            response.headers_mut().insert(header::LOCATION, location);
            return response;
        }
        let mut response = plain(StatusCode::UNAUTHORIZED);
        if let Some(challenge) = &self.challenge {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge.clone());
        }
        response
    }
}

impl<C: Check> Middleware for Require<C> {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let this = Arc::new(self.clone());
        BoxApplication::new(move |connection: Connection<P>| {
            let (this, inner) = (Arc::clone(&this), inner.clone());
            async move {
                // Boxed, since it is over before the connection really begins.
                match Box::pin(admitted(this, connection)).await? {
                    Some(connection) => inner.call(connection).await,
                    None => Ok(()),
                }
            }
        })
    }
}

/// The connection, unless it was refused.
async fn admitted<P: HttpProtocol, C: Check>(
    require: Arc<Require<C>>,
    connection: Connection<P>,
) -> Result<Option<Connection<P>>> {
    let asked = Asked::of(connection.scope());
    let Some(response) = require.refusal(asked, P::NAME).await else {
        return Ok(Some(connection));
    };
    connection.refuse(response).await?;
    Ok(None)
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The login page with the request's own URL as the query's `next`.
fn with_next(page: &str, asked: &Asked<'_>) -> String {
    /// What may stand in a value of a query: what is unreserved, and `/`.
    const VALUE: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/');
    let head = asked.head();
    let mut next = head.raw_path().to_owned();
    if !head.query().is_empty() {
        next.push('?');
        next.push_str(head.query());
    }
    let separator = if page.contains('?') { '&' } else { '?' };
    let next = utf8_percent_encode(&next, VALUE);
    format!("{page}{separator}next={next}")
}

impl<C> Clone for Require<C> {
    fn clone(&self) -> Self {
        Self {
            check: Arc::clone(&self.check),
            login_page: self.login_page.clone(),
            challenge: self.challenge.clone(),
        }
    }
}

impl<C: fmt::Debug> fmt::Debug for Require<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require")
            .field("check", &self.check)
            .field("login_page", &self.login_page)
            .finish_non_exhaustive()
    }
}
