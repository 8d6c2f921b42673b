//! Where the database is, and what happens when it is not there.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use solent_django::{Database, DatabaseConfig, DatabaseError, session::DatabaseSessions};
use solent_session::{SessionKey, SessionStore, StoreError};
use solent_spec::Chain;
use solent_test_servers::{PostgresServer, Proxy};

use crate::{
    project::{Folder, Project, on_every_database},
    vectors,
};

on_every_database![
    a_database_that_is_there_answers,
    many_at_once_share_few_connections,
    those_who_leave_take_no_connection_along,
];

async fn a_database_that_is_there_answers(project: Project) {
    project.database().await.check().await.unwrap();
}

fn with_connections(connections: usize, timeout: Duration) -> DatabaseConfig {
    DatabaseConfig::default()
        .pool_size(NonZeroUsize::new(connections).unwrap())
        .timeout(timeout)
}

async fn many_at_once_share_few_connections(project: Project) {
    let config = with_connections(2, Duration::from_secs(30));
    let database = Database::open_with(&project.url().await, &config).unwrap();

    let checks: Vec<_> = (0..50)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { database.check().await })
        })
        .collect();

    for check in checks {
        check.await.unwrap().unwrap();
    }
    if let Project::Postgres { name } = &project {
        let count = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'solent'"
        );
        assert_eq!(project.value(&count).await.as_deref(), Some("2"));
    }
}

async fn those_who_leave_take_no_connection_along(project: Project) {
    let config = with_connections(1, Duration::from_secs(30));
    let database = Database::open_with(&project.url().await, &config).unwrap();

    for _ in 0..20 {
        let check = database.check();
        // Polled once or twice, then dropped wherever it is.
        let _ = tokio::time::timeout(Duration::from_micros(50), check).await;
    }

    database.check().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_there_is_an_error_and_is_not_made() {
    let folder = Folder::new();
    let path = folder.path().join("none.sqlite3");
    let database = Database::sqlite(&path, &DatabaseConfig::default()).unwrap();

    let error = database.check().await.unwrap_err();

    assert!(error.to_string().contains("none.sqlite3"), "{error}");
    assert!(matches!(error, DatabaseError::Unusable(..)), "{error:?}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error() {
    let folder = Folder::new();
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear Sir or Madam, ".repeat(100)).unwrap();
    let database = Database::sqlite(&path, &DatabaseConfig::default()).unwrap();
    let store = DatabaseSessions::new(database, vectors::keys());

    let error = store.check().await.unwrap_err();

    assert!(matches!(error, StoreError::Refused(_)), "{error}");
}

#[tokio::test]
async fn readers_who_are_locked_out_are_told_in_time_and_read_afterwards() {
    let project = Project::sqlite().await;
    let Project::Sqlite(folder) = &project else {
        unreachable!()
    };
    let path = folder.path().join("db.sqlite3");
    let mut django = Connection::open(&path).unwrap();
    let busy = django
        .transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)
        .unwrap();
    let impatient = with_connections(2, Duration::from_millis(300));
    let database = Database::sqlite(&path, &impatient).unwrap();
    let store = DatabaseSessions::new(database, vectors::keys());

    let start = Instant::now();
    let loads: Vec<_> = (0..40)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&SessionKey::random()).await })
        })
        .collect();
    for load in loads {
        let error = load.await.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
    assert!(start.elapsed() < Duration::from_secs(10));

    busy.commit().unwrap();
    assert_eq!(store.load(&SessionKey::random()).await.unwrap(), None);
}

