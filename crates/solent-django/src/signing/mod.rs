//! Django's signing: what a project signs with its `SECRET_KEY` is verified here, and the other way round.
//!
//! A signature is an HMAC over a value with a key that is derived from the secret key and a *salt*, a name for what the
//! signature is meant for. [`Signer`] signs text, [`TimestampSigner`] text and the time, [`dumps`] and [`loads`] any JSON
//! value, and [`SignedCookies`] what `HttpResponse.set_signed_cookie` sets.
//!
//! ```
//! use solent_django::signing::{SecretKeys, Signer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = SecretKeys::new("django-insecure-reference-secret-key-0123456789abcdef")?;
//! let signer = Signer::new(keys);
//!
//! let signed = signer.sign("hello");
//! assert_eq!(signed, "hello:n2Y8sGxRN8GKPJfOodMHK40DUb9vxJH2iky_oLUriEE");
//! assert_eq!(signer.unsign(&signed)?, "hello");
//! # Ok(())
//! # }
//! ```

mod auth_hash;
mod base62;
mod cookie;
mod error;
mod keys;
mod mac;
mod object;
mod signer;
mod timestamp;

pub(crate) use self::mac::hex;
pub use self::{
    auth_hash::{auth_hash, check_auth_hash},
    base62::{base62_decode, base62_encode},
    cookie::SignedCookies,
    error::SigningError,
    keys::{EmptyKey, SecretKeys},
    mac::{SigningAlgorithm, salted_hmac},
    object::{Compress, MAX_CONTENT, dumps, loads},
    signer::{InvalidSeparator, Signer},
    timestamp::TimestampSigner,
};
