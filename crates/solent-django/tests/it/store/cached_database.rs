//! The engine `cached_db`.

use solent_django::session::{CachedDatabaseSessions, DatabaseSessions, RedisCache};
use solent_session::{Saved, SessionStore};
use solent_test_servers::RedisServer;

use super::{data, in_a_minute, promise};
use crate::{
    project::{Project, on_every_database},
    vectors,
};

on_every_database![
    sessions_are_kept,
    requests_at_once_lose_nothing,
    copies_follow_the_rows,
    rows_are_the_truth,
    without_the_cache_sessions_are_kept_and_not_deleted,
];

async fn store(project: &Project, redis: &RedisServer) -> CachedDatabaseSessions {
    let rows = DatabaseSessions::new(project.database().await, vectors::keys());
    CachedDatabaseSessions::new(rows, RedisCache::open(&redis.url()).unwrap())
}

async fn sessions_are_kept(project: Project) {
    let redis = RedisServer::start().await.unwrap();

    promise::keep_sessions(store(&project, &redis).await).await;
}

async fn requests_at_once_lose_nothing(project: Project) {
    let redis = RedisServer::start().await.unwrap();

    promise::lose_nothing(store(&project, &redis).await).await;

    assert!(redis.keys().await.unwrap().is_empty(), "no copy is left");
}

async fn copies_follow_the_rows(project: Project) {
    let redis = RedisServer::start().await.unwrap();
    let store = store(&project, &redis).await;

    let session = store.create(&data("ann"), in_a_minute()).await.unwrap();
    let name = format!(":1:django.contrib.sessions.cached_db{}", session.as_str());
    assert_eq!(redis.keys().await.unwrap(), [name.as_str()]);
    let first = redis.command(&["GET", &name]).await.unwrap();

    store
        .save(&session, &data("bob"), in_a_minute())
        .await
        .unwrap();
    assert_ne!(redis.command(&["GET", &name]).await.unwrap(), first);

    store.delete(&session).await.unwrap();
    assert!(redis.keys().await.unwrap().is_empty());
    let rows = project.value("SELECT count(*) FROM django_session").await;
    assert_eq!(rows.as_deref(), Some("0"));
}

async fn rows_are_the_truth(project: Project) {
    let redis = RedisServer::start().await.unwrap();
    let store = store(&project, &redis).await;
    let session = store.create(&data("ann"), in_a_minute()).await.unwrap();

    project.sql("DELETE FROM django_session").await;

    assert_eq!(store.load(&session).await.unwrap(), None);
    let saved = store.save(&session, &data("ann"), in_a_minute()).await;
    assert_eq!(saved.unwrap(), Saved::Gone);
}

async fn without_the_cache_sessions_are_kept_and_not_deleted(project: Project) {
    let redis = RedisServer::start().await.unwrap();
    let store = store(&project, &redis).await;
    redis.kill().await.unwrap();

    let session = store.create(&data("ann"), in_a_minute()).await.unwrap();
    assert_eq!(store.load(&session).await.unwrap(), Some(data("ann")));

    // Django may still have a copy.
    assert!(store.delete(&session).await.is_err());
}
