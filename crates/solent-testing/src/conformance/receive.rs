//! Waiting for what must arrive, and for nothing else.
//!
//! Nothing here takes silence for the end. A check says what it expects and waits for that, up to
//! [`Profile::patience`](super::Profile::patience). That nothing else comes is seen by a *mark*: a message that is sent to the mailbox
//! afterwards, the same way, and before which nothing may arrive. Only where a mark may overtake what was sent before it does the
//! check wait for a moment longer; a moment that is too short then misses a defect, and accuses no layer wrongly.

use std::{future::poll_fn, task::Poll};

use solent_layer::{ChannelLayer, ChannelName, Delivery, DynLayer, Mailbox, Message};
use tokio::time::{Instant, timeout};

use super::{
    Subject,
    subject::{is_mark, number, read_number},
};

/// What a mailbox gave: nothing in time, its end, or a delivery.
type Next = Option<Option<Delivery>>;

impl Subject {
    /// The message that arrives next.
    pub(super) async fn receive(&self, mailbox: &mut Mailbox) -> Message {
        match self.next(mailbox).await {
            Some(Some(Delivery::Message(message))) => message,
            other => panic!(
                "a message was to arrive at {}, not {}",
                mailbox.name(),
                told(&other)
            ),
        }
    }

    /// The number that arrives next.
    pub(super) async fn receive_number(&self, mailbox: &mut Mailbox) -> u64 {
        let message = self.receive(mailbox).await;
        read_number(&message)
    }

    /// These numbers arrive, in this order, and nothing else does. `layer` is the one that sent them, or one of them.
    pub(super) async fn receive_exactly(
        &self,
        layer: &DynLayer,
        mailbox: &mut Mailbox,
        expected: impl IntoIterator<Item = u64>,
    ) {
        let expected = Vec::from_iter(expected);
        let received = self.receive_all(layer, mailbox, expected.len()).await;
        assert!(
            received == expected,
            "{} was to receive {expected:?} in this order and nothing else, not {received:?}",
            mailbox.name()
        );
    }

    /// These numbers arrive, in whatever order, and nothing else does.
    pub(super) async fn receive_sorted(
        &self,
        layer: &DynLayer,
        mailbox: &mut Mailbox,
        expected: impl IntoIterator<Item = u64>,
    ) {
        let expected = Vec::from_iter(expected);
        let mut received = self.receive_all(layer, mailbox, expected.len()).await;
        received.sort_unstable();
        assert!(
            received == expected,
            "{} was to receive {expected:?} in any order and nothing else, not {received:?}",
            mailbox.name()
        );
    }

    /// These numbers arrive, each at one of the mailboxes of a name that several listen on, and nothing else does.
    pub(super) async fn receive_among(
        &self,
        layer: &DynLayer,
        mailboxes: &mut [&mut Mailbox],
        expected: impl IntoIterator<Item = u64>,
    ) {
        let expected = Vec::from_iter(expected);
        let name = mailboxes[0].name().clone();
        let mut received = Vec::new();
        while received.len() < expected.len() {
            match self.next_among(mailboxes).await {
                Some((_, Some(Delivery::Message(message)))) => {
                    received.extend(unmarked(&message));
                }
                None => break,
                Some((_, other)) => panic!("{name} was to receive numbers, not {other:?}"),
            }
        }
        if received.len() == expected.len() {
            received.extend(self.rest_among(layer, &name, mailboxes).await);
        }
        received.sort_unstable();
        assert!(
            received == expected,
            "the mailboxes of {name} were to receive {expected:?}, each once, not {received:?}"
        );
    }

    /// Nothing arrives.
    pub(super) async fn receive_nothing(&self, layer: &DynLayer, mailbox: &mut Mailbox) {
        self.receive_exactly(layer, mailbox, []).await;
    }

