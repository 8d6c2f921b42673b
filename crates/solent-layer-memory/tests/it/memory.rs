use allocation_counter::measure;
use futures::executor::block_on;

use super::*;

#[test]
fn hundred_thousand_channels_come_and_go_and_leave_nothing() {
    const CHANNELS: usize = 100_000;
    let layer = MemoryLayer::default();
    let message = number(1);

    let memory = measure(|| {
        block_on(async {
            let mut open = Vec::new();
            for idx in 0..CHANNELS {
                let mailbox = layer.open("guest.").await.unwrap();
                let room = group(&format!("room_{}", idx % 1000));
                layer.group_add(&room, mailbox.name()).await.unwrap();
                layer.send(mailbox.name(), message.clone()).await.unwrap();
                open.push(mailbox);
            }
            assert_eq!(
                (layer.channel_count(), layer.group_count()),
                (CHANNELS, 1000)
            );
        });
    });

    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
    assert!(
        (0..200_000).contains(&memory.bytes_current),
        "{} bytes are still in use",
        memory.bytes_current
    );
}

#[test]
fn one_after_another_channels_leave_nothing() {
    let layer = MemoryLayer::default();
    let room = group("room");
    let cycle = || {
        let mailbox = block_on(layer.open("guest.")).unwrap();
        block_on(layer.group_add(&room, mailbox.name())).unwrap();
        block_on(layer.group_send(&room, number(1))).unwrap();
    };
    // Every shard has its first table by then.
    for _ in 0..10_000 {
        cycle();
    }

    let memory = measure(|| (0..10_000).for_each(|_| cycle()));

    assert_eq!(memory.bytes_current, 0);
}

#[test]
fn idle_mailbox_in_a_group_is_small() {
    const CHANNELS: usize = 10_000;
    let layer = MemoryLayer::default();
    let rooms: Vec<_> = (0..100).map(|idx| group(&format!("room_{idx}"))).collect();
    let mut open = Vec::with_capacity(CHANNELS);

    let memory = measure(|| {
        for idx in 0..CHANNELS {
            let mailbox = block_on(layer.open("guest.")).unwrap();
            block_on(layer.group_add(&rooms[idx % 100], mailbox.name())).unwrap();
            open.push(mailbox);
        }
    });

    let each = memory.bytes_current as usize / CHANNELS + size_of::<Mailbox>();
    println!("{each} bytes, {} of them the handle", size_of::<Mailbox>());
    assert!(each <= 400, "{each} bytes");
}
