//! What becomes of a session when the response leaves.

use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use solent_spec::{Body, Chain, http::plain_text};

use super::{Session, SessionError, StoreError};
use crate::{cookie::SetCookie, response::HookResult};

/// Saves the session if it is to be, and returns the headers that tell the browser of it.
pub(super) async fn answer(session: Session, status: StatusCode, encrypted: bool) -> HookResult {
    let _turn = session.turn().await;
    let outcome = conclude(&session, status).await;
    session.state().answer();
    if let Err(error) = outcome {
        return Err(Box::new(refusal(&error)));
    }
    headers(&session, status, encrypted)
}

/// Saves or deletes.
async fn conclude(session: &Session, status: StatusCode) -> Result<(), SessionError> {
    if status.is_server_error() || !is_due(session) {
        return Ok(());
    }
    session.read_in_turn().await?;
    session.check_replaceable()?;
    // Nothing is kept that has nothing in it, once it is sure that others have set nothing either.
    if session.is_void() && !session.state().is_cleared() {
        session.merge_in_turn().await?;
    }
    if session.is_void() {
        return session.delete_in_turn().await;
    }
    match session.save_in_turn().await {
        // It was only to be renewed.
        Err(SessionError::Vanished) if !session.is_modified() => {
            session.state().loaded(None);
            Ok(())
        }
        saved => saved,
    }
}

fn is_due(session: &Session) -> bool {
    let config = session.config();
    let state = session.state();
    let renewed = config.save_every_request || (config.rolling && state.accessed);
    state.is_modified() || renewed
}

fn headers(session: &Session, status: StatusCode, encrypted: bool) -> HookResult {
    let mut headers = HeaderMap::new();
    let state = session.state();
    if state.accessed && status != StatusCode::SWITCHING_PROTOCOLS {
        headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
    }
    drop(state);
    if let Some(cookie) = cookie(session) {
        let value = cookie
            .header(encrypted, SystemTime::now())
            .map_err(|error| {
                tracing::error!(
                    target: "solent::session",
                    error = %Chain(&error),
                    "session cookie cannot be set, correct its settings"
                );
                Box::new(text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Internal Server Error",
                ))
            })?;
        headers.append(header::SET_COOKIE, value);
    }
    Ok(headers)
}

/// What the browser is told, if anything.
fn cookie(session: &Session) -> Option<SetCookie> {
    let config = session.config();
    let state = session.state();
    match (&state.key, state.data()) {
        (Some(key), Some(data)) if state.untold => {
            Some(config.cookie(key, data, SystemTime::now()))
        }
        // The key that it showed belongs to no session here. A cookie that this process cannot read may be good elsewhere, where there
        // are other keys or another store: it stays.
        (None, Some(_)) if state.shown && state.was_changed() && !state.unreadable => {
            Some(config.removal())
        }
        _ => None,
    }
}

/// The response in place of one whose session could not be saved.
fn refusal(error: &SessionError) -> Response<Body> {
    match error {
        SessionError::Vanished => {
            solent_spec::warn_throttled!(target: "solent::session", "session was deleted while a request used it");
            text(
                StatusCode::BAD_REQUEST,
                "The session was deleted before the request completed. The user may have logged out meanwhile.",
            )
        }
        SessionError::Unreadable => {
            solent_spec::warn_throttled!(target: "solent::session",
                "session cannot be read and is not written over, what a request has set in it is lost"
            );
            text(
                StatusCode::BAD_REQUEST,
                "The session of this browser cannot be read here.",
            )
        }
        SessionError::Contended => {
            solent_spec::warn_throttled!(target: "solent::session", "session is not saved, other requests changed it each time");
            text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        SessionError::Store(StoreError::Unavailable(cause)) => {
            tracing::error!(target: "solent::session", error = %Chain(&**cause), "session is not saved, its store is not available");
            text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        error => {
            tracing::error!(target: "solent::session", error = %Chain(error), "session is not saved");
            text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = plain_text(status, text);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let moment = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, moment);
    }
    response
}
