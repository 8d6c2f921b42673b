//! The inbox against a model so simple that it can be believed.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::Capacities;

#[derive(Clone, Debug)]
enum Step {
    Push { ready: bool, offered: bool },
    Poll,
    Advance(u64),
    Gap,
    Clear,
    Purge,
    Sink(bool),
    Client(u8),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<(bool, bool)>().prop_map(|(ready, offered)| Step::Push { ready, offered }),
        8 => Just(Step::Poll),
        3 => (0..EXPIRY.as_secs()).prop_map(Step::Advance),
        1 => Just(Step::Gap),
        1 => Just(Step::Clear),
        1 => Just(Step::Purge),
        1 => any::<bool>().prop_map(Step::Sink),
        2 => (0..4u8).prop_map(Step::Client),
        1 => Just(Step::Close),
    ]
}

fn refusal(client: u8) -> Option<SinkRefusal> {
    [
        None,
        Some(SinkRefusal::NotOpen),
        Some(SinkRefusal::Closed),
        Some(SinkRefusal::Full),
    ][usize::from(client)]
}

#[derive(Clone, Copy)]
enum Item {
    Message { id: usize, pushed: u64 },
    Gap(Gap),
}

/// One list of what waits, gaps among it, and flags.
struct Model {
    capacity: usize,
    burst: usize,
    policy: FullPolicy,
    now: u64,
    items: VecDeque<Item>,
    /// The reader has asked since it last got something and since the sink was set.
    asked: bool,
    sink: bool,
    client: u8,
    closed: bool,
    overflowed: bool,
    written: Vec<usize>,
    drops: u64,
}

impl Model {
    fn messages(&self) -> usize {
        let is_message = |item: &&Item| matches!(item, Item::Message { .. });
        self.items.iter().filter(is_message).count()
    }

    fn expire(&mut self) -> usize {
        let before = self.messages();
        let now = self.now;
        self.items.retain(
            |item| !matches!(item, Item::Message { pushed, .. } if now - pushed >= EXPIRY.as_secs()),
        );
        let expired = before - self.messages();
        self.drops += expired as u64;
        if expired > 0 {
            self.lose_oldest(expired as u64);
        }
        expired
    }

    fn take_gap(&mut self) -> Option<(usize, Gap)> {
        let is_gap = |item: &Item| matches!(item, Item::Gap(_));
        let at = self.items.iter().position(is_gap)?;
        match self.items.remove(at) {
            Some(Item::Gap(gap)) => Some((at, gap)),
            _ => None,
        }
    }

    fn lose_oldest(&mut self, messages: u64) {
        let mut gap = self.take_gap().unwrap_or_default().1;
        gap.lost += messages;
        self.items.push_front(Item::Gap(gap));
    }

    fn lose_newest(&mut self) {
        let behind = (self.items.len(), Gap::default());
        let (at, mut gap) = self.take_gap().unwrap_or(behind);
        gap.lost += 1;
        self.items.insert(at, Item::Gap(gap));
    }

    /// There is no room for a message.
    fn refuse(&mut self, offered: bool) -> Pushed {
        if !offered {
            self.lose_newest();
        }
        self.drop_one(DropCause::Full)
    }

    /// Whether a message fits: all are as large.
    fn has_room(&self) -> bool {
        let messages = self.messages();
        messages < self.capacity || messages < self.burst
    }

    fn drop_one(&mut self, cause: DropCause) -> Pushed {
        self.drops += 1;
        Pushed::Dropped(cause)
    }

    fn overflow(&mut self) -> Pushed {
        self.drops += self.messages() as u64;
        self.items.clear();
        (self.closed, self.overflowed, self.sink) = (true, true, false);
        self.drop_one(DropCause::Overflowed)
    }

    fn push(&mut self, id: usize, ready: bool, offered: bool) -> Pushed {
        if self.closed {
            return self.drop_one(DropCause::Closed);
        }
        if ready && self.sink && self.asked && self.items.is_empty() {
            match self.client {
                0 => {
                    self.written.push(id);
                    return Pushed::Delivered;
                }
                2 => return self.drop_one(DropCause::Closed),
                3 if self.policy == FullPolicy::Disconnect => return self.overflow(),
                3 => return self.refuse(offered),
                _ => {}
            }
        }
        let mut pushed = Pushed::Delivered;
        if !self.has_room() && self.expire() == 0 {
            match self.policy {
                FullPolicy::RefuseNewest => return self.refuse(offered),
                FullPolicy::Disconnect => return self.overflow(),
                FullPolicy::DropOldest => {
                    let oldest = self
                        .items
                        .iter()
                        .position(|item| matches!(item, Item::Message { .. }));
                    self.items.remove(oldest.unwrap());
                    self.drops += 1;
                    self.lose_oldest(1);
                    pushed = Pushed::MadeRoom;
                }
            }
        }
        self.items.push_back(Item::Message {
            id,
            pushed: self.now,
        });
        pushed
    }

