//! How a new session key is told only to connections that know the old one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;
use solent_session::SessionKey;

/// What the pad is made with besides the old key.
const SALT: &[u8] = b"solent auth.moved";

/// The key `new`, for who knows `old`. A key moves once, so its pad is used once.
pub(super) fn seal(old: &SessionKey, new: &SessionKey) -> String {
    URL_SAFE_NO_PAD.encode(padded(old, new.as_str().as_bytes()))
}

/// The new key; `None` if the text was not sealed with `old`.
pub(super) fn open(old: &SessionKey, text: &str) -> Option<SessionKey> {
    let sealed = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    if sealed.len() > SessionKey::MAX_LEN {
        return None;
    }
    let key = String::from_utf8(padded(old, &sealed)).ok()?;
    SessionKey::parse(&key).ok()
}

/// The bytes, each combined with one of PBKDF2-HMAC-SHA256 of the old key, with one iteration: what Python's
/// `hashlib.pbkdf2_hmac` makes.
fn padded(old: &SessionKey, bytes: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(old.as_str().as_bytes())
        .expect("HMAC takes keys of every length");
    let mut padded = Vec::with_capacity(bytes.len());
    for (block, number) in bytes.chunks(32).zip(1_u32..) {
        let pad = mac
            .clone()
            .chain_update(SALT)
            .chain_update(number.to_be_bytes());
        let pad = pad.finalize().into_bytes();
        padded.extend(block.iter().zip(pad).map(|(byte, pad)| byte ^ pad));
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    #[test]
    fn who_knows_the_old_key_learns_the_new_one() {
        let (old, new) = (key("the-old-key"), key(&"0123456789".repeat(9)));

        let sealed = seal(&old, &new);

        assert!(!sealed.contains(new.as_str()));
        assert_eq!(open(&old, &sealed), Some(new));
        assert_eq!(open(&key("some-other-key"), &sealed), None);
        assert_eq!(open(&old, "!"), None);
    }

    /// `hashlib.pbkdf2_hmac("sha256", b"the-old-key", b"solent auth.moved", 1, 11)` with `the-new-key`.
    #[test]
    fn pad_is_that_of_python() {
        assert_eq!(
            seal(&key("the-old-key"), &key("the-new-key")),
            "ii_-qHOGf798tTE"
        );
    }
}
