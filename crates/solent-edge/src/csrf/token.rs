//! The handle.

use std::{fmt, sync::Arc};

use solent_spec::RequestScope;

use super::{error::CsrfError, keeper::Keeper, secret::Secret};

/// The token of a request's browser, in the scope of every request that came through [`Csrf`](crate::Csrf). Cheap to clone.
///
/// ```
/// use solent_edge::CsrfScope;
/// use solent_spec::{Connection, Http, Result, http::Outbound};
///
/// async fn form(mut connection: Connection<Http>) -> Result {
///     let csrf = connection.scope().csrf().ok_or("no Csrf around")?;
///     let token = csrf.token().await?;
///     let page = format!(
///         r#"<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{token}">…</form>"#
///     );
///     Ok(connection.send(Outbound::text(page)).await?)
/// }
/// # let _ = solent_spec::BoxApplication::new(form);
/// ```
#[derive(Clone)]
pub struct CsrfToken(Arc<Keeper>);

impl CsrfToken {
    pub(super) fn new(keeper: Keeper) -> Self {
        Self(Arc::new(keeper))
    }

    /// A token for a form or a page: 64 letters and digits, others each time. The response sets the cookie that belongs to
    /// it, also where the browser has it already, so that it is kept for longer; and it says that it varies by cookie.
    ///
    /// # Errors
    ///
    /// [`CsrfError::Cookie`] or [`CsrfError::Session`] if the browser has no secret yet and the response has left, or if the
    /// session cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future has at most given the browser a secret.
    pub async fn token(&self) -> Result<String, CsrfError> {
        Ok(self.0.issue().await?.token())
    }

    /// Replaces the secret: what was given out before is void. Django does so at every login; where a login is
    /// answered here, do it too, unless the secret is in the session, where `login` does it.
    ///
    /// # Errors
    ///
    /// [`CsrfError::Cookie`] or [`CsrfError::Session`] if the response has left, or if the session cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future has replaced the secret or not.
    pub async fn rotate(&self) -> Result<(), CsrfError> {
        self.0.keep(Secret::random()).await
    }

    /// Says whether `token`, the field of a form, was given out to this browser.
    ///
    /// Requests need this only where the form could not be read before the application was called; see
    /// [`CsrfConfig::deferred`](crate::CsrfConfig::deferred).
    ///
    /// # Errors
    ///
    /// [`CsrfError::NoSecret`] or [`CsrfError::Token`] if it was not, [`CsrfError::Session`] if that could not be told.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it changes nothing.
    pub async fn check(&self, token: &str) -> Result<(), CsrfError> {
        let secret = self.0.secret().await?.ok_or(CsrfError::NoSecret)?;
        match Secret::read(token) {
            Some(token) if token.is(&secret) => Ok(()),
            _ => Err(CsrfError::Token),
        }
    }

    /// Whether the browser has a secret.
    pub(super) async fn check_secret(&self) -> Result<(), CsrfError> {
        let secret = self.0.secret().await?;
        secret.map(drop).ok_or(CsrfError::NoSecret)
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
        self.link().get()
    }
}

impl<S: RequestScope + ?Sized> CsrfScope for S {}
