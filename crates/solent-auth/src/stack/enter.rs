//! What happens before an application is called.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, StatusCode, header};
use solent_layer::DynLayer;
use solent_session::{Session, Sessions};
use solent_spec::{
    Body, BoxApplication, BoxFuture, Chain, Connection, HttpProtocol, RequestScope, Result,
};

use super::{AuthConfig, OnFailure};
use crate::{
    Auth, AuthError, AuthUser,
    guard::Guard,
    user::{Logins, SessionLogin, Watching, watch_login},
};

/// An application whose connections have a user.
pub(super) struct Entrance<P: HttpProtocol, U> {
    inner: BoxApplication<P>,
    sessions: Sessions,
    logins: Arc<Logins<U>>,
    watching: Arc<Watching>,
    reachable: bool,
    lazy: bool,
    on_failure: OnFailure,
}

impl<P: HttpProtocol, U: AuthUser> Entrance<P, U> {
    pub(super) fn new(
        inner: BoxApplication<P>,
        sessions: Sessions,
        logins: Arc<Logins<U>>,
        watching: Arc<Watching>,
        config: &AuthConfig,
    ) -> Self {
        Self {
            inner,
            sessions,
            logins,
            watching,
            reachable: config.reachable,
            lazy: config.lazy,
            on_failure: config.on_failure,
        }
    }

    pub(super) fn enter(&self, connection: Connection<P>) -> BoxFuture<Result> {
        if connection.scope().state::<Auth<U>>().is_some() {
            return self.inner.call(connection);
        }
        let mut connection = self.sessions.open(connection);
        let Some(session) = Session::of(connection.scope()) else {
            return self.inner.call(connection);
        };
        let has_key = session.key().is_some();
        let auth = self.attach(&mut connection, session);
        let watching = Arc::clone(&self.watching);
        let login = auth.as_login();
        let (connection, guard) = watch_login(connection, login, watching, self.reachable);
        if !has_key {
            auth.set(None);
        }
        if self.lazy || !has_key {
            return guard.around(self.inner.call(connection));
        }
        let preparing = Box::pin(resolved(connection, auth, self.on_failure));
        guard.around(Box::pin(Entering::Preparing {
            preparing,
            inner: self.inner.clone(),
        }))
    }

    /// Leaves the user in the scope.
    fn attach(&self, connection: &mut Connection<P>, session: Session) -> Auth<U> {
        let link = connection.scope_mut().link_mut();
        let layer = link.get::<DynLayer>().cloned();
        let login = SessionLogin::new(session, Arc::clone(&self.logins), layer);
        let auth = Auth::from_session(login);
        link.insert(auth.identity().clone());
        link.insert(auth.clone());
        auth
    }
}

/// The connection, once it is known whose it is, unless it was refused.
async fn resolved<P: HttpProtocol, U: AuthUser>(
    connection: Connection<P>,
    auth: Auth<U>,
    on_failure: OnFailure,
) -> Result<Option<Entered<P>>> {
    let Err(error) = auth.user().await else {
        return Ok(Some((connection, None)));
    };
    report(&error, on_failure);
    if on_failure == OnFailure::Anonymous {
        auth.set(None);
        return Ok(Some((connection, None)));
    }
    let mut response = Response::new(Body::from("Service Unavailable"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let moment = HeaderValue::from_static("1");
    response.headers_mut().insert(header::RETRY_AFTER, moment);
    connection.refuse(response).await?;
    Ok(None)
}

fn report(error: &AuthError, on_failure: OnFailure) {
    tracing::error!(target: "solent::auth", error = %Chain(error), ?on_failure, "could not find out who a user is");
}

/// A connection that may go to its application, and what guards it from here on.
pub(crate) type Entered<P> = (Connection<P>, Option<Guard<P>>);

/// A connection on its way to its application. Small, since it is kept for as long as the connection lives.
pub(crate) enum Entering<P: HttpProtocol> {
    /// Not before it has been prepared, if it is not answered instead.
    Preparing {
        preparing: BoxFuture<Result<Option<Entered<P>>>>,
        inner: BoxApplication<P>,
    },
    /// It has been handed over.
    Running(BoxFuture<Result>),
}

impl<P: HttpProtocol> Future for Entering<P> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        loop {
            match &mut *self {
                Self::Preparing { preparing, inner } => {
                    let Some((connection, guard)) = ready!(preparing.as_mut().poll(cx))? else {
                        return Poll::Ready(Ok(()));
                    };
                    let running = inner.call(connection);
                    *self = Self::Running(match guard {
                        Some(guard) => guard.around(running),
                        None => running,
                    });
                }
                Self::Running(running) => return running.as_mut().poll(cx),
            }
        }
    }
}
