use solent_layer::*;

fn thread_safe<T: Send + Sync + Unpin + 'static>() {}

#[test]
fn public_types_cross_threads() {
    thread_safe::<Capacities>();
    thread_safe::<ChannelName>();
    thread_safe::<ChannelPattern>();
    thread_safe::<Delivery>();
    thread_safe::<DropCause>();
    thread_safe::<DropCounts>();
    thread_safe::<DynLayer>();
    thread_safe::<FullPolicy>();
    thread_safe::<Gap>();
    thread_safe::<GroupName>();
    thread_safe::<GroupReport>();
    thread_safe::<Inbox>();
    thread_safe::<InboxSettings>();
    thread_safe::<LayerError>();
    thread_safe::<Mailbox>();
    thread_safe::<Message>();
    thread_safe::<NameError>();
    thread_safe::<NameSource>();
    thread_safe::<Pushed>();
    thread_safe::<SendError>();
    thread_safe::<Wakers>();
}

#[test]
fn futures_of_a_layer_can_be_spawned() {
    fn spawnable(_: impl Send) {}

    // Only the types count: nothing here runs.
    let _ = |layer: &'static DynLayer, mailbox: &'static mut Mailbox, message: Message| {
        let channel: ChannelName = "a".parse().unwrap();
        let group: GroupName = "a".parse().unwrap();
        spawnable(layer.open("a"));
        spawnable(layer.listen(&channel));
        spawnable(layer.send(&channel, message.clone()));
        spawnable(layer.group_add(&group, &channel));
        spawnable(layer.group_discard(&group, &channel));
        spawnable(layer.group_send(&group, message));
        spawnable(layer.flush());
        spawnable(layer.close());
        spawnable(mailbox.recv());
    };
}
