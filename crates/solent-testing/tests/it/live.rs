use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use solent_server::{Server, ServerConfig};
use solent_spec::{
    Connection, Result, WebSocket,
    websocket::{Inbound, Outbound},
};
use solent_testing::LiveServer;
use tokio_tungstenite::tungstenite::Message;

async fn hello(mut connection: Connection<WebSocket>) -> Result {
    while let Some(event) = connection.receive().await {
        if event == Inbound::Connect {
            connection.send(Outbound::accept()).await?;
            connection.send(Outbound::Message("hello".into())).await?;
            connection.send(Outbound::close()).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn real_client_is_served_until_the_server_is_stopped() -> Result {
    let server = Server::new(ServerConfig::default()).websocket(hello);
    let server = server.bind("127.0.0.1:0".parse()?).await?;
    let (address, handle) = (server.addresses()[0].to_string(), server.handle());
    let live = LiveServer::start(address.parse()?, server, move || handle.stop());

    let (mut client, _) = tokio_tungstenite::connect_async(live.websocket_url("/ws/")).await?;
    let message = std::future::poll_fn(|cx| {
        futures_core::Stream::poll_next(std::pin::Pin::new(&mut client), cx)
    });

    assert_eq!(message.await.ok_or("a message")??, Message::text("hello"));
    drop(client);
    live.stop().await
}

#[tokio::test]
async fn dropped_server_is_told_to_stop() {
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);

    drop(LiveServer::start(
        ([127, 0, 0, 1], 1).into(),
        std::future::pending::<Result<()>>(),
        move || tell.store(true, SeqCst),
    ));

    assert!(told.load(SeqCst));
}

#[tokio::test]
async fn error_of_the_server_is_returned() {
    let broken = ready(Result::<()>::Err("no port".into()));
    let live = LiveServer::start(([127, 0, 0, 1], 1).into(), broken, || {});

    assert_eq!(live.url("/x"), "http://127.0.0.1:1/x");
    assert_eq!(live.stop().await.unwrap_err().to_string(), "no port");
}
