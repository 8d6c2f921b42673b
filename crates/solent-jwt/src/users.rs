//! From claims to users.

use std::{borrow::Cow, fmt, future::Future};

use serde_json::Value;
use solent_auth::{AuthUser, BackendError, UserBackend};

use super::Claims;

/// Makes users of the claims of their tokens.
///
/// An `async` function from [`Claims`] to a user is one; [`FindUser`] asks a [`UserBackend`].
///
/// ```
/// use solent_auth::{AuthUser, BackendError};
/// use solent_jwt::{Algorithm, Claims, JwtConfig, JwtVerifier, Key};
/// # use std::borrow::Cow;
///
/// struct Guest { room: String, id: String }
/// # impl AuthUser for Guest { fn id(&self) -> Cow<'_, str> { (&*self.id).into() } }
///
/// async fn guest(claims: Claims) -> Result<Option<Guest>, BackendError> {
///     let room = claims.get("room").and_then(|room| room.as_str());
///     Ok(claims.subject().zip(room).map(|(id, room)| Guest { id: id.into(), room: room.into() }))
/// }
///
/// let key = Key::secret(Algorithm::Hs256, b"at least as long as the hash it is for")?;
/// let verifier = JwtVerifier::new(key, JwtConfig::default()).users(guest);
/// # let _ = verifier;
/// # Ok::<(), solent_jwt::KeyError>(())
/// ```
pub trait FromClaims: Send + Sync + 'static {
    /// The users.
    type User: AuthUser;

    /// The user that `claims` are about; `None` if there is none, or it may not come in.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it cannot be found out now.
    fn user(
        &self,
        claims: Claims,
    ) -> impl Future<Output = Result<Option<Self::User>, BackendError>> + Send;

    /// Whether a user may stay; see [`TokenVerifier::holds`](solent_auth::TokenVerifier::holds).
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it cannot be found out now.
    fn holds(&self, user: &Self::User) -> impl Future<Output = Result<bool, BackendError>> + Send {
        let _ = user;
        async { Ok(true) }
    }
}

impl<F, R, U> FromClaims for F
where
    F: Fn(Claims) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Option<U>, BackendError>> + Send,
    U: AuthUser,
{
    type User = U;

    async fn user(&self, claims: Claims) -> Result<Option<U>, BackendError> {
        self(claims).await
    }
}

/// A user of whom nothing is known but what the token says.
///
/// The id is `sub`, and a token without one is refused. Permissions are the words of `scope`, and the texts in a list of
/// `permissions`.
#[derive(Clone)]
pub struct JwtUser {
    claims: Claims,
    id: Box<str>,
}

impl JwtUser {
    /// What the token says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl AuthUser for JwtUser {
    fn id(&self) -> Cow<'_, str> {
        (&*self.id).into()
    }

    fn has_permission(&self, permission: &str) -> bool {
        let listed = self.claims.get("permissions").and_then(Value::as_array);
        self.claims.scopes().any(|scope| scope == permission)
            || listed.is_some_and(|list| list.iter().any(|listed| listed == permission))
    }
}

impl fmt::Debug for JwtUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtUser")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Makes a [`JwtUser`] of every token.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct JwtUsers;

impl FromClaims for JwtUsers {
    type User = JwtUser;

    async fn user(&self, claims: Claims) -> Result<Option<JwtUser>, BackendError> {
        let id = claims.subject().filter(|id| !id.is_empty()).map(Box::from);
        Ok(id.map(|id| JwtUser { claims, id }))
    }
}

/// Finds the user that a token names in a [`UserBackend`]. One that the backend finds no more may not stay.
#[derive(Clone, Debug)]
#[must_use]
pub struct FindUser<B> {
    backend: B,
    claim: Cow<'static, str>,
}

impl<B: UserBackend> FindUser<B> {
    /// Finds users by the claim `sub`.
    pub fn new(backend: B) -> Self {
        let claim = "sub".into();
        Self { backend, claim }
    }

    /// Finds users by another claim, such as `user_id`. A number counts as its digits.
    pub fn claim(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.claim = name.into();
        self
    }
}

impl<B: UserBackend> FromClaims for FindUser<B> {
    type User = B::User;

    async fn user(&self, claims: Claims) -> Result<Option<B::User>, BackendError> {
        let id = match claims.get(&self.claim) {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Ok(None),
        };
        self.backend.find(&id).await
    }

    async fn holds(&self, user: &B::User) -> Result<bool, BackendError> {
        let id = user.id();
        Ok(self.backend.find(&id).await?.is_some())
    }
}
