//! The inbox by itself.

mod burst;
mod model;
mod order;
mod reader;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use solent_spec::websocket::{FrameSink, SharedFrame, SinkRefusal};

use super::*;
use crate::Gap;

const EXPIRY: Duration = Duration::from_secs(60);

fn settings(policy: FullPolicy) -> Arc<InboxSettings> {
    Arc::new(InboxSettings::new(EXPIRY, policy, Arc::default()))
}

fn event(id: usize) -> Message {
    Message::encode(&std::collections::BTreeMap::from([("id", id)])).unwrap()
}

fn ready(id: usize) -> Message {
    Message::ready(id.to_string())
}

/// The number that `event` or `ready` put into a message.
fn id(message: &Message) -> usize {
    match message.ready_frame() {
        Some(frame) => frame_id(frame),
        None => message
            .decode::<std::collections::BTreeMap<String, usize>>()
            .unwrap()["id"],
    }
}

fn frame_id(frame: &SharedFrame) -> usize {
    match frame.frame() {
        solent_spec::websocket::Frame::Text(text) => text.parse().unwrap(),
        other => panic!("no number: {other:?}"),
    }
}

/// A sink that keeps what it takes, or refuses.
#[derive(Default)]
struct Sink {
    taken: Mutex<Vec<usize>>,
    refusal: Mutex<Option<SinkRefusal>>,
}

impl Sink {
    fn refuse(&self, refusal: Option<SinkRefusal>) {
        *self.refusal.lock().unwrap() = refusal;
    }

    fn taken(&self) -> Vec<usize> {
        self.taken.lock().unwrap().clone()
    }
}

impl FrameSink for Sink {
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal> {
        if let Some(refusal) = *self.refusal.lock().unwrap() {
            return Err(refusal);
        }
        self.taken.lock().unwrap().push(frame_id(frame));
        Ok(())
    }
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn wakes(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// What one poll of a reader gave.
#[derive(Debug, PartialEq)]
enum Polled {
    Id(usize),
    Gap(Gap),
    End,
    Pending,
}

/// What is told of a backend that was away.
fn gap() -> Polled {
    Polled::Gap(Gap {
        lost: 0,
        uncounted: true,
    })
}

fn poll(inbox: &Inbox) -> Polled {
    poll_as(inbox, 0, &Arc::default())
}

fn poll_as(inbox: &Inbox, reader: u32, count: &Arc<Count>) -> Polled {
    let waker = Waker::from(Arc::clone(count));
    match inbox.poll_pop(reader, &mut Context::from_waker(&waker)).0 {
        Poll::Ready(Some(Delivery::Message(message))) => Polled::Id(id(&message)),
        Poll::Ready(Some(Delivery::Gap(gap))) => Polled::Gap(gap),
        Poll::Ready(None) => Polled::End,
        Poll::Pending => Polled::Pending,
    }
}
