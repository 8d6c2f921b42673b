//! From compressed bytes to plain ones.

use std::{cell::RefCell, collections::VecDeque};

use flate2::{Decompress, FlushDecompress, Status};
use solent_spec::websocket::Frame;

use super::{Agreed, TAIL};
use crate::websocket::engine::{Violation, message::Message};

/// Bytes that one step writes at most, about a tenth of a millisecond's work.
const STEP: usize = 64 * 1024;

/// Bytes that one step reads at most. What describes many small blocks takes longer to read than to write.
const INPUT: usize = 16 * 1024;

/// Streams that one message may consist of. Clients make one; to begin another takes as long as to inflate some kilobytes.
const STREAMS: u8 = 8;

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
///
/// Its bytes lie in pieces until their number is known, so that a bomb that is over the limit costs no large allocations.
#[derive(Debug)]
pub(in super::super) struct Inflating {
    /// The thread's shared context, which another message must not use meanwhile. Absent if the client's own is used.
    context: Option<Decompress>,
    bytes: Vec<u8>,
    progress: Progress,
    pieces: VecDeque<Vec<u8>>,
    /// Bytes in all pieces.
    len: usize,
    text: bool,
    /// The message, once everything is inflated and the pieces are put together.
    message: Option<Message>,
}

/// How far a message is inflated.
#[derive(Debug, Default)]
struct Progress {
    /// How many of the bytes and of the [`TAIL`] are used.
    at: usize,
    /// Streams that have ended.
    streams: u8,
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
        bytes: &[u8],
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
        let (mut progress, mut out) = (Progress::default(), Vec::new());
        let done = progress.step(context, bytes, &mut out, limit)?;
        if done {
            give_back(shared);
            return Ok(Inflated::Whole(out));
        }
        let mut inflating = Inflating {
            context: shared,
            bytes: bytes.to_vec(),
            progress,
            pieces: VecDeque::new(),
            len: 0,
            text,
            message: None,
        };
        inflating.keep(out);
        Ok(Inflated::Begun(Box::new(inflating)))
    }
}

impl Inflating {
    /// Takes a step, with the inflater that began; whether it was the last.
    pub(in super::super) fn step(
        &mut self,
        inflater: &mut Inflater,
        limit: usize,
    ) -> Result<bool, Violation> {
        if let Some(message) = &mut self.message {
            if let Some(piece) = self.pieces.pop_front() {
                message.push(&piece)?;
            }
            return Ok(self.pieces.is_empty());
        }
        let context = match (&mut self.context, &mut inflater.own) {
            (Some(context), _) => context,
            (None, Some(own)) => own,
            (None, None) => return Err(Violation::NOT_DEFLATE),
        };
        let mut out = Vec::new();
        let left = limit.saturating_sub(self.len);
        let done = self.progress.step(context, &self.bytes, &mut out, left)?;
        self.keep(out);
        if done {
            give_back(self.context.take());
            self.bytes = Vec::new();
            self.message = Some(Message::with_room(self.text, self.len));
        }
        Ok(false)
    }

    fn keep(&mut self, mut piece: Vec<u8>) {
        if piece.len() < piece.capacity() / 2 {
            piece.shrink_to_fit();
        }
        self.len += piece.len();
        if !piece.is_empty() {
            self.pieces.push_back(piece);
        }
    }

    /// The message, after the last step.
    pub(in super::super) fn finish(self) -> Result<Frame, Violation> {
        let message = self.message.ok_or(Violation::NOT_DEFLATE)?;
        message.finish()
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

impl Progress {
    /// Takes a step in inflating `bytes` and the tail behind them. Whether it was the last.
    fn step(
        &mut self,
        context: &mut Decompress,
        bytes: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<bool, Violation> {
        let end = bytes.len() + TAIL.len();
        let stop = end.min(self.at.saturating_add(INPUT));
        // One byte more than the limit is enough to know.
        let most = limit.saturating_add(1).min(STEP);
        out.reserve_exact(((stop - self.at) * 3).max(64).min(most));
        loop {
            if out.len() == out.capacity() {
                if out.len() >= most {
                    return Ok(false);
                }
                out.reserve_exact((most - out.len()).min(out.len().max(64)));
            }
            let input = match bytes.get(self.at..) {
                Some(rest) if !rest.is_empty() => &rest[..rest.len().min(stop - self.at)],
                _ => &TAIL[self.at - bytes.len()..],
            };
            let (in_before, out_before) = (context.total_in(), out.len());
            let status = context
                .decompress_vec(input, out, FlushDecompress::Sync)
                .map_err(|_| Violation::NOT_DEFLATE)?;
            let used = (context.total_in() - in_before) as usize;
            self.at += used;
            if out.len() > limit {
                return Err(Violation::MESSAGE_TOO_BIG);
            }
            match status {
                Status::StreamEnd => self.begin_another(context)?,
                _ if used == 0 && out.len() == out_before && out.len() < out.capacity() => {
                    return if input.is_empty() {
                        Ok(true)
                    } else {
                        Err(Violation::NOT_DEFLATE)
                    };
                }
                _ => {}
            }
            if self.at == end && out.len() < out.capacity() {
                return Ok(true);
            }
            if self.at >= stop && stop < end {
                return Ok(false);
            }
        }
    }

    /// A block marked as final ends a stream, not the message (RFC 7692 §7.2.3.4): another stream may follow.
    fn begin_another(&mut self, context: &mut Decompress) -> Result<(), Violation> {
        if self.streams == STREAMS {
            return Err(Violation::TOO_MANY_STREAMS);
        }
        self.streams += 1;
        context.reset(false);
        Ok(())
    }
}
