//! Passwords: hashed with Argon2id, and a small backend that has some.
//!
//! Checking a password takes a core for some milliseconds and 19 MiB, on purpose. It is done by threads of
//! its own, as many as there are cores, so that a crowd at the login page neither stops the sockets nor takes all
//! memory. At most 1,024 passwords wait for them; more are [`HashError::Busy`]. Synchronous handlers [wait](solent_session::wait) for it.
//!
//! ```
//! use solent_auth::passwords;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> solent_spec::Result {
//! let encoded = passwords::hash("correct horse battery staple").await?;
//!
//! assert!(encoded.starts_with("$argon2id$"));
//! assert!(passwords::verify("correct horse battery staple", &encoded).await?);
//! assert!(!passwords::verify("Tr0ub4dor&3", &encoded).await?);
//! # Ok(())
//! # }
//! ```

mod credentials;
mod hasher;
mod memory_users;

pub use self::{
    credentials::Password,
    hasher::{HashError, MAX_LEN, hash, session_hash, verify, verify_if_any},
    memory_users::{MemoryUser, MemoryUsers},
};
