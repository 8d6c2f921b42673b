//! `TimestampSigner`: text, the time, and a signature over both.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{
    Compress, InvalidSeparator, SecretKeys, Signer, SigningAlgorithm, SigningError,
    base62::{base62_decode, base62_encode},
    object,
};
use crate::python::json;

/// Signs text with the time at which it was signed: `django.core.signing.TimestampSigner`.
///
/// The signed form is `value:time:signature`, with the time in seconds since 1970 in base 62.
///
/// ```
/// use std::time::Duration;
/// use solent_django::signing::{SecretKeys, TimestampSigner};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let signer = TimestampSigner::new(SecretKeys::new("secret")?).salt("invitations");
/// let signed = signer.sign("room-7");
///
/// let an_hour = Some(Duration::from_secs(3600));
/// assert_eq!(signer.unsign(&signed, an_hour)?, "room-7");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TimestampSigner {
    signer: Signer,
}

impl TimestampSigner {
    /// A signer with Django's defaults: salt `django.core.signing.TimestampSigner`, separator `:`, SHA-256.
    pub fn new(keys: SecretKeys) -> Self {
        Self {
            signer: Signer::new(keys).salt("django.core.signing.TimestampSigner"),
        }
    }

    /// Sets the name of what the signatures are for. A signature with one salt says nothing under another.
    pub fn salt(mut self, salt: &str) -> Self {
        self.signer = self.signer.salt(salt);
        self
    }

    /// Sets what stands between value, time and signature. Default: a colon.
    ///
    /// # Errors
    ///
    /// [`InvalidSeparator`] if a signature could contain it.
    pub fn separator(mut self, separator: &str) -> Result<Self, InvalidSeparator> {
        self.signer = self.signer.separator(separator)?;
        Ok(self)
    }

    /// Sets the hash function. Default: SHA-256.
    pub fn algorithm(mut self, algorithm: SigningAlgorithm) -> Self {
        self.signer = self.signer.algorithm(algorithm);
        self
    }

    /// Signs `value` as of now.
    #[must_use]
    pub fn sign(&self, value: &str) -> String {
        self.sign_at(value, SystemTime::now())
    }

    /// Signs `value` as of `time`, whose fractions of a second are dropped.
    #[must_use]
    pub fn sign_at(&self, value: &str, time: SystemTime) -> String {
        let stamp = base62_encode(whole_seconds(time));
        self.signer
            .sign(&[value, self.signer.separator_text(), &stamp].concat())
    }

    /// The value in `signed`, if one of the secret keys signed it, `max_age` ago at most.
    ///
    /// An age of exactly `max_age` is young enough, and a time in the future too. Without `max_age` the time is not looked at.
    ///
    /// # Errors
    ///
    /// [`SigningError::Bad`] if no key signed it, [`SigningError::Expired`] if one did too long ago.
    pub fn unsign<'a>(
        &self,
        signed: &'a str,
        max_age: Option<Duration>,
    ) -> Result<&'a str, SigningError> {
        self.unsign_at(signed, max_age, SystemTime::now())
    }

    /// As [`unsign`](Self::unsign), with `now` for the time that it is.
    ///
    /// # Errors
    ///
    /// Those of [`unsign`](Self::unsign).
    pub fn unsign_at<'a>(
        &self,
        signed: &'a str,
        max_age: Option<Duration>,
        now: SystemTime,
    ) -> Result<&'a str, SigningError> {
        let (value, stamp) = self.signer.split(self.signer.unsign(signed)?)?;
        let signed_at = base62_decode(stamp).ok_or(SigningError::Bad)?;
        match max_age {
            Some(max_age) if is_older(signed_at, max_age, now) => Err(SigningError::Expired),
            _ => Ok(value),
        }
    }

    /// Signs any JSON value as of `time`, as `TimestampSigner.sign_object` does.
    #[must_use]
    pub fn sign_object_at(&self, value: &Value, compress: Compress, time: SystemTime) -> String {
        self.sign_json_at(&json::write(value), compress, time)
    }

    /// As [`sign_object_at`](Self::sign_object_at), of what is JSON already.
    pub(crate) fn sign_json_at(&self, plain: &str, compress: Compress, time: SystemTime) -> String {
        self.sign_at(&object::pack(plain, compress), time)
    }

    /// Reads what [`sign_object_at`](Self::sign_object_at) wrote.
    ///
    /// # Errors
    ///
    /// Those of [`unsign`](Self::unsign); [`SigningError::Undecodable`] and [`SigningError::TooLarge`] for what it does not
    /// write.
    pub fn unsign_object_at(
        &self,
        signed: &str,
        max_age: Option<Duration>,
        now: SystemTime,
    ) -> Result<Value, SigningError> {
        object::unpack(self.unsign_at(signed, max_age, now)?)
    }
}

/// Seconds since 1970, without fractions; a time before it, or beyond 64 bits, is the nearest that can be written.
fn whole_seconds(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs().try_into().unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |secs| -secs),
    }
}

/// Whether more than `max_age` lies between the two; fractions of a second count.
fn is_older(signed_at: i64, max_age: Duration, now: SystemTime) -> bool {
    let nanos = |duration: Duration| duration.as_nanos() as i128;
    let now = match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    };
    now - i128::from(signed_at) * 1_000_000_000 > nanos(max_age)
}
