//! Tokens that may be used once.

use std::{collections::HashMap, num::NonZeroUsize, time::SystemTime};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::JwtError;

/// The tokens that were used and have not expired.
pub(super) struct Used {
    capacity: usize,
    /// By issuer and id, when each may be forgotten. Held for a look-up, or for a sweep when it is full.
    until: Mutex<HashMap<[u8; 32], SystemTime>>,
}

impl Used {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity: capacity.get(),
            until: Mutex::default(),
        }
    }

    /// Notes that the token `id` of `issuer`, which expires at `expires`, is used at `now`.
    ///
    /// # Errors
    ///
    /// It was used before, or there is no room to remember it: a token that cannot be remembered is not accepted.
    pub(super) fn note(
        &self,
        issuer: &str,
        id: &str,
        expires: SystemTime,
        now: SystemTime,
    ) -> Result<(), JwtError> {
        let name = digest(issuer, id);
        let mut until = self.until.lock();
        if until.get(&name).is_some_and(|until| *until >= now) {
            return Err(JwtError::Replayed);
        }
        if until.len() >= self.capacity {
            until.retain(|_, until| *until >= now);
        }
        if until.len() >= self.capacity {
            return Err(JwtError::Crowded);
        }
        until.insert(name, expires);
        Ok(())
    }
}

/// What a token is remembered by.
fn digest(issuer: &str, id: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((issuer.len() as u64).to_be_bytes());
    hash.update(issuer);
    hash.update(id);
    hash.finalize().into()
}

/// The same for a store that takes texts.
pub(super) fn name(issuer: &str, id: &str) -> String {
    let digest = digest(issuer, id);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_has_expired_makes_room() {
        let used = Used::new(NonZeroUsize::MIN);
        let (now, second) = (SystemTime::UNIX_EPOCH, Duration::from_secs(1));

        assert_eq!(used.note("i", "a", now + second, now), Ok(()));
        assert_eq!(
            used.note("i", "a", now + second, now),
            Err(JwtError::Replayed)
        );
        assert_eq!(
            used.note("i", "b", now + second, now),
            Err(JwtError::Crowded)
        );
        let later = now + 2 * second;
        assert_eq!(used.note("i", "b", later, later), Ok(()));
    }

    #[test]
    fn issuers_have_ids_of_their_own() {
        let used = Used::new(NonZeroUsize::new(8).unwrap());
        let now = SystemTime::UNIX_EPOCH;

        for (issuer, id) in [("", "ab"), ("a", "b"), ("ab", "")] {
            assert_eq!(used.note(issuer, id, now, now), Ok(()));
        }
    }
}
