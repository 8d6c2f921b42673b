//! Where the secret of a browser is kept.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use parking_lot::Mutex;
use serde_json::Value;
use solent_session::{CookieJar, Session, SessionData, SessionError};

use super::{config::CsrfConfig, error::CsrfError, secret::Secret};

/// Where Django keeps it in a session.
const SESSION_KEY: &str = "_csrftoken";

/// Another secret for a session, if it has one.
pub(super) fn renewed(session: &SessionData) -> Option<(String, Value)> {
    let secret = || (SESSION_KEY.to_owned(), Secret::random().text().into());
    session.contains_key(SESSION_KEY).then(secret)
}

/// The place of the secret, and what is known of it.
pub(super) enum Keeper {
    /// The browser, in a cookie of its own.
    Cookie {
        config: Arc<CsrfConfig>,
        jar: CookieJar,
        /// Held for a moment, never across a wait.
        state: Mutex<State>,
    },
    /// The session.
    Session(Session),
}

pub(super) struct State {
    /// The browser's own; absent for one that has none yet.
    secret: Option<Secret>,
    /// Whether the response sets it.
    sent: bool,
}

impl Keeper {
    /// A keeper that sets a cookie; `secret` is the one that the browser sent.
    pub(super) fn cookie(config: Arc<CsrfConfig>, jar: CookieJar, secret: Option<Secret>) -> Self {
        let state = State {
            secret,
            sent: false,
        };
        Self::Cookie {
            config,
            jar,
            state: Mutex::new(state),
        }
    }

    /// The secret, if there is one.
    pub(super) async fn secret(&self) -> Result<Option<Secret>, CsrfError> {
        match self {
            Self::Cookie { state, .. } => Ok(state.lock().secret),
            Self::Session(session) => {
                let value: Option<Value> = session.get(SESSION_KEY).await?;
                Ok(value
                    .as_ref()
                    .and_then(Value::as_str)
                    .and_then(Secret::read))
            }
        }
    }

    /// The secret, a new one if there is none, which the browser has or gets with the response.
    pub(super) async fn issue(&self) -> Result<Secret, CsrfError> {
        let known = self.secret().await?;
        let secret = known.unwrap_or_else(Secret::random);
        match self {
            Self::Cookie { state, .. } if state.lock().sent => {}
            // It is sent once more to be kept for longer, if that is still possible.
            Self::Cookie { .. } => match self.keep(secret).await {
                Err(error) if known.is_none() => return Err(error),
                _ => {}
            },
            Self::Session(_) if known.is_some() => {}
            Self::Session(_) => self.keep(secret).await?,
        }
        Ok(secret)
    }

    /// Puts a secret in the place of whatever there was.
    pub(super) async fn keep(&self, secret: Secret) -> Result<(), CsrfError> {
        match self {
            Self::Cookie { config, jar, state } => {
                jar.set(config.cookie(secret.text()))?;
                jar.before_response(|_| async {
                    let cookie = HeaderValue::from_static("Cookie");
                    Ok(HeaderMap::from_iter([(header::VARY, cookie)]))
                });
                *state.lock() = State {
                    secret: Some(secret),
                    sent: true,
                };
            }
            // It would not be saved.
            Self::Session(session) if session.is_answered() => {
                return Err(SessionError::Answered.into());
            }
            Self::Session(session) => session.insert(SESSION_KEY, secret.text()).await?,
        }
        Ok(())
    }
}
