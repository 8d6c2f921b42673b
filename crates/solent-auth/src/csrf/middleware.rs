//! The middleware.

use std::{future::Future, sync::Arc};

use http::StatusCode;
use solent_spec::{
    Application, BoxApplication, BoxFuture, Connection, HttpProtocol, Middleware, Protocol,
    RequestScope, Result, WebSocket,
};

use super::{
    config::CsrfConfig,
    cross_site::is_safe,
    error::CsrfError,
    form::{self, Form, Outcome},
    provenance,
    token::CsrfToken,
    trusted::Trusted,
};
use crate::{
    cookie::CookieJar,
    gate::Refusal,
    origin::{excerpt, latin1, origin_of},
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
/// use solent_auth::{Csrf, CsrfConfig};
/// use solent_spec::{BoxApplication, Connection, Http, Middleware, Result};
///
/// async fn order(_: Connection<Http>) -> Result {
///     Ok(())
/// }
///
/// let csrf = Csrf::new(CsrfConfig::default().domain("example.com")).trust("https://*.example.com");
/// let application = csrf.wrap(BoxApplication::<Http>::new(order));
/// # let _ = application;
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

    /// Takes requests of another origin, if they have the token: an entry of Django's `CSRF_TRUSTED_ORIGINS`, such as
    /// `https://example.com`, or `https://*.example.com` for the host and all under it.
    pub fn trust(mut self, origin: impl AsRef<str>) -> Self {
        self.trusted.add(origin.as_ref());
        self
    }

    /// Leaves the handle in the scope.
    fn open<P: HttpProtocol>(&self, connection: Connection<P>) -> (Connection<P>, CsrfToken) {
        let mut connection = CookieJar::install(connection);
        let scope = connection.scope_mut();
        let jar = CookieJar::of(scope).expect("a jar was installed a line ago");
        let token = CsrfToken::new(Arc::clone(&self.config), jar, scope);
        scope.link_mut().insert(token.clone());
        (connection, token)
    }

    /// What can be told from the head. `Ok(Some(_))` if the body has to be asked.
    fn check_head<S: RequestScope>(
        &self,
        scope: &S,
        token: &CsrfToken,
    ) -> Result<Option<Form>, Reason> {
        provenance::check(scope, &self.trusted, &self.config).map_err(Reason::Head)?;
        if let Some(header) = scope.head().header(self.config.header_name.as_str()) {
            token.check_now(&latin1(header))?;
            return Ok(None);
        }
        // Without a cookie nothing in the body can help.
        token.has_secret()?;
        match Form::of(scope, self.config.form_limit) {
            Form::No => Err(Reason::NoHeader),
            Form::Unreadable if !self.config.deferred => Err(Reason::Unread),
            form => Ok(Some(form)),
        }
    }
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
        if P::NAME == WebSocket::NAME {
            return inner;
        }
        let csrf = self.clone();
        BoxApplication::new(Checked { csrf, inner })
    }
}

struct Checked<P: HttpProtocol> {
    csrf: Csrf,
    inner: BoxApplication<P>,
}

impl<P: HttpProtocol> Checked<P> {
    fn pass(&self, connection: Connection<P>) -> BoxFuture<Result> {
        let (connection, token) = self.csrf.open(connection);
        if is_safe(connection.scope().head().method()) {
            return self.inner.call(connection);
        }
        match self.csrf.check_head(connection.scope(), &token) {
            Ok(None | Some(Form::Unreadable)) => self.inner.call(connection),
            Ok(Some(_)) => {
                let read = read_form(connection, token, Arc::clone(&self.csrf.config));
                let inner = self.inner.clone();
                Box::pin(async move {
                    match read.await? {
                        Some(connection) => inner.call(connection).await,
                        None => Ok(()),
                    }
                })
            }
            Err(reason) => Box::pin(refuse(connection, reason)),
        }
    }
}

impl<P: HttpProtocol> Application<P> for Checked<P> {
    fn call(&self, connection: Connection<P>) -> impl Future<Output = Result> + Send {
        self.pass(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<P>) -> BoxFuture<Result> {
        self.pass(connection)
    }
}

/// Looks for the token in the body, and returns the connection if it is there.
async fn read_form<P: HttpProtocol>(
    connection: Connection<P>,
    token: CsrfToken,
    config: Arc<CsrfConfig>,
) -> Result<Option<Connection<P>>> {
    let (connection, reason) = match form::read(connection, config.form_limit).await {
        Outcome::Gone => return Ok(None),
        Outcome::TooLong(connection) if config.deferred => return Ok(Some(connection)),
        Outcome::TooLong(connection) => (connection, Reason::Unread),
        Outcome::Whole(connection, body) => {
            let field = form::field(&body, &config.field_name).unwrap_or_default();
            match token.check_now(&field) {
                Ok(()) => return Ok(Some(connection)),
                Err(error) => (connection, error.into()),
            }
        }
    };
    refuse(connection, reason).await?;
    Ok(None)
}

async fn refuse<P: HttpProtocol>(connection: Connection<P>, reason: Reason) -> Result {
    let scope = connection.scope();
    let origin = origin_of(scope).unwrap_or_default();
    tracing::warn!(
        target: "solent::auth",
        method = %scope.head().method(), path = scope.path(), host = scope.host(), origin = ?excerpt(&origin),
        "refused a request that another site may have made: {reason}",
    );
    let refusal = Refusal {
        status: StatusCode::FORBIDDEN,
        text: "Forbidden: CSRF verification failed\n",
    };
    refusal.send(connection).await
}