    /// All the numbers that arrive up to a gap, which is told in any case.
    pub(super) async fn receive_until_gap(&self, mailbox: &mut Mailbox) -> Vec<u64> {
        let mut numbers = Vec::new();
        loop {
            match self.next(mailbox).await {
                Some(Some(Delivery::Message(message))) => numbers.push(read_number(&message)),
                Some(Some(_)) => return numbers,
                other => panic!(
                    "{} was to hear of a gap, and received {}",
                    mailbox.name(),
                    told(&other)
                ),
            }
        }
    }

    /// All the numbers that arrive up to one of these, which does in any case. Never mind gaps.
    pub(super) async fn receive_until(&self, mailbox: &mut Mailbox, last: u64) -> Vec<u64> {
        let mut numbers = Vec::new();
        loop {
            match self.next(mailbox).await {
                Some(Some(Delivery::Message(message))) => {
                    let number = read_number(&message);
                    if number == last {
                        return numbers;
                    }
                    numbers.push(number);
                }
                Some(Some(_)) => {}
                other => panic!(
                    "{} was to receive {last}, and received {} after {numbers:?}",
                    mailbox.name(),
                    told(&other)
                ),
            }
        }
    }

    /// The mailbox ends.
    pub(super) async fn receive_end(&self, mailbox: &mut Mailbox) {
        match self.next(mailbox).await {
            Some(None) => {}
            other => panic!(
                "mailbox {} was to end, not to receive {}",
                mailbox.name(),
                told(&other)
            ),
        }
    }

    /// What was sent has arrived, before it is read: what finds no room must not find it because something was read in time. So
    /// many messages wait in the mailbox then, and so many have been dropped by the layer.
    pub(super) async fn arrive(
        &self,
        layer: &DynLayer,
        mailbox: &Mailbox,
        waiting: usize,
        dropped: u64,
    ) {
        if self.profile().tells_full {
            return;
        }
        self.until(
            || mailbox.len() >= waiting,
            || {
                let name = mailbox.name();
                format!(
                    "{waiting} messages were to wait at {name}, not {}",
                    mailbox.len()
                )
            },
        )
        .await;
        match layer.drops() {
            Some(drops) => {
                self.until(
                    || drops.total() >= dropped,
                    || format!("{dropped} messages were to be dropped, and {drops:?} were"),
                )
                .await;
            }
            None => self.pass(self.profile().settle).await,
        }
    }

    /// Waits until something is so; fails with `message` if it is not in time.
    pub(super) async fn until(
        &self,
        mut is_so: impl FnMut() -> bool,
        message: impl FnOnce() -> String,
    ) {
        let begun = Instant::now();
        while !is_so() {
            if begun.elapsed() > self.profile().patience {
                panic!("{}", message());
            }
            tokio::time::sleep(Self::BETWEEN).await;
        }
    }

