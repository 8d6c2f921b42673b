//! Asks requests for a CSRF token: the middleware.

use std::{future::ready, sync::Arc};

use http::StatusCode;
use serde_json::Value;
use solent_session::{CookieJar, Cookies, Session, SessionData};
use solent_spec::{
    BoxApplication, BoxFuture, Chain, Connection, HttpProtocol, Middleware, RequestScope, Result,
    http::plain_text,
};

use super::{
    config::CsrfConfig,
    cross_site::is_safe,
    error::CsrfError,
    form::{self, Form, Outcome},
    keeper::{self, Keeper},
    provenance,
    secret::Secret,
    token::CsrfToken,
    trusted::Trusted,
};
use crate::{
    origin::origin_of,
    url::{InvalidPattern, excerpt, latin1},
};

/// Asks for a token with every HTTP request that changes something: Django's `CsrfViewMiddleware`, with which it shares
/// cookie, tokens and forms.
///
/// A browser keeps a secret in a cookie. Pages are given tokens made of it ([`CsrfToken::token`]), which they send back in a
/// hidden field or a header, and which no page of another site can know. A request that is not `GET`, `HEAD`, `OPTIONS` or
/// `TRACE` is refused with status 403 unless
///
/// - its `Origin`, if it has one, is the host that it names or one that is [trusted](Self::trust); without one, over TLS, the
///   same is asked of its `Referer`;
/// - it has the cookie; and
/// - it has a token of it in the header `X-CSRFToken` or, in a `POST` of a URL-encoded form, in the field
///   `csrfmiddlewaretoken`. The header is looked at first; without it the form is read, and given to the application as if
///   it had not been.
///
/// An event of `tracing` says which of these failed, and what to do. WebSockets pass: no page can give their handshakes a
/// header; for these there is [`Origins`](crate::Origins). Who has no forms to share with Django needs no tokens:
/// [`CrossSite`](crate::CrossSite) asks the browser.
///
/// # Examples
///
/// ```
/// use solent_edge::{Csrf, CsrfConfig};
/// use solent_spec::{BoxApplication, Connection, Http, Middleware, Result};
///
/// async fn order(_: Connection<Http>) -> Result {
///     Ok(())
/// }
///
/// let csrf = Csrf::new(CsrfConfig::default().domain("example.com")).trust("https://*.example.com")?;
/// let application = csrf.wrap(BoxApplication::<Http>::new(order));
/// # let _ = application;
/// # Ok::<(), solent_edge::InvalidPattern>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Csrf {
    config: Arc<CsrfConfig>,
    trusted: Trusted,
}

impl Csrf {
    /// Trusts no other origin.
    pub fn new(config: CsrfConfig) -> Self {
        Self {
            config: Arc::new(config),
            trusted: Trusted::default(),
        }
    }

    /// The value that a login puts in a session in which CSRF tokens are kept: another secret, since the one that the session
    /// has may be known to who planted the session. `None` for a session without one.
    pub fn renewed(session: &SessionData) -> Option<(String, Value)> {
        keeper::renewed(session)
    }

    /// Takes requests of another origin, if they have the token: an entry of Django's `CSRF_TRUSTED_ORIGINS`, such as
    /// `https://example.com`, or `https://*.example.com` for the host and all under it.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] if it can match nothing.
    pub fn trust(mut self, origin: impl AsRef<str>) -> Result<Self, InvalidPattern> {
        self.trusted.add(origin.as_ref())?;
        Ok(self)
    }

    /// Leaves the handle in the scope.
    fn open<P: HttpProtocol>(
        &self,
        connection: Connection<P>,
    ) -> Result<(Connection<P>, CsrfToken)> {
        let mut connection = CookieJar::install(connection);
        let token = CsrfToken::new(self.keeper(connection.scope())?);
        let link = connection.scope_mut().link_mut();
        link.insert(token.clone());
        Ok((connection, token))
    }

    fn keeper<S: RequestScope>(&self, scope: &S) -> Result<Keeper> {
        if self.config.in_session {
            let session = Session::of(scope)
                .ok_or("csrf secrets are to be kept in sessions, but there are none; put Sessions around Csrf")?;
            return Ok(Keeper::Session(session));
        }
        let jar = CookieJar::of(scope).ok_or("a jar was installed before")?;
        let cookie = Cookies::of(scope).get(&self.config.cookie_name);
        let secret = cookie.as_deref().and_then(Secret::read);
        if cookie.is_some() && secret.is_none() {
            tracing::debug!(target: "solent::edge", cookie = self.config.cookie_name, "csrf cookie is malformed");
        }
        Ok(Keeper::cookie(Arc::clone(&self.config), jar, secret))
    }

    /// What can be told from the head alone.
    fn look<S: RequestScope>(&self, scope: &S) -> Result<Sent, Reason> {
        provenance::check(scope, &self.trusted, &self.config).map_err(Reason::Head)?;
        let header = scope.head().header(self.config.header_name.as_str());
        Ok(match header {
            Some(token) => Sent::Header(latin1(token).into_owned()),
            None => Sent::Form(Form::of(scope, self.config.form_limit)),
        })
    }

