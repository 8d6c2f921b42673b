//! Bytes that wait to be written.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, IoSlice},
};

use bytes::{Buf, Bytes};

use crate::connection::WriteHalf;

/// Up to this many bytes are copied together and written at once; more is written from where it lies.
const GATHER: usize = 16 * 1024;

/// Bytes written before others get a turn. A client that reads as fast as it is written to would keep the thread.
const TURN: usize = 1024 * 1024;

/// Slices handed to one system call.
const SLICES: usize = 64;

/// A queue of bytes in pieces. Empty, it owns no buffer; most queues never hold more than one piece.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The oldest piece; empty if there is none.
    first: Bytes,
    /// What comes after it, if anything does.
    more: Option<Box<More>>,
    /// Bytes in all.
    len: usize,
}

/// How far writing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The queue is empty.
    All,
    /// Something is left, and the socket may take more.
    TurnOver,
}

#[derive(Debug, Default)]
struct More {
    /// The pieces after the first.
    rest: VecDeque<Bytes>,
    /// Small messages behind all pieces.
    tail: Vec<u8>,
}

thread_local! {
    /// Where small pieces are put together.
    static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a piece that is shared and stays where it is.
    pub(super) fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        if let Some(more) = self.more.as_mut().filter(|more| !more.tail.is_empty()) {
            let tail = std::mem::take(&mut more.tail);
            self.append(tail.into());
        }
        self.append(piece);
    }

    /// Adds bytes that are written by `write`, behind everything else.
    pub(super) fn extend(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let tail = &mut self.more.get_or_insert_default().tail;
        let before = tail.len();
        write(tail);
        self.len += tail.len() - before;
        if self.is_empty() {
            self.more = None;
        }
    }

    fn append(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
        } else if !piece.is_empty() {
            self.more.get_or_insert_default().rest.push_back(piece);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes as much as the socket takes in a turn.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the socket takes no more and something is left; other errors are final.
    pub(super) fn write_to(&mut self, socket: &WriteHalf) -> io::Result<Written> {
        let mut left = TURN;
        while !self.is_empty() {
            if left == 0 {
                return Ok(Written::TurnOver);
            }
            let written = match self.write_some(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.advance(written);
            left = left.saturating_sub(written);
        }
        Ok(Written::All)
    }

    fn write_some(&self, socket: &WriteHalf) -> io::Result<usize> {
        let Some(more) = &self.more else {
            return socket.try_write(&self.first);
        };
        if self.first.is_empty() && more.rest.is_empty() {
            return socket.try_write(&more.tail);
        }
        if self.len <= GATHER {
            return GATHERED.with_borrow_mut(|gathered| {
                gathered.clear();
                self.pieces()
                    .for_each(|piece| gathered.extend_from_slice(piece));
                socket.try_write(gathered)
            });
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = slices
            .iter_mut()
            .zip(self.pieces())
            .map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count();
        socket.try_write_vectored(&slices[..count])
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let rest = self.more.iter().flat_map(|more| more.rest.iter());
        let shared = std::iter::once(&self.first)
            .chain(rest)
            .map(|piece| &**piece);
        let tail = self.more.iter().map(|more| &*more.tail);
        shared.chain(tail).filter(|piece| !piece.is_empty())
    }

    /// Drops what has been written.
    fn advance(&mut self, mut written: usize) {
        self.len -= written.min(self.len);
        if self.is_empty() {
            // Let go of every buffer.
            return self.clear();
        }
        while written > 0 && !self.first.is_empty() {
            let step = written.min(self.first.len());
            self.first.advance(step);
            written -= step;
            if self.first.is_empty() {
                let next = self.more.as_mut().and_then(|more| more.rest.pop_front());
                self.first = next.unwrap_or_default();
            }
        }
        if written > 0
            && let Some(more) = &mut self.more
        {
            self.first = Bytes::from(std::mem::take(&mut more.tail)).slice(written..);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(Vec<u8>),
        Extend(Vec<u8>),
        Advance(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..20);
        let step = prop_oneof![
            bytes().prop_map(Step::Push),
            bytes().prop_map(Step::Extend),
            (0..60usize).prop_map(Step::Advance),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn pieces_leave_in_the_order_they_came(steps in steps()) {
            let (mut queue, mut model) = (Queue::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Push(bytes) => {
                        model.extend_from_slice(&bytes);
                        queue.push(bytes.into());
                    }
                    Step::Extend(bytes) => {
                        model.extend_from_slice(&bytes);
                        queue.extend(|tail| tail.extend_from_slice(&bytes));
                    }
                    Step::Advance(written) => {
                        let written = written.min(model.len());
                        model.drain(..written);
                        queue.advance(written);
                    }
                }
                prop_assert_eq!(queue.pieces().collect::<Vec<_>>().concat(), model.clone());
                prop_assert_eq!(queue.len(), model.len());
            }
            if queue.is_empty() {
                prop_assert!(queue.more.is_none(), "an empty queue owns no buffer");
            }
        }
    }
}
