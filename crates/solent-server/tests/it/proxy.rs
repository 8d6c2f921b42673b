//! The PROXY protocol: what a proxy says of its client before the client's own bytes.

use std::{net::SocketAddr, time::Duration};

use solent_server::{ConnectionLimits, HttpLimits, ProxyProtocolConfig, Server, ServerConfig};
use solent_spec::{
    Connection, Http, RequestScope, Result, WebSocket,
    http::Outbound,
    request::Peers,
    websocket::{self, Frame, Inbound},
};
use solent_test_servers::Log;
use tokio::time::{Instant, sleep};

use super::{
    frames::{FIN, Frames, RawFrame, TEXT, handshake, masked},
    limits::own_address,
    served::Served,
    wire::{Wire, get},
};

const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const IPV4: &[u8] = &[192, 0, 2, 7, 192, 0, 2, 1, 0x12, 0x67, 1, 187];

/// A header of version 2.
fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let len = (block.len() as u16).to_be_bytes();
    [SIGNATURE, &[command, family], &len, block].concat()
}

fn told(scheme: &str, scope: &impl RequestScope) -> String {
    let client = scope.link().client();
    let client = client.map_or("nobody".to_owned(), |client| client.to_string());
    format!("{scheme} {client}")
}

async fn tell(mut connection: Connection<Http>) -> Result {
    let told = told(connection.scope().scheme(), connection.scope());
    Ok(connection.send(Outbound::text(told)).await?)
}

/// Tells whose it is, and then whatever it is told.
async fn tell_socket(mut connection: Connection<WebSocket>) -> Result {
    let told = told(connection.scope().scheme(), connection.scope());
    connection.send(websocket::Outbound::accept()).await?;
    connection.send(Frame::text(told).into()).await?;
    while let Some(event) = connection.receive().await {
        if let Inbound::Message(frame) = event {
            connection.send(frame.into()).await?;
        }
    }
    Ok(())
}

fn server(config: ServerConfig) -> Server {
    Server::new(config).http(tell).websocket(tell_socket)
}

fn from(peers: &str) -> ServerConfig {
    let peers: Peers = peers.parse().unwrap();
    ServerConfig::default().proxy_protocol(ProxyProtocolConfig::new(peers))
}

/// Behind proxies on a Unix socket, for tests that pause the clock.
async fn behind_unix(config: ServerConfig) -> Served {
    Served::start_unix(server(config)).await
}

/// What the application knows of a connection that begins with `header`.
async fn ask(served: &Served, header: impl AsRef<[u8]>) -> String {
    let wire = served.ask([header.as_ref(), get("/").as_bytes()].concat());
    wire.await.response().await.text().to_owned()
}

#[tokio::test]
async fn connection_is_that_of_the_client_the_proxy_names() {
    let served = Served::start(server(from("127.0.0.1"))).await;
    let ipv6 = [
        &[0x20, 1, 0xd, 0xb8][..],
        &[0; 11],
        &[7],
        &[0; 16],
        &[0x12, 0x67, 1, 187],
    ]
    .concat();

    for (header, client) in [
        (LINE, "192.0.2.7:4711"),
        (
            b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n",
            "[2001:db8::7]:4711",
        ),
        (&binary(0x21, 0x11, IPV4), "192.0.2.7:4711"),
        (&binary(0x21, 0x21, &ipv6), "[2001:db8::7]:4711"),
        (&binary(0x21, 0x31, &[b'/'; 216]), "nobody"),
        (
            &binary(0x21, 0x11, &[IPV4, b"\x01\0\x02h2\x04\0\x03xxx"].concat()),
            "192.0.2.7:4711",
        ),
    ] {
        assert_eq!(ask(&served, header).await, format!("http {client}"));
    }
    served.end().await;
}

#[tokio::test]
async fn connection_of_the_proxys_own_is_its_own() {
    let served = Served::start(server(from("127.0.0.0/8"))).await;

    for header in [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(),
        binary(0x20, 0, b""),
        binary(0x20, 0x11, IPV4),
        binary(0x21, 0, b""),
    ] {
        let told = ask(&served, header).await;
        assert!(told.starts_with("http 127.0.0.1:"), "{told}");
    }
    served.end().await;
}

