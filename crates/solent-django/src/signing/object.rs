//! `dumps` and `loads`: any JSON value as URL-safe text, signed.

use std::{
    io::{Read, Write},
    time::{Duration, SystemTime},
};

use base64::Engine;
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde_json::Value;

use super::{SecretKeys, SigningError, TimestampSigner, mac::BASE64};
use crate::python::json;

/// Bytes of JSON that signed content may take after decompression, so that few bytes cannot become very many: 8 MiB.
pub const MAX_CONTENT: usize = 8 << 20;

/// Whether content is compressed before it is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compress {
    /// Written as it is.
    #[default]
    Never,
    /// Compressed where that makes it shorter; the text then begins with a dot.
    IfSmaller,
}

/// Signs a JSON value as of now: `django.core.signing.dumps`, whose default salt is `django.core.signing`.
///
/// The text is URL-safe. Every client can read what is in it.
///
/// ```
/// use serde_json::json;
/// use solent_django::signing::{Compress, SecretKeys, dumps, loads};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = SecretKeys::new("secret")?;
/// let signed = dumps(&keys, "django.core.signing", &json!({"hello": "world"}), Compress::Never);
///
/// assert!(signed.starts_with("eyJoZWxsbyI6IndvcmxkIn0:"));
/// assert_eq!(loads(&keys, "django.core.signing", &signed, None)?["hello"], "world");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn dumps(keys: &SecretKeys, salt: &str, value: &Value, compress: Compress) -> String {
    TimestampSigner::new(keys.clone())
        .salt(salt)
        .sign_object_at(value, compress, SystemTime::now())
}

/// Reads what [`dumps`] wrote, or Django's, `max_age` ago at most: `django.core.signing.loads`.
///
/// # Errors
///
/// [`SigningError::Bad`] if no key signed it under this salt, [`SigningError::Expired`] if one did too long ago, and
/// [`SigningError::Undecodable`] or [`SigningError::TooLarge`] for signed content that is not what `dumps` writes.
pub fn loads(
    keys: &SecretKeys,
    salt: &str,
    signed: &str,
    max_age: Option<Duration>,
) -> Result<Value, SigningError> {
    TimestampSigner::new(keys.clone())
        .salt(salt)
        .unsign_object_at(signed, max_age, SystemTime::now())
}

/// JSON as URL-safe text, with a dot before it where it is compressed.
pub(super) fn pack(plain: &str, compress: Compress) -> String {
    if compress == Compress::IfSmaller {
        let compressed = deflate(plain.as_bytes());
        if compressed.len() + 1 < plain.len() {
            return format!(".{}", BASE64.encode(compressed));
        }
    }
    BASE64.encode(plain)
}

/// The value in what [`pack`] wrote.
pub(super) fn unpack(text: &str) -> Result<Value, SigningError> {
    let (is_compressed, encoded) = match text.strip_prefix('.') {
        Some(encoded) => (true, encoded),
        None => (false, text),
    };
    let bytes = BASE64.decode(encoded).map_err(undecodable)?;
    let plain = if is_compressed {
        inflate(&bytes)?
    } else {
        bytes
    };
    if plain.len() > MAX_CONTENT {
        return Err(SigningError::TooLarge);
    }
    json::read(&plain).map_err(undecodable)
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(plain)
        .and_then(|()| encoder.finish())
        .expect("compressing into memory does not fail")
}

/// Decompresses up to one byte more than is allowed, which tells that there is more.
fn inflate(compressed: &[u8]) -> Result<Vec<u8>, SigningError> {
    let mut plain = Vec::new();
    ZlibDecoder::new(compressed)
        .take(MAX_CONTENT as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(undecodable)?;
    Ok(plain)
}

fn undecodable(cause: impl Into<solent_spec::BoxError>) -> SigningError {
    SigningError::Undecodable(cause.into())
}
