//! All of it together, as a browser sees it.

use std::time::{Duration, Instant};

use solent_auth::{AuthScope, Authenticate, passwords::Password};
use solent_django::{
    Database, DatabaseConfig, Django, DjangoUser, SessionEngine,
    session::{DatabaseSessions, RedisCache},
    signing::{SecretKeys, auth_hash},
};
use solent_session::{DynSessionStore, SessionConfig, SessionKey, SessionStore};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, RequestScope, Result, http::Outbound,
};
use solent_test_servers::{PostgresServer, RedisServer};
use solent_testing::{HttpCommunicator, TestRequest, TestResponse};

use crate::{
    project::{Folder, Project, on_every_database},
    vectors,
};

on_every_database![
    who_logs_in_is_known_with_every_engine,
    logins_are_what_django_believes,
    sessions_of_django_are_believed_and_never_deleted,
    logins_with_a_former_key_are_good,
];

const PEOPLE: &str = "
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (1, '$password', NULL, '0', 'ann', 'Ann', '', '', '0', '1', '2020-01-01 00:00:00'),
       (2, '$password', NULL, '0', 'bob', 'Bob', '', '', '0', '0', '2020-01-01 00:00:00')";

fn column() -> &'static str {
    vectors::text(vectors::value("/password_hashers/0"), "encoded")
}

async fn django(project: &Project) -> Django {
    project.sql(&PEOPLE.replace("$password", column())).await;
    Django::new(vectors::keys(), project.database().await)
}

/// Logs in and out as the query says, and answers with who it is then.
async fn page(mut connection: Connection<Http>, django: Django) -> Result {
    let auth = connection.scope().auth::<DjangoUser>()?.clone();
    match connection.scope().query() {
        "login" => {
            let typed = Password::new("ann", "correct horse battery staple");
            let ann = django
                .users
                .authenticate(typed)
                .await?
                .ok_or("wrong password")?;
            auth.login(ann).await?;
        }
        "logout" => auth.logout().await?,
        _ => {}
    }
    let user = auth.user().await?;
    let name = user.map_or("nobody".to_owned(), |user| user.username().to_owned());
    Ok(connection.send(Outbound::text(name)).await?)
}

async fn get(django: &Django, query: &str, cookie: Option<&str>) -> TestResponse {
    let project = django.clone();
    let page = move |connection| page(connection, project.clone());
    let application = django.stack().wrap(BoxApplication::<Http>::new(page));
    let mut request = TestRequest::get(format!("/?{query}"));
    if let Some(cookie) = cookie {
        request = request.header("cookie", format!("sid={cookie}"));
    }
    let mut client = HttpCommunicator::start(application, request).unwrap();
    client.response().await.unwrap()
}

async fn who(django: &Django, cookie: &str) -> String {
    let response = get(django, "", Some(cookie)).await;
    response.text().unwrap().to_owned()
}

/// Logs in, and returns the cookie.
async fn login(django: &Django) -> String {
    let response = get(django, "login", None).await;
    assert_eq!(response.text().unwrap(), "ann");
    let cookie = response.header("set-cookie").unwrap();
    let value = cookie.strip_prefix("sid=").unwrap().split(';').next();
    value.unwrap().to_owned()
}

fn cookie() -> SessionConfig {
    SessionConfig::default().cookie_name("sid")
}

