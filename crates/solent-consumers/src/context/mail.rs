//! A consumer's mailbox.

use std::task::{Context, Poll};

use solent_layer::{Delivery, Gap, Mailbox};
use solent_spec::{Message, websocket::FrameSinkHandle};

/// A mailbox, opened when a consumer first needs its address.
pub(crate) struct Mail {
    mailbox: Mailbox,
    /// The client's sink, if ready frames are diverted to it.
    sink: Option<FrameSinkHandle>,
    /// Whether it has been tried to divert ready frames.
    settled: bool,
}

/// What comes out of a mailbox.
pub(crate) enum Letter {
    Message(Message),
    Gap(Gap),
    /// Nothing comes any more, because the layer was closed or the consumer was too slow.
    Closed {
        overflowed: bool,
    },
}

impl Mail {
    pub(super) fn new(mailbox: Mailbox) -> Self {
        Self {
            mailbox,
            sink: None,
            settled: false,
        }
    }

    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Letter> {
        self.mailbox.poll_recv(cx).map(|delivery| match delivery {
            Some(Delivery::Message(message)) => Letter::Message(message),
            Some(Delivery::Gap(gap)) => Letter::Gap(gap),
            // Whatever else a layer tells: something may have been missed.
            Some(_) => {
                let mut gap = Gap::default();
                gap.uncounted = true;
                Letter::Gap(gap)
            }
            None => Letter::Closed {
                overflowed: self.mailbox.overflowed(),
            },
        })
    }

    /// Has ready frames go straight to the client from now on. Asks for the sink once.
    pub(crate) fn divert(&mut self, sink: impl FnOnce() -> Option<FrameSinkHandle>) {
        if !self.settled {
            self.settled = true;
            self.sink = sink();
            self.mailbox.divert(self.sink.clone());
        }
    }

    /// A way to write behind this task's back, where that pays: if the consumer has more to handle at once, what it
    /// sends can leave together.
    pub(crate) fn cork(&self) -> Option<&FrameSinkHandle> {
        self.sink.as_ref().filter(|_| self.mailbox.had_more())
    }
}
