//! What can go wrong with a token.

use crate::cookie::CookieError;

/// A token is not the one that was given out, or none can be given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfError {
    /// The browser sent no cookie with a secret, or one that holds none.
    #[error(
        "csrf cookie is missing or malformed, give the page a token and let the browser keep cookies"
    )]
    NoCookie,

    /// The token is absent, malformed, or of another secret.
    #[error("csrf token is missing or wrong, send the one that the page was given")]
    Token,

    /// The cookie cannot be set.
    #[error("csrf cookie cannot be set")]
    Cookie(#[from] CookieError),
}
