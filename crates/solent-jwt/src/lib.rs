//! JSON Web Tokens: keys, key sets and their rotation, and the verifier.

mod algorithm;
mod check;
mod claims;
mod config;
mod der;
mod error;
mod key;
mod key_set;
mod key_source;
mod keys;
mod replay;
mod users;
mod verifier;

pub use self::{
    algorithm::Algorithm,
    claims::Claims,
    config::JwtConfig,
    error::JwtError,
    key::{Key, KeyError},
    key_set::{KeySet, KeySetError},
    key_source::{KeySource, RotationConfig},
    keys::{Keys, NoKeys},
    users::{FindUser, FromClaims, JwtUser, JwtUsers},
    verifier::JwtVerifier,
};
