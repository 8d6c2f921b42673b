//! `argon2$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>`, in base64 without padding.

use argon2::{Algorithm as Variety, Argon2 as Function, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;

use super::{Hasher, PasswordLimits, salt};

/// Bytes of a hash that Django makes.
const HASH_LENGTH: usize = 32;

/// Bytes of the longest salt and hash that are looked at.
const MAX_LENGTH: usize = 128;

pub(super) struct Argon2 {
    function: Function<'static>,
    variety: Variety,
    version: Version,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Argon2 {
    /// Reads what comes after the algorithm's name.
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (variety, rest) = rest.split_once('$')?;
        let variety = match variety {
            "argon2id" => Variety::Argon2id,
            "argon2i" => Variety::Argon2i,
            "argon2d" => Variety::Argon2d,
            _ => return None,
        };
        let (version, rest) = match rest.strip_prefix("v=") {
            Some(rest) => rest.split_once('$')?,
            None => ("16", rest),
        };
        let version = match version {
            "19" => Version::V0x13,
            "16" => Version::V0x10,
            _ => return None,
        };
        let [costs, salt, hash] = parts(rest, '$')?;
        let [memory, time, parallelism] = parts(costs, ',')?;
        let (salt, hash) = (decoded(salt)?, decoded(hash)?);
        let params = Params::new(
            memory.strip_prefix("m=")?.parse().ok()?,
            time.strip_prefix("t=")?.parse().ok()?,
            parallelism.strip_prefix("p=")?.parse().ok()?,
            Some(hash.len()),
        );
        Some(Self {
            function: Function::new(variety, version, params.ok()?),
            variety,
            version,
            salt,
            hash,
        })
    }

    pub(super) fn is_within(&self, limits: &PasswordLimits) -> bool {
        let params = self.function.params();
        let memory = u64::from(params.m_cost()) * 1024;
        limits.allow_memory(Some(memory), params.t_cost())
    }

    /// `None` if there was no memory for it.
    pub(super) fn verify(&self, password: &str) -> Option<bool> {
        let hash = derive(&self.function, password, &self.salt, self.hash.len())?;
        Some(hash.ct_eq(&self.hash).into())
    }

    pub(super) fn is_outdated(&self, preferred: &Hasher) -> bool {
        let Hasher::Argon2 {
            time,
            memory,
            parallelism,
        } = *preferred
        else {
            return true;
        };
        let params = self.function.params();
        let costs = [params.t_cost(), params.m_cost(), params.p_cost()];
        costs != [time, memory, parallelism]
            || self.variety != Variety::Argon2id
            || self.version != Version::V0x13
            || self.hash.len() != HASH_LENGTH
            || salt::is_too_short(self.salt.len())
    }

    pub(super) fn hash(
        [time, memory, parallelism]: [u32; 3],
        password: &str,
        limits: &PasswordLimits,
    ) -> Option<String> {
        if !limits.allow_memory(Some(u64::from(memory) * 1024), time) {
            return None;
        }
        let params = Params::new(memory, time, parallelism, Some(HASH_LENGTH)).ok()?;
        let function = Function::new(Variety::Argon2id, Version::V0x13, params);
        let salt = salt::new();
        let hash = derive(&function, password, salt.as_bytes(), HASH_LENGTH)?;
        let [salt, hash] = [salt.as_bytes(), &hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        Some(format!(
            "argon2$argon2id$v=19$m={memory},t={time},p={parallelism}${salt}${hash}"
        ))
    }
}

fn derive(function: &Function<'_>, password: &str, salt: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut hash = vec![0; length];
    let derived = function.hash_password_into(password.as_bytes(), salt, &mut hash);
    derived.ok().map(|()| hash)
}

fn decoded(base64: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD_NO_PAD.decode(base64).ok()?;
    (8..=MAX_LENGTH).contains(&bytes.len()).then_some(bytes)
}

fn parts(text: &str, separator: char) -> Option<[&str; 3]> {
    let parts: Vec<_> = text.splitn(4, separator).collect();
    parts.try_into().ok()
}
