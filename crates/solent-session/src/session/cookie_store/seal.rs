//! How a cookie is kept from being changed, or read.

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit as _, Nonce},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::CookieSecret;

/// How a cookie is kept from being changed, or read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seal {
    /// `base64url(payload) "." base64url(HMAC-SHA256(payload))`
    Signed,
    /// `base64url(salt, nonce, AES-256-GCM(payload))`, the key made of the secret and the salt.
    Encrypted,
}

const SALT: usize = 16;
const NONCE: usize = 12;

impl Seal {
    pub(super) fn close(self, secret: &CookieSecret, payload: &[u8]) -> String {
        match self {
            Self::Signed => {
                let signature = signer(secret).chain_update(payload).finalize();
                let mut text = URL_SAFE_NO_PAD.encode(payload);
                text.push('.');
                URL_SAFE_NO_PAD.encode_string(signature.into_bytes(), &mut text);
                text
            }
            Self::Encrypted => {
                let salt: [u8; SALT] = rand::random();
                let nonce: [u8; NONCE] = rand::random();
                let sealed = cipher(secret, &salt)
                    .encrypt(&Nonce::<Aes256Gcm>::from(nonce), payload)
                    .expect("a session is shorter than what AES-GCM encrypts");
                URL_SAFE_NO_PAD.encode([&salt[..], &nonce, &sealed].concat())
            }
        }
    }

    /// Whether `text` has the form of a sealed session, whichever the secret and the seal.
    pub(super) fn looks_closed(text: &str) -> bool {
        /// No signature, and no salt with a nonce and a tag, is shorter.
        const LEAST: usize = 32;
        let sealed = text
            .rsplit_once('.')
            .map_or(text, |(_, signature)| signature);
        let sealed = URL_SAFE_NO_PAD.decode(sealed);
        sealed.is_ok_and(|sealed| sealed.len() >= LEAST)
    }

    /// The payload; `None` if `text` was not sealed with `secret`.
    pub(super) fn open(self, secret: &CookieSecret, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Signed => {
                let (payload, signature) = text.split_once('.')?;
                let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
                let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
                // Takes the same time wherever the two differ.
                let check = signer(secret)
                    .chain_update(&payload)
                    .verify_slice(&signature);
                check.is_ok().then_some(payload)
            }
            Self::Encrypted => {
                let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
                let (salt, rest) = sealed.split_first_chunk::<SALT>()?;
                let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
                let nonce = Nonce::<Aes256Gcm>::from(*nonce);
                cipher(secret, salt).decrypt(&nonce, sealed).ok()
            }
        }
    }
}

fn signer(secret: &CookieSecret) -> Hmac<Sha256> {
    let key = secret.derive(b"solent session cookie, signed, 1", &[]);
    Hmac::new_from_slice(&key).expect("an HMAC takes a key of any length")
}

/// A key of its own for each salt: so many cookies are sealed with a secret that chance nonces alone might meet.
fn cipher(secret: &CookieSecret, salt: &[u8; SALT]) -> Aes256Gcm {
    Aes256Gcm::new(
        &secret
            .derive(b"solent session cookie, encrypted, 1", salt)
            .into(),
    )
}