async fn who_logs_in_is_known_with_every_engine(project: Project) {
    let redis = RedisServer::start().await.unwrap();
    let folder = Folder::new();
    let django = django(&project).await.cookie(cookie());
    let cache = || RedisCache::open(&redis.url()).unwrap();
    for engine in [
        SessionEngine::Database,
        SessionEngine::CachedDatabase(cache()),
        SessionEngine::Cache(cache()),
        SessionEngine::File(Some(folder.path().to_owned())),
        SessionEngine::Store(DynSessionStore::new(
            DatabaseSessions::new(project.database().await, vectors::keys()).salt("another"),
        )),
        SessionEngine::SignedCookies,
    ] {
        let name = format!("{engine:?}");
        let signed = matches!(engine, SessionEngine::SignedCookies);
        let django = django.clone().sessions(engine);

        let session = login(&django).await;
        assert_eq!(who(&django, &session).await, "ann", "{name}");

        let response = get(&django, "logout", Some(&session)).await;
        assert_eq!(response.text().unwrap(), "nobody", "{name}");
        assert!(
            response.header("set-cookie").unwrap().contains("Max-Age=0"),
            "{name}"
        );
        // A copy of a signed cookie outlasts it, here as in Django.
        let after = if signed { "ann" } else { "nobody" };
        assert_eq!(who(&django, &session).await, after, "{name}");
    }
    let left = project.value("SELECT count(*) FROM django_session").await;
    assert_eq!(left.as_deref(), Some("0"));
    assert!(redis.keys().await.unwrap().is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

async fn logins_are_what_django_believes(project: Project) {
    let django = django(&project).await.cookie(cookie());

    let session = SessionKey::parse(&login(&django).await).unwrap();

    let data = django.store().load(&session).await.unwrap().unwrap();
    assert_eq!(data.len(), 3, "{data:?}");
    assert_eq!(data["_auth_user_id"], "1");
    assert_eq!(
        data["_auth_user_backend"],
        "django.contrib.auth.backends.ModelBackend"
    );
    assert_eq!(
        data["_auth_user_hash"],
        auth_hash(column(), &vectors::keys())
    );
    let dated = project
        .value("SELECT count(last_login) FROM auth_user")
        .await;
    assert_eq!(dated.as_deref(), Some("1"));
}

/// Keeps what a session of Django has, with some of it replaced, under `key`.
async fn session(project: &Project, key: &str, change: &[(&str, &str)]) {
    let mut data: solent_session::SessionData =
        vectors::value("/sessions/pickle_by_protocol/0/object")
            .as_object()
            .unwrap()
            .clone();
    for (name, value) in change {
        data.insert((*name).to_owned(), (*value).into());
    }
    let text = solent_django::session::codec::encode(
        &vectors::keys(),
        solent_django::session::codec::STORE_SALT,
        &data,
        std::time::SystemTime::now(),
    );
    let sql =
        format!("INSERT INTO django_session VALUES ('{key}', '{text}', '2130-01-01 00:00:00')");
    project.sql(&sql).await;
}

/// The matrix of Channels' `get_user`, without its defects.
async fn sessions_of_django_are_believed_and_never_deleted(project: Project) {
    let django = django(&project).await.cookie(cookie());
    for (key, change, expected) in [
        ("correct00", &[][..], "ann"),
        (
            "wronghash",
            &[(
                "_auth_user_hash",
                "479b94077fa8fe7032a3143069fd97718057d3defc6b698645762061428ecb8d",
            )],
            "nobody",
        ),
        ("nohash000", &[("_auth_user_hash", "")], "nobody"),
        ("unknown00", &[("_auth_user_id", "77")], "nobody"),
        ("inactive0", &[("_auth_user_id", "2")], "nobody"),
        (
            "backend00",
            &[("_auth_user_backend", "some.other.Backend")],
            "nobody",
        ),
        ("malformed", &[("_auth_user_id", "abc")], "nobody"),
    ] {
        session(&project, key, change).await;

        assert_eq!(who(&django, key).await, expected, "{key}");
    }

    project.sql("UPDATE auth_user SET password = '!'").await;
    assert_eq!(who(&django, "correct00").await, "nobody");

    let kept = project.value("SELECT count(*) FROM django_session").await;
    assert_eq!(kept.as_deref(), Some("7"));
}

async fn logins_with_a_former_key_are_good(project: Project) {
    let former = SecretKeys::new("previous-secret-key-rotated-out").unwrap();
    let hash = auth_hash(column(), &former);
    session(&project, "formerkey", &[("_auth_user_hash", &hash)]).await;
    let django = django(&project).await.cookie(cookie());

    assert_eq!(who(&django, "formerkey").await, "ann");

    // Reading writes nothing.
    let before = project.sql("SELECT * FROM django_session").await;
    assert_eq!(who(&django, "formerkey").await, "ann");
    assert_eq!(project.sql("SELECT * FROM django_session").await, before);
}

#[tokio::test]
async fn a_login_is_one_query_for_the_session_and_one_for_the_user() {
    let postgres = PostgresServer::start().await.unwrap();
    let tables = include_str!("project/postgres.sql");
    postgres.query("postgres", tables).await.unwrap();
    let people = PEOPLE.replace("$password", column());
    postgres.query("postgres", &people).await.unwrap();
    let database = Database::open(&postgres.url("postgres")).unwrap();
    let django = Django::new(vectors::keys(), database).cookie(cookie());
    let session = login(&django).await;
    postgres
        .query("postgres", "ALTER ROLE solent SET log_statement = 'all'")
        .await
        .unwrap();
    let database = Database::open(&postgres.url("postgres")).unwrap();
    let django = Django::new(vectors::keys(), database).cookie(cookie());

    assert_eq!(get(&django, "", None).await.text().unwrap(), "nobody");
    assert_eq!(who(&django, &session).await, "ann");

    let log = postgres.log();
    let statements: Vec<_> = log
        .lines()
        .filter(|line| line.contains("execute") || line.contains("statement:"))
        .collect();
    assert_eq!(statements.len(), 2, "{log}");
    assert!(statements[0].contains("django_session"), "{log}");
    assert!(statements[1].contains("auth_user_groups"), "{log}");
}

/// How a page is answered while what it needs is frozen: 503, and when to come back.
async fn assert_unavailable(django: &Django, session: &str) {
    let start = Instant::now();

    let response = get(django, "", Some(session)).await;

    assert_eq!(response.status, 503);
    assert_eq!(response.header("retry-after"), Some("1"));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn frozen_database_is_503_until_it_goes_on() {
    let postgres = PostgresServer::start().await.unwrap();
    let tables = include_str!("project/postgres.sql");
    postgres.query("postgres", tables).await.unwrap();
    let people = PEOPLE.replace("$password", column());
    postgres.query("postgres", &people).await.unwrap();
    let config = DatabaseConfig::default().timeout(Duration::from_millis(300));
    let database = Database::open_with(&postgres.url("postgres"), &config).unwrap();
    let django = Django::new(vectors::keys(), database).cookie(cookie());
    let session = login(&django).await;

    postgres.pause().await.unwrap();
    assert_unavailable(&django, &session).await;
    assert_unavailable(&django, &session).await;

    postgres.resume().await.unwrap();
    assert_eq!(who(&django, &session).await, "ann");
}

#[tokio::test]
async fn frozen_cache_of_sessions_is_503_until_it_goes_on() {
    let redis = RedisServer::start().await.unwrap();
    let postgres = PostgresServer::start().await.unwrap();
    let tables = include_str!("project/postgres.sql");
    postgres.query("postgres", tables).await.unwrap();
    let people = PEOPLE.replace("$password", column());
    postgres.query("postgres", &people).await.unwrap();
    let url = format!("{}?socket_timeout=0.3", redis.url());
    let cache = RedisCache::open(&url).unwrap();
    let database = Database::open(&postgres.url("postgres")).unwrap();
    let django = Django::new(vectors::keys(), database)
        .cookie(cookie())
        .sessions(SessionEngine::Cache(cache));
    let session = login(&django).await;

    redis.pause().await.unwrap();
    assert_unavailable(&django, &session).await;

    redis.resume().await.unwrap();
    assert_eq!(who(&django, &session).await, "ann");
}