    /// So many numbers if they come, and what comes after them before a mark.
    async fn receive_all(&self, layer: &DynLayer, mailbox: &mut Mailbox, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            match self.next(mailbox).await {
                Some(Some(Delivery::Message(message))) => numbers.extend(unmarked(&message)),
                Some(Some(other)) => panic!("{other:?} arrived at {}", mailbox.name()),
                Some(None) | None => return numbers,
            }
        }
        let name = mailbox.name().clone();
        let rest = self.rest_among(layer, &name, &mut [mailbox]).await;
        numbers.extend(rest);
        numbers
    }

    /// What else arrives, before a mark that is sent now.
    async fn rest_among(
        &self,
        layer: &DynLayer,
        name: &ChannelName,
        mailboxes: &mut [&mut Mailbox],
    ) -> Vec<u64> {
        let mark = self.next_mark();
        if let Err(error) = layer.send(name, number(mark)).await {
            panic!("a mark was to be sent to {name}, after all else: {error}");
        }
        let mut numbers = Vec::new();
        loop {
            match self.next_among(mailboxes).await {
                Some((_, Some(Delivery::Message(message)))) => match read_number(&message) {
                    number if number == mark => break,
                    number if is_mark(number) => {}
                    number => numbers.push(number),
                },
                Some((_, other)) => panic!("{name} was to receive a mark, not {other:?}"),
                None => panic!("a mark was to arrive at {name}, and did not"),
            }
        }
        if mailboxes.len() > 1 || !self.profile().one_order {
            // The mark may have overtaken something.
            numbers.extend(self.rest_until_silence(mailboxes).await);
        }
        numbers
    }

    async fn rest_until_silence(&self, mailboxes: &mut [&mut Mailbox]) -> Vec<u64> {
        let mut numbers = Vec::new();
        let settle = self.profile().settle;
        while let Ok((idx, next)) = timeout(settle, either(mailboxes)).await {
            self.seen().note(mailboxes[idx], Some(&next));
            match next {
                Some(Delivery::Message(message)) => numbers.extend(unmarked(&message)),
                other => panic!("{} received {other:?}", mailboxes[idx].name()),
            }
        }
        numbers
    }

    /// What a mailbox receives next. That messages were lost for want of room has promises of its own.
    async fn next(&self, mailbox: &mut Mailbox) -> Next {
        loop {
            let next = self.next_with_losses(mailbox).await;
            if !matches!(&next, Some(Some(delivery)) if is_loss(delivery)) {
                return next;
            }
        }
    }

    async fn next_with_losses(&self, mailbox: &mut Mailbox) -> Next {
        let next = timeout(self.profile().patience, mailbox.recv()).await.ok();
        self.seen().note(mailbox, next.as_ref());
        next
    }

    /// The number that arrives next, and no loss before it.
    pub(super) async fn receive_unbroken(&self, mailbox: &mut Mailbox) -> u64 {
        match self.next_with_losses(mailbox).await {
            Some(Some(Delivery::Message(message))) => read_number(&message),
            other => panic!(
                "nothing was lost, so a message was to arrive at {}, not {}",
                mailbox.name(),
                told(&other)
            ),
        }
    }

    /// How many messages were lost, by the gap that is told next.
    pub(super) async fn receive_loss(&self, mailbox: &mut Mailbox) -> u64 {
        match self.next_with_losses(mailbox).await {
            Some(Some(Delivery::Gap(gap))) if is_loss(&Delivery::Gap(gap)) => gap.lost,
            other => panic!(
                "{} was to hear that it lost messages, not {}",
                mailbox.name(),
                told(&other)
            ),
        }
    }

    async fn next_among(
        &self,
        mailboxes: &mut [&mut Mailbox],
    ) -> Option<(usize, Option<Delivery>)> {
        let next = timeout(self.profile().patience, either(mailboxes)).await;
        match &next {
            Ok((idx, next)) => self.seen().note(mailboxes[*idx], Some(next)),
            Err(_) => {
                for mailbox in &*mailboxes {
                    self.seen().note(mailbox, None);
                }
            }
        }
        next.ok()
    }
}

/// What one of the mailboxes receives, and which does.
async fn either(mailboxes: &mut [&mut Mailbox]) -> (usize, Option<Delivery>) {
    poll_fn(|cx| {
        for (idx, mailbox) in mailboxes.iter_mut().enumerate() {
            while let Poll::Ready(next) = mailbox.poll_recv(cx) {
                if !next.as_ref().is_some_and(is_loss) {
                    return Poll::Ready((idx, next));
                }
            }
        }
        Poll::Pending
    })
    .await
}

/// Whether a mailbox hears of messages that were lost for want of room or time, and of nothing else.
fn is_loss(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Gap(gap) if !gap.uncounted)
}

/// The number of a message, unless it is a mark that another mailbox was to hear of.
fn unmarked(message: &Message) -> Option<u64> {
    Some(read_number(message)).filter(|number| !is_mark(*number))
}

fn told(next: &Next) -> String {
    match next {
        None => "nothing in time".to_owned(),
        Some(None) => "its end".to_owned(),
        Some(Some(delivery)) => format!("{delivery:?}"),
    }
}
