//! Fernet, version 0x80, with keys that rotate.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aes::{
    Aes128Dec, Aes128Enc,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, block_padding::Pkcs7},
};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

const VERSION: u8 = 0x80;
const BLOCK: usize = 16;
/// Version, time and initialisation vector.
const HEADER: usize = 1 + 8 + BLOCK;
const MAC: usize = 32;

/// How far the clocks of sender and receiver may be apart, in seconds.
const MAX_SKEW: u64 = 60;

/// Encrypts and authenticates with the first of its keys, and reads what was encrypted with any.
pub(crate) struct Cipher {
    first: Key,
    others: Vec<Key>,
    max_age: Option<Duration>,
}

/// A payload is not encrypted with any of the keys, or not at a time that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CipherError {
    #[error("not a Fernet token, all processes need encryption or none")]
    Form,
    #[error("encrypted with none of the keys, or damaged")]
    Authenticity,
    #[error("encrypted too long ago")]
    Expired,
    #[error("encrypted in the future, set the clocks of all machines")]
    Future,
}

impl Cipher {
    /// A cipher with these secrets, of any length, the one to encrypt with first; none if there are none.
    ///
    /// What is older than `max_age`, in whole seconds, is refused, as is what is from the future.
    pub(crate) fn new<K: AsRef<[u8]>>(
        secrets: impl IntoIterator<Item = K>,
        max_age: Option<Duration>,
    ) -> Option<Self> {
        let mut keys = secrets.into_iter().map(|secret| Key::new(secret.as_ref()));
        Some(Self {
            first: keys.next()?,
            others: keys.collect(),
            max_age,
        })
    }

    /// Appends the token that `body` becomes.
    pub(crate) fn encrypt(&self, body: &[u8], now: SystemTime, out: &mut Vec<u8>) {
        let token = self.first.token(body, unix(now), rand::random());
        let start = out.len();
        // Four characters for three bytes, or fewer.
        out.resize(start + token.len().div_ceil(3) * 4, 0);
        let len = URL_SAFE
            .encode_slice(&token, &mut out[start..])
            .unwrap_or_default();
        out.truncate(start + len);
    }

    /// What a token was made from.
    pub(crate) fn decrypt(&self, token: &[u8], now: SystemTime) -> Result<Bytes, CipherError> {
        let token = URL_SAFE.decode(token).map_err(|_| CipherError::Form)?;
        let token = Token::parse(&token)?;
        let key = std::iter::once(&self.first)
            .chain(&self.others)
            .find(|key| key.made(&token))
            .ok_or(CipherError::Authenticity)?;
        self.check_age(token.time, unix(now))?;
        key.open(&token)
    }

    fn check_age(&self, time: u64, now: u64) -> Result<(), CipherError> {
        match self.max_age {
            Some(age) if time.saturating_add(age.as_secs()) < now => Err(CipherError::Expired),
            Some(_) if time > now.saturating_add(MAX_SKEW) => Err(CipherError::Future),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the keys.
        f.debug_struct("Cipher")
            .field("keys", &(1 + self.others.len()))
            .field("max_age", &self.max_age)
            .finish()
    }
}

/// What one secret becomes.
struct Key {
    signing: Hmac<Sha256>,
    encrypting: Aes128Enc,
    decrypting: Aes128Dec,
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(secret).into();
        let (mut signing, mut encryption) = ([0; 16], [0; 16]);
        signing.copy_from_slice(&digest[..16]);
        encryption.copy_from_slice(&digest[16..]);
        Self {
            signing: Hmac::new_from_slice(&signing).expect("an HMAC takes a key of any length"),
            encrypting: Aes128Enc::new(&encryption.into()),
            decrypting: Aes128Dec::new(&encryption.into()),
        }
    }

    /// The bytes of the token for `body`.
    fn token(&self, body: &[u8], time: u64, iv: [u8; BLOCK]) -> Vec<u8> {
        // The padding is at least one byte, up to a whole block.
        let end = HEADER + (body.len() / BLOCK + 1) * BLOCK;
        let mut token = Vec::with_capacity(end + MAC);
        token.push(VERSION);
        token.extend_from_slice(&time.to_be_bytes());
        token.extend_from_slice(&iv);
        token.extend_from_slice(body);
        token.resize(end, 0);
        cbc::Encryptor::inner_iv_init(self.encrypting.clone(), &iv.into())
            .encrypt_padded::<Pkcs7>(&mut token[HEADER..], body.len())
            .expect("there is room for the padding");
        let mac = self.mac(&token).finalize().into_bytes();
        token.extend_from_slice(&mac);
        token
    }

    /// Whether the token was signed with this key. Takes as long whether it was or not.
    fn made(&self, token: &Token<'_>) -> bool {
        self.mac(token.signed).verify_slice(token.mac).is_ok()
    }

    fn open(&self, token: &Token<'_>) -> Result<Bytes, CipherError> {
        let mut body = token.body.to_vec();
        let len = cbc::Decryptor::inner_iv_init(self.decrypting.clone(), &token.iv.into())
            .decrypt_padded::<Pkcs7>(&mut body)
            .map_err(|_| CipherError::Form)?
            .len();
        body.truncate(len);
        Ok(body.into())
    }

    fn mac(&self, signed: &[u8]) -> Hmac<Sha256> {
        self.signing.clone().chain_update(signed)
    }
}

/// The parts of a token, none of which is known to be authentic.
struct Token<'a> {
    signed: &'a [u8],
    mac: &'a [u8],
    time: u64,
    iv: [u8; BLOCK],
    body: &'a [u8],
}

impl<'a> Token<'a> {
    fn parse(token: &'a [u8]) -> Result<Self, CipherError> {
        Self::parts(token).ok_or(CipherError::Form)
    }

    fn parts(token: &'a [u8]) -> Option<Self> {
        let (signed, mac) = token.split_at_checked(token.len().checked_sub(MAC)?)?;
        let (&version, rest) = signed.split_first()?;
        let (&time, rest) = rest.split_first_chunk()?;
        let (&iv, body) = rest.split_first_chunk()?;
        let whole = !body.is_empty() && body.len() % BLOCK == 0;
        (version == VERSION && whole).then_some(Self {
            signed,
            mac,
            time: u64::from_be_bytes(time),
            iv,
            body,
        })
    }
}

/// Whole seconds since 1970.
fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
