//! Secrets and the tokens made of them, as Django makes them.

use std::fmt;

use rand::RngExt;
use subtle::ConstantTimeEq;

const ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Characters of a secret.
const LEN: usize = 32;

/// What a browser keeps in its cookie: 32 letters and digits, 190 bits.
#[derive(Clone, Copy)]
pub(super) struct Secret(
    /// Positions in the alphabet.
    [u8; LEN],
);

impl Secret {
    /// A new one.
    pub(super) fn random() -> Self {
        let mut rng = rand::rng();
        Self([(); LEN].map(|()| rng.random_range(0..ALPHABET.len() as u8)))
    }

    /// Reads a cookie's value, or the token of a form or a header: a secret as it is, or a mask and what it hides.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.as_bytes().split_at_checked(LEN)? {
            (secret, []) => positions(secret).map(Self),
            (mask, cipher) => {
                let (mask, cipher) = (positions(mask)?, positions(cipher)?);
                Some(Self(combine(cipher, mask, |cipher, mask| {
                    cipher + ALPHABET.len() as u8 - mask
                })))
            }
        }
    }

    /// A token that is another one each time, so that a compressed page does not betray the secret.
    pub(super) fn token(&self) -> String {
        self.masked(Self::random().0)
    }

    /// The secret as it is kept in the cookie.
    pub(super) fn text(&self) -> String {
        characters(&self.0).collect()
    }

    /// Whether both are the same, told in constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    fn masked(&self, mask: [u8; LEN]) -> String {
        let cipher = combine(self.0, mask, |secret, mask| secret + mask);
        characters(&mask).chain(characters(&cipher)).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn combine(one: [u8; LEN], other: [u8; LEN], with: impl Fn(u8, u8) -> u8) -> [u8; LEN] {
    let mut rest = other.into_iter();
    one.map(|position| with(position, rest.next().unwrap_or_default()) % ALPHABET.len() as u8)
}

fn characters(positions: &[u8; LEN]) -> impl Iterator<Item = char> {
    positions
        .iter()
        .map(|position| char::from(ALPHABET[usize::from(*position)]))
}

fn positions(text: &[u8]) -> Option<[u8; LEN]> {
    let text: &[u8; LEN] = text.try_into().ok()?;
    let mut positions = [0; LEN];
    for (position, character) in positions.iter_mut().zip(text) {
        *position = match character {
            b'a'..=b'z' => character - b'a',
            b'A'..=b'Z' => character - b'A' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            _ => return None,
        };
    }
    Some(positions)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        csrf: Vector,
    }

    #[derive(Deserialize)]
    struct Vector {
        secret: String,
        mask: String,
        token: String,
        alphabet: String,
        matches: Vec<Match>,
    }

    #[derive(Deserialize)]
    struct Match {
        token: String,
        secret: String,
        ok: bool,
    }

    #[test]
    fn tokens_are_those_of_django() {
        let vectors = include_str!("../../tests/it/vectors/csrf_vectors.json");
        let Vectors { csrf } = serde_json::from_str(vectors).unwrap();
        let secret = Secret::read(&csrf.secret).unwrap();

        assert_eq!(csrf.alphabet.as_bytes(), ALPHABET);
        assert_eq!(secret.text(), csrf.secret);
        let mask = Secret::read(&csrf.mask).unwrap().0;
        assert_eq!(secret.masked(mask), csrf.token);
        for row in csrf.matches {
            let token = Secret::read(&row.token).unwrap();
            assert_eq!(token.is(&Secret::read(&row.secret).unwrap()), row.ok);
        }
    }

    #[test]
    fn what_has_another_length_or_other_characters_is_no_secret() {
        for text in [
            "",
            "abc",
            &"a".repeat(31),
            &"a".repeat(33),
            &"a".repeat(63),
            &"a".repeat(65),
            &"-".repeat(32),
            &format!("{}é", "a".repeat(30)),
            &format!("{}é", "a".repeat(31)),
            &format!("{}é{}", "a".repeat(31), "a".repeat(31)),
        ] {
            assert!(Secret::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn tokens_of_one_secret_differ_and_secrets_stay_unsaid() {
        let secret = Secret::random();
        assert_ne!(secret.token(), secret.token());
        assert!(!secret.is(&Secret::random()));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_panics(text in "\\PC{0,70}") {
            Secret::read(&text);
        }

        #[test]
        fn every_secret_is_found_under_every_mask(secret in "[a-zA-Z0-9]{32}", mask in "[a-zA-Z0-9]{32}") {
            let secret = Secret::read(&secret).unwrap();
            let token = secret.masked(Secret::read(&mask).unwrap().0);
            prop_assert!(token.starts_with(&mask));
            prop_assert!(Secret::read(&token).unwrap().is(&secret));
        }
    }
}