#[tokio::test]
async fn clients_encryption_is_what_the_proxy_says() {
    let served = Served::start(server(from("127.0.0.1"))).await;
    let header = |client| {
        binary(
            0x21,
            0x11,
            &[IPV4, &[0x20, 0, 5, client, 0, 0, 0, 0]].concat(),
        )
    };

    assert_eq!(ask(&served, header(1)).await, "https 192.0.2.7:4711");
    assert_eq!(ask(&served, header(0)).await, "http 192.0.2.7:4711");
    let wire = served.ask(header(7)).await;
    let mut frames = Frames::open_over(wire, "/", "").await;
    assert_eq!(
        frames.next().await,
        RawFrame::whole(TEXT, "wss 192.0.2.7:4711")
    );
    frames.leave().await;
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn header_may_come_in_pieces_and_with_what_follows_it() {
    let served = behind_unix(from("unix")).await;

    for header in [
        LINE.to_vec(),
        binary(0x21, 0x11, &[IPV4, b"\xee\0\x01x"].concat()),
    ] {
        let request = [&header[..], get("/").as_bytes()].concat();
        for cut in 1..=header.len() + 1 {
            let mut wire = served.ask(&request[..cut]).await;
            // All that can happen until then has happened.
            sleep(Duration::from_millis(1)).await;
            wire.send(&request[cut..]).await;
            assert_eq!(
                wire.response().await.text(),
                "http 192.0.2.7:4711",
                "cut at {cut}"
            );
        }
        let mut wire = served.connect().await;
        for byte in &request {
            wire.send([*byte]).await;
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(wire.response().await.text(), "http 192.0.2.7:4711");
        wire.send(get("/")).await;
        assert_eq!(
            wire.response().await.text(),
            "http 192.0.2.7:4711",
            "it stays the client's"
        );
    }
    served.end().await;
}

#[tokio::test]
async fn frames_that_come_with_header_and_handshake_are_all_there() {
    let served = Served::start(server(from("127.0.0.1"))).await;
    let long = "x".repeat(100_000);
    let mut bytes = [&binary(0x21, 0x11, IPV4), handshake("/", "").as_bytes()].concat();
    bytes.extend(masked(FIN | TEXT, "hello"));
    bytes.extend(masked(FIN | TEXT, &long));

    let mut wire = served.ask(bytes).await;
    let (status, head) = wire.head().await;
    let mut frames = Frames { wire, head };

    assert_eq!(status, 101);
    assert_eq!(
        frames.next().await,
        RawFrame::whole(TEXT, "ws 192.0.2.7:4711")
    );
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "hello"));
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, long));
    frames.leave().await;
    served.end().await;
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let header = binary(0x21, 0x11, IPV4);
    for config in [from("192.0.2.0/24, ::1, unix"), ServerConfig::default()] {
        let served = Served::start(server(config)).await;

        let told = ask(&served, "").await;
        assert!(told.starts_with("http 127.0.0.1:"), "{told}");
        for header in [LINE, &header] {
            let mut wire = served.ask([header, get("/").as_bytes()].concat()).await;
            let answer = String::from_utf8(wire.rest().await).unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
            assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        }
        served.end().await;
    }
}

