//! `Signer`: text and a signature.

use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{Compress, SecretKeys, SigningAlgorithm, SigningError, mac::signature, object};
use crate::python::json;

/// Signs text and believes what was signed: `django.core.signing.Signer`.
///
/// The signed form is `value:signature`. Every client can read the value. Only the secret key can change it.
///
/// ```
/// use solent_django::signing::{SecretKeys, Signer, SigningError};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let signer = Signer::new(SecretKeys::new("secret")?).salt("invitations");
/// let signed = signer.sign("room-7");
///
/// assert_eq!(signer.unsign(&signed)?, "room-7");
/// assert!(matches!(signer.unsign(&signed.replace('7', "8")), Err(SigningError::Bad)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Signer {
    keys: SecretKeys,
    /// What the signatures are for, with the suffix that Django puts behind it.
    key_salt: String,
    separator: String,
    algorithm: SigningAlgorithm,
}

/// A separator that signatures themselves could contain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unsafe separator {0:?}: take one with a character that is none of letters, digits, and -_=[]^`\\"
)]
#[non_exhaustive]
pub struct InvalidSeparator(
    /// The separator.
    pub String,
);

impl Signer {
    /// A signer with Django's defaults: salt `django.core.signing.Signer`, separator `:`, SHA-256.
    pub fn new(keys: SecretKeys) -> Self {
        Self {
            keys,
            key_salt: key_salt("django.core.signing.Signer"),
            separator: ":".to_owned(),
            algorithm: SigningAlgorithm::default(),
        }
    }

    /// Sets the name of what the signatures are for. A signature with one salt says nothing under another.
    pub fn salt(mut self, salt: &str) -> Self {
        self.key_salt = key_salt(salt);
        self
    }

    /// Sets what stands between a value and its signature. Default: a colon.
    ///
    /// # Errors
    ///
    /// [`InvalidSeparator`] if a signature could contain it.
    pub fn separator(mut self, separator: &str) -> Result<Self, InvalidSeparator> {
        let line = separator.strip_suffix('\n').unwrap_or(separator);
        if line.bytes().all(is_unsafe) {
            return Err(InvalidSeparator(separator.to_owned()));
        }
        self.separator = separator.to_owned();
        Ok(self)
    }

    /// Sets the hash function. Default: SHA-256.
    pub fn algorithm(mut self, algorithm: SigningAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Signs `value` with the current key.
    #[must_use]
    pub fn sign(&self, value: &str) -> String {
        let signature = self.signature(value, self.keys.current());
        [value, &self.separator, &signature].concat()
    }

    /// The value in `signed`, if one of the secret keys signed it.
    ///
    /// # Errors
    ///
    /// [`SigningError::Bad`] if none did.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, SigningError> {
        let (value, signature) = self.split(signed)?;
        let believed = self.keys.all().any(|key| {
            let expected = self.signature(value, key);
            expected.as_bytes().ct_eq(signature.as_bytes()).into()
        });
        if believed {
            Ok(value)
        } else {
            Err(SigningError::Bad)
        }
    }

    /// Signs any JSON value, as `Signer.sign_object` does.
    #[must_use]
    pub fn sign_object(&self, value: &Value, compress: Compress) -> String {
        self.sign(&object::pack(&json::write(value), compress))
    }

    /// Reads what [`sign_object`](Self::sign_object) wrote.
    ///
    /// # Errors
    ///
    /// Those of [`unsign`](Self::unsign); [`SigningError::Undecodable`] and [`SigningError::TooLarge`] for what it does not
    /// write.
    pub fn unsign_object(&self, signed: &str) -> Result<Value, SigningError> {
        object::unpack(self.unsign(signed)?)
    }

    /// The text before and after the last separator.
    pub(super) fn split<'a>(&self, text: &'a str) -> Result<(&'a str, &'a str), SigningError> {
        text.rsplit_once(self.separator.as_str())
            .ok_or(SigningError::Bad)
    }

    /// What stands between the parts of a signed text.
    pub(super) fn separator_text(&self) -> &str {
        &self.separator
    }

    fn signature(&self, value: &str, key: &[u8]) -> String {
        signature(&self.key_salt, value, key, self.algorithm)
    }
}

fn key_salt(salt: &str) -> String {
    [salt, "signer"].concat()
}

/// Whether Django counts this byte as part of a signature; its pattern says `A-z`, which has more than letters.
fn is_unsafe(byte: u8) -> bool {
    matches!(byte, b'A'..=b'z' | b'0'..=b'9' | b'-' | b'=')
}
