//! Passwords, as Django keeps them: checked, made, and told when they are out of date.
//!
//! [`Passwords`] is Django's setting `PASSWORD_HASHERS`: a [`Hasher`] that makes new ones, and the [`Algorithm`]s whose are
//! believed. Checking one takes a core a good part of a second, on purpose. On a server use [`PasswordPool`], which does so on
//! the threads for blocking work, few at a time.
//!
//! ```
//! use solent_django::password::{Hasher, Passwords, Verdict};
//!
//! # fn main() -> Result<(), solent_django::password::PasswordError> {
//! // What a test suite would use; `Passwords::default()` is slow for good reason.
//! let passwords = Passwords::new(Hasher::Pbkdf2Sha256 { iterations: 1000 });
//!
//! let column = passwords.hash("correct horse battery staple")?;
//! assert!(column.starts_with("pbkdf2_sha256$1000$"));
//! assert_eq!(passwords.check("correct horse battery staple", &column), Verdict::Current);
//! assert_eq!(passwords.check("Tr0ub4dor&3", &column), Verdict::Wrong);
//! # Ok(())
//! # }
//! ```
//!
//! What is in the column decides how long checking takes and how much memory: [`PasswordLimits`] bound both, so that a row that
//! somebody else could write does not take the process down.

mod algorithm;
mod argon2;
mod bcrypt;
mod error;
mod fast;
mod hasher;
mod limits;
mod passwords;
mod pbkdf2;
mod pool;
mod salt;
mod scrypt;
mod stored;
mod unusable;

pub use self::{
    algorithm::Algorithm,
    error::PasswordError,
    hasher::{DjangoRelease, Hasher},
    limits::PasswordLimits,
    passwords::{Passwords, Verdict},
    pool::{PasswordPool, PoolConfig},
    unusable::{is_usable, unusable},
};
