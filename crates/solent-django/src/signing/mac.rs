//! `salted_hmac`, which everything that Django signs rests on.

use std::fmt::Write;

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// URL-safe base64 without padding when written, with or without it when read, as Django has it.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The hash function under a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// SHA-256, as Django signs everything since version 3.1.
    #[default]
    Sha256,
    /// SHA-1, for what a project signs with `Signer(algorithm="sha1")`.
    Sha1,
}

/// Django's `salted_hmac`: the HMAC of `value` with the hash of `key_salt` and `secret` as its key.
///
/// The result is as long as the hash function's: 32 bytes for SHA-256, 20 for SHA-1.
///
/// ```
/// use solent_django::signing::{SigningAlgorithm, salted_hmac};
///
/// let mac = salted_hmac("some.salt", "hello".as_bytes(), b"secret", SigningAlgorithm::Sha256);
/// assert_eq!(mac.len(), 32);
/// ```
#[must_use]
pub fn salted_hmac(
    key_salt: &str,
    value: &[u8],
    secret: &[u8],
    algorithm: SigningAlgorithm,
) -> Vec<u8> {
    match algorithm {
        SigningAlgorithm::Sha256 => {
            let key = Sha256::new().chain_update(key_salt).chain_update(secret);
            finished(Hmac::<Sha256>::new_from_slice(&key.finalize()), value)
        }
        SigningAlgorithm::Sha1 => {
            let key = Sha1::new().chain_update(key_salt).chain_update(secret);
            finished(Hmac::<Sha1>::new_from_slice(&key.finalize()), value)
        }
    }
}

fn finished<M: Mac>(mac: Result<M, hmac::digest::InvalidLength>, value: &[u8]) -> Vec<u8> {
    let mac = mac.expect("an HMAC takes keys of any length");
    mac.chain_update(value).finalize().into_bytes().to_vec()
}

/// The text of a signature: [`salted_hmac`] in URL-safe base64 without padding.
pub(super) fn signature(
    key_salt: &str,
    value: &str,
    secret: &[u8],
    algorithm: SigningAlgorithm,
) -> String {
    BASE64.encode(salted_hmac(key_salt, value.as_bytes(), secret, algorithm))
}

/// Bytes in hexadecimal digits, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
        hex
    })
}
