//! Where the server listens, and what connections know of it.

use std::{
    env, fs, io, net,
    os::{
        fd::OwnedFd,
        unix::{
            self,
            fs::{FileTypeExt, MetadataExt},
        },
    },
    process::{Command, Stdio},
};

use solent_server::{Bind, ServeError, Server, ServerConfig, UnixSocket};
use solent_spec::{
    Connection, Http, RequestScope, Result, WebSocket, http::Outbound, request::ServerAddr,
    websocket,
};
use tokio::net::{TcpStream, UnixStream};

use super::{
    frames::Frames,
    served::{Place, Served, nobody_listens, soon},
    wire::{Wire, get},
};

/// Answers with what the scope knows of the connection.
async fn tell(mut connection: Connection<Http>) -> Result {
    let scope = connection.scope();
    let (client, server) = (scope.link().client(), scope.link().server());
    let answer = format!(
        "{} {} {}",
        client.map_or("nobody".to_owned(), |client| client.to_string()),
        server.map_or("nowhere".to_owned(), ToString::to_string),
        scope.scheme(),
    );
    connection.send(Outbound::text(answer)).await?;
    Ok(())
}

async fn tell_socket(mut connection: Connection<WebSocket>) -> Result {
    let scope = connection.scope();
    let answer = format!("{:?} {}", scope.link().client(), scope.scheme());
    connection.send(websocket::Outbound::accept()).await?;
    let frame = websocket::Frame::text(answer);
    connection.send(frame.into()).await?;
    while connection.receive().await.is_some() {}
    Ok(())
}

fn server() -> Server {
    Server::new(ServerConfig::default())
        .http(tell)
        .websocket(tell_socket)
}

/// The answer to a request, and the client's own address.
async fn ask_tcp(addr: net::SocketAddr) -> (String, net::SocketAddr) {
    let stream = soon(TcpStream::connect(addr)).await.unwrap();
    let own = stream.local_addr().unwrap();
    (ask(Wire::new(stream)).await, own)
}

async fn ask_unix(place: &Place) -> String {
    let stream = soon(UnixStream::connect(place.path())).await.unwrap();
    ask(Wire::new(stream)).await
}

async fn ask(mut wire: Wire) -> String {
    wire.send(get("/")).await;
    wire.response().await.text().to_owned()
}

fn tcp(addr: &ServerAddr) -> net::SocketAddr {
    match addr {
        ServerAddr::Tcp(addr) => *addr,
        other => panic!("expected a TCP address, got {other}"),
    }
}

