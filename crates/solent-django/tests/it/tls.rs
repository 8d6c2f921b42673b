//! Connections that others cannot read.

use std::{fs, path::Path};

use solent_django::{Database, DatabaseError};
use solent_test_servers::{Certificates, PostgresServer, RedisServer};

/// A server that speaks TLS, with certificates for `localhost` and 127.0.0.1.
async fn server(certificates: &Certificates) -> PostgresServer {
    let postgres = PostgresServer::start().await.unwrap();
    for (name, file) in [
        ("server.crt", &certificates.certificate),
        ("server.key", &certificates.key),
    ] {
        // It may be another user than this, and takes a key only from itself.
        let pem = fs::read_to_string(file).unwrap();
        let copy = format!(
            "COPY (SELECT unnest(string_to_array('{}', E'\\n'))) TO PROGRAM 'umask 077; cat > {name}'",
            pem.trim()
        );
        postgres.query("postgres", &copy).await.unwrap();
    }
    postgres
        .query("postgres", "ALTER SYSTEM SET ssl = on")
        .await
        .unwrap();
    postgres
        .query("postgres", "SELECT pg_reload_conf()")
        .await
        .unwrap();
    postgres.restart().await.unwrap();
    postgres
}

/// Whether a connection with these options is made, and encrypted.
async fn is_encrypted(postgres: &PostgresServer, host: &str, options: &str) -> Option<bool> {
    let port = postgres.addr().port();
    let url = format!("postgres://solent@{host}:{port}/postgres?application_name=tried&{options}");
    let database = Database::open(&url).unwrap();
    match database.check().await {
        Ok(()) => {}
        Err(DatabaseError::Unavailable(..)) => return None,
        Err(error) => panic!("{error}"),
    }
    let sql = "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tried'";
    let rows = postgres.query("postgres", sql).await.unwrap();
    let encrypted = rows[0][0].as_deref() == Some("t");
    drop(database);
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'tried'";
    postgres.query("postgres", end).await.unwrap();
    Some(encrypted)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn modes_promise_what_they_promise_with_libpq() {
    // Its certificates will do for any server.
    let redis = RedisServer::builder().tls().start().await.unwrap();
    let certificates = redis.certificates().unwrap();
    let postgres = server(certificates).await;
    let authority = format!("sslrootcert={}", text(&certificates.authority));
    let stranger = format!("sslrootcert={}", text(&certificates.client_certificate));
    let client = format!(
        "sslcert={}&sslkey={}",
        text(&certificates.client_certificate),
        text(&certificates.client_key)
    );
    let elsewhere = "hostaddr=127.0.0.1";

    for (host, options, encrypted) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), Some(false)),
        ("127.0.0.1", "sslmode=prefer".to_owned(), Some(true)),
        ("127.0.0.1", String::new(), Some(true)),
        ("127.0.0.1", "sslmode=require".to_owned(), Some(true)),
        (
            "127.0.0.1",
            format!("sslmode=require&{authority}"),
            Some(true),
        ),
        ("127.0.0.1", format!("sslmode=require&{stranger}"), None),
        ("127.0.0.1", "sslmode=verify-full".to_owned(), None),
        (
            "127.0.0.1",
            "sslmode=verify-ca&sslrootcert=system".to_owned(),
            None,
        ),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&{authority}"),
            Some(true),
        ),
        (
            "localhost",
            format!("sslmode=verify-full&{authority}"),
            Some(true),
        ),
        (
            "localhost",
            format!("sslmode=verify-full&{authority}&{client}"),
            Some(true),
        ),
        (
            "else.where",
            format!("{elsewhere}&sslmode=verify-full&{authority}"),
            None,
        ),
        (
            "else.where",
            format!("{elsewhere}&sslmode=verify-ca&{authority}"),
            Some(true),
        ),
        (
            "else.where",
            format!("{elsewhere}&sslmode=verify-ca&{stranger}"),
            None,
        ),
    ] {
        let found = is_encrypted(&postgres, host, &options).await;
        assert_eq!(found, encrypted, "{host} with {options}");
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let url = "postgres://u@h/d?sslmode=require&sslcert=/some/where.pem";

    assert!(matches!(Database::open(url), Err(DatabaseError::Url(_))));
}
