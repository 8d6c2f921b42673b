//! `pbkdf2_sha256$<iterations>$<salt>$<base64>`, and the same with SHA-1.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Algorithm, Hasher, PasswordLimits, salt};

pub(super) struct Pbkdf2<'a> {
    algorithm: Algorithm,
    iterations: u32,
    salt: &'a str,
    hash: Vec<u8>,
}

impl<'a> Pbkdf2<'a> {
    /// Reads what comes after the algorithm's name.
    pub(super) fn parse(algorithm: Algorithm, rest: &'a str) -> Option<Self> {
        let mut parts = rest.splitn(3, '$');
        let iterations = parts.next()?.parse().ok().filter(|count| *count > 0)?;
        let salt = parts.next().filter(|salt| !salt.is_empty())?;
        let hash = STANDARD.decode(parts.next()?).ok()?;
        (hash.len() == length(algorithm)).then_some(Self {
            algorithm,
            iterations,
            salt,
            hash,
        })
    }

    pub(super) fn is_within(&self, limits: &PasswordLimits) -> bool {
        self.iterations <= limits.iterations
    }

    pub(super) fn verify(&self, password: &str) -> bool {
        let hash = derive(self.algorithm, password, self.salt, self.iterations);
        hash.ct_eq(&self.hash).into()
    }

    pub(super) fn is_outdated(&self, preferred: &Hasher) -> bool {
        let current = match *preferred {
            Hasher::Pbkdf2Sha256 { iterations } | Hasher::Pbkdf2Sha1 { iterations } => iterations,
            _ => return true,
        };
        self.iterations != current || salt::is_too_short(self.salt.chars().count())
    }

    /// Does the work that is missing here, compared with what is preferred, so that a wrong password takes as long with both.
    pub(super) fn harden(&self, preferred: &Hasher, password: &str) {
        if let Hasher::Pbkdf2Sha256 { iterations } | Hasher::Pbkdf2Sha1 { iterations } = *preferred
        {
            let missing = iterations.saturating_sub(self.iterations);
            if missing > 0 {
                derive(self.algorithm, password, self.salt, missing);
            }
        }
    }

    pub(super) fn hash(
        algorithm: Algorithm,
        iterations: u32,
        password: &str,
        limits: &PasswordLimits,
    ) -> Option<String> {
        if iterations == 0 || iterations > limits.iterations {
            return None;
        }
        let salt = salt::new();
        let hash = STANDARD.encode(derive(algorithm, password, &salt, iterations));
        Some(format!("{}${iterations}${salt}${hash}", algorithm.name()))
    }
}

fn length(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Pbkdf2Sha1 => 20,
        _ => 32,
    }
}

fn derive(algorithm: Algorithm, password: &str, salt: &str, iterations: u32) -> Vec<u8> {
    let mut hash = vec![0; length(algorithm)];
    let (password, salt) = (password.as_bytes(), salt.as_bytes());
    match algorithm {
        Algorithm::Pbkdf2Sha1 => {
            ::pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut hash);
        }
        _ => ::pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut hash),
    }
    hash
}
