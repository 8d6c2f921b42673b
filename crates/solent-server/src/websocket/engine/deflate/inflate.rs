//! From compressed octets to plain ones.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};
use solent_spec::websocket::Frame;
use tungstenite::protocol::frame::coding::Data;

use super::{Agreed, TAIL};
use crate::websocket::engine::{Violation, message::Message};

/// Octets that one step reads and writes at most, about a tenth of a millisecond's work.
const STEP: usize = 64 * 1024;

/// Inflates what one client sends.
#[derive(Debug)]
pub(crate) struct Inflater {
    /// The context, if the client keeps its own from one message to the next.
    own: Option<Box<Decompress>>,
}

/// A message after its first step.
#[derive(Debug)]
pub(in super::super) enum Inflated {
    Whole(Vec<u8>),
    Begun(Box<Inflating>),
}

/// A message that takes more than one step, between which others get a turn.
#[derive(Debug)]
pub(in super::super) struct Inflating {
    /// The thread's shared context, which another message must not use meanwhile. Absent if the client's own is used.
    context: Option<Decompress>,
    octets: Vec<u8>,
    /// How many of the octets and of the [`TAIL`] are used.
    at: usize,
    message: Message,
}

thread_local! {
    /// One context for all connections of a thread whose clients keep none. The largest window reads all others. Absent
    /// while a message that takes more than one step uses it; then another one is made.
    static SHARED: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

impl Inflater {
    pub(crate) fn new(agreed: &Agreed) -> Self {
        Self {
            own: (!agreed.client_no_context_takeover).then(|| Box::new(Decompress::new(false))),
        }
    }

    /// Begins to inflate a whole message to at most `limit` bytes; most are done at once.
    pub(in super::super) fn inflate(
        &mut self,
        text: bool,
        octets: &[u8],
        limit: usize,
    ) -> Result<Inflated, Violation> {
        let mut shared = match self.own {
            Some(_) => None,
            None => Some(take_shared()),
        };
        let context = match (&mut shared, &mut self.own) {
            (Some(shared), _) => shared,
            (None, own) => own.get_or_insert_with(|| Box::new(Decompress::new(false))),
        };
        let (mut at, mut out) = (0, Vec::new());
        let done = step(context, octets, &mut at, &mut out, limit)?;
        if done {
            give_back(shared);
            return Ok(Inflated::Whole(out));
        }
        let data = if text { Data::Text } else { Data::Binary };
        let mut message = Message::new(data, false);
        message.push(&out)?;
        Ok(Inflated::Begun(Box::new(Inflating {
            context: shared,
            octets: octets.to_vec(),
            at,
            message,
        })))
    }
}

impl Inflating {
    /// Takes a step, with the inflater that began; whether it was the last.
    pub(in super::super) fn step(
        &mut self,
        inflater: &mut Inflater,
        limit: usize,
    ) -> Result<bool, Violation> {
        let context = match (&mut self.context, &mut inflater.own) {
            (Some(context), _) => context,
            (None, Some(own)) => own,
            (None, None) => return Err(Violation::NOT_DEFLATE),
        };
        let mut out = Vec::new();
        let left = limit.saturating_sub(self.message.len());
        let done = step(context, &self.octets, &mut self.at, &mut out, left)?;
        self.message.push(&out)?;
        Ok(done)
    }

    /// The message, after the last step.
    pub(in super::super) fn finish(self) -> Result<Frame, Violation> {
        give_back(self.context);
        self.message.finish()
    }
}

/// The thread's context, as new.
fn take_shared() -> Decompress {
    let shared = SHARED.with_borrow_mut(Option::take);
    match shared {
        Some(mut shared) => {
            shared.reset(false);
            shared
        }
        None => Decompress::new(false),
    }
}

/// Leaves a context to the next message of the thread.
fn give_back(context: Option<Decompress>) {
    if context.is_some() {
        SHARED.set(context);
    }
}

/// Inflates up to [`STEP`] octets from position `at` of `octets` and the tail behind them. Whether that was all.
fn step(
    context: &mut Decompress,
    octets: &[u8],
    at: &mut usize,
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<bool, Violation> {
    let end = octets.len() + TAIL.len();
    let stop = end.min(at.saturating_add(STEP));
    // One byte more than the limit is enough to know.
    let most = limit.saturating_add(1).min(STEP);
    out.reserve_exact(((stop - *at) * 3).max(64).min(most));
    loop {
        if out.len() == out.capacity() {
            if out.len() >= most {
                return Ok(false);
            }
            out.reserve_exact((most - out.len()).min(out.len().max(64)));
        }
        let input = match octets.get(*at..) {
            Some(rest) if !rest.is_empty() => &rest[..rest.len().min(stop - *at)],
            _ => &TAIL[*at - octets.len()..],
        };
        let (in_before, out_before) = (context.total_in(), out.len());
        let status = context
            .decompress_vec(input, out, FlushDecompress::Sync)
            .map_err(|_| Violation::NOT_DEFLATE)?;
        let used = (context.total_in() - in_before) as usize;
        *at += used;
        if out.len() > limit {
            return Err(Violation::MESSAGE_TOO_BIG);
        }
        match status {
            // A block marked as final ends a stream, not the message (RFC 7692 §7.2.3.4): another stream may follow.
            Status::StreamEnd => context.reset(false),
            _ if used == 0 && out.len() == out_before && out.len() < out.capacity() => {
                return if input.is_empty() {
                    Ok(true)
                } else {
                    Err(Violation::NOT_DEFLATE)
                };
            }
            _ => {}
        }
        if *at == end && out.len() < out.capacity() {
            return Ok(true);
        }
        if *at >= stop && stop < end {
            return Ok(false);
        }
    }
}
