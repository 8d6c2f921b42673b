//! Clients that close their own direction after a request, and clients that are gone.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use solent_server::{HttpLimits, Server, ServerConfig};
use solent_spec::{
    Connection, Http, Result,
    http::{Inbound, Outbound},
};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
    time::{Instant, sleep},
};

use super::{
    served::{Served, soon},
    wire::get,
};

/// Answers after as many seconds as its path says.
async fn after(mut connection: Connection<Http>) -> Result {
    let seconds = connection.scope().path()[1..].parse()?;
    sleep(Duration::from_secs(seconds)).await;
    connection.send(Outbound::text("at last")).await?;
    Ok(())
}

/// Waits for the client to leave, and tells of it.
fn waiting(server: ServerConfig) -> (Server, Arc<Notify>, mpsc::UnboundedReceiver<()>) {
    let (tx, rx) = mpsc::unbounded_channel();
    let begun = Arc::new(Notify::new());
    let begins = Arc::clone(&begun);
    let server = Server::new(server).http(move |mut connection: Connection<Http>| {
        let (tx, begins) = (tx.clone(), Arc::clone(&begins));
        async move {
            begins.notify_one();
            while connection.receive().await != Some(Inbound::Disconnect) {}
            tx.send(())?;
            Ok(())
        }
    });
    (server, begun, rx)
}

#[tokio::test(start_paused = true)]
async fn client_that_half_closes_gets_its_response() {
    let served = Served::start_unix(Server::new(ServerConfig::default()).http(after)).await;

    for path in ["/0", "/1", "/9"] {
        let mut wire = served.ask(get(path)).await;
        wire.finish().await;
        assert_eq!(wire.response().await.text(), "at last", "{path}");
        wire.is_closed().await;
    }

    served.end().await;
}

#[tokio::test]
async fn client_that_half_closes_over_tcp_gets_its_response() {
    let served = Served::start(Server::new(ServerConfig::default()).http(after)).await;

    for requests in [1, 3] {
        let mut wire = served.ask(get("/0").repeat(requests)).await;
        wire.finish().await;
        for _ in 0..requests {
            assert_eq!(wire.response().await.text(), "at last");
        }
        wire.is_closed().await;
    }

    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_half_closes_gets_a_stream_for_as_long_as_it_goes_on() {
    let application = async |mut connection: Connection<Http>| {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        for _ in 0..10 {
            sleep(Duration::from_secs(5)).await;
            connection.send(Outbound::chunk("more")).await?;
        }
        connection.send(Outbound::end("")).await?;
        Ok(())
    };
    let served = Served::start_unix(Server::new(ServerConfig::default()).http(application)).await;

    let mut wire = served.ask(get("/")).await;
    wire.finish().await;

    assert_eq!(wire.response().await.text(), "more".repeat(10));
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_half_closes_is_not_waited_for_without_end() {
    let limits = HttpLimits::default().half_close(Duration::from_secs(5));
    let (server, _, mut gone) = waiting(ServerConfig::default().http(limits));
    let served = Served::start_unix(server).await;
    let start = Instant::now();

    let mut wire = served.ask(get("/")).await;
    wire.finish().await;

    gone.recv().await.unwrap();
    let waited = start.elapsed();
    assert!((4..8).contains(&waited.as_secs()), "{waited:?}");
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn client_that_resets_after_it_has_half_closed_is_gone() {
    let limits = HttpLimits::default().half_close(Duration::from_secs(3600));
    let (server, begun, mut gone) = waiting(ServerConfig::default().http(limits));
    let served = Served::start(server).await;

    let stream = TcpStream::connect(served.addr()).await.unwrap();
    let socket = socket2::SockRef::from(&stream);
    stream.try_write(get("/").as_bytes()).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    soon(begun.notified()).await;
    // Closing with this set sends a reset.
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);

    soon(gone.recv()).await.unwrap();
    served.end().await;
}

#[tokio::test]
async fn client_that_resets_is_gone_at_once() {
    let (server, begun, mut gone) = waiting(ServerConfig::default());
    let served = Served::start(server).await;

    let stream = TcpStream::connect(served.addr()).await.unwrap();
    stream.try_write(get("/").as_bytes()).unwrap();
    soon(begun.notified()).await;
    let socket = socket2::SockRef::from(&stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);

    soon(gone.recv()).await.unwrap();
    served.end().await;
}
