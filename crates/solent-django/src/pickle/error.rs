//! Why a pickle was not read, and how much of one is.

/// A pickle was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// It is cut off, or no pickle.
    #[error(
        "no valid pickle at byte {offset}: compare the cache's serializer and compression with Django's default"
    )]
    #[non_exhaustive]
    Malformed {
        /// Where reading stopped.
        offset: usize,
    },

    /// It has an instruction that makes more than plain data, or that no protocol up to 5 has.
    #[error(
        "pickle has more than plain data (opcode {opcode:#04x} at byte {offset}): keep only numbers, text, lists and dictionaries in sessions, or use the engine cached_db"
    )]
    #[non_exhaustive]
    Forbidden {
        /// The instruction.
        opcode: u8,
        /// Where it stands.
        offset: usize,
    },

    /// There is more in it than one of the [`PickleLimits`] allows.
    #[error("pickle has more {0} than allowed: keep less in sessions, or raise the limit")]
    TooMuch(
        /// Of what there is too much.
        &'static str,
    ),

    /// It holds something else than a dictionary with text for keys.
    #[error("pickle is not a dictionary with text for keys: read it as a value")]
    NotADictionary,
}

/// How much one pickle may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct PickleLimits {
    /// Bytes of the pickle. Default: 1 MiB.
    pub size: usize,
    /// Values, with one that is referred to twice counted twice. Default: 100,000.
    pub values: usize,
    /// Bytes of text and `bytes`, with what is referred to twice counted twice. Default: 4 MiB.
    pub text: usize,
    /// Lists, tuples and dictionaries inside each other. Default: 128.
    pub depth: usize,
}

impl Default for PickleLimits {
    fn default() -> Self {
        Self {
            size: 1 << 20,
            values: 100_000,
            text: 4 << 20,
            depth: 128,
        }
    }
}

impl PickleLimits {
    /// Sets [`size`](Self::size).
    pub fn size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// Sets [`values`](Self::values).
    pub fn values(mut self, values: usize) -> Self {
        self.values = values;
        self
    }

    /// Sets [`text`](Self::text).
    pub fn text(mut self, bytes: usize) -> Self {
        self.text = bytes;
        self
    }

    /// Sets [`depth`](Self::depth). Values are built and dropped recursively: some hundred are safe.
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }
}
