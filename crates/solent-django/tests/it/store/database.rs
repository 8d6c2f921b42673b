//! The engine `db`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use solent_django::{session::DatabaseSessions, signing::SecretKeys};
use solent_session::{Saved, SessionKey, SessionStore, StoreError};
use solent_spec::Chain;

use super::{a_minute_ago, data, in_a_minute, key, promise};
use crate::{
    project::{Project, on_every_database},
    vectors,
};

on_every_database![
    sessions_are_kept,
    requests_at_once_lose_nothing,
    what_django_wrote_is_read,
    rows_are_what_django_writes,
    expired_sessions_are_none,
    what_cannot_be_read_is_none_and_stays,
    keys_of_former_times_are_believed_and_not_used,
    tables_of_any_name_are_found,
    a_table_that_is_not_there_is_a_refusal,
    a_check_writes_nothing,
    a_row_that_is_refused_is_not_repeated,
];

async fn store(project: &Project) -> DatabaseSessions {
    DatabaseSessions::new(project.database().await, vectors::keys())
}

async fn insert(project: &Project, key: &str, data: &str, expires: &str) {
    let sql = format!("INSERT INTO django_session VALUES ('{key}', '{data}', '{expires}')");
    project.sql(&sql).await;
}

async fn sessions_are_kept(project: Project) {
    promise::keep_sessions(store(&project).await).await;
}

async fn requests_at_once_lose_nothing(project: Project) {
    promise::lose_nothing(store(&project).await).await;
}

async fn what_django_wrote_is_read(project: Project) {
    let row = vectors::value("/sessions/db/sqlite_row");
    let text = |field| vectors::text(row, field);
    insert(
        &project,
        text("session_key"),
        text("session_data"),
        "2130-01-02 03:04:05.678901",
    )
    .await;

    let read = store(&project).await.load(&key(text("session_key"))).await;

    let read = read.unwrap().unwrap();
    assert_eq!(read["_auth_user_id"], "1");
    assert_eq!(read["_auth_user_hash"].as_str().unwrap().len(), 64);
}

async fn rows_are_what_django_writes(project: Project) {
    let store = store(&project).await;
    let expires = UNIX_EPOCH + Duration::from_micros(1_893_553_445_678_901);

    let key = store.create(&data("ann"), expires).await.unwrap();

    let sql = match project {
        Project::Sqlite(_) => {
            "SELECT session_key, typeof(expire_date), expire_date, session_data FROM django_session"
        }
        Project::Postgres { .. } => {
            "SELECT session_key, 'text', to_char(expire_date AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), \
             session_data FROM django_session"
        }
    };
    let rows = project.sql(sql).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0].as_deref(), Some(key.as_str()));
    assert_eq!(rows[0][1].as_deref(), Some("text"));
    let expected = vectors::text(
        vectors::value("/sessions/db/sqlite_row"),
        "expire_date_text",
    );
    assert_eq!(rows[0][2].as_deref(), Some(expected));
    assert_eq!(rows[0][3].as_ref().unwrap().matches(':').count(), 2);

    // Whole seconds have no fraction in SQLite.
    store
        .save(
            &key,
            &data("ann"),
            UNIX_EPOCH + Duration::from_secs(1_893_553_445),
        )
        .await
        .unwrap();
    if let Project::Sqlite(_) = project {
        let moment = project
            .value("SELECT expire_date FROM django_session")
            .await;
        assert_eq!(moment.as_deref(), Some("2030-01-02 03:04:05"));
    }
}

async fn expired_sessions_are_none(project: Project) {
    let store = store(&project).await;

    let expired = store.create(&data("ann"), a_minute_ago()).await.unwrap();
    assert_eq!(store.load(&expired).await.unwrap(), None);

    // As in Django, saving one makes it last again.
    let saved = store.save(&expired, &data("ann"), in_a_minute()).await;
    assert_eq!(saved.unwrap(), Saved::Kept);
    assert!(store.load(&expired).await.unwrap().is_some());

    let for_ever = SystemTime::now() + Duration::from_secs(1 << 40);
    let lasting = store.create(&data("bob"), for_ever).await.unwrap();
    assert!(store.load(&lasting).await.unwrap().is_some());
}

async fn what_cannot_be_read_is_none_and_stays(project: Project) {
    let store = store(&project).await;
    let good = vectors::text(vectors::value("/sessions/db/sqlite_row"), "session_data");
    let corrupted = good.replacen("eJ", "eK", 1);
    let forged = "eyJfYXV0aF91c2VyX2lkIjoiMSJ9:1r31eq:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (at, content) in ["", "::", &corrupted, forged, &good[..good.len() - 1]]
        .iter()
        .enumerate()
    {
        let name = format!("unreadable{at}");
        insert(&project, &name, content, "2130-01-01 00:00:00").await;

        assert_eq!(store.load(&key(&name)).await.unwrap(), None, "{content}");
        promise::write_over_nothing(store.clone(), &key(&name)).await;
    }

    let kept = project.value("SELECT count(*) FROM django_session").await;
    assert_eq!(kept.as_deref(), Some("5"));
}

async fn keys_of_former_times_are_believed_and_not_used(project: Project) {
    let former = SecretKeys::new("previous-secret-key-rotated-out").unwrap();
    let former = DatabaseSessions::new(project.database().await, former);
    let session = former.create(&data("ann"), in_a_minute()).await.unwrap();
    let store = store(&project).await;

    assert_eq!(store.load(&session).await.unwrap(), Some(data("ann")));

    store
        .save(&session, &data("ann"), in_a_minute())
        .await
        .unwrap();
    assert_eq!(former.load(&session).await.unwrap(), None);
}

async fn tables_of_any_name_are_found(project: Project) {
    let store = store(&project).await.table("odd \"names\"").unwrap();

    promise::keep_sessions(store.clone()).await;

    assert!(store.clone().table("").is_err());
    assert_eq!(
        project
            .value("SELECT count(*) FROM django_session")
            .await
            .as_deref(),
        Some("0")
    );
}

async fn a_table_that_is_not_there_is_a_refusal(project: Project) {
    project.sql("DROP TABLE django_session").await;

    let error = store(&project)
        .await
        .load(&SessionKey::random())
        .await
        .unwrap_err();

    let checked = store(&project).await.check().await.unwrap_err();

    for error in [error, checked] {
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        let told = Chain(&error).to_string();
        assert!(told.contains("django_session"), "{told}");
    }
}

async fn a_row_that_is_refused_is_not_repeated(project: Project) {
    let table = "DROP TABLE django_session; CREATE TABLE django_session (\
                 session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, \
                 expire_date timestamp NOT NULL, tenant text NOT NULL)";
    project.sql(table).await;
    let store = store(&project).await;

    let error = store.create(&data("topsecret"), in_a_minute()).await;

    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    let told = Chain(&error).to_string();
    assert!(told.contains("tenant"), "{told}");
    let shown = format!("{told} {error:?}");
    // What Django's sessions begin with, in base64 of JSON or of zlib.
    assert!(!shown.contains("eyJ") && !shown.contains(".eJ"), "{shown}");
    assert!(!told.contains("DETAIL"), "{told}");
}

async fn a_check_writes_nothing(project: Project) {
    let store = store(&project).await;

    store.check().await.unwrap();

    let count = "SELECT CAST(count(*) AS text) FROM django_session";
    assert_eq!(project.value(count).await.as_deref(), Some("0"));
}
