//! Credentials that are no cookie.

#[cfg(feature = "jwt")]
pub mod jwt;
