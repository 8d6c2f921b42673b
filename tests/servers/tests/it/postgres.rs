use std::{fs, net::TcpStream, path::Path, time::Duration};

use solent_test_servers::{PostgresServer, Proxy, ServerError};

use super::{lives, until};

/// The first value of the first row.
async fn value(server: &PostgresServer, sql: &str) -> Result<Option<String>, ServerError> {
    let rows = server.query("postgres", sql).await?;
    Ok(rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next()?))
}

#[tokio::test]
async fn server_answers_and_keeps_what_was_committed() -> Result<(), ServerError> {
    let server = PostgresServer::start().await?;
    let url = format!("postgres://solent@{}/postgres", server.addr());
    assert_eq!(server.url("postgres"), url);
    let pid = server.pid();

    let rows = server
        .query(
            "postgres",
            "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'grüße'), (2, NULL); \
             SELECT * FROM t ORDER BY a",
        )
        .await?;
    server.restart().await?;

    assert_eq!(rows[0], [Some("1".to_owned()), Some("grüße".to_owned())]);
    assert_eq!(rows[1], [Some("2".to_owned()), None]);
    assert_eq!(
        value(&server, "SELECT count(*) FROM t").await?.unwrap(),
        "2"
    );
    assert_ne!(server.pid(), pid);
    Ok(())
}

#[tokio::test]
async fn refused_statement_is_an_error_that_shows_no_more_of_it_than_its_name()
-> Result<(), ServerError> {
    let server = PostgresServer::start().await?;

    let error = server.query("postgres", "SELECT secret FROM nowhere");
    let error = error.await.unwrap_err().to_string();
    let absent = server.query("absent", "SELECT 1").await.unwrap_err();

    assert!(error.contains("refused SELECT: 42P01"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    assert!(absent.to_string().contains("3D000"), "{absent}");
    Ok(())
}

#[tokio::test]
async fn databases_do_not_see_each_other() -> Result<(), ServerError> {
    let server = PostgresServer::start().await?;
    server.create_database("one").await?;
    server.create_database("two").await?;

    server.query("one", "CREATE TABLE t (a int)").await?;

    assert!(server.query("one", "SELECT * FROM t").await?.is_empty());
    assert!(server.query("two", "SELECT * FROM t").await.is_err());
    Ok(())
}

#[tokio::test]
async fn stopped_server_is_gone_until_it_is_restarted() -> Result<(), ServerError> {
    let server = PostgresServer::start().await?;
    let proxy = Proxy::start(server.addr()).await?;
    let pid = server.pid().unwrap();
    let path = format!("@{}/postgres", proxy.addr());
    assert!(server.url_via(&proxy, "postgres").ends_with(&path));

    server.stop().await?;

    assert_eq!(server.pid(), None);
    assert!(!lives(pid));
    assert!(TcpStream::connect(server.addr()).is_err());
    server.restart().await?;
    TcpStream::connect_timeout(&server.addr(), Duration::from_secs(5)).unwrap();
    Ok(())
}

#[tokio::test]
async fn dropped_server_leaves_nothing_behind() -> Result<(), ServerError> {
    let server = PostgresServer::start().await?;
    let pid = server.pid().unwrap();
    let data = value(&server, "SHOW data_directory").await?.unwrap();
    if fs::exists("/proc/sysvipc/shm").unwrap() {
        assert_eq!(segments_of(pid), 1, "nothing to leave behind");
    }

    drop(server);

    assert!(!lives(pid));
    until("the end of its folder", || !Path::new(&data).exists());
    assert_eq!(segments_of(pid), 0);
    Ok(())
}

/// How many segments of shared memory are left of those that a process made, where the system tells.
fn segments_of(pid: u32) -> usize {
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let pid = pid.to_string();
    segments
        .lines()
        .filter(|segment| segment.split_whitespace().nth(4) == Some(&pid))
        .count()
}
