//! From plain bytes to compressed ones.

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress};

use super::{Agreed, TAIL};
use crate::DeflateConfig;

/// The smallest window that zlib compresses with. A client may insist on 8 bits; it is then sent plain messages, which
/// the agreement allows (RFC 7692 §6).
const LEAST_WINDOW: u8 = 9;

/// Compresses what goes to one client.
#[derive(Debug)]
pub(crate) struct Deflater {
    window_bits: u8,
    config: DeflateConfig,
    /// The context, if it is kept from one message to the next.
    own: Option<Box<Compress>>,
}

thread_local! {
    /// One compressor for each size of window, 9 to 15 bits, for all connections of a thread that keep no context. A level
    /// other than the first one asked for makes a new one.
    static SHARED: RefCell<[Option<(u32, Compress)>; 7]> = const { RefCell::new([const { None }; 7]) };
}

impl Deflater {
    pub(crate) fn new(agreed: &Agreed, config: &DeflateConfig) -> Self {
        let window_bits = agreed.server_max_window_bits;
        let keeps = !agreed.server_no_context_takeover && window_bits >= LEAST_WINDOW;
        let own = keeps.then(|| Box::new(compressor(config.level, window_bits)));
        Self {
            window_bits,
            config: config.clone(),
            own,
        }
    }

    /// Whether a frame that is compressed for many can be sent to this client: not if it keeps a context.
    pub(crate) fn is_shareable(&self) -> bool {
        self.own.is_none()
    }

    /// Compresses a message, or says that it is better sent plain.
    pub(crate) fn deflate(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let Some(own) = &mut self.own else {
            return once(bytes, self.window_bits, &self.config);
        };
        // Once compressed it has to be sent so: the context knows it.
        (bytes.len() >= self.config.min_size)
            .then(|| compress(own, bytes))
            .flatten()
    }
}

/// Compresses a message without regard to others, unless it is small or would grow.
pub(crate) fn once(bytes: &[u8], window_bits: u8, config: &DeflateConfig) -> Option<Vec<u8>> {
    if bytes.len() < config.min_size || !(LEAST_WINDOW..=15).contains(&window_bits) {
        return None;
    }
    let compressed = SHARED.with_borrow_mut(|shared| {
        let slot = &mut shared[usize::from(window_bits - LEAST_WINDOW)];
        slot.take_if(|(level, _)| *level != config.level);
        let (_, context) =
            slot.get_or_insert_with(|| (config.level, compressor(config.level, window_bits)));
        context.reset();
        compress(context, bytes)
    })?;
    (compressed.len() < bytes.len()).then_some(compressed)
}

fn compressor(level: u32, window_bits: u8) -> Compress {
    Compress::new_with_window_bits(Compression::new(level), false, window_bits)
}

/// RFC 7692 §7.2.1: compress, flush to a byte boundary, leave out the last four bytes.
fn compress(context: &mut Compress, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
    let mut input = bytes;
    loop {
        let before = context.total_in();
        context
            .compress_vec(input, &mut out, FlushCompress::Sync)
            .ok()?;
        input = &input[(context.total_in() - before) as usize..];
        if input.is_empty() && out.len() < out.capacity() {
            break;
        }
        out.reserve(out.len().max(64));
    }
    let len = out
        .len()
        .checked_sub(TAIL.len())
        .filter(|len| out[*len..] == TAIL)?;
    out.truncate(len);
    if out.is_empty() {
        // An empty message still needs a block of its own (RFC 7692 §7.2.3.6).
        out.push(0x00);
    }
    Some(out)
}
