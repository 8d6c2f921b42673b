//! The application where tickets are exchanged.

use std::{fmt, marker::PhantomData};

use bytes::BytesMut;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Deserialize;
use solent_spec::{
    Application, Body, Chain, Connection, Http, RequestScope, Result, TryLater,
    http::{Inbound, Outbound},
};

use crate::{AuthScope, AuthUser};

/// The application where a browser exchanges a [ticket](crate::Ticket) for the cookie of a login.
///
/// It takes a `POST` whose body is the ticket, as it is or as JSON: `{"ticket": "…"}`. The answer is 204 with the cookie, or
/// 403 for a ticket that is none, was used before, or has expired. It is taken once by all processes that
/// share a store of sessions which can compare and write in one step; cookies and [`TowerStore`](solent_session::TowerStore) take it once in each process. To be put inside the same [`AuthStack`](crate::AuthStack) as the
/// application that gives tickets out:
///
/// ```
/// use solent_auth::Tickets;
/// use solent_routing::Router;
/// # use solent_spec::Http;
/// # struct User;
/// # impl solent_auth::AuthUser for User { fn id(&self) -> std::borrow::Cow<'_, str> { "7".into() } }
///
/// # fn main() -> solent_spec::Result {
/// let pages = Router::<Http>::builder()
///     .route("login/ticket/", Tickets::<User>::new())
///     .build()?;
/// # let _ = pages;
/// # Ok(())
/// # }
/// ```
///
/// ```text
/// socket.onmessage = async ({ data }) => {
///     const { ticket } = JSON.parse(data);
///     await fetch("/login/ticket/", { method: "POST", body: ticket });
/// };
/// ```
pub struct Tickets<U>(PhantomData<fn() -> U>);

/// More than any ticket takes, with JSON around it.
const MAX_BODY: usize = 8192;

impl<U: AuthUser> Tickets<U> {
    /// Exchanges tickets for logins of users of type `U`.
    pub fn new() -> Self {
        Self(PhantomData)
    }

    async fn exchange(connection: &mut Connection<Http>) -> Result<StatusCode> {
        if connection.scope().head().method() != Method::POST {
            return Ok(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Some(body) = read(connection).await else {
            return Ok(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let Some(ticket) = parse(&body) else {
            return Ok(StatusCode::BAD_REQUEST);
        };
        let auth = connection.scope().auth::<U>()?.clone();
        match auth.redeem(&ticket).await {
            Ok(true) => Ok(StatusCode::NO_CONTENT),
            Ok(false) => {
                tracing::info!(target: "solent::auth", "login ticket is none, was used before, or has expired");
                Ok(StatusCode::FORBIDDEN)
            }
            Err(error) if TryLater::is_behind(&error) => {
                tracing::warn!(target: "solent::auth", error = %Chain(&error), "login ticket was not taken");
                Ok(StatusCode::SERVICE_UNAVAILABLE)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The request's body; `None` if it is too large, or if the client left.
async fn read(connection: &mut Connection<Http>) -> Option<BytesMut> {
    let mut body = BytesMut::new();
    loop {
        match connection.receive().await? {
            Inbound::Body { data, more } => {
                if body.len() + data.len() > MAX_BODY {
                    return None;
                }
                body.extend_from_slice(&data);
                if !more {
                    return Some(body);
                }
            }
            Inbound::Trailers(_) => {}
            _ => return None,
        }
    }
}

/// The ticket in a body.
fn parse(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Form {
        ticket: String,
    }

    let text = std::str::from_utf8(body).ok()?.trim();
    if text.starts_with('{') {
        let form: Form = serde_json::from_str(text).ok()?;
        return Some(form.ticket);
    }
    Some(text.to_owned())
}

impl<U: AuthUser> Application<Http> for Tickets<U> {
    async fn call(&self, mut connection: Connection<Http>) -> Result {
        let status = Self::exchange(&mut connection).await?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Ok(connection.send(Outbound::from(response)).await?)
    }
}

impl<U: AuthUser> Default for Tickets<U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<U> fmt::Debug for Tickets<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticket_comes_as_it_is_or_as_json() {
        assert_eq!(parse(b" abc\n").as_deref(), Some("abc"));
        assert_eq!(parse(br#"{"ticket": "abc"}"#).as_deref(), Some("abc"));
        assert_eq!(parse(br#"{"ticket": 1}"#), None);
        assert_eq!(parse(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(body: Vec<u8>) {
            let _ = parse(&body);
        }
    }
}
