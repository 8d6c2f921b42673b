//! One message to many clients.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use super::Frame;

/// A message that goes to many clients: encoded once, compressed once, never copied. Cheap to clone.
///
/// It keeps what servers made of it for the wire, one [variant](WireVariant) for each way in which the clients' connections
/// differ. The first connection that needs a variant makes it; the others share it.
#[derive(Clone)]
pub struct SharedFrame(Arc<Inner>);

struct Inner {
    frame: Frame,
    /// The bytes for connections without compression.
    plain: OnceLock<Bytes>,
    /// The bytes for connections with compression, by window bits from 8 to 15.
    deflated: OnceLock<Box<[OnceLock<Bytes>; 8]>>,
}

/// The ways in which one message may have to be put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireVariant {
    /// As it is.
    Plain,
    /// Compressed (RFC 7692) without context takeover.
    Deflated {
        /// The agreed `server_max_window_bits`, 8 to 15.
        window_bits: u8,
    },
}

impl SharedFrame {
    /// Makes `frame` ready to be shared.
    pub fn new(frame: impl Into<Frame>) -> Self {
        Self(Arc::new(Inner {
            frame: frame.into(),
            plain: OnceLock::new(),
            deflated: OnceLock::new(),
        }))
    }

    /// The message.
    pub fn frame(&self) -> &Frame {
        &self.0.frame
    }

    /// The bytes of one variant, made by `make` if they are asked for for the first time.
    pub fn wire(&self, variant: WireVariant, make: impl FnOnce(&Frame) -> Bytes) -> &Bytes {
        let slot = match variant {
            WireVariant::Plain => &self.0.plain,
            WireVariant::Deflated { window_bits } => {
                let slots = self.0.deflated.get_or_init(Box::default);
                &slots[usize::from(window_bits.clamp(8, 15) - 8)]
            }
        };
        slot.get_or_init(|| make(&self.0.frame))
    }
}

impl fmt::Debug for SharedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared{:?}", self.0.frame)
    }
}

impl<T: Into<Frame>> From<T> for SharedFrame {
    fn from(frame: T) -> Self {
        Self::new(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variant_is_made_once() {
        let frame = SharedFrame::new("hello");
        let mut made = 0;
        for bits in [15, 9, 15, 9] {
            let variant = WireVariant::Deflated { window_bits: bits };
            let bytes = frame.wire(variant, |_| {
                made += 1;
                Bytes::from(vec![bits])
            });
            assert_eq!(&bytes[..], [bits]);
        }
        assert_eq!(made, 2);
        assert_eq!(
            &frame.wire(WireVariant::Plain, |_| Bytes::from_static(b"p"))[..],
            b"p"
        );
    }
}