#[tokio::test]
async fn writers_wait_for_others_no_longer_than_they_may() {
    let project = Project::sqlite().await;
    let Project::Sqlite(folder) = &project else {
        unreachable!()
    };
    let path = folder.path().join("db.sqlite3");
    let mut django = Connection::open(&path).unwrap();
    let busy = django
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();

    let impatient = with_connections(1, Duration::from_millis(50));
    let database = Database::sqlite(&path, &impatient).unwrap();
    let store = DatabaseSessions::new(database, vectors::keys());
    let tomorrow = std::time::SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    let error = store
        .create(&Default::default(), tomorrow)
        .await
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("did not answer within 50ms"), "{cause}");

    // Readers do not wait.
    assert_eq!(store.load(&SessionKey::random()).await.unwrap(), None);

    let database = Database::sqlite(&path, &DatabaseConfig::default()).unwrap();
    let patient = DatabaseSessions::new(database, vectors::keys());
    let creating = tokio::spawn(async move { patient.create(&Default::default(), tomorrow).await });
    busy.commit().unwrap();
    creating.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_server_is_an_error_and_found_again() {
    let postgres = PostgresServer::start().await.unwrap();
    let config = with_connections(2, Duration::from_secs(20));
    let database = Database::open_with(&postgres.url("postgres"), &config).unwrap();
    database.check().await.unwrap();

    postgres.stop().await.unwrap();
    let error = database.check().await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unavailable(..)), "{error}");

    postgres.restart().await.unwrap();
    database.check().await.unwrap();
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_is_not_taken_for_one_that_is_away() {
    let postgres = PostgresServer::start().await.unwrap();
    for (url, words) in [
        (postgres.url("none"), "database \"none\" does not exist"),
        (
            postgres.url("postgres").replace("solent@", "stranger@"),
            "role \"stranger\" does not exist",
        ),
    ] {
        let store = DatabaseSessions::new(Database::open(&url).unwrap(), vectors::keys());

        let error = store.check().await.unwrap_err();

        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        let told = Chain(&error).to_string();
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_an_outage_and_no_refusal() {
    let postgres = PostgresServer::start().await.unwrap();
    let config = with_connections(1, Duration::from_secs(20));
    let url = postgres.url("postgres");
    let database = Database::open_with(&url, &config).unwrap();
    let store = DatabaseSessions::new(database, vectors::keys());
    // The lock makes the statement wait in the server.
    let table = "CREATE TABLE django_session (session_key text, session_data text, expire_date timestamptz)";
    postgres.query("postgres", table).await.unwrap();
    let ended = "BEGIN; LOCK TABLE django_session; \
                 DO $$ BEGIN \
                   FOR i IN 1..600 LOOP \
                     IF (SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                         WHERE application_name = 'solent' AND wait_event_type = 'Lock') > 0 \
                     THEN RETURN; END IF; \
                     PERFORM pg_stat_clear_snapshot(), pg_sleep(0.02); \
                   END LOOP; \
                   RAISE 'nothing waits'; \
                 END $$; COMMIT";

    let key = SessionKey::random();
    let failing = async {
        loop {
            if let Err(error) = store.load(&key).await {
                return error;
            }
        }
    };
    let (error, ended) = tokio::join!(failing, postgres.query("postgres", ended));

    ended.unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert_eq!(store.load(&key).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_and_not_asked_the_rest() {
    let postgres = PostgresServer::start().await.unwrap();
    let proxy = Proxy::start(postgres.addr()).await.unwrap();
    let config = with_connections(1, Duration::from_millis(200));
    let database = Database::open_with(&postgres.url_via(&proxy, "postgres"), &config).unwrap();
    database.check().await.unwrap();

    proxy.stall();
    let start = Instant::now();
    let error = database.check().await.unwrap_err();
    assert!(matches!(error, DatabaseError::Elapsed { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));

    proxy.resume().await.unwrap();
    database.check().await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_no_server_for_those_who_require_it() {
    let postgres = PostgresServer::start().await.unwrap();
    let url = postgres.url("postgres");

    let database = Database::open(&format!("{url}?sslmode=require")).unwrap();
    assert!(database.check().await.is_err());

    let database = Database::open(&format!("{url}?sslmode=prefer")).unwrap();
    database.check().await.unwrap();
}

#[test]
fn authorities_are_looked_for_when_the_database_is_opened() {
    let url = "postgres://u@h/d?sslmode=verify-full&sslrootcert=/none/ca.pem";

    let error = Database::open(url).unwrap_err();

    assert!(matches!(error, DatabaseError::TlsFile { .. }), "{error}");
}

#[tokio::test]
async fn nothing_shows_the_password() {
    let url = "postgres://ann:hunter2@127.0.0.1:1/d";
    let config = with_connections(1, Duration::from_secs(5));
    let database = Database::open_with(url, &config).unwrap();

    let error = database.check().await.unwrap_err();

    assert!(!format!("{database:?} {error} {error:?}").contains("hunter2"));
}
