//! What a scope knows of its user.

use std::sync::Arc;

use solent_session::{Cookies, Session};
use solent_spec::RequestScope;

use crate::{Auth, AuthUser, permission::next_page};

/// The user, the session and the cookies of a connection, found in its scope.
///
/// ```
/// use solent_auth::AuthScope;
/// use solent_spec::{Connection, Http, Result, http::Outbound};
/// # struct User;
/// # impl solent_auth::AuthUser for User { fn id(&self) -> std::borrow::Cow<'_, str> { "7".into() } }
/// # impl User { fn name(&self) -> &str { "Ann" } }
///
/// async fn greet(mut connection: Connection<Http>) -> Result {
///     let greeting = match connection.scope().user::<User>() {
///         Some(user) => format!("Hello, {}.", user.name()),
///         None => "Who are you?".to_owned(),
///     };
///     Ok(connection.send(Outbound::text(greeting)).await?)
/// }
/// # let _ = solent_spec::BoxApplication::new(greet);
/// ```
pub trait AuthScope: RequestScope {
    /// Who the user is, and the ways to change that.
    ///
    /// # Errors
    ///
    /// [`NotInScope`] outside a middleware that looks after users of type `U`.
    fn auth<U: AuthUser>(&self) -> Result<&Auth<U>, NotInScope> {
        self.link().get().ok_or(NotInScope("user of this type"))
    }

    /// The user, as far as it is known; see [`Auth::known`]. `None` outside a middleware that looks after users of type `U`.
    fn user<U: AuthUser>(&self) -> Option<Arc<U>> {
        self.link().get::<Auth<U>>()?.known()
    }

    /// The session.
    ///
    /// # Errors
    ///
    /// [`NotInScope`] outside [`Sessions`](solent_session::Sessions) and [`AuthStack`](crate::AuthStack).
    fn session(&self) -> Result<&Session, NotInScope> {
        self.link().get().ok_or(NotInScope("session"))
    }

    /// The cookies that the browser sent.
    fn cookies(&self) -> Cookies<'_>
    where
        Self: Sized,
    {
        Cookies::of(self)
    }

    /// Where a login page sends its visitor afterwards: the query's `next`, which
    /// [`Require::login_page`](crate::Require::login_page) puts there. `None` unless that is a page of this site, since any page can
    /// make up a link to a login page. What is returned is fit for a `Location`.
    fn next_page(&self) -> Option<String> {
        next_page(self.query())
    }
}

impl<S: RequestScope + ?Sized> AuthScope for S {}

/// A scope does not have what was asked for, since the application is not inside the middleware that leaves it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope has no {0}, put the application inside an AuthStack")]
pub struct NotInScope(&'static str);
