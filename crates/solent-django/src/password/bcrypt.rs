//! `bcrypt$$2b$12$<salt><hash>`, and the same of the SHA-256 as `bcrypt_sha256$$2b$12$…`.

use bcrypt::HashParts;
use rand::RngExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Algorithm, Hasher, PasswordLimits};
use crate::signing::hex;

/// The least and the greatest cost that bcrypt has.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// Characters before the hash: version, cost and salt.
const HEAD: usize = 29;

pub(super) struct Bcrypt<'a> {
    algorithm: Algorithm,
    cost: u32,
    salt: [u8; 16],
    /// The hash in bcrypt's own base64.
    hash: &'a str,
}

impl<'a> Bcrypt<'a> {
    /// Reads what comes after the algorithm's name: bcrypt's own form, with a dollar sign at its beginning.
    pub(super) fn parse(algorithm: Algorithm, rest: &'a str) -> Option<Self> {
        // Version 2x is what a faulty implementation made.
        if !["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|version| rest.starts_with(version))
        {
            return None;
        }
        let parts: HashParts = rest.parse().ok()?;
        Some(Self {
            algorithm,
            cost: Some(parts.get_cost()).filter(|cost| COSTS.contains(cost))?,
            salt: parts.get_salt_raw(),
            hash: rest.get(HEAD..)?,
        })
    }

    pub(super) fn is_within(&self, limits: &PasswordLimits) -> bool {
        self.cost <= limits.cost
    }

    pub(super) fn verify(&self, password: &str) -> bool {
        match derive(self.algorithm, self.cost, self.salt, password) {
            Some(encoded) => encoded.as_bytes()[HEAD..]
                .ct_eq(self.hash.as_bytes())
                .into(),
            None => false,
        }
    }

    pub(super) fn is_outdated(&self, preferred: &Hasher) -> bool {
        match *preferred {
            Hasher::BcryptSha256 { cost } | Hasher::Bcrypt { cost } => self.cost != cost,
            _ => true,
        }
    }

    /// Does the work that is missing here, compared with what is preferred, so that a wrong password takes as long with both.
    pub(super) fn harden(&self, preferred: &Hasher, password: &str) {
        if let Hasher::BcryptSha256 { cost } | Hasher::Bcrypt { cost } = *preferred {
            // Each step doubles the work, so what is missing is one hash with each cost from here on.
            for step in self.cost..cost {
                derive(self.algorithm, step, self.salt, password);
            }
        }
    }

    pub(super) fn hash(
        algorithm: Algorithm,
        cost: u32,
        password: &str,
        limits: &PasswordLimits,
    ) -> Option<String> {
        if cost > limits.cost {
            return None;
        }
        let salt = rand::rng().random();
        let encoded = derive(algorithm, cost, salt, password)?;
        Some(format!("{}${encoded}", algorithm.name()))
    }
}

/// bcrypt's own form; `None` if it has no such cost.
fn derive(algorithm: Algorithm, cost: u32, salt: [u8; 16], password: &str) -> Option<String> {
    let parts = match algorithm {
        Algorithm::BcryptSha256 => bcrypt::hash_with_salt(hex_sha256(password), cost, salt),
        _ => bcrypt::hash_with_salt(password, cost, salt),
    };
    parts.ok().map(|parts| parts.to_string())
}

fn hex_sha256(password: &str) -> String {
    hex(&Sha256::digest(password))
}
