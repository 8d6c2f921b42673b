//! What a check has seen, to find out why it failed.

use std::{
    cell::RefCell,
    fmt::{self, Write},
    sync::Arc,
    thread,
};

use solent_layer::{ChannelName, Delivery, DropCause, DropCounts, Mailbox};

use super::subject::{is_mark, try_read_number};

/// The most deliveries of a mailbox that are written down, of each check.
const MOST: usize = 2000;

/// What the mailboxes of a check have received, and what its layers have dropped. Printed if the check fails.
#[derive(Default)]
pub(super) struct Seen {
    mailboxes: RefCell<Vec<(ChannelName, Received)>>,
    /// The counts of each layer, in the order in which they were made; none for a layer that does not count.
    drops: RefCell<Vec<Option<Arc<DropCounts>>>>,
}

/// What one mailbox has received, or what it looked like when it received nothing.
#[derive(Default)]
struct Received {
    text: String,
    deliveries: usize,
    /// How many messages waited in it when it was last read.
    waiting: usize,
}

impl Seen {
    /// Begins anew.
    pub(super) fn clear(&self) {
        self.mailboxes.borrow_mut().clear();
        self.drops.borrow_mut().clear();
    }

    pub(super) fn add_layer(&self, drops: Option<Arc<DropCounts>>) {
        self.drops.borrow_mut().push(drops);
    }

    /// Notes what was read from a mailbox: `None` if nothing came in time.
    pub(super) fn note(&self, mailbox: &Mailbox, next: Option<&Option<Delivery>>) {
        let mut mailboxes = self.mailboxes.borrow_mut();
        let known = mailboxes
            .iter()
            .position(|(name, _)| name == mailbox.name());
        let position = known.unwrap_or_else(|| {
            mailboxes.push((mailbox.name().clone(), Received::default()));
            mailboxes.len() - 1
        });
        let received = &mut mailboxes[position].1;
        received.waiting = mailbox.len();
        received.add(next);
    }

    /// A guard that prints all of it if its thread panics while it is there.
    pub(super) fn report(&self) -> Report<'_> {
        Report(self)
    }
}

impl Received {
    fn add(&mut self, next: Option<&Option<Delivery>>) {
        self.deliveries += 1;
        if self.deliveries > MOST {
            return;
        }
        let before = if self.text.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = match next {
            None => write!(self.text, "{before}nothing in time"),
            Some(None) => write!(self.text, "{before}its end"),
            Some(Some(Delivery::Message(message))) => match try_read_number(message) {
                Some(mark) if is_mark(mark) => write!(self.text, "{before}a mark"),
                Some(number) => write!(self.text, "{before}{number}"),
                None => write!(self.text, "{before}{:?}", message.kind()),
            },
            Some(Some(other)) => write!(self.text, "{before}{other:?}"),
        };
    }
}

/// Prints what was seen if it is dropped by a panic.
pub(super) struct Report<'a>(&'a Seen);

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprint!("{}", self.0);
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "what the check saw:")?;
        for (name, received) in &*self.mailboxes.borrow() {
            let Received {
                text,
                deliveries,
                waiting,
            } = received;
            write!(f, "  {name}: {text}")?;
            if *deliveries > MOST {
                write!(f, " and {} more", deliveries - MOST)?;
            }
            writeln!(f, "; {waiting} waited when it was last read")?;
        }
        for (number, drops) in (1..).zip(&*self.drops.borrow()) {
            match drops {
                Some(drops) => writeln!(f, "  dropped by layer {number}: {}", Dropped(drops))?,
                None => writeln!(f, "  layer {number} does not count what it drops")?,
            }
        }
        Ok(())
    }
}

struct Dropped<'a>(&'a DropCounts);

impl fmt::Display for Dropped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.total() == 0 {
            return f.write_str("nothing");
        }
        let mut before = "";
        for cause in [
            DropCause::Full,
            DropCause::Oldest,
            DropCause::Overflowed,
            DropCause::Expired,
            DropCause::Closed,
            DropCause::Unreadable,
        ] {
            let count = self.0.get(cause);
            if count > 0 {
                write!(f, "{before}{count} {cause:?}")?;
                before = ", ";
            }
        }
        Ok(())
    }
}
