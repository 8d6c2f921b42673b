//! Limits as clients of a real server meet them, behind real proxies.

use futures::{SinkExt, StreamExt};
use http::StatusCode;
use solent_edge::{ConnectRate, MessageRate, Rate, TrustedProxies};
use solent_server::{ProxyProtocolConfig, Server, ServerConfig};
use solent_spec::{BoxApplication, Middleware, WebSocket};
use solent_testing::LiveServer;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use super::open::accept;

/// A server with an echo behind `middleware`, inside trusted proxies in 10.0.0.0/8 that are behind a balancer which speaks the
/// PROXY protocol.
async fn serve(middleware: &impl Middleware) -> LiveServer {
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    let echo = BoxApplication::<WebSocket>::new(accept);
    let application = proxies.wrap(middleware.wrap(echo));
    let balancer = ProxyProtocolConfig::new("127.0.0.1".parse().unwrap());
    let server = Server::new(ServerConfig::default().proxy_protocol(balancer));
    let server = server.websocket(application);
    let server = server.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, handle) = (server.addresses()[0].to_string(), server.handle());
    LiveServer::start(address.parse().unwrap(), server, move || handle.stop())
}

/// Connects from `peer`, as far as the server is told, through a proxy that says it is `client`'s.
async fn connect(
    server: &LiveServer,
    peer: &str,
    client: &str,
) -> Result<WebSocketStream<TcpStream>, StatusCode> {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let header = format!("PROXY TCP4 {peer} 192.0.2.1 4711 443\r\n");
    stream.write_all(header.as_bytes()).await.unwrap();
    let mut request = server.websocket_url("/").into_client_request().unwrap();
    request
        .headers_mut()
        .insert("x-forwarded-for", client.parse().unwrap());
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn connects_are_limited_by_the_client_behind_all_proxies() {
    let server = serve(&ConnectRate::new(Rate::per_hour(1))).await;
    let refused = StatusCode::TOO_MANY_REQUESTS;
    let connect = async |peer, client| connect(&server, peer, client).await.err();

    assert_eq!(connect("10.0.0.1", "198.51.100.1").await, None);
    assert_eq!(connect("10.0.0.2", "198.51.100.2").await, None);
    assert_eq!(connect("10.0.0.2", "198.51.100.1").await, Some(refused));
    assert_eq!(
        connect("10.0.0.1", "203.0.113.9, 198.51.100.1").await,
        Some(refused)
    );
    // What a client says that comes to the balancer directly is not believed.
    assert_eq!(connect("198.51.100.1", "203.0.113.1").await, Some(refused));
    assert_eq!(connect("198.51.100.3", "203.0.113.1").await, None);
    assert_eq!(connect("198.51.100.3", "203.0.113.2").await, Some(refused));

    server.stop().await.unwrap();
}

#[tokio::test]
async fn flood_of_messages_is_answered_as_far_as_the_limit_and_closed() {
    let server = serve(&MessageRate::new(Rate::per_hour(3))).await;
    let mut flooding = connect(&server, "10.0.0.1", "198.51.100.1").await.unwrap();
    let mut other = connect(&server, "10.0.0.1", "198.51.100.1").await.unwrap();

    for nth in 0..100 {
        flooding.feed(Message::text(nth.to_string())).await.unwrap();
    }
    flooding.flush().await.unwrap();

    let mut answers = Vec::new();
    let code = loop {
        match flooding.next().await.unwrap().unwrap() {
            Message::Text(text) => answers.push(text.to_string()),
            Message::Close(close) => break close.map(|close| u16::from(close.code)),
            other => panic!("expected an answer or the end, got {other:?}"),
        }
    };
    assert_eq!((answers.join(" "), code), ("0 1 2".to_owned(), Some(1008)));
    other.send(Message::text("still here")).await.unwrap();
    let answer = other.next().await.unwrap().unwrap();
    assert_eq!(answer, Message::text("still here"));

    other.close(None).await.unwrap();
    for mut socket in [flooding, other] {
        // The closing handshake to its end.
        while let Some(Ok(_)) = socket.next().await {}
    }
    server.stop().await.unwrap();
}

/// What a client is closed with that sends `frame` 50 times.
async fn closed_after(frame: Message) -> Option<u16> {
    let server = serve(&MessageRate::new(Rate::per_hour(10))).await;
    let mut socket = connect(&server, "10.0.0.1", "198.51.100.1").await.unwrap();
    for _ in 0..50 {
        socket.feed(frame.clone()).await.unwrap();
    }
    socket.flush().await.unwrap();
    let code = loop {
        if let Message::Close(close) = socket.next().await.unwrap().unwrap() {
            break close.map(|close| close.code.into());
        }
    };
    while let Some(Ok(_)) = socket.next().await {}
    server.stop().await.unwrap();
    code
}

#[tokio::test]
async fn flood_of_pings_or_small_fragments_counts_as_one_of_messages() {
    let ping = Message::Ping("ping".into());
    let fragment = |opcode| {
        let fragment = Frame::message("a", OpCode::Data(opcode), false);
        Message::Frame(fragment)
    };

    assert_eq!(closed_after(ping).await, Some(1008));
    let server = serve(&MessageRate::new(Rate::per_hour(10))).await;
    let mut socket = connect(&server, "10.0.0.1", "198.51.100.1").await.unwrap();
    socket.feed(fragment(Data::Text)).await.unwrap();
    for _ in 0..50 {
        socket.feed(fragment(Data::Continue)).await.unwrap();
    }
    socket.flush().await.unwrap();

    let end = socket.next().await.unwrap().unwrap();
    assert!(
        matches!(&end, Message::Close(Some(close)) if u16::from(close.code) == 1008),
        "{end:?}"
    );
    while let Some(Ok(_)) = socket.next().await {}
    server.stop().await.unwrap();
}
