use std::{io::ErrorKind, time::Duration};

use solent_test_servers::{Proxy, RedisServer, ServerError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Long enough for what must not come.
const WHILE: Duration = Duration::from_millis(100);

/// A proxy in front of a server that sends back what it is sent.
async fn proxy() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    Proxy::start(addr).await.unwrap()
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.addr()).await.unwrap()
}

async fn echo(client: &mut TcpStream) {
    client.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");
}

#[tokio::test]
async fn bytes_go_through_and_connections_are_counted() {
    let proxy = proxy().await;

    let mut first = connect(&proxy).await;
    let mut second = connect(&proxy).await;
    echo(&mut first).await;
    echo(&mut second).await;

    assert_eq!((proxy.open(), proxy.accepted()), (2, 2));
    // The end goes through, and so does what was said before it.
    first.write_all(&[7; 100_000]).await.unwrap();
    first.shutdown().await.unwrap();
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, [7; 100_000]);
    while proxy.open() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn cut_ends_what_is_there_and_not_what_comes() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    echo(&mut client).await;

    proxy.cut().await;

    assert_eq!(proxy.open(), 0);
    assert!(matches!(client.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    echo(&mut connect(&proxy).await).await;
}

#[tokio::test]
async fn refused_are_new_connections_only() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    echo(&mut client).await;

    proxy.refuse().await;

    let refused = TcpStream::connect(proxy.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    echo(&mut client).await;
    proxy.resume().await.unwrap();
    echo(&mut connect(&proxy).await).await;
}

#[tokio::test]
async fn stalled_bytes_arrive_in_the_end() {
    let proxy = proxy().await;
    let mut client = connect(&proxy).await;
    echo(&mut client).await;

    proxy.stall();
    client.write_all(b"late").await.unwrap();
    let mut other = connect(&proxy).await;
    other.write_all(b"late").await.unwrap();

    for client in [&mut client, &mut other] {
        assert!(timeout(WHILE, client.read(&mut [0; 4])).await.is_err());
    }
    proxy.resume().await.unwrap();
    for client in [&mut client, &mut other] {
        let mut answer = [0; 4];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"late");
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_dropped_proxy() {
    let proxy = proxy().await;
    let addr = proxy.addr();
    let mut client = connect(&proxy).await;
    echo(&mut client).await;

    drop(proxy);

    assert!(matches!(client.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    timeout(super::PATIENCE, async {
        while TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn url_through_a_proxy_keeps_what_the_server_asks_for() -> Result<(), ServerError> {
    let server = RedisServer::builder().password("secret").start().await?;
    let proxy = Proxy::start(server.addr()).await?;

    assert_eq!(
        server.url_via(&proxy),
        format!("redis://:secret@127.0.0.1:{}", proxy.port())
    );
    let mut client = connect(&proxy).await;
    client.write_all(b"AUTH secret\r\n").await.unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+OK\r\n");
    Ok(())
}
