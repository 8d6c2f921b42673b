use solent_routing::*;
use solent_spec::{Connection, Http, WebSocket};

fn thread_safe<T: Send + Sync + Unpin + 'static>() {}

#[test]
fn public_types_cross_threads() {
    thread_safe::<ChannelRouter>();
    thread_safe::<NoApplication>();
    thread_safe::<Protocols>();
    thread_safe::<RouteError>();
    thread_safe::<Router<Http>>();
    thread_safe::<RouterBuilder<WebSocket>>();
    thread_safe::<UrlError>();
}

#[test]
fn routed_connections_can_be_spawned() {
    fn spawnable(_: impl Send + 'static) {}

    // Only the types count: nothing here runs.
    let _ = |router: &'static Router<Http>, connection: Connection<Http>| {
        spawnable(solent_spec::Application::call(router, connection));
    };
}
