//! `PASSWORD_HASHERS`: what makes passwords, and what is believed.

use std::sync::Arc;

use super::{
    Algorithm, DjangoRelease, Hasher, PasswordError, PasswordLimits, is_usable, stored::Stored,
};

/// Makes and checks passwords, as Django does with its setting `PASSWORD_HASHERS`.
///
/// Cheap to clone. Everything here takes a core for as long as it takes; see [`PasswordPool`](super::PasswordPool) for servers.
///
/// The default is what Django 6.1 does. Where hashes are also made anew at login, prefer what the Django project prefers: two
/// that prefer different parameters replace each other's hashes at every login, and each time all other sessions of the user
/// end.
#[derive(Clone, Debug)]
#[must_use]
pub struct Passwords {
    preferred: Hasher,
    accepted: Arc<[Algorithm]>,
    limits: PasswordLimits,
}

/// What a password is for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a password is right or it is not, and a hash of now or it is not"
)]
pub enum Verdict {
    /// It is not the password, or there is no such user.
    Wrong,
    /// It is the password.
    Current,
    /// It is the password, and the column was made in another way than new ones are: time to [hash](Passwords::hash) it anew.
    Outdated,
}

impl Verdict {
    /// Whether it is the password.
    #[must_use]
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// What Django believes unless its settings say otherwise.
const DJANGOS: [Algorithm; 5] = [
    Algorithm::Pbkdf2Sha256,
    Algorithm::Pbkdf2Sha1,
    Algorithm::Argon2,
    Algorithm::BcryptSha256,
    Algorithm::Scrypt,
];

impl Default for Passwords {
    fn default() -> Self {
        Self::new(DjangoRelease::V6_1.hasher())
    }
}

impl From<DjangoRelease> for Passwords {
    fn from(release: DjangoRelease) -> Self {
        Self::new(release.hasher())
    }
}

impl Passwords {
    /// Makes passwords with `preferred`, and believes those and what Django believes by default: PBKDF2, Argon2, bcrypt of
    /// SHA-256, and scrypt.
    pub fn new(preferred: Hasher) -> Self {
        let passwords = Self {
            preferred,
            accepted: DJANGOS.into(),
            limits: PasswordLimits::default(),
        };
        passwords.accept(preferred.algorithm())
    }

    /// Believes passwords of one more algorithm. Plain bcrypt, MD5 and those without salt are believed in this way only.
    pub fn accept(mut self, algorithm: Algorithm) -> Self {
        if !self.accepted.contains(&algorithm) {
            let accepted = self.accepted.iter().copied();
            self.accepted = accepted.chain([algorithm]).collect();
        }
        self
    }

    /// Believes passwords of these algorithms and of what is preferred, and of no others.
    pub fn accept_only(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.accepted = algorithms.into_iter().collect();
        let preferred = self.preferred.algorithm();
        self.accept(preferred)
    }

    /// Sets what checking one password may cost.
    pub fn limits(mut self, limits: PasswordLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What goes into the column for `password`, with a new salt.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Parameters`] if the preferred hasher has parameters that its algorithm does not, or that are beyond
    /// the limits.
    pub fn hash(&self, password: &str) -> Result<String, PasswordError> {
        self.preferred.hash(password, &self.limits)
    }

    /// What `password` is for the column `encoded`.
    ///
    /// A column that is unusable, malformed, of an algorithm that is not believed or beyond the limits has no password: all
    /// are [`Verdict::Wrong`], after as much work as a password that could be right takes.
    #[must_use]
    pub fn check(&self, password: &str, encoded: &str) -> Verdict {
        let Some((algorithm, stored)) = self.stored(encoded) else {
            self.pretend(password);
            return Verdict::Wrong;
        };
        let is_preferred = algorithm == self.preferred.algorithm();
        let is_outdated = !is_preferred || stored.is_outdated(&self.preferred);
        match (stored.verify(password), is_outdated) {
            (true, false) => Verdict::Current,
            (true, true) => Verdict::Outdated,
            (false, _) => {
                if is_preferred && is_outdated {
                    stored.harden(&self.preferred, password);
                }
                Verdict::Wrong
            }
        }
    }

    /// Whether `password` is the one in the column `encoded`.
    #[must_use]
    pub fn verify(&self, password: &str, encoded: &str) -> bool {
        self.check(password, encoded).is_right()
    }

    /// Takes as long as checking a password does, for a user that does not exist: who guesses names should not learn from the
    /// time.
    pub fn pretend(&self, password: &str) {
        drop(self.hash(password));
    }

    /// Whether the column was made in another way than [`hash`](Self::hash) makes it. An unusable one was not.
    #[must_use]
    pub fn needs_upgrade(&self, encoded: &str) -> bool {
        let preferred = self.preferred.algorithm();
        let is_current = || {
            let stored = Stored::parse(preferred, encoded)?;
            Some(!stored.is_outdated(&self.preferred))
        };
        let is_preferred = Algorithm::of(encoded) == Some(preferred);
        is_usable(encoded) && !(is_preferred && is_current().unwrap_or(false))
    }

    /// The column taken apart, if a password may be right for it.
    fn stored<'a>(&self, encoded: &'a str) -> Option<(Algorithm, Stored<'a>)> {
        if !is_usable(encoded) {
            return None;
        }
        let algorithm = Algorithm::of(encoded).filter(|found| self.accepted.contains(found));
        let Some(algorithm) = algorithm else {
            tracing::warn!(
                "password column is of no algorithm that is believed; no password is right"
            );
            return None;
        };
        let name = algorithm.name();
        let Some(stored) = Stored::parse(algorithm, encoded) else {
            tracing::warn!(
                algorithm = name,
                "password column is malformed; no password is right"
            );
            return None;
        };
        if !stored.is_within(&self.limits) {
            tracing::warn!(
                algorithm = name,
                "password column asks for more work or memory than allowed; no password is right"
            );
            return None;
        }
        Some((algorithm, stored))
    }
}
