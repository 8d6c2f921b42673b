//! How much work and memory a single password may take.

/// What checking one password may cost, whatever its column asks for. A column that asks for more never verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct PasswordLimits {
    /// Iterations of PBKDF2. Default: 10 million, some seconds. Django 6.1 takes 1.5 million.
    pub iterations: u32,
    /// The cost of bcrypt, whose every step doubles the work. Default: 16, some seconds. Django takes 12.
    pub cost: u32,
    /// Bytes of memory, for Argon2 and scrypt. Default: 256 MiB. Django's Argon2 takes 100.
    pub memory: u64,
    /// Bytes of memory that Argon2 and scrypt go through in all their passes. Default: 2 GiB, some seconds. Django's Argon2
    /// takes 200 MiB.
    pub work: u64,
}

impl Default for PasswordLimits {
    fn default() -> Self {
        Self {
            iterations: 10_000_000,
            cost: 16,
            memory: 256 << 20,
            work: 2 << 30,
        }
    }
}

impl PasswordLimits {
    /// Sets [`iterations`](Self::iterations).
    pub fn iterations(mut self, iterations: u32) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets [`cost`](Self::cost).
    pub fn cost(mut self, cost: u32) -> Self {
        self.cost = cost;
        self
    }

    /// Sets [`memory`](Self::memory).
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets [`work`](Self::work).
    pub fn work(mut self, bytes: u64) -> Self {
        self.work = bytes;
        self
    }

    /// Whether `memory` bytes, gone through `passes` times, are within the limits.
    pub(super) fn allow_memory(&self, memory: Option<u64>, passes: u32) -> bool {
        memory.is_some_and(|memory| {
            let work = memory.checked_mul(passes.into());
            memory <= self.memory && work.is_some_and(|work| work <= self.work)
        })
    }
}
