//! Credentials that are no cookie.

mod config;
mod credential;
mod first_message;
mod lifetime;
mod message;
mod refusal;
mod secret;
mod source;
mod subprotocol;
mod tokens;
mod transport;
mod verifier;
mod watch;

pub use self::{
    config::{FirstMessage, TokenConfig, TokenWarning},
    credential::{Credential, RefreshError},
    source::TokenSource,
    tokens::Tokens,
    verifier::{TokenVerifier, Verified},
};
