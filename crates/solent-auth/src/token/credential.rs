//! The token that a connection was let in with.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use solent_session::Identity;
use solent_spec::BoxFuture;
use tokio::time::timeout;

use super::{TokenConfig, TokenVerifier, Verified, lifetime::Lifetime, secret::Secret};
use crate::{Auth, AuthError, AuthUser, BackendError, user::Login};

/// The token that a connection was let in with: until when it is good, and a way to replace it. It is in the scope of connections that
/// came with one; cheap to clone.
///
/// ```
/// use solent_auth::Credential;
/// use solent_spec::{Connection, RequestScope, WebSocket};
///
/// async fn prolong(connection: &Connection<WebSocket>, token: &str) -> bool {
///     match connection.scope().state::<Credential>() {
///         Some(credential) => credential.refresh(token).await.is_ok(),
///         None => false,
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Credential(Arc<dyn Held>);

/// A newer token was not accepted. The one before is good for as long as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The token is no good.
    #[error("token is not good")]
    Refused,

    /// The token is another user's.
    #[error("token is another user's, connect anew to change the user")]
    AnotherUser,

    /// It cannot be found out now whether the token is good.
    #[error(transparent)]
    Unavailable(#[from] BackendError),
}

impl Credential {
    /// Until when the token is good; for ever if `None`.
    pub fn until(&self) -> Option<SystemTime> {
        self.0.lifetime().time()
    }

    /// Whose token it is.
    pub fn identity(&self) -> &Identity {
        self.0.identity()
    }

    /// Replaces the token with a newer one of the same user, whose end counts from now on.
    ///
    /// # Errors
    ///
    /// The newer token is no good, or another user's.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the token is replaced or it is not.
    pub async fn refresh(&self, token: &str) -> Result<(), RefreshError> {
        self.begin_refresh(token.into()).await
    }

    pub(super) fn new<V: TokenVerifier>(
        verifier: Arc<V>,
        config: Arc<TokenConfig>,
        verified: Verified<V::User>,
    ) -> (Self, Auth<V::User>) {
        let auth = Auth::from_token(verified.user);
        let lifetime = Lifetime::default();
        lifetime.set(verified.until);
        let holder = Holder {
            verifier,
            config,
            auth: auth.clone(),
            lifetime,
        };
        (Self(Arc::new(holder)), auth)
    }

    pub(super) fn lifetime(&self) -> &Lifetime {
        self.0.lifetime()
    }

    /// What watches over the user.
    pub(super) fn as_login(&self) -> Arc<dyn Login> {
        Arc::clone(&self.0) as _
    }

    pub(super) fn begin_refresh(&self, token: Secret) -> BoxFuture<Result<(), RefreshError>> {
        Arc::clone(&self.0).refresh(token)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.identity().id())
            .field("until", &self.until())
            .finish()
    }
}

/// A token of some type of users.
trait Held: Login {
    fn lifetime(&self) -> &Lifetime;
    fn refresh(self: Arc<Self>, token: Secret) -> BoxFuture<Result<(), RefreshError>>;
}

struct Holder<V: TokenVerifier> {
    verifier: Arc<V>,
    config: Arc<TokenConfig>,
    auth: Auth<V::User>,
    lifetime: Lifetime,
}

impl<V: TokenVerifier> Held for Holder<V> {
    fn lifetime(&self) -> &Lifetime {
        &self.lifetime
    }

    fn refresh(self: Arc<Self>, token: Secret) -> BoxFuture<Result<(), RefreshError>> {
        Box::pin(async move {
            let verified = verify(&*self.verifier, &token, &self.config).await?;
            let verified = verified.ok_or(RefreshError::Refused)?;
            if self.auth.identity().id().as_deref() != Some(&*verified.user.id()) {
                return Err(RefreshError::AnotherUser);
            }
            self.auth.renew(Arc::new(verified.user));
            self.lifetime.set(verified.until);
            Ok(())
        })
    }
}

impl<V: TokenVerifier> Login for Holder<V> {
    fn identity(&self) -> &Identity {
        self.auth.identity()
    }

    fn is_session(&self, _: &str) -> bool {
        false
    }

    fn holds(self: Arc<Self>) -> BoxFuture<Result<bool, AuthError>> {
        Box::pin(async move {
            match self.auth.known() {
                Some(user) => Ok(self.verifier.holds(&user).await?),
                None => Ok(true),
            }
        })
    }
}

/// Whose token it is, if it is good for a moment at least.
pub(super) async fn verify<V: TokenVerifier>(
    verifier: &V,
    token: &Secret,
    config: &TokenConfig,
) -> Result<Option<Verified<V::User>>, BackendError> {
    if token.as_str().len() > config.max_len {
        return Ok(None);
    }
    let verified = match timeout(config.verify_timeout, verifier.verify(token.as_str())).await {
        Ok(verified) => verified?,
        Err(_) => return Err(BackendError::new(TooSlow(config.verify_timeout))),
    };
    let now = SystemTime::now();
    Ok(verified.filter(|verified| verified.until.is_none_or(|until| until > now)))
}

/// The verifier did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("token verifier has not answered for {0:?}")]
struct TooSlow(Duration);
