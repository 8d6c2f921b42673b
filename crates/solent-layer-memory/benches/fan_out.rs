//! Defends the claim that a group message costs the layer at most 60 ns per member.
//!
//! Three ways to a member: into the inbox of a reader that does something else, into the inbox of one that waits (with a
//! waker that does nothing, so that no runtime is measured), and as a ready frame to the sink of a client.

use std::{
    hint::black_box,
    sync::Arc,
    task::{Context, Waker},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use solent_layer::{Capacities, ChannelLayer, FullPolicy, GroupName, Mailbox, Message};
use solent_layer_memory::{MemoryConfig, MemoryLayer};
use solent_spec::websocket::{FrameSink, SharedFrame, SinkRefusal};

/// A client that takes everything at no cost.
struct Nowhere;

impl FrameSink for Nowhere {
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal> {
        black_box(frame);
        Ok(())
    }
}

struct Room {
    layer: MemoryLayer,
    name: GroupName,
    members: Vec<Mailbox>,
}

impl Room {
    fn new(size: usize) -> Self {
        let config = MemoryConfig::default()
            .capacities(Capacities::new(1))
            .policy(FullPolicy::DropOldest);
        let layer = MemoryLayer::new(config);
        let name: GroupName = "room".parse().unwrap();
        let members = (0..size).map(|_| {
            let mailbox = block_on(layer.open("guest.")).unwrap();
            block_on(layer.group_add(&name, mailbox.name())).unwrap();
            mailbox
        });
        let members = members.collect();
        Self {
            layer,
            name,
            members,
        }
    }

    fn send(&self, message: &Message) {
        let report = block_on(self.layer.group_send(&self.name, message.clone())).unwrap();
        assert_eq!(report.delivered, self.members.len());
    }

    /// Every reader asks, and takes what there is.
    fn read(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        for mailbox in &mut self.members {
            while mailbox.poll_recv(&mut cx).is_ready() {}
        }
    }
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan_out");
    let message = Message::ready("hello");
    for size in [10, 1000, 10_000] {
        group.throughput(Throughput::Elements(size as u64));

        let mut room = Room::new(size);
        group.bench_with_input(
            BenchmarkId::new("waiting_reader", size),
            &size,
            |bencher, _| {
                bencher.iter_custom(|rounds| {
                    let mut spent = std::time::Duration::ZERO;
                    for _ in 0..rounds {
                        room.read();
                        let start = std::time::Instant::now();
                        room.send(&message);
                        spent += start.elapsed();
                    }
                    spent
                });
            },
        );

        let mut room = Room::new(size);
        group.bench_with_input(
            BenchmarkId::new("queue_and_read", size),
            &size,
            |bencher, _| {
                bencher.iter(|| {
                    room.send(&message);
                    room.read();
                });
            },
        );

        let mut room = Room::new(size);
        for mailbox in &room.members {
            mailbox.divert(Some(Arc::new(Nowhere)));
        }
        room.read();
        group.bench_with_input(BenchmarkId::new("sink", size), &size, |bencher, _| {
            bencher.iter(|| room.send(&message));
        });
    }
    group.finish();
}

fn come_and_go(criterion: &mut Criterion) {
    let room = Room::new(1000);
    criterion.bench_function("open_join_drop", |bencher| {
        bencher.iter(|| {
            let mailbox = block_on(room.layer.open("guest.")).unwrap();
            block_on(room.layer.group_add(&room.name, mailbox.name())).unwrap();
        });
    });
}

criterion_group!(benches, fan_out, come_and_go);
criterion_main!(benches);
