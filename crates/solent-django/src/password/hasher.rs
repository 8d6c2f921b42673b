//! What makes new passwords.

use super::{
    Algorithm, PasswordError, PasswordLimits, argon2::Argon2, bcrypt::Bcrypt, fast, pbkdf2::Pbkdf2,
    scrypt::Scrypt,
};

/// A way to hash new passwords, with its parameters. Compared with a column, they tell whether it is out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hasher {
    /// PBKDF2 with HMAC-SHA256.
    Pbkdf2Sha256 {
        /// How often it is repeated.
        iterations: u32,
    },
    /// PBKDF2 with HMAC-SHA1.
    Pbkdf2Sha1 {
        /// How often it is repeated.
        iterations: u32,
    },
    /// Argon2id.
    Argon2 {
        /// Passes over the memory. Django: 2.
        time: u32,
        /// Memory in KiB. Django: 102,400.
        memory: u32,
        /// Lanes. Django: 8.
        parallelism: u32,
    },
    /// bcrypt of the SHA-256 of the password.
    BcryptSha256 {
        /// Each step doubles the work. Django: 12.
        cost: u32,
    },
    /// bcrypt of the first 72 bytes of the password.
    Bcrypt {
        /// Each step doubles the work. Django: 12.
        cost: u32,
    },
    /// scrypt.
    Scrypt {
        /// The work, a power of two. Django: 16,384.
        n: u32,
        /// The size of a block, in 128 bytes. Django: 8.
        r: u32,
        /// Passes. Django: 5.
        p: u32,
    },
    /// MD5, for test suites.
    Md5,
}

/// A release of Django, for the parameters that it hashes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DjangoRelease {
    /// Django 5.2: 1,000,000 iterations.
    V5_2,
    /// Django 6.0: 1,200,000 iterations.
    V6_0,
    /// Django 6.1: 1,500,000 iterations.
    V6_1,
}

impl DjangoRelease {
    /// What the release hashes new passwords with unless its settings say otherwise: PBKDF2 with SHA-256.
    #[must_use]
    pub fn hasher(self) -> Hasher {
        let iterations = match self {
            Self::V5_2 => 1_000_000,
            Self::V6_0 => 1_200_000,
            Self::V6_1 => 1_500_000,
        };
        Hasher::Pbkdf2Sha256 { iterations }
    }
}

impl Hasher {
    /// Argon2id with Django's parameters.
    pub const ARGON2: Self = Self::Argon2 {
        time: 2,
        memory: 102_400,
        parallelism: 8,
    };

    /// bcrypt of the SHA-256 with Django's cost.
    pub const BCRYPT_SHA256: Self = Self::BcryptSha256 { cost: 12 };

    /// scrypt with Django's parameters.
    pub const SCRYPT: Self = Self::Scrypt {
        n: 16_384,
        r: 8,
        p: 5,
    };

    /// The algorithm without its parameters.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Pbkdf2Sha256 { .. } => Algorithm::Pbkdf2Sha256,
            Self::Pbkdf2Sha1 { .. } => Algorithm::Pbkdf2Sha1,
            Self::Argon2 { .. } => Algorithm::Argon2,
            Self::BcryptSha256 { .. } => Algorithm::BcryptSha256,
            Self::Bcrypt { .. } => Algorithm::Bcrypt,
            Self::Scrypt { .. } => Algorithm::Scrypt,
            Self::Md5 => Algorithm::Md5,
        }
    }

    /// What goes into the column for `password`, with a new salt.
    pub(super) fn hash(
        &self,
        password: &str,
        limits: &PasswordLimits,
    ) -> Result<String, PasswordError> {
        let hashed = match *self {
            Self::Pbkdf2Sha256 { iterations } | Self::Pbkdf2Sha1 { iterations } => {
                Pbkdf2::hash(self.algorithm(), iterations, password, limits)
            }
            Self::Argon2 {
                time,
                memory,
                parallelism,
            } => Argon2::hash([time, memory, parallelism], password, limits),
            Self::BcryptSha256 { cost } | Self::Bcrypt { cost } => {
                Bcrypt::hash(self.algorithm(), cost, password, limits)
            }
            Self::Scrypt { n, r, p } => Scrypt::hash([n, r, p], password, limits),
            Self::Md5 => Some(fast::hash_md5(password)),
        };
        hashed.ok_or(PasswordError::Parameters)
    }
}
