//! From compressed octets to plain ones.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::{Agreed, TAIL};
use crate::websocket::engine::Violation;

/// Inflates what one client sends.
#[derive(Debug)]
pub(crate) struct Inflater {
    /// The context, if the client keeps its own from one message to the next.
    own: Option<Box<Decompress>>,
}

thread_local! {
    /// One inflater for all connections of a thread whose clients keep no context. The largest window reads all others.
    static SHARED: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

impl Inflater {
    pub(crate) fn new(agreed: &Agreed) -> Self {
        Self {
            own: (!agreed.client_no_context_takeover).then(|| Box::new(Decompress::new(false))),
        }
    }

    /// Inflates a whole message to at most `limit` bytes.
    pub(crate) fn inflate(&mut self, octets: &[u8], limit: usize) -> Result<Vec<u8>, Violation> {
        if let Some(own) = &mut self.own {
            return inflate(own, octets, limit);
        }
        SHARED.with_borrow_mut(|shared| {
            shared.reset(false);
            inflate(shared, octets, limit)
        })
    }
}

fn inflate(context: &mut Decompress, octets: &[u8], limit: usize) -> Result<Vec<u8>, Violation> {
    let mut out = Vec::with_capacity((octets.len() * 3).max(64).min(limit.saturating_add(1)));
    for input in [octets, &TAIL] {
        inflate_into(context, input, &mut out, limit)?;
    }
    Ok(out)
}

fn inflate_into(
    context: &mut Decompress,
    mut input: &[u8],
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Violation> {
    loop {
        if out.len() == out.capacity() {
            // One byte more than the limit is enough to know.
            let room = (limit + 1).saturating_sub(out.len()).min(out.len().max(64));
            out.reserve_exact(room.max(1));
        }
        let (in_before, out_before) = (context.total_in(), out.len());
        let status = context
            .decompress_vec(input, out, FlushDecompress::Sync)
            .map_err(|_| Violation::NOT_DEFLATE)?;
        let used = (context.total_in() - in_before) as usize;
        input = &input[used..];
        if out.len() > limit {
            return Err(Violation::MESSAGE_TOO_BIG);
        }
        match status {
            // A block marked as final ends a stream, not the message (RFC 7692 §7.2.3.4): another stream may follow.
            Status::StreamEnd => context.reset(false),
            _ if used == 0 && out.len() == out_before && out.len() < out.capacity() => {
                return if input.is_empty() {
                    Ok(())
                } else {
                    Err(Violation::NOT_DEFLATE)
                };
            }
            _ => {}
        }
        if input.is_empty() && out.len() < out.capacity() {
            return Ok(());
        }
    }
}
