//! The verifier of JSON Web Tokens.

use std::time::SystemTime;

use super::{Claims, JwtConfig, JwtError, Keys, check::Checker};

/// Verifies JSON Web Tokens.
#[derive(Debug)]
pub struct JwtVerifier {
    checker: Checker,
}

impl JwtVerifier {
    /// Verifies with `keys`.
    pub fn new(keys: impl Into<Keys>, config: JwtConfig) -> Self {
        Self {
            checker: Checker::new(keys.into(), config),
        }
    }

    /// The claims of a token that is good now.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub async fn claims(&self, token: &str) -> Result<Claims, JwtError> {
        self.claims_at(token, SystemTime::now()).await
    }

    /// The claims of a token that is good at `now`.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub async fn claims_at(&self, token: &str, now: SystemTime) -> Result<Claims, JwtError> {
        self.checker.check(token, now).await
    }
}
