//! What a check is asked about.

use std::{fmt, str::FromStr, sync::Arc};

use http::Method;
use solent_session::{Identity, Session};
use solent_spec::{
    RequestScope,
    request::{Head, Link, ParamError, Path, UrlRoute},
};

use crate::{Auth, AuthUser};

/// A request that needs a permission: the part of its scope that [checks](crate::Check) look at.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    head: Head<'a>,
    path: &'a Path,
    link: &'a Link,
}

impl<'a> Asked<'a> {
    /// What `scope` knows of its request.
    pub fn of(scope: &'a impl RequestScope) -> Self {
        Self {
            head: scope.head(),
            path: scope.target(),
            link: scope.link(),
        }
    }

    /// The request's method. A WebSocket's handshake is a `GET`.
    pub fn method(&self) -> &'a Method {
        self.head.method()
    }

    /// The path, percent-decoded.
    pub fn path(&self) -> &'a str {
        self.path.decoded()
    }

    /// The request's method, target and headers as they were sent.
    pub fn head(&self) -> Head<'a> {
        self.head
    }

    /// A part of the URL that its route's pattern captured; see [`RequestScope::param`].
    ///
    /// # Errors
    ///
    /// [`ParamError`] if the route has no such part, or if what it captured is no `T`.
    pub fn param<T: FromStr>(&self, name: &str) -> Result<T, ParamError> {
        match self.link.url_route() {
            Some(route) => route.parse(name),
            None => UrlRoute::default().parse(name),
        }
    }

    /// What lifespan startup or a middleware left for the connection, by type.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.link.get()
    }

    /// Who the user is; `None` if no middleware looks after users of this type.
    pub fn auth<U: AuthUser>(&self) -> Option<&'a Auth<U>> {
        self.state()
    }

    /// The user, as far as it is known; see [`Auth::known`].
    pub fn user<U: AuthUser>(&self) -> Option<Arc<U>> {
        self.auth()?.known()
    }

    /// Whether a user is known to be logged in, whatever the type of users.
    pub fn is_somebody(&self) -> bool {
        if let Some(session) = self.state::<Session>() {
            session.look();
        }
        self.state::<Identity>()
            .is_some_and(|identity| identity.id().is_some())
    }
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("method", self.method())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
