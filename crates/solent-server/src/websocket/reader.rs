//! Everything that comes from one client.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use super::{
    bell::Bell,
    engine::{Decoded, Decoder, Fragments, Violation},
    outbox::Outbox,
    turn::{Allowance, Turn},
};
use crate::{clock::Tick, connection::ReadHalf};

/// Bytes read at a time, into a buffer that all connections of a thread share.
pub(super) const READ: usize = 128 * 1024;

/// Control frames at least this far apart keep a connection alive, and count for nothing else: half a second.
const KEEP_ALIVE: Tick = 5;

/// The half of a WebSocket that reads. Owns no buffer but for an unfinished frame, or for input that came with others
/// and is not decoded yet.
#[derive(Debug)]
pub(crate) struct Reader {
    half: ReadHalf,
    decoder: Decoder,
    /// Input behind the last decoded frame.
    left: Option<Box<Left>>,
    bell: Arc<Bell>,
    /// What is left to the client of frames that carry nothing.
    allowance: Allowance,
    /// When the last control frame came.
    control: Tick,
    /// Frames that the application has not seen, since [`take_overhead`](Self::take_overhead).
    overhead: u32,
}

#[derive(Debug)]
struct Left {
    bytes: Vec<u8>,
    at: usize,
}

/// What a read ended in.
#[derive(Debug)]
pub(crate) enum Read {
    Event(Decoded),
    /// The peer broke the rules.
    Violation(Violation),
    /// The stream is over.
    End,
}

/// What there is to read.
#[derive(Debug)]
pub(super) enum Next {
    Read(Read),
    /// Nothing; the bell rings when there is something.
    Nothing,
    /// More than fits a turn.
    TurnOver,
}

thread_local! {
    /// One buffer for each thread; zeroed once.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

impl Reader {
    /// Reads from `half`, after `early`, which came with the handshake.
    pub(super) fn new(half: ReadHalf, decoder: Decoder, early: Bytes) -> Self {
        let left = (!early.is_empty()).then(|| {
            Box::new(Left {
                bytes: early.into(),
                at: 0,
            })
        });
        Self {
            half,
            decoder,
            left,
            bell: Arc::default(),
            allowance: Allowance::default(),
            control: 0,
            overhead: 0,
        }
    }

    pub(super) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Whether input is at hand, so that an answer can wait for the answers to it.
    pub(super) fn has_more(&self) -> bool {
        self.left.is_some() || self.decoder.is_inflating()
    }

    /// Frames that the application has not seen, since this was last asked.
    pub(super) fn take_overhead(&mut self) -> usize {
        std::mem::take(&mut self.overhead) as usize
    }

    /// Ignores what still comes.
    pub(super) fn discard(&mut self) {
        self.decoder.discard();
    }

    /// Decodes the next event, from at most `room` more bytes of input at a time. `application` is woken by the bell as
    /// well.
    pub(super) fn next(
        &mut self,
        outbox: &Outbox,
        turn: &mut Turn,
        room: usize,
        application: Option<&Waker>,
    ) -> Next {
        loop {
            if turn.is_over() {
                return Next::TurnOver;
            }
            let read = if self.has_more() {
                self.decode_left(turn)
            } else {
                let silent = match application {
                    Some(application) => self.bell.is_silent_for(application),
                    None => self.bell.is_silent(),
                };
                if silent {
                    return Next::Nothing;
                }
                match self.poll_socket(outbox, turn, room) {
                    Poll::Pending => return Next::Nothing,
                    Poll::Ready(Ok(read)) => read,
                    Poll::Ready(Err(_)) => return Next::Read(Read::End),
                }
            };
            let now = outbox.core().clock.now();
            let limit = outbox.core().config.websocket.control_frames;
            if let Err(violation) = self.count(read.as_ref(), limit, now) {
                return Next::Read(Read::Violation(violation));
            }
            if let Some(read) = read {
                return Next::Read(read);
            }
        }
    }

    fn decode_left(&mut self, turn: &mut Turn) -> Option<Read> {
        let Some(left) = &mut self.left else {
            return decode(&mut self.decoder, &mut [], &mut 0, turn);
        };
        let read = decode(&mut self.decoder, &mut left.bytes, &mut left.at, turn);
        if left.at >= left.bytes.len() {
            self.left = None;
        }
        read
    }

    fn poll_socket(
        &mut self,
        outbox: &Outbox,
        turn: &mut Turn,
        room: usize,
    ) -> Poll<io::Result<Option<Read>>> {
        let waker = Waker::from(Arc::clone(&self.bell));
        self.bell.listen();
        let polled = self.poll_scratch(turn, room, &mut Context::from_waker(&waker));
        if polled.is_ready() {
            self.bell.interrupt();
            outbox.heard();
        }
        polled
    }

    fn poll_scratch(
        &mut self,
        turn: &mut Turn,
        room: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Read>>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buf = ReadBuf::new(&mut scratch[..room.min(READ)]);
            ready!(Pin::new(&mut self.half).poll_read(cx, &mut buf))?;
            let input = buf.filled_mut();
            if input.is_empty() {
                return Poll::Ready(Ok(Some(Read::End)));
            }
            turn.read(input.len());
            let mut at = 0;
            let read = decode(&mut self.decoder, input, &mut at, turn);
            if at < input.len() {
                self.left = Some(Box::new(Left {
                    bytes: input[at..].into(),
                    at: 0,
                }));
            }
            Poll::Ready(Ok(read))
        })
    }

    /// Counts what the application does not see, of which there is a limit to what carries nothing.
    fn count(&mut self, read: Option<&Read>, limit: usize, now: Tick) -> Result<(), Violation> {
        let Fragments { small, tiny } = self.decoder.take_fragments();
        self.overhead = self.overhead.saturating_add(small.into());
        let mut carry_nothing = u32::from(tiny);
        if let Some(Read::Event(Decoded::Ping(_) | Decoded::Pong)) = read {
            if now.saturating_sub(self.control) < KEEP_ALIVE {
                self.overhead = self.overhead.saturating_add(1);
            }
            self.control = now;
            carry_nothing += 1;
        }
        if carry_nothing == 0 || self.allowance.take(carry_nothing, limit, now) {
            return Ok(());
        }
        self.discard();
        Err(Violation::TOO_MANY_FRAMES)
    }
}

/// The next event in `input`, if there is a whole one.
fn decode(
    decoder: &mut Decoder,
    input: &mut [u8],
    at: &mut usize,
    turn: &mut Turn,
) -> Option<Read> {
    match decoder.decode(input, at, turn.frames()) {
        Ok(Some(event)) => Some(Read::Event(event)),
        Ok(None) => None,
        Err(violation) => Some(Read::Violation(violation)),
    }
}