/// Why a server could not listen: where, and the kind of error.
async fn refusal(bind: Bind) -> (String, io::ErrorKind) {
    match server().bind(bind).await {
        Err(ServeError::Bind {
            address, source, ..
        }) => (address, source.kind()),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn unix_socket_is_there_while_the_server_is() {
    let place = Place::new();
    let served = Served::start_at(server(), place.bind()).await;
    let path = place.path();

    assert!(fs::metadata(path).unwrap().file_type().is_socket());
    assert_eq!(served.addresses(), [ServerAddr::Unix(path.to_owned())]);
    let told = ask_unix(&place).await;
    assert_eq!(told, format!("nobody unix:{} http", path.display()));

    served.end().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn unix_socket_has_the_mode_and_group_that_are_set() {
    let place = Place::new();
    let own = fs::metadata("/proc/self").unwrap().gid();
    let socket = UnixSocket::new(place.path()).mode(0o660).group(own);

    let served = Served::start_at(server(), socket.into()).await;

    let file = fs::metadata(place.path()).unwrap();
    assert_eq!(file.mode() & 0o777, 0o660);
    assert_eq!(file.gid(), own);
    assert!(ask_unix(&place).await.ends_with("http"));
    served.end().await;
}

#[tokio::test]
async fn unix_socket_whose_owner_is_unknown_is_refused_and_removed() {
    let place = Place::new();
    let socket = UnixSocket::new(place.path()).user("no-such-user");

    let refused = server().bind(socket.into()).await;

    let Err(ServeError::Bind { hint, source, .. }) = refused else {
        panic!("expected a refusal, got {refused:?}");
    };
    assert!(hint.contains("owner unknown"), "{hint}");
    assert!(source.to_string().contains("no-such-user"), "{source}");
    assert!(!place.path().exists());
}

#[tokio::test]
async fn refusal_says_what_to_do_about_it() {
    let served = Served::start(server()).await;
    let place = Place::new();
    fs::write(place.path(), "").unwrap();
    let within_a_file = place.path().join("x.sock");
    for (bind, expected) in [
        (served.addr().to_string(), "another process listens there"),
        ("192.0.2.1:0".to_owned(), "no interface of this machine"),
        (
            format!("unix:{}", place.path().display()),
            "the file is no socket",
        ),
        (format!("unix:{}", within_a_file.display()), "no folder"),
        ("unix:/no/such/folder/x.sock".to_owned(), "create it first"),
        (format!("unix:/tmp/{}", "x".repeat(200)), "some 100 bytes"),
    ] {
        let refused = server().bind(bind.parse().unwrap()).await;
        let Err(ServeError::Bind { hint, .. }) = refused else {
            panic!("expected a refusal of {bind}, got {refused:?}");
        };
        assert!(hint.contains(expected), "{bind}: {hint}");
    }
    served.end().await;
}

#[tokio::test]
async fn server_that_is_bound_and_never_awaited_removes_its_socket() {
    let place = Place::new();
    let bound = server().bind(place.bind()).await.unwrap();
    assert!(place.path().exists());

    drop(bound);

    assert!(!place.path().exists());
}

#[tokio::test]
async fn stale_socket_is_replaced() {
    let place = Place::new();
    drop(unix::net::UnixListener::bind(place.path()).unwrap());
    assert!(place.path().exists(), "a dropped listener leaves its file");

    let served = Served::start_at(server(), place.bind()).await;

    assert!(ask_unix(&place).await.ends_with("http"));
    served.end().await;
}

#[tokio::test]
async fn socket_in_use_is_refused_and_goes_on() {
    let place = Place::new();
    let served = Served::start_at(server(), place.bind()).await;

    let (address, kind) = refusal(place.bind()).await;

    assert_eq!(address, format!("unix:{}", place.path().display()));
    assert_eq!(kind, io::ErrorKind::AddrInUse);
    assert!(ask_unix(&place).await.ends_with("http"));
    served.end().await;
}

#[tokio::test]
async fn socket_whose_server_is_too_busy_to_accept_is_in_use() {
    let place = Place::new();
    let busy = unix::net::UnixListener::bind(place.path()).unwrap();
    socket2::SockRef::from(&busy).listen(0).unwrap();
    let _waiting = unix::net::UnixStream::connect(place.path()).unwrap();

    assert_eq!(refusal(place.bind()).await.1, io::ErrorKind::AddrInUse);

    assert!(place.path().exists());
}

#[tokio::test]
async fn file_that_is_not_a_stale_socket_is_left_alone() {
    let (text, datagrams) = (Place::new(), Place::new());
    fs::write(text.path(), "precious").unwrap();
    let receiver = unix::net::UnixDatagram::bind(datagrams.path()).unwrap();

    for place in [&text, &datagrams] {
        assert_eq!(refusal(place.bind()).await.1, io::ErrorKind::AddrInUse);
    }

    assert_eq!(fs::read_to_string(text.path()).unwrap(), "precious");
    let sender = unix::net::UnixDatagram::unbound().unwrap();
    sender.send_to(b"still there", datagrams.path()).unwrap();
    drop(receiver);
}

#[tokio::test]
async fn socket_of_a_successor_is_left_alone() {
    let place = Place::new();
    let first = Served::start_at(server(), place.bind()).await;
    fs::remove_file(place.path()).unwrap();
    let second = Served::start_at(server(), place.bind()).await;

    first.end().await;

    assert!(ask_unix(&place).await.ends_with("http"));
    second.end().await;
}

#[tokio::test]
async fn port_in_use_is_refused() {
    let served = Served::start(server()).await;
    let addr = served.addr();

    let expected = (addr.to_string(), io::ErrorKind::AddrInUse);
    assert_eq!(refusal(addr.into()).await, expected);

    served.end().await;
}

#[tokio::test]
async fn every_place_is_listened_at_and_told_apart() {
    let place = Place::new();
    let loopback: Bind = "localhost:0".parse().unwrap();
    let server = server().and_bind(place.bind()).and_bind(loopback);
    let served = Served::start(server).await;

    let [first, path, second] = served.addresses() else {
        panic!("expected three addresses, got {:?}", served.addresses());
    };
    let (first, second) = (tcp(first), tcp(second));
    assert!(first.port() != 0 && second.port() != 0 && first != second);
    assert_eq!(*path, ServerAddr::Unix(place.path().to_owned()));
    for addr in [first, second] {
        let (told, own) = ask_tcp(addr).await;
        assert_eq!(told, format!("{own} {addr} http"));
    }
    let told = ask_unix(&place).await;
    assert_eq!(told, format!("nobody {path} http"));

    served.end().await;
    for addr in [first, second] {
        nobody_listens(addr).await;
    }
    assert!(!place.path().exists());
}

#[tokio::test]
async fn one_place_that_is_refused_leaves_the_others() {
    let (place, taken) = (Place::new(), Served::start(server()).await);
    let server = server().and_bind(taken.addr().into());

    let refused = server.bind(place.bind()).await;

    assert!(matches!(refused, Err(ServeError::Bind { .. })));
    assert!(!place.path().exists());
    taken.end().await;
}

#[tokio::test]
async fn sockets_know_their_client_as_requests_do() {
    let place = Place::new();
    let served = Served::start(server().and_bind(place.bind())).await;

    let stream = TcpStream::connect(served.addr()).await.unwrap();
    let own = stream.local_addr().unwrap();
    let mut over_tcp = Frames::open_over(Wire::new(stream), "/", "").await;
    let stream = UnixStream::connect(place.path()).await.unwrap();
    let mut over_unix = Frames::open_over(Wire::new(stream), "/", "").await;

    let told = over_tcp.next().await.payload;
    assert_eq!(told, format!("Some({own}) ws").as_bytes());
    assert_eq!(over_unix.next().await.payload, b"None ws");
    over_tcp.leave().await;
    over_unix.leave().await;
    served.end().await;
}

#[tokio::test]
async fn listeners_of_somebody_else_are_used_and_left() {
    let place = Place::new();
    let over_tcp = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let over_unix = unix::net::UnixListener::bind(place.path()).unwrap();
    let addr = over_tcp.local_addr().unwrap();

    let server = server().and_bind(over_unix.into());
    let served = Served::start_at(server, over_tcp.into()).await;

    assert_eq!(served.addr(), addr);
    let (told, own) = ask_tcp(addr).await;
    assert_eq!(told, format!("{own} {addr} http"));
    let told = ask_unix(&place).await;
    assert_eq!(told, format!("nobody unix:{} http", place.path().display()));
    served.end().await;
    assert!(place.path().exists(), "who made it removes it");
}

const CHILD: &str = "SOLENT_SERVER_TEST_INHERITS";

/// This test, in a process of its own whose descriptor 3 is `listener`, as systemd passes it. The process is ended by the
/// caller.
fn heir(listener: OwnedFd) -> std::process::Child {
    let passing = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" --exact "$1" --nocapture 3<&0"#;
    Command::new("sh")
        .args(["-c", passing])
        .arg(env::current_exe().unwrap())
        .arg("bind::listener_that_a_parent_passed_is_served")
        .env(CHILD, "yes")
        .stdin(listener)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn listener_that_a_parent_passed_is_served() {
    if env::var_os(CHILD).is_some() {
        let bound = server().bind("fd:0".parse().unwrap()).await.unwrap();
        return bound.await.unwrap();
    }
    let place = Place::new();
    let over_tcp = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let over_unix = unix::net::UnixListener::bind(place.path()).unwrap();
    let addr = over_tcp.local_addr().unwrap();

    let mut heirs = [heir(over_tcp.into()), heir(over_unix.into())];

    let (told, own) = ask_tcp(addr).await;
    assert_eq!(told, format!("{own} {addr} http"));
    assert!(ask_unix(&place).await.starts_with("nobody unix:"));
    for heir in &mut heirs {
        heir.kill().unwrap();
        heir.wait().unwrap();
    }
}

#[tokio::test]
async fn listener_that_nobody_passed_is_missed() {
    let (address, kind) = refusal(Bind::Inherited(0)).await;

    assert_eq!((address.as_str(), kind), ("fd:0", io::ErrorKind::NotFound));
}
