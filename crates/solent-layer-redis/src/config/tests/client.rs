use std::{path::Path, time::Duration};

use redis::{Client, ProtocolVersion, RedisResult, cmd};
use solent_test_servers::{self as servers, Certificates};

use crate::config::{
    ConfigError, RedisAccess, RedisCluster, RedisConfig, RedisHost, RedisSentinel, RedisServer,
    RedisTls, TlsCheck, cluster_builder, connection_config, connection_info,
};

#[test]
fn connections_speak_resp3_without_delay_and_notice_a_vanished_peer() {
    let server = RedisServer::new("h", 1).user("u").password("p").database(3);

    let info = connection_info(&server, &RedisConfig::default()).unwrap();

    assert_eq!(info.addr().to_string(), "h:1");
    let redis = info.redis_settings();
    assert_eq!(redis.protocol(), ProtocolVersion::RESP3);
    assert_eq!(redis.username(), Some("u"));
    assert_eq!(redis.password(), Some("p"));
    assert_eq!(redis.db(), 3);
    assert!(info.tcp_settings().nodelay());
    assert!(info.tcp_settings().keepalive().is_some());
    #[cfg(target_os = "linux")]
    assert_eq!(
        info.tcp_settings().user_timeout(),
        Some(Duration::from_secs(30))
    );
}

#[test]
fn sentinels_and_their_master_have_their_own_credentials() {
    let sentinel = RedisSentinel::new("m", [("a", 1), ("b", 2)])
        .password("p")
        .database(3)
        .sentinel_access(RedisAccess::default().password("s"));

    let sentinels: Vec<String> = sentinel
        .sentinel_servers()
        .map(|server| {
            assert_eq!(server, server.clone().password("s").database(0));
            server.address.to_string()
        })
        .collect();

    assert_eq!(sentinels, ["a:1", "b:2"]);
    assert_eq!(
        sentinel.master_at(("c", 3)),
        RedisServer::new("c", 3).password("p").database(3)
    );
}

#[test]
fn certificates_that_cannot_be_used_are_found_before_connecting() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let connect = |tls: RedisTls| {
        let server = RedisServer::new("h", 1).tls(tls.clone());
        let error = connection_info(&server, &RedisConfig::default()).unwrap_err();
        let cluster = RedisCluster::new([("h", 1)]).tls(tls);
        assert!(cluster_builder(&cluster, &RedisConfig::default()).is_err());
        error
    };

    let missing = connect(RedisTls::default().ca_file("/no/such.pem"));
    let empty = connect(RedisTls::default().ca_file(&here));
    let key = connect(RedisTls::default().client(&here, &here));

    assert!(
        matches!(&missing, ConfigError::TlsFile { path, .. } if path == Path::new("/no/such.pem"))
    );
    assert!(matches!(&empty, ConfigError::TlsFile { path, .. } if *path == here));
    assert!(matches!(&key, ConfigError::Client(_)), "{key:?}");
}

#[tokio::test]
async fn server_is_trusted_as_far_as_tls_is_told_to_check() {
    let redis = servers::RedisServer::builder()
        .password("p")
        .tls()
        .start()
        .await
        .unwrap();
    let port = redis.addr().port();
    let files = certificates(&redis);
    let trust = RedisTls::default().ca_file(&files.authority);
    // The same server, by a name that its certificate does not have.
    let other = "::ffff:127.0.0.1";
    for (host, tls, trusted) in [
        ("localhost", trust.clone(), true),
        ("127.0.0.1", trust.clone(), true),
        ("localhost", RedisTls::default(), false),
        (other, trust.clone(), false),
        (other, trust.check(TlsCheck::Certificate), true),
        (
            other,
            RedisTls::default().check(TlsCheck::Certificate),
            false,
        ),
        (other, RedisTls::default().check(TlsCheck::Nothing), true),
    ] {
        let server = RedisServer::new(host, port).password("p").tls(tls);

        let answer = ask(&server).await;

        assert_eq!(answer.is_ok(), trusted, "{server:?}: {answer:?}");
    }
}

#[tokio::test]
async fn client_certificate_is_shown() {
    let redis = servers::RedisServer::builder()
        .tls()
        .arg("--tls-auth-clients")
        .arg("yes")
        .start()
        .await
        .unwrap();
    let files = certificates(&redis);
    let url = format!(
        "rediss://localhost:{}?ssl_ca_certs={}",
        redis.addr().port(),
        files.authority.display(),
    );
    let with = format!(
        "{url}&ssl_certfile={}&ssl_keyfile={}",
        files.client_certificate.display(),
        files.client_key.display(),
    );

    ask(&server(&url)).await.unwrap_err();
    ask(&server(&with)).await.unwrap();
}

#[tokio::test]
async fn user_password_and_database_reach_a_unix_socket() {
    let redis = servers::RedisServer::builder()
        .unix_socket()
        .start()
        .await
        .unwrap();
    let user = ["ACL", "SETUSER", "bob", "on", ">p@ss", "+@all"];
    redis.command(&user).await.unwrap();
    let path = redis
        .url()
        .strip_prefix("redis+unix://")
        .unwrap()
        .to_owned();

    let client = ask(&server(&format!("redis+unix://bob:p%40ss@{path}?db=3")))
        .await
        .unwrap();

    for word in ["user=bob", "db=3", "resp=3"] {
        assert!(client.contains(word), "{client}");
    }
    ask(&server(&format!("redis+unix://bob:wrong@{path}")))
        .await
        .unwrap_err();
}

/// What the server says of the connection.
async fn ask(server: &RedisServer) -> RedisResult<String> {
    let config = RedisConfig::default();
    let info = connection_info(server, &config).unwrap();
    let mut connection = Client::open(info)?
        .get_multiplexed_async_connection_with_config(&connection_config(&config))
        .await?;
    let client = cmd("CLIENT")
        .arg("INFO")
        .query_async::<redis::Value>(&mut connection)
        .await?;
    Ok(format!("{client:?}"))
}

fn server(url: &str) -> RedisServer {
    match url.parse() {
        Ok(RedisHost::Server(server)) => server,
        other => panic!("{url}: {other:?}"),
    }
}

fn certificates(redis: &servers::RedisServer) -> Certificates {
    redis.certificates().expect("the server speaks TLS").clone()
}
