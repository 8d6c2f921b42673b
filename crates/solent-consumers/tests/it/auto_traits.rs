use solent_consumers::{
    ChannelContext, ConsumerContext, Group, Handle, HttpContext, Layers, NoEvents, Refusal,
    SyncWebSocketContext, WebSocketContext, WithLayer, Worker,
};

fn send<T: Send>() {}
fn sync<T: Sync>() {}

#[test]
fn contexts_move_between_threads_and_names_are_shared() {
    send::<WebSocketContext>();
    send::<HttpContext>();
    send::<ChannelContext>();
    send::<ConsumerContext>();
    send::<SyncWebSocketContext>();
    send::<Worker>();
    send::<Group<NoEvents>>();
    sync::<Group<NoEvents>>();
    send::<Handle<NoEvents>>();
    sync::<Handle<NoEvents>>();
    sync::<Layers>();
    sync::<WithLayer>();
    sync::<Refusal>();
    send::<Refusal>();
}
