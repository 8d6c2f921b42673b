//! The handle.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, HeaderValue, header};
use solent_spec::RequestScope;

use super::{config::CsrfConfig, error::CsrfError, secret::Secret};
use crate::cookie::{CookieJar, Cookies};

/// The token of a request's browser, in the scope of every request that came through [`Csrf`](crate::Csrf). Cheap to clone.
///
/// ```
/// use solent_auth::CsrfScope;
/// use solent_spec::{Connection, Http, Result, http::Send};
///
/// async fn form(mut connection: Connection<Http>) -> Result {
///     let csrf = connection.scope().csrf().ok_or("no Csrf around")?;
///     let token = csrf.token().await?;
///     let page = format!(
///         r#"<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{token}">…</form>"#
///     );
///     Ok(connection.send(Send::text(page)).await?)
/// }
/// # let _ = solent_spec::BoxApplication::new(form);
/// ```
#[derive(Clone)]
pub struct CsrfToken(Arc<Inner>);

struct Inner {
    config: Arc<CsrfConfig>,
    jar: CookieJar,
    /// Held for a moment, never across a wait.
    state: Mutex<State>,
}

struct State {
    /// The browser's own; absent for one that has none yet.
    secret: Option<Secret>,
    /// Whether the response sets it.
    sent: bool,
}

impl CsrfToken {
    pub(super) fn new<S: RequestScope>(config: Arc<CsrfConfig>, jar: CookieJar, scope: &S) -> Self {
        let cookie = Cookies::of(scope).get(&config.cookie_name);
        let secret = cookie.as_deref().and_then(Secret::read);
        if cookie.is_some() && secret.is_none() {
            tracing::debug!(target: "solent::auth", cookie = config.cookie_name, "csrf cookie is malformed");
        }
        let state = State {
            secret,
            sent: false,
        };
        Self(Arc::new(Inner {
            config,
            jar,
            state: Mutex::new(state),
        }))
    }

    /// A token for a form or a page: 64 letters and digits, others each time. The response sets the cookie that belongs to
    /// it, also where the browser has it already, so that it is kept for longer; and it says that it varies by cookie.
    ///
    /// # Errors
    ///
    /// [`CsrfError::Cookie`] if the browser has no cookie yet and the response has left.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future has at most set the cookie.
    pub async fn token(&self) -> Result<String, CsrfError> {
        let mut state = self.lock();
        let secret = state.secret.unwrap_or_else(Secret::random);
        if !state.sent {
            match self.send(&secret) {
                Ok(()) => state.sent = true,
                Err(_) if state.secret.is_some() => {}
                Err(error) => return Err(error),
            }
        }
        state.secret = Some(secret);
        Ok(secret.token())
    }

    /// Replaces the secret: what was given out before is void. Django does so whenever somebody logs in.
    ///
    /// # Errors
    ///
    /// [`CsrfError::Cookie`] if the response has left.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future has replaced the secret or not.
    pub async fn rotate(&self) -> Result<(), CsrfError> {
        let secret = Secret::random();
        let mut state = self.lock();
        self.send(&secret)?;
        state.secret = Some(secret);
        state.sent = true;
        Ok(())
    }

    /// Says whether `token`, the field of a form, was given out to this browser.
    ///
    /// Requests need this only where the form could not be read before the application was called; see
    /// [`CsrfConfig::deferred`].
    ///
    /// # Errors
    ///
    /// [`CsrfError`] if it was not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it changes nothing.
    pub async fn check(&self, token: &str) -> Result<(), CsrfError> {
        self.check_now(token)
    }

    /// Whether the browser sent a secret.
    pub(super) fn has_secret(&self) -> Result<(), CsrfError> {
        self.lock().secret.map(drop).ok_or(CsrfError::NoCookie)
    }

    pub(super) fn check_now(&self, token: &str) -> Result<(), CsrfError> {
        let secret = self.lock().secret.ok_or(CsrfError::NoCookie)?;
        match Secret::read(token) {
            Some(token) if token.is(&secret) => Ok(()),
            _ => Err(CsrfError::Token),
        }
    }

    /// Has the response set the cookie.
    fn send(&self, secret: &Secret) -> Result<(), CsrfError> {
        let inner = &*self.0;
        inner.jar.set(inner.config.cookie(secret.text()))?;
        inner.jar.before_response(|_| async {
            let cookie = HeaderValue::from_static("Cookie");
            Ok(HeaderMap::from_iter([(header::VARY, cookie)]))
        });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfToken").finish_non_exhaustive()
    }
}

/// The CSRF token of a request, for scopes.
pub trait CsrfScope: RequestScope {
    /// The token of the request's browser; `None` without a [`Csrf`](crate::Csrf) around the application, and on a
    /// WebSocket.
    fn csrf(&self) -> Option<&CsrfToken> {
        self.state()
    }
}

impl<S: RequestScope> CsrfScope for S {}
