//! Why a token is refused.

use super::{Algorithm, NoKeys};

/// A token was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// It is no JSON Web Token in compact form, or its header asks for what is not offered here: `none` and all other unknown
    /// algorithms, encryption, critical extensions.
    #[error("not a JSON Web Token that can be read")]
    Malformed,

    /// It is longer than the settings allow.
    #[error("the token is too long")]
    TooLong,

    /// Its header names another `typ` than is wanted.
    #[error("the token is of another type")]
    Type,

    /// No key goes with the `kid` and `alg` of its header.
    #[error("no key is known that a token with {0} of that name may be signed with")]
    UnknownKey(Algorithm),

    /// It is signed with another key, or was changed afterwards.
    #[error("the signature is wrong")]
    Signature,

    /// Its time is over.
    #[error("the token has expired")]
    Expired,

    /// Its time has not come yet.
    #[error("the token is not valid yet")]
    NotYet,

    /// Another issuer made it.
    #[error("the token is of another issuer")]
    Issuer,

    /// It was made for another audience.
    #[error("the token is for another audience")]
    Audience,

    /// A claim is missing that is required, or is not of the type that RFC 7519 gives it.
    #[error("the claim {0} is missing or of the wrong type")]
    Claim(&'static str),

    /// A claim has another value than the settings want.
    #[error("the claim {0} has another value than is wanted")]
    Unwanted(String),

    /// It may be used once, and was.
    #[error("the token was used before")]
    Replayed,

    /// More tokens are under way that may be used once than are remembered.
    #[error("too many tokens that may be used once, raise the limit")]
    Crowded,

    /// The store that remembers which tokens were used is out of reach.
    #[error("it cannot be told whether the token was used before")]
    Unknown,

    /// There is nothing to verify it with.
    #[error(transparent)]
    NoKeys(#[from] NoKeys),
}

impl JwtError {
    /// Whether the fault is not the token's: it may be good, but that cannot be told now.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::NoKeys(_) | Self::Crowded | Self::Unknown)
    }
}
