use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use rustls::pki_types::pem::PemObject;
use solent_test_servers::{RedisServer, Reply, ServerError};

use super::{lives, until};

fn connect(server: &RedisServer) -> TcpStream {
    let client = TcpStream::connect(server.addr()).unwrap();
    client
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    client
}

fn ping(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    client.write_all(b"PING\r\n")?;
    let mut answer = [0; 64];
    let len = client.read(&mut answer)?;
    Ok(answer[..len].to_vec())
}

#[tokio::test]
async fn server_answers_on_its_port_and_forgets_by_default() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    assert_eq!(ping(&mut connect(&server)).unwrap(), b"+PONG\r\n");
    server.command(&["SET", "b", "1"]).await?;
    server.command(&["SET", "a", "2"]).await?;
    assert_eq!(server.keys().await?, ["a", "b"]);
    assert_eq!(server.info("tcp_port").await?, server.port().to_string());

    server.restart().await?;

    assert_eq!(ping(&mut connect(&server)).unwrap(), b"+PONG\r\n");
    assert!(server.keys().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn replies_come_as_text_and_as_bytes() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;

    server
        .query(&[b"RPUSH" as &[u8], b"list", b"\xff\x00"])
        .await?;
    server.command(&["RPUSH", "list", "two"]).await?;
    let list = &["LRANGE", "list", "0", "-1"];

    let bytes = |bytes: &[u8]| Reply::Bytes(bytes.to_vec());
    assert_eq!(
        server.query(list).await?,
        Reply::List(vec![bytes(b"\xff\x00"), bytes(b"two")])
    );
    assert_eq!(server.command(list).await?, "\u{fffd}\0\ntwo");
    assert_eq!(server.query(&["GET", "none"]).await?, Reply::Nil);
    let error = server.command(&["GET", "list"]).await.unwrap_err();
    assert!(
        matches!(&error, ServerError::Refused { command, .. } if command == "GET"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn killed_server_is_gone_and_comes_back_on_the_same_port() -> Result<(), ServerError> {
    let server = RedisServer::builder().persistent().start().await?;
    server.command(&["SET", "kept", "yes"]).await?;
    let (pid, port) = (server.pid().unwrap(), server.port());

    server.kill().await?;

    assert!(!lives(pid));
    assert_eq!(server.pid(), None);
    let refused = TcpStream::connect(server.addr()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let error = server.pause().await.unwrap_err();
    assert!(matches!(error, ServerError::Stopped { .. }), "{error}");

    server.restart().await?;

    assert_eq!(server.port(), port);
    assert_ne!(server.pid(), Some(pid));
    assert_eq!(server.command(&["GET", "kept"]).await?, "yes");
    Ok(())
}

#[tokio::test]
async fn stopped_server_ends_of_itself() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;
    let pid = server.pid().unwrap();

    server.stop().await?;
    server.stop().await?;

    assert!(!lives(pid));
    assert!(server.log().contains("SIGTERM"), "{}", server.log());
    Ok(())
}

#[tokio::test]
async fn server_that_ended_by_itself_is_noticed_and_starts_again() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;

    // It ends without an answer.
    server.command(&["SHUTDOWN", "NOW"]).await.unwrap_err();

    until("the end", || server.pid().is_none());
    server.restart().await?;
    assert_eq!(server.command(&["PING"]).await?, "PONG");
    Ok(())
}

#[tokio::test]
async fn paused_server_keeps_connections_and_answers_when_it_goes_on() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;
    let mut client = connect(&server);

    server.pause().await?;

    let silence = ping(&mut client).unwrap_err();
    assert!(
        matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{silence}"
    );
    let _also_connects = connect(&server);
    server.resume().await?;
    let mut answer = [0; 7];
    until("an answer", || client.read_exact(&mut answer).is_ok());
    assert_eq!(&answer, b"+PONG\r\n");

    server.pause().await?;
    server.restart().await?;
    assert_eq!(ping(&mut connect(&server)).unwrap(), b"+PONG\r\n");
    Ok(())
}

#[tokio::test]
async fn client_kill_cuts_others_and_not_us() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;
    let mut client = connect(&server);
    ping(&mut client).unwrap();

    let killed = server
        .command(&["CLIENT", "KILL", "TYPE", "normal"])
        .await?;

    assert_eq!(killed, "1");
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    Ok(())
}

#[tokio::test]
async fn password_is_asked_for_and_stands_in_the_url() -> Result<(), ServerError> {
    let server = RedisServer::builder()
        .password("p@ss \"word\\")
        .start()
        .await?;

    let answer = ping(&mut connect(&server)).unwrap();

    assert!(answer.starts_with(b"-NOAUTH"));
    assert_eq!(
        server.url(),
        format!("redis://:p%40ss%20%22word%5C@127.0.0.1:{}", server.port())
    );
    assert_eq!(server.command(&["PING"]).await?, "PONG");
    Ok(())
}

#[tokio::test]
async fn unix_socket_is_what_the_url_names() -> Result<(), ServerError> {
    let server = RedisServer::builder()
        .unix_socket()
        .password("a/b")
        .start()
        .await?;

    assert_eq!(
        server.url(),
        format!("redis+unix://{}?pass=a%2Fb", server.socket().display())
    );
    std::os::unix::net::UnixStream::connect(server.socket()).unwrap();
    Ok(())
}

#[tokio::test]
async fn arguments_reach_the_server() -> Result<(), ServerError> {
    let server = RedisServer::builder()
        .arg("--maxclients")
        .arg("7")
        .start()
        .await?;

    assert_eq!(
        server.command(&["CONFIG", "GET", "maxclients"]).await?,
        "maxclients\n7"
    );
    Ok(())
}

#[tokio::test]
async fn folder_and_process_go_with_the_handle() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;
    let pid = server.pid().unwrap();
    let folder = server.socket().parent().unwrap().to_owned();
    assert!(folder.exists());

    drop(server);

    assert!(!lives(pid));
    assert!(!folder.exists());
    Ok(())
}

#[tokio::test]
async fn panicking_test_leaves_no_server() -> Result<(), ServerError> {
    let server = RedisServer::start().await?;
    let pid = server.pid().unwrap();

    let outcome = std::panic::catch_unwind(AssertUnwindSafe(move || {
        let _server = server;
        panic!("as a test does");
    }));

    assert!(outcome.is_err());
    assert!(!lives(pid));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_server_moves_no_paused_clock() -> Result<(), ServerError> {
    let start = tokio::time::Instant::now();
    let timer = tokio::time::sleep(Duration::from_secs(1));

    let server = RedisServer::start().await?;
    server.restart().await?;

    assert_eq!(start.elapsed(), Duration::ZERO);
    drop(timer);
    Ok(())
}

#[tokio::test]
async fn tls_port_speaks_tls_with_its_own_authority() -> Result<(), ServerError> {
    let server = RedisServer::builder().tls().start().await?;
    let files = server.certificates().unwrap();
    assert!(server.url().starts_with("rediss://127.0.0.1:"));

    let mut authorities = rustls::RootCertStore::empty();
    let authority = rustls::pki_types::CertificateDer::from_pem_file(&files.authority).unwrap();
    authorities.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authorities)
        .with_no_client_auth();
    let name = server.addr().ip().into();
    let tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut client = rustls::StreamOwned::new(tls, connect(&server));

    client.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
    // Without TLS there is no conversation.
    assert!(!ping(&mut connect(&server)).is_ok_and(|answer| answer.starts_with(b"+PONG")));
    Ok(())
}
