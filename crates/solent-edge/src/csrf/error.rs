//! What can go wrong with a token.

use solent_session::{CookieError, SessionError};

/// A token is not the one that was given out, or none can be given out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfError {
    /// The browser has no secret: it sent no cookie, or one that holds none, or its session has none.
    #[error(
        "csrf cookie is missing or malformed, give the page a token and let the browser keep cookies"
    )]
    NoSecret,

    /// The token is absent, malformed, or of another secret.
    #[error("csrf token is missing or wrong, send the one that the page was given")]
    Token,

    /// The cookie cannot be set.
    #[error("csrf cookie cannot be set")]
    Cookie(#[from] CookieError),

    /// The session cannot be read, or not be changed any more.
    #[error("csrf secret cannot be kept in the session")]
    Session(#[from] SessionError),
}
