//! `scrypt$<n>$<salt>$<r>$<p>$<base64>`.

use base64::{Engine, engine::general_purpose::STANDARD};
use scrypt::Params;
use subtle::ConstantTimeEq;

use super::{Hasher, PasswordLimits, salt};

/// Bytes of every hash.
const HASH_LENGTH: usize = 64;

pub(super) struct Scrypt<'a> {
    costs: Costs,
    salt: &'a str,
    hash: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Costs {
    n: u32,
    r: u32,
    p: u32,
}

impl Costs {
    fn is_within(self, limits: &PasswordLimits) -> bool {
        let block = u64::from(self.r) * 128;
        let memory = block.checked_mul(self.n.into());
        // There is a block for each pass, too.
        let passes = block.checked_mul(self.p.into());
        let is_small = u64::from(self.r) * u64::from(self.p) < 1 << 30;
        is_small && limits.allow_memory(memory, self.p) && limits.allow_memory(passes, 1)
    }

    /// Only to be called within the limits.
    fn derive(self, password: &str, salt: &str) -> Option<[u8; HASH_LENGTH]> {
        if !self.n.is_power_of_two() || self.n < 2 {
            return None;
        }
        let params = Params::new(self.n.trailing_zeros() as u8, self.r, self.p).ok()?;
        let mut hash = [0; HASH_LENGTH];
        scrypt::scrypt(password.as_bytes(), salt.as_bytes(), &params, &mut hash).ok()?;
        Some(hash)
    }
}

impl<'a> Scrypt<'a> {
    /// Reads what comes after the algorithm's name.
    pub(super) fn parse(rest: &'a str) -> Option<Self> {
        let parts: Vec<_> = rest.splitn(6, '$').collect();
        let [n, salt, r, p, hash] = parts[..] else {
            return None;
        };
        let hash = STANDARD.decode(hash).ok()?;
        let is_whole = !salt.is_empty() && hash.len() == HASH_LENGTH;
        is_whole.then_some(Self {
            costs: Costs {
                n: n.parse().ok()?,
                r: r.parse().ok()?,
                p: p.parse().ok()?,
            },
            salt,
            hash,
        })
    }

    pub(super) fn is_within(&self, limits: &PasswordLimits) -> bool {
        self.costs.is_within(limits)
    }

    /// `None` if scrypt has no such costs.
    pub(super) fn verify(&self, password: &str) -> Option<bool> {
        let hash = self.costs.derive(password, self.salt)?;
        Some(hash.as_slice().ct_eq(&self.hash).into())
    }

    pub(super) fn is_outdated(&self, preferred: &Hasher) -> bool {
        match *preferred {
            Hasher::Scrypt { n, r, p } => self.costs != Costs { n, r, p },
            _ => true,
        }
    }

    pub(super) fn hash(
        [n, r, p]: [u32; 3],
        password: &str,
        limits: &PasswordLimits,
    ) -> Option<String> {
        let costs = Costs { n, r, p };
        if !costs.is_within(limits) {
            return None;
        }
        let salt = salt::new();
        let hash = STANDARD.encode(costs.derive(password, &salt)?);
        Some(format!("scrypt${n}${salt}${r}${p}${hash}"))
    }
}
