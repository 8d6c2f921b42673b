//! What one client may take of a thread's time at once.

use crate::clock::Tick;

/// Frames decoded before others get a turn.
const FRAMES: u32 = 256;

/// Bytes read before others get a turn: two reads.
const BYTES: u32 = 256 * 1024;

/// A turn of one client: so many frames and bytes, and then the others.
///
/// Tokio's own budget counts reads of a socket, and one read may hold twenty thousand frames.
#[derive(Debug)]
pub(super) struct Turn {
    frames: u32,
    bytes: u32,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            frames: FRAMES,
            bytes: BYTES,
        }
    }
}

impl Turn {
    pub(super) fn is_over(&self) -> bool {
        self.frames == 0 || self.bytes == 0
    }

    /// Frames that may still be decoded.
    pub(super) fn frames(&mut self) -> &mut u32 {
        &mut self.frames
    }

    pub(super) fn read(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes as u32);
    }
}

/// A limit on frames that carry nothing: so many a second, over ten seconds.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// What has been used and not regained, in tenths of a frame: each tick regains a tenth of a second's frames.
    used: u32,
    /// When that was counted.
    at: Tick,
}

impl Allowance {
    /// Seconds over which the limit is an average.
    const SPAN: u32 = 10;

    /// Uses up `frames`; false if they are too many for `limit` a second.
    pub(super) fn take(&mut self, frames: u32, limit: usize, now: Tick) -> bool {
        const TENTHS: u32 = 10;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let regained = limit.saturating_mul(now.saturating_sub(self.at));
        self.used = self
            .used
            .saturating_sub(regained)
            .saturating_add(frames.saturating_mul(TENTHS));
        self.at = now;
        self.used <= limit.saturating_mul(Self::SPAN * TENTHS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowance_is_an_average_over_ten_seconds() {
        let mut allowance = Allowance::default();

        assert!(allowance.take(20, 2, 1));
        assert!(allowance.take(2, 2, 11), "a second later two more");
        assert!(!allowance.take(1, 2, 11));
        assert!(allowance.take(20, 2, 1000), "all is regained, and no more");
        assert!(!allowance.take(1, 2, 1000));
    }

    #[test]
    fn largest_limit_is_none_and_zero_allows_nothing() {
        let mut allowance = Allowance::default();
        assert!((1..100).all(|now| allowance.take(u32::MAX, usize::MAX, now)));

        assert!(!Allowance::default().take(1, 0, 1));
    }
}
