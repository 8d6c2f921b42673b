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
    engine::{Decoded, Decoder, Violation},
    outbox::Outbox,
};
use crate::connection::ReadHalf;

/// Bytes read at a time, into a buffer that all connections of a thread share.
const READ: usize = 128 * 1024;

/// The half of a WebSocket that reads. Owns no buffer but for an unfinished frame, or for input that came with others
/// and is not decoded yet.
#[derive(Debug)]
pub(crate) struct Reader {
    half: ReadHalf,
    decoder: Decoder,
    /// Input behind the last decoded message.
    left: Option<Box<Left>>,
    bell: Arc<Bell>,
    /// The socket rings the bell with its next octets.
    listening: bool,
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
            listening: false,
        }
    }

    /// Whether input is at hand, so that an answer can wait for the answers to it.
    pub(super) fn is_corked(&self) -> bool {
        self.left.is_some()
    }

    /// Decodes input that is at hand.
    pub(super) fn next_left(&mut self) -> Option<Read> {
        let left = self.left.as_mut()?;
        let read = decode(&mut self.decoder, &mut left.bytes, &mut left.at);
        if left.at >= left.bytes.len() || read.is_none() {
            self.left = None;
        }
        read
    }

    /// Reads more input and decodes its first event. Call it once nothing is [left](Self::next_left).
    pub(super) fn poll_next(&mut self, outbox: &Outbox, cx: &mut Context<'_>) -> Poll<Read> {
        if self.bell.is_silent_for(cx.waker()) && self.listening {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut heard = Context::from_waker(&waker);
        loop {
            let polled = self.poll_scratch(&mut heard);
            self.listening = polled.is_pending();
            match ready!(polled) {
                Ok(Some(read)) => {
                    outbox.on_read();
                    return Poll::Ready(read);
                }
                Ok(None) => outbox.on_read(),
                Err(_) => return Poll::Ready(Read::End),
            }
        }
    }

    fn poll_scratch(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Read>>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buf = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.half).poll_read(cx, &mut buf))?;
            let input = buf.filled_mut();
            if input.is_empty() {
                return Poll::Ready(Ok(Some(Read::End)));
            }
            let mut at = 0;
            let read = decode(&mut self.decoder, input, &mut at);
            if read.is_some() && at < input.len() {
                self.left = Some(Box::new(Left {
                    bytes: input[at..].into(),
                    at: 0,
                }));
            }
            Poll::Ready(Ok(read))
        })
    }

    /// Reads and discards until the peer's close frame or the end of the stream.
    pub(super) fn poll_close(&mut self, outbox: &Outbox, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let read = match self.next_left() {
                Some(read) => read,
                None => ready!(self.poll_next(outbox, cx)),
            };
            match read {
                Read::Event(Decoded::Close(_)) | Read::End => return Poll::Ready(()),
                Read::Violation(_) => self.decoder.discard(),
                Read::Event(_) => {}
            }
        }
    }
}

/// The next event in `input`, if there is a whole one.
fn decode(decoder: &mut Decoder, input: &mut [u8], at: &mut usize) -> Option<Read> {
    match decoder.decode(input, at) {
        Ok(Some(event)) => Some(Read::Event(event)),
        Ok(None) => None,
        Err(violation) => Some(Read::Violation(violation)),
    }
}
