//! The checks.

use std::{borrow::Cow, fmt, future::Future, marker::PhantomData};

use super::Asked;
use crate::{AuthError, AuthUser};

/// A question about a request whose answer is yes or no.
///
/// A function from [`Asked`] to `bool` is a check. Checks that have to wait for their answer implement the trait:
///
/// ```
/// use solent_auth::{Asked, AuthError, Check};
/// # struct User;
/// # impl solent_auth::AuthUser for User { fn id(&self) -> std::borrow::Cow<'_, str> { "7".into() } }
/// # struct Rooms;
/// # impl Rooms { async fn is_member(&self, _: &str, _: &str) -> bool { true } }
///
/// /// Whether the user is a member of the room in the URL.
/// struct Member(Rooms);
///
/// impl Check for Member {
///     async fn check(&self, asked: &Asked<'_>) -> Result<bool, AuthError> {
///         let (Some(user), Ok(room)) = (asked.user::<User>(), asked.param::<String>("room")) else {
///             return Ok(false);
///         };
/// #       use solent_auth::AuthUser;
///         Ok(self.0.is_member(&user.id(), &room).await)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check",
    note = "a check is `authenticated::<User>()`, `permission::<User>(\"app.code\")`, an `Fn(&Asked<'_>) -> bool` or your own `Check`"
)]
pub trait Check: Send + Sync + 'static {
    /// Answers the question.
    ///
    /// # Errors
    ///
    /// [`AuthError`] if it cannot be answered. The request is then refused with status 503.
    fn check(&self, asked: &Asked<'_>) -> impl Future<Output = Result<bool, AuthError>> + Send;

    /// Both this and `other`; `other` is not asked where this says no.
    fn and<C: Check>(self, other: C) -> And<Self, C>
    where
        Self: Sized,
    {
        And(self, other)
    }

    /// This or `other` or both; `other` is not asked where this says yes.
    fn or<C: Check>(self, other: C) -> Or<Self, C>
    where
        Self: Sized,
    {
        Or(self, other)
    }

    /// The contrary.
    fn not(self) -> Not<Self>
    where
        Self: Sized,
    {
        Not(self)
    }
}

impl<F> Check for F
where
    F: Fn(&Asked<'_>) -> bool + Send + Sync + 'static,
{
    async fn check(&self, asked: &Asked<'_>) -> Result<bool, AuthError> {
        Ok(self(asked))
    }
}

/// Whether a user of type `U` is logged in.
pub fn authenticated<U: AuthUser>() -> Authenticated<U> {
    Authenticated(PhantomData)
}

/// Whether a user of type `U` is logged in and has a permission.
pub fn permission<U: AuthUser>(permission: impl Into<Cow<'static, str>>) -> Permission<U> {
    Permission {
        permission: permission.into(),
        user: PhantomData,
    }
}

/// The check that [`authenticated`] makes.
pub struct Authenticated<U>(PhantomData<fn() -> U>);

impl<U: AuthUser> Check for Authenticated<U> {
    async fn check(&self, asked: &Asked<'_>) -> Result<bool, AuthError> {
        match asked.auth::<U>() {
            Some(auth) => Ok(auth.user().await?.is_some()),
            None => Ok(false),
        }
    }
}

impl<U> fmt::Debug for Authenticated<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticated")
    }
}

/// The check that [`permission`] makes.
pub struct Permission<U> {
    permission: Cow<'static, str>,
    user: PhantomData<fn() -> U>,
}

impl<U: AuthUser> Check for Permission<U> {
    async fn check(&self, asked: &Asked<'_>) -> Result<bool, AuthError> {
        let Some(auth) = asked.auth::<U>() else {
            return Ok(false);
        };
        let user = auth.user().await?;
        Ok(user.is_some_and(|user| user.has_permission(&self.permission)))
    }
}

impl<U> fmt::Debug for Permission<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permission").field(&self.permission).finish()
    }
}

/// Two checks that both have to say yes: [`Check::and`].
#[derive(Clone, Copy, Debug)]
pub struct And<A, B>(A, B);

impl<A: Check, B: Check> Check for And<A, B> {
    async fn check(&self, asked: &Asked<'_>) -> Result<bool, AuthError> {
        Ok(self.0.check(asked).await? && self.1.check(asked).await?)
    }
}

/// Two checks of which one has to say yes: [`Check::or`].
#[derive(Clone, Copy, Debug)]
pub struct Or<A, B>(A, B);

impl<A: Check, B: Check> Check for Or<A, B> {
    async fn check(&self, asked: &Asked<'_>) -> Result<bool, AuthError> {
        Ok(self.0.check(asked).await? || self.1.check(asked).await?)
    }
}

/// A check that has to say no: [`Check::not`].
#[derive(Clone, Copy, Debug)]
pub struct Not<A>(A);

impl<A: Check> Check for Not<A> {
    async fn check(&self, asked: &Asked<'_>) -> Result<bool, AuthError> {
        Ok(!self.0.check(asked).await?)
    }
}
