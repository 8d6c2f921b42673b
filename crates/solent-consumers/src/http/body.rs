//! Putting a request body together.

use std::mem;

use bytes::{Bytes, BytesMut};

/// The body so far. One piece is kept as it is; several are copied together.
#[derive(Default)]
pub(super) enum Collected {
    #[default]
    Nothing,
    One(Bytes),
    Several(BytesMut),
}

impl Collected {
    /// Adds a piece, if the body stays within `limit` bytes with it.
    pub(super) fn push(&mut self, data: Bytes, limit: usize) -> bool {
        if data.len() > limit.saturating_sub(self.len()) {
            return false;
        }
        if data.is_empty() {
            return true;
        }
        *self = match mem::take(self) {
            Self::Nothing => Self::One(data),
            Self::One(first) => {
                let mut whole = BytesMut::with_capacity(first.len() + data.len());
                whole.extend_from_slice(&first);
                whole.extend_from_slice(&data);
                Self::Several(whole)
            }
            Self::Several(mut whole) => {
                whole.extend_from_slice(&data);
                Self::Several(whole)
            }
        };
        true
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(data) => data,
            Self::Several(whole) => whole.freeze(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(data) => data.len(),
            Self::Several(whole) => whole.len(),
        }
    }
}
