//! What stands in a column, taken apart.

use super::{
    Algorithm, Hasher, PasswordLimits, argon2::Argon2, bcrypt::Bcrypt, fast::Fast, pbkdf2::Pbkdf2,
    scrypt::Scrypt,
};

pub(super) enum Stored<'a> {
    Pbkdf2(Pbkdf2<'a>),
    Argon2(Argon2),
    Bcrypt(Bcrypt<'a>),
    Scrypt(Scrypt<'a>),
    Fast(Fast<'a>),
}

impl<'a> Stored<'a> {
    pub(super) fn parse(algorithm: Algorithm, encoded: &'a str) -> Option<Self> {
        let rest = || encoded.split_once('$').map(|(_name, rest)| rest);
        match algorithm {
            Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 => {
                Pbkdf2::parse(algorithm, rest()?).map(Self::Pbkdf2)
            }
            Algorithm::Argon2 => Argon2::parse(rest()?).map(Self::Argon2),
            Algorithm::BcryptSha256 | Algorithm::Bcrypt => {
                Bcrypt::parse(algorithm, rest()?).map(Self::Bcrypt)
            }
            Algorithm::Scrypt => Scrypt::parse(rest()?).map(Self::Scrypt),
            Algorithm::Md5 | Algorithm::UnsaltedMd5 | Algorithm::UnsaltedSha1 => {
                Fast::parse(algorithm, encoded).map(Self::Fast)
            }
        }
    }

    /// Whether checking it costs no more than is allowed.
    pub(super) fn is_within(&self, limits: &PasswordLimits) -> bool {
        match self {
            Self::Pbkdf2(stored) => stored.is_within(limits),
            Self::Argon2(stored) => stored.is_within(limits),
            Self::Bcrypt(stored) => stored.is_within(limits),
            Self::Scrypt(stored) => stored.is_within(limits),
            Self::Fast(_) => true,
        }
    }

    /// Whether `password` made it. Only to be called within the limits.
    pub(super) fn verify(&self, password: &str) -> bool {
        match self {
            Self::Pbkdf2(stored) => stored.verify(password),
            Self::Argon2(stored) => stored.verify(password).unwrap_or(false),
            Self::Bcrypt(stored) => stored.verify(password),
            Self::Scrypt(stored) => stored.verify(password).unwrap_or(false),
            Self::Fast(stored) => stored.verify(password),
        }
    }

    /// Whether it was made with other parameters than those preferred, by the same algorithm.
    pub(super) fn is_outdated(&self, preferred: &Hasher) -> bool {
        match self {
            Self::Pbkdf2(stored) => stored.is_outdated(preferred),
            Self::Argon2(stored) => stored.is_outdated(preferred),
            Self::Bcrypt(stored) => stored.is_outdated(preferred),
            Self::Scrypt(stored) => stored.is_outdated(preferred),
            Self::Fast(stored) => stored.is_outdated(),
        }
    }

    /// Does the work that it lacks compared with what is preferred; for algorithms where that can be told.
    pub(super) fn harden(&self, preferred: &Hasher, password: &str) {
        match self {
            Self::Pbkdf2(stored) => stored.harden(preferred, password),
            Self::Bcrypt(stored) => stored.harden(preferred, password),
            Self::Argon2(_) | Self::Scrypt(_) | Self::Fast(_) => {}
        }
    }
}
