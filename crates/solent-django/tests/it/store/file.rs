//! The engine `file`.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use serde_json::json;
use solent_django::session::FileSessions;
use solent_session::SessionStore;

use super::{data, in_a_minute, key, promise};
use crate::{project::Folder, vectors};

const KEY: &str = "abcdefghijklmnopqrstuvwxyz012345";

fn store(folder: &Folder) -> FileSessions {
    FileSessions::new(vectors::keys()).path(folder.path())
}

/// Makes a file as old as that.
fn age(folder: &Folder, name: &str, age: Duration) {
    let file = fs::File::options()
        .write(true)
        .open(folder.path().join(name))
        .unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

#[tokio::test]
async fn sessions_are_kept() {
    let folder = Folder::new();

    promise::keep_sessions(store(&folder)).await;
}

#[tokio::test]
async fn requests_at_once_lose_nothing() {
    let folder = Folder::new();

    promise::lose_nothing(store(&folder)).await;

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn files_are_where_django_looks_for_them_and_nobody_else_may_read_them() {
    let folder = Folder::new();
    let store = store(&folder).cookie_name("sid");

    let key = store.create(&data("ann"), in_a_minute()).await.unwrap();
    store
        .save(&key, &data("anna"), in_a_minute())
        .await
        .unwrap();

    let files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap())
        .collect();
    assert_eq!(files.len(), 1);
    assert_eq!(
        files[0].file_name().to_str().unwrap(),
        format!("sid{}", key.as_str())
    );
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&files[0].metadata().unwrap().permissions())
            & 0o777,
        0o600
    );
}

#[tokio::test]
async fn what_django_wrote_is_read() {
    let folder = Folder::new();
    let content = vectors::text(vectors::value("/sessions/db/sqlite_row"), "session_data");
    let path = folder.path().join(format!("sessionid{KEY}"));
    fs::write(&path, content).unwrap();

    let read = store(&folder).load(&key(KEY)).await.unwrap().unwrap();
    assert_eq!(read["_auth_user_id"], "1");

    // Django makes an empty file first.
    fs::write(&path, "").unwrap();
    let read = store(&folder).load(&key(KEY)).await.unwrap().unwrap();
    assert!(read.is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_none_and_stays() {
    let folder = Folder::new();
    let path = folder.path().join(format!("sessionid{KEY}"));
    for content in [&b"::"[..], b"\xff\xfe\0", b"eyJ9:1r31eq:x"] {
        fs::write(&path, content).unwrap();

        assert_eq!(store(&folder).load(&key(KEY)).await.unwrap(), None);
        promise::write_over_nothing(store(&folder), &key(KEY)).await;
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_session_ends_its_age_after_it_was_written_unless_it_says_otherwise() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let folder = Folder::new();
    let store = store(&folder).age(2 * HOUR);
    for (expiry, is_there_after) in [
        (json!(null), [true, false]),
        (json!(0), [true, false]),
        (json!(30 * 60), [false, false]),
        (json!(4 * 60 * 60), [true, true]),
        (json!("2130-01-01T00:00:00+00:00"), [true, true]),
        (json!("2020-01-01T00:00:00+00:00"), [false, false]),
    ] {
        let mut data = data("ann");
        data.insert("_session_expiry".to_owned(), expiry.clone());
        let key = store.create(&data, in_a_minute()).await.unwrap();
        let name = format!("sessionid{}", key.as_str());
        for (hours, is_there) in [1, 3].into_iter().zip(is_there_after) {
            age(&folder, &name, hours * HOUR);
            let read = store.load(&key).await.unwrap();
            assert_eq!(read.is_some(), is_there, "{expiry} after {hours} h");
        }
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_only_for_those_who_write() {
    let folder = Folder::new();
    let store = store(&folder).path(folder.path().join("none"));

    assert_eq!(store.load(&key(KEY)).await.unwrap(), None);
    assert!(store.create(&data("ann"), in_a_minute()).await.is_err());
}
