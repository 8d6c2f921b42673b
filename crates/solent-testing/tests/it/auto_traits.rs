use solent_spec::Channel;
use solent_testing::{
    ChannelCommunicator, Communicator, CommunicatorConfig, CommunicatorError, HttpCommunicator,
    LifespanCommunicator, LiveServer, TestRequest, TestResponse, WebSocketCommunicator,
};

fn send<T: Send>() {}
fn send_sync<T: Send + Sync>() {}
fn send_value<T: Send>(_: T) {}

#[test]
fn communicators_move_between_threads() {
    send::<Communicator<Channel>>();
    send::<ChannelCommunicator>();
    send::<HttpCommunicator>();
    send::<LifespanCommunicator>();
    send::<LiveServer>();
    send::<WebSocketCommunicator>();
}

#[test]
fn values_are_shared_between_threads() {
    send_sync::<CommunicatorConfig>();
    send_sync::<CommunicatorError>();
    send_sync::<TestRequest>();
    send_sync::<TestResponse>();
}

#[test]
fn waits_can_be_spawned() {
    #[expect(dead_code, reason = "that it compiles is the test")]
    fn waits(mut socket: WebSocketCommunicator, mut http: HttpCommunicator) {
        send_value(async move { socket.connect().await });
        send_value(async move { http.response().await });
    }
}
