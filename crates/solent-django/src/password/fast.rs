//! The hashes of long ago and of test suites: fast, and so no protection.

use md5::Md5;
use sha1::Sha1;
use sha2::Digest;
use subtle::ConstantTimeEq;

use super::{Algorithm, salt};
use crate::signing::hex;

pub(super) struct Fast<'a> {
    algorithm: Algorithm,
    /// Empty where there is none.
    salt: &'a str,
    /// In hexadecimal digits.
    hash: &'a str,
}

impl<'a> Fast<'a> {
    /// Reads the whole column.
    pub(super) fn parse(algorithm: Algorithm, encoded: &'a str) -> Option<Self> {
        let (salt, hash) = match algorithm {
            Algorithm::Md5 => {
                let (salt, hash) = encoded.strip_prefix("md5$")?.split_once('$')?;
                (Some(salt).filter(|salt| !salt.is_empty())?, hash)
            }
            Algorithm::UnsaltedSha1 => ("", encoded.strip_prefix("sha1$$")?),
            _ => ("", encoded.strip_prefix("md5$$").unwrap_or(encoded)),
        };
        Some(Self {
            algorithm,
            salt,
            hash,
        })
    }

    pub(super) fn verify(&self, password: &str) -> bool {
        let hash = match self.algorithm {
            Algorithm::UnsaltedSha1 => hex(&Sha1::digest(password)),
            _ => hex_md5(self.salt, password),
        };
        hash.as_bytes().ct_eq(self.hash.as_bytes()).into()
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.algorithm != Algorithm::Md5 || salt::is_too_short(self.salt.chars().count())
    }
}

pub(super) fn hash_md5(password: &str) -> String {
    let salt = salt::new();
    let hash = hex_md5(&salt, password);
    format!("md5${salt}${hash}")
}

fn hex_md5(salt: &str, password: &str) -> String {
    hex(&Md5::new()
        .chain_update(salt)
        .chain_update(password)
        .finalize())
}
