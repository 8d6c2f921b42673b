//! The verifier of JSON Web Tokens.

use std::time::SystemTime;

use solent_auth::{BackendError, TokenVerifier, Verified};
use solent_session::{DynSpent, Spent};

use super::{Claims, FromClaims, JwtConfig, JwtError, JwtUsers, Keys, check::Checker};

/// Verifies JSON Web Tokens.
///
/// Every key is good for one algorithm, which no token can change. Besides the signature, [`JwtConfig`] says what is asked of a token.
///
/// ```
/// use solent_auth::Tokens;
/// use solent_jwt::{JwtConfig, JwtVerifier, KeySet};
///
/// let keys = KeySet::parse(r#"{ "keys": [
///     { "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }
/// ] }"#)?;
/// let config = JwtConfig::default().issuer("https://id.example.org").audience("chat");
/// let tokens = Tokens::new(JwtVerifier::new(keys, config));
/// # let _ = tokens;
/// # Ok::<(), solent_jwt::KeySetError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct JwtVerifier<M = JwtUsers> {
    checker: Checker,
    users: M,
}

impl JwtVerifier {
    /// Verifies with `keys`: a [`Key`](super::Key), a [`KeySet`](super::KeySet), or [`Keys`] that are fetched.
    pub fn new(keys: impl Into<Keys>, config: JwtConfig) -> Self {
        Self {
            checker: Checker::new(keys.into(), config),
            users: JwtUsers,
        }
    }
}

impl<M> JwtVerifier<M> {
    /// Sets what makes users of claims.
    pub fn users<N: FromClaims>(self, users: N) -> JwtVerifier<N> {
        JwtVerifier {
            checker: self.checker,
            users,
        }
    }

    /// Accepts each token once, by its `jti`, for all processes that share `spent`.
    pub fn spent(mut self, spent: impl Spent) -> Self {
        self.checker.spent = Some(DynSpent::new(spent));
        self
    }

    /// The claims of a token that is good now.
    ///
    /// # Errors
    ///
    /// Why it is not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn claims(&self, token: &str) -> Result<Claims, JwtError> {
        self.claims_at(token, SystemTime::now()).await
    }

    /// The claims of a token that is good at `now`.
    ///
    /// # Errors
    ///
    /// Why it is not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn claims_at(&self, token: &str, now: SystemTime) -> Result<Claims, JwtError> {
        self.checker.check(token, now).await
    }
}

impl<M: FromClaims> TokenVerifier for JwtVerifier<M> {
    type User = M::User;

    async fn verify(&self, token: &str) -> Result<Option<Verified<M::User>>, BackendError> {
        let claims = match self.claims(token).await {
            Ok(claims) => claims,
            Err(error) if error.is_unavailable() => return Err(BackendError::new(error)),
            Err(reason) => {
                tracing::info!(target: "solent::auth", %reason, "JSON Web Token is not good");
                return Ok(None);
            }
        };
        let until = claims.expires_at();
        let user = self.users.user(claims).await?;
        if user.is_none() {
            tracing::info!(target: "solent::auth", "JSON Web Token names no user that may come in");
        }
        Ok(user.map(|user| Verified::new(user).until(until)))
    }

    async fn holds(&self, user: &M::User) -> Result<bool, BackendError> {
        self.users.holds(user).await
    }
}
