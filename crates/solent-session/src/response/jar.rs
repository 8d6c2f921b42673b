//! The cookies that go out with a response.

use std::{fmt, sync::Arc, time::SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use solent_spec::{Connection, HttpProtocol, RequestScope};

use super::{
    hook::{Hook, HookResult},
    transport::BeforeResponse,
};
use crate::{CookieError, SetCookie};

/// Cookies to be set by the response to a request, whatever part of the application sends it: the start of an HTTP
/// response, the accept of a WebSocket, or the response that refuses one. (A WebSocket that is refused by a close gets no
/// headers, and so no cookies.)
///
/// Cheap to clone, and found in the scope of every connection that came through a middleware of this crate that needs one:
///
/// ```
/// use solent_session::{CookieJar, SetCookie};
/// use solent_spec::{Connection, Http, RequestScope, Result, http::Outbound};
///
/// async fn choose(mut connection: Connection<Http>) -> Result {
///     if let Some(jar) = CookieJar::of(connection.scope()) {
///         jar.set(SetCookie::new("theme", "dark"))?;
///     }
///     Ok(connection.send(Outbound::text("As you wish.")).await?)
/// }
/// # let _ = solent_spec::BoxApplication::new(choose);
/// ```
#[derive(Clone)]
pub struct CookieJar(Arc<Jar>);

struct Jar {
    /// Whether the connection is encrypted.
    encrypted: bool,
    /// Held for a moment, never across a wait.
    state: Mutex<State>,
}

enum State {
    Open {
        cookies: Vec<(SetCookie, HeaderValue)>,
        /// What is done before the response leaves; the last one first.
        hooks: Vec<Hook>,
    },
    /// The response has left, or will never come.
    Answered,
}

impl CookieJar {
    /// Leaves a jar in the connection's scope and sees to it that its cookies go out with the response. A connection that
    /// has one stays as it is.
    pub fn install<P: HttpProtocol>(mut connection: Connection<P>) -> Connection<P> {
        let link = connection.scope_mut().link_mut();
        if link.get::<Self>().is_some() {
            return connection;
        }
        let jar = Self::new(link.is_secure());
        link.insert(jar.clone());
        connection.map_transport(|transport| BeforeResponse::new(transport, jar))
    }

    /// The jar of a connection, if one was [installed](Self::install).
    pub fn of(scope: &impl RequestScope) -> Option<Self> {
        scope.state().cloned()
    }

    fn new(encrypted: bool) -> Self {
        let state = State::Open {
            cookies: Vec::new(),
            hooks: Vec::new(),
        };
        Self(Arc::new(Jar {
            encrypted,
            state: Mutex::new(state),
        }))
    }

    /// Sets a cookie. One of the same name, path and domain that was set before is replaced.
    ///
    /// # Errors
    ///
    /// [`CookieError::Answered`] once the response has left, the others for characters that a cookie cannot hold.
    pub fn set(&self, cookie: SetCookie) -> Result<(), CookieError> {
        let header = cookie.header(self.0.encrypted, SystemTime::now())?;
        match &mut *self.0.state.lock() {
            State::Answered => Err(CookieError::Answered),
            State::Open { cookies, .. } => {
                cookies.retain(|(earlier, _)| !cookie.replaces(earlier));
                cookies.push((cookie, header));
                Ok(())
            }
        }
    }

    /// Makes the browser forget a cookie that was set for the whole site; for others there is [`SetCookie::removal`].
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn remove(&self, name: impl Into<String>) -> Result<(), CookieError> {
        self.set(SetCookie::removal(name))
    }

    /// Whether the response has left, or can never come: nothing can be set any more.
    pub fn is_answered(&self) -> bool {
        matches!(*self.0.state.lock(), State::Answered)
    }

    /// Has `hook` run when the response is about to leave, with its status. It may add headers, or put another response in
    /// its place, and it may still set cookies. Of several hooks the last one runs first. Without a response, or if it has
    /// left, none runs.
    ///
    /// The jar keeps the hook, so the hook must not keep the jar, or neither would go before the connection does.
    pub fn before_response<F>(&self, hook: impl FnOnce(StatusCode) -> F + Send + 'static)
    where
        F: Future<Output = HookResult> + Send + 'static,
    {
        if let State::Open { hooks, .. } = &mut *self.0.state.lock() {
            hooks.push(Box::new(|status| Box::pin(hook(status))));
        }
    }

    pub(crate) fn next_hook(&self) -> Option<Hook> {
        match &mut *self.0.state.lock() {
            State::Open { hooks, .. } => hooks.pop(),
            State::Answered => None,
        }
    }

    /// Lets nothing in any more, and returns what is in it as headers.
    pub(crate) fn close(&self) -> HeaderMap {
        // What hooks hold is let go after the lock is.
        let state = std::mem::replace(&mut *self.0.state.lock(), State::Answered);
        let mut headers = HeaderMap::new();
        if let State::Open { cookies, .. } = state {
            for (_, value) in cookies {
                headers.append(header::SET_COOKIE, value);
            }
        }
        headers
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar")
            .field("answered", &self.is_answered())
            .finish_non_exhaustive()
    }
}