#[tokio::test]
async fn proxy_that_sends_no_header_is_closed_and_the_log_says_why() {
    let log = Log::new();
    let served = Served::start(server(from("127.0.0.1"))).await;

    for bytes in [
        get("/").into_bytes(),
        b"\x16\x03\x01 client hello of TLS".to_vec(),
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 66666\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\n".to_vec(),
        [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat(),
        binary(0x21, 0x11, &IPV4[..8]),
        binary(0x23, 0x11, IPV4),
        binary(0x31, 0x11, IPV4),
        binary(0x21, 0x55, IPV4),
        binary(0x21, 0x11, &[IPV4, b"\x04\xff\xff"].concat()),
        // Told before it is read.
        [SIGNATURE, b"\x21\x11\xff\xff"].concat(),
    ] {
        let mut wire = served.ask(bytes).await;
        wire.is_closed().await;
    }

    let text = log.text();
    let warnings = text.lines().filter(|line| line.contains(" WARN ")).count();
    assert_eq!(warnings, 11, "{text}");
    assert!(
        text.contains("malformed") && text.contains("127.0.0.1:"),
        "{text}"
    );
    assert!(text.contains("larger than the server's limit"), "{text}");
    // It did no harm.
    assert_eq!(ask(&served, LINE).await, "http 192.0.2.7:4711");
    served.end().await;
}

#[tokio::test]
async fn proxy_that_leaves_early_is_nothing_to_warn_of_unless_amid_its_header() {
    let log = Log::new();
    let served = Served::start(server(from("127.0.0.1"))).await;

    let mut looking = served.connect().await;
    looking.finish().await;
    looking.is_closed().await;
    assert!(!log.text().contains(" WARN "), "{}", log.text());

    let mut cut = served.ask(&LINE[..20]).await;
    cut.finish().await;
    cut.is_closed().await;
    assert!(log.text().contains("amid its header"), "{}", log.text());
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn header_that_does_not_come_in_time_ends_the_connection() {
    const TIMEOUT: Duration = Duration::from_secs(3);
    let config = ProxyProtocolConfig::new("unix".parse().unwrap()).timeout(TIMEOUT);
    let served = behind_unix(ServerConfig::default().proxy_protocol(config)).await;
    let start = Instant::now();

    let mut silent = served.connect().await;
    let mut slow = served.connect().await;
    for byte in LINE {
        slow.try_send([*byte]).await;
        sleep(Duration::from_millis(100)).await;
    }

    for wire in [&mut silent, &mut slow] {
        wire.is_closed().await;
    }
    assert!(
        start.elapsed() < TIMEOUT + Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn request_that_does_not_follow_the_header_is_408() {
    let limits = HttpLimits::default().head_timeout(Duration::from_secs(2));
    let served = behind_unix(from("unix").http(limits)).await;

    let mut wire = served.ask([LINE, b"GET / HT"].concat()).await;

    assert_eq!(wire.response().await.status, 408);
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn limit_on_connections_is_one_of_the_client() {
    let limits = ConnectionLimits::default().per_address(1);
    let served = Served::start(server(from("127.0.0.1").connections(limits))).await;
    let header = |last: u8| format!("PROXY TCP4 192.0.2.{last} 192.0.2.1 1 2\r\n");
    let open = async |last| {
        let mut wire = served.ask(header(last) + &get("/")).await;
        let status = wire.response().await.status;
        (wire, status)
    };

    let (mut first, status) = open(1).await;
    assert_eq!(status, 200);
    let (_other, status) = open(2).await;
    assert_eq!(status, 200);
    let mut second = served.ask(header(1)).await;
    assert_eq!(second.response().await.status, 429);
    second.is_closed().await;

    first.finish().await;
    first.is_closed().await;
    // The place is given back soon after the connection is closed.
    super::served::soon(async { while open(1).await.1 != 200 {} }).await;
    served.end().await;
}

#[tokio::test]
async fn proxy_itself_is_not_limited() {
    // Connections over loopback do not count, so a machine without a network cannot tell.
    let Some(address) = own_address() else {
        return;
    };
    let limits = ConnectionLimits::default().per_address(1);
    let config = ServerConfig::default().proxy_protocol(ProxyProtocolConfig::new(address.into()));
    let server = server(config.connections(limits));
    let served = Served::start_at(server, SocketAddr::new(address, 0).into()).await;

    let mut open = Vec::new();
    for last in 1..=3 {
        let header = format!("PROXY TCP4 192.0.2.{last} 192.0.2.1 1 2\r\n");
        let mut wire = served.ask(header + &get("/")).await;
        assert_eq!(wire.response().await.status, 200);
        open.push(wire);
    }
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn drain_does_not_wait_for_headers() {
    let timeout = Duration::from_secs(3600);
    let config = ProxyProtocolConfig::new("unix".parse().unwrap()).timeout(timeout);
    let limits = HttpLimits::default().head_timeout(timeout);
    let config = ServerConfig::default().proxy_protocol(config).http(limits);
    let served = behind_unix(config).await;
    let mut silent: Wire = served.connect().await;
    let mut begun = served.ask(&LINE[..10]).await;
    sleep(Duration::from_millis(1)).await;
    let start = Instant::now();

    served.stop();

    silent.is_closed().await;
    begun.is_closed().await;
    served.result().await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn peers_are_told_apart_by_their_addresses() {
    // On a dual-stack socket, IPv4 peers have IPv6 addresses.
    let any = SocketAddr::from(([0; 16], 0));
    let Ok(bound) = server(from("127.0.0.1")).bind(any.into()).await else {
        return;
    };
    let addresses = bound.addresses();
    let handle = bound.handle();
    let serving = tokio::spawn(async move { bound.await });
    let Some(solent_spec::request::ServerAddr::Tcp(addr)) = addresses.first() else {
        panic!("expected a TCP address");
    };
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", addr.port())).await;

    if let Ok(stream) = stream {
        let mut wire = Wire::new(stream);
        wire.send([LINE, get("/").as_bytes()].concat()).await;
        assert_eq!(wire.response().await.text(), "http 192.0.2.7:4711");
    }
    handle.stop();
    serving.await.unwrap().unwrap();
}