    /// Checks the token, wherever it is, and returns the connection if it may pass.
    async fn verify<P: HttpProtocol>(
        &self,
        connection: Connection<P>,
        token: CsrfToken,
        sent: Sent,
    ) -> Verdict<P> {
        let known = match &sent {
            Sent::Header(header) => token.check(header).await,
            // Without a secret nothing in the body can help.
            Sent::Form(_) => token.check_secret().await,
        };
        if let Err(error) = known {
            return Verdict::Refuse(connection, error.into());
        }
        match sent {
            Sent::Header(_) => Verdict::Pass(connection),
            Sent::Form(Form::Unreadable) if self.config.deferred => Verdict::Pass(connection),
            Sent::Form(Form::Unreadable) => Verdict::Refuse(connection, Reason::Unread),
            Sent::Form(Form::No) => Verdict::Refuse(connection, Reason::NoHeader),
            Sent::Form(Form::Readable) => self.verify_form(connection, token).await,
        }
    }

    async fn verify_form<P: HttpProtocol>(
        &self,
        connection: Connection<P>,
        token: CsrfToken,
    ) -> Verdict<P> {
        match form::read(connection, self.config.form_limit).await {
            Outcome::Gone => Verdict::Gone,
            Outcome::TooLong(connection) if self.config.deferred => Verdict::Pass(connection),
            Outcome::TooLong(connection) => Verdict::Refuse(connection, Reason::Unread),
            Outcome::Whole(connection, body) => {
                let field = form::field(&body, &self.config.field_name).unwrap_or_default();
                match token.check(&field).await {
                    Ok(()) => Verdict::Pass(connection),
                    Err(error) => Verdict::Refuse(connection, error.into()),
                }
            }
        }
    }
}

/// What is to become of a request.
enum Verdict<P: HttpProtocol> {
    Pass(Connection<P>),
    Refuse(Connection<P>, Reason),
    /// The client left.
    Gone,
}

/// Where the token is.
enum Sent {
    Header(String),
    /// In the body, if it is one.
    Form(Form),
}

/// Why a request is refused, for the log.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("{0}")]
    Head(&'static str),
    #[error(transparent)]
    Token(#[from] CsrfError),
    #[error("csrf token is missing; send it in the header, or as a field of a form")]
    NoHeader,
    #[error(
        "csrf token is not in the header, and the form is too long or not URL-encoded; send the header, raise \
         CsrfConfig::form_limit, or check the field in the application with CsrfConfig::deferred"
    )]
    Unread,
}

impl Middleware for Csrf {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        if P::IS_WEBSOCKET {
            return inner;
        }
        let csrf = self.clone();
        let checked = Checked { csrf, inner };
        BoxApplication::from_fn(move |connection| checked.pass(connection))
    }
}

struct Checked<P: HttpProtocol> {
    csrf: Csrf,
    inner: BoxApplication<P>,
}

impl<P: HttpProtocol> Checked<P> {
    fn pass(&self, connection: Connection<P>) -> BoxFuture<Result> {
        let (connection, token) = match self.csrf.open(connection) {
            Ok(opened) => opened,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        if is_safe(connection.scope().head().method()) {
            return self.inner.call(connection);
        }
        let sent = match self.csrf.look(connection.scope()) {
            Ok(sent) => sent,
            Err(reason) => return Box::pin(refuse(connection, reason)),
        };
        let (csrf, inner) = (self.csrf.clone(), self.inner.clone());
        Box::pin(async move {
            // In a box of its own, since it is over before the application begins.
            let verified = Box::pin(csrf.verify(connection, token, sent)).await;
            match verified {
                Verdict::Pass(connection) => inner.call(connection).await,
                Verdict::Refuse(connection, reason) => refuse(connection, reason).await,
                Verdict::Gone => Ok(()),
            }
        })
    }
}

async fn refuse<P: HttpProtocol>(connection: Connection<P>, reason: Reason) -> Result {
    let scope = connection.scope();
    if let Reason::Token(CsrfError::Session(error)) = &reason {
        tracing::error!(
            target: "solent::edge", path = scope.path(), error = %Chain(error),
            "csrf token could not be checked, the session cannot be read",
        );
        return connection
            .refuse(plain_text(
                StatusCode::SERVICE_UNAVAILABLE,
                "Service Unavailable\n",
            ))
            .await;
    }
    let origin = origin_of(scope).unwrap_or_default();
    solent_spec::warn_throttled!(target: "solent::edge",
            method = %scope.head().method(), path = scope.path(), host = scope.host(), origin = ?excerpt(&origin),
        "refused a request that another site may have made: {reason}",
    );
    connection
        .refuse(plain_text(
            StatusCode::FORBIDDEN,
            "Forbidden: CSRF verification failed\n",
        ))
        .await
}
