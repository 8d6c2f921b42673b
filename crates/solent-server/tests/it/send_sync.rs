//! What may cross threads.

use solent_server::{
    Bind, BindParseError, BoundServer, ConnectionLimits, DeflateConfig, DrainConfig, HttpLimits,
    ServeError, Server, ServerConfig, ServerHandle, WebSocketConfig, shutdown_signal,
};

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn send_value<T: Send>(_: T) {}

macro_rules! all {
    ($($type:ty),* $(,)?) => {
        $( send::<$type>(); sync::<$type>(); unpin::<$type>(); )*
    };
}

#[test]
fn public_types_are_send_sync_and_unpin() {
    all!(
        Bind,
        BindParseError,
        BoundServer,
        ConnectionLimits,
        DeflateConfig,
        DrainConfig,
        HttpLimits,
        ServeError,
        Server,
        ServerConfig,
        ServerHandle,
        WebSocketConfig,
    );
}

#[test]
fn futures_can_be_spawned() {
    send::<<BoundServer as IntoFuture>::IntoFuture>();
    send_value(shutdown_signal());
    send_value(Server::default().bind(Bind::Inherited(0)));
}