    fn poll(&mut self) -> Polled {
        self.expire();
        self.asked = true;
        let polled = match self.items.pop_front() {
            _ if self.overflowed => return Polled::End,
            Some(Item::Message { id, .. }) => Polled::Id(id),
            Some(Item::Gap(gap)) => Polled::Gap(gap),
            None if self.closed => return Polled::End,
            None => return Polled::Pending,
        };
        self.asked = false;
        polled
    }

    fn clear(&mut self) {
        self.items.retain(|item| matches!(item, Item::Gap(_)));
    }

    fn gap(&mut self) {
        let mut gap = self.take_gap().unwrap_or_default().1;
        gap.uncounted = true;
        self.items.push_back(Item::Gap(gap));
    }
}

async fn compare(capacity: usize, burst: usize, policy: FullPolicy, steps: Vec<Step>) {
    let burst = capacity + burst;
    let room = Capacities::new(capacity)
        .burst(burst, usize::MAX)
        .of_mailbox(&"a.p!x".parse().unwrap());
    let inbox = Inbox::new(room, settings(policy));
    let sink = Arc::new(Sink::default());
    let mut model = Model {
        capacity,
        burst,
        policy,
        now: 0,
        items: VecDeque::new(),
        asked: false,
        sink: false,
        client: 0,
        closed: false,
        overflowed: false,
        written: Vec::new(),
        drops: 0,
    };
    let mut seen = Vec::new();
    let count = Arc::<Count>::default();
    // How often the reader had been woken when it began to wait.
    let mut waiting: Option<usize> = None;

    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Push {
                ready: is_ready,
                offered,
            } => {
                let message = if is_ready {
                    ready(number)
                } else {
                    event(number)
                };
                let expected = model.push(number, is_ready, offered);
                let pushed = match offered {
                    true => inbox.offer(&message, Instant::now()),
                    false => inbox.push(&message, Instant::now()),
                };
                assert_eq!(pushed, expected);
            }
            Step::Poll => {
                let written_before = sink.taken().len();
                let polled = poll_as(&inbox, 0, &count);
                assert_eq!(polled, model.poll());
                if let Polled::Id(id) = polled {
                    seen.push((written_before, id));
                }
                waiting = (polled == Polled::Pending).then(|| count.wakes());
            }
            Step::Advance(seconds) => {
                tokio::time::advance(Duration::from_secs(seconds)).await;
                model.now += seconds;
            }
            Step::Gap => {
                inbox.push_gap();
                model.gap();
            }
            Step::Clear => {
                inbox.clear();
                model.clear();
            }
            Step::Purge => assert_eq!(inbox.purge(Instant::now()), model.expire()),
            Step::Sink(on) => {
                inbox.set_sink(on.then(|| sink.clone() as _));
                (model.sink, model.asked) = (on, false);
            }
            Step::Client(client) => {
                sink.refuse(refusal(client));
                model.client = client;
            }
            Step::Close => {
                inbox.close();
                (model.closed, model.sink) = (true, false);
            }
        }
        assert_eq!(inbox.len(), model.messages());
        assert_eq!(sink.taken(), model.written);
        assert_eq!(inbox.settings.drops.total(), model.drops);
        let beyond = model.messages().saturating_sub(model.capacity);
        assert_eq!(inbox.settings.places(), BACKLOG - beyond);
        let news = !model.items.is_empty() || model.closed;
        if let Some(wakes) = waiting
            && news
        {
            assert_eq!(
                count.wakes(),
                wakes + 1,
                "a waiting reader is woken for news, once"
            );
        }
    }
    assert_in_order(&sink.taken(), &seen);
}

/// What a client sees, written frames and received messages together, is in the order in which it was pushed.
fn assert_in_order(written: &[usize], received: &[(usize, usize)]) {
    let mut written = written.iter().copied();
    let mut taken = 0;
    let mut all = Vec::new();
    for &(before, id) in received {
        all.extend(written.by_ref().take(before - taken));
        taken = before;
        all.push(id);
    }
    all.extend(written);
    assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn inbox_behaves_as_its_model(
        capacity in 1..5usize,
        burst in 0..3usize,
        policy in prop::sample::select(vec![FullPolicy::RefuseNewest, FullPolicy::DropOldest, FullPolicy::Disconnect]),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(compare(capacity, burst, policy, steps));
    }
}
