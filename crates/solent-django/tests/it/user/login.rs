//! Users by their names and passwords.

use solent_auth::{Authenticate, UserBackend, passwords::Password};
use solent_django::password::{Hasher, Passwords};

use super::{PASSWORD, column, password, users};
use crate::project::{Project, on_every_database};

on_every_database![
    the_password_opens,
    nothing_else_does,
    inactive_users_do_not_log_in_unless_they_are_allowed,
    every_login_is_dated,
    passwords_are_hashed_anew_if_the_project_says_how,
    passwords_stay_as_they_are_if_it_does_not,
];

/// A fast one.
fn preferred(iterations: u32) -> Passwords {
    Passwords::new(Hasher::Pbkdf2Sha256 { iterations })
}

async fn the_password_opens(project: Project) {
    let users = users(&project).await.passwords(preferred(1000));

    let ann = users.authenticate(password("ann")).await.unwrap().unwrap();

    assert_eq!(ann.username(), "ann");
    assert!(ann.is_in_group("moderators"));
}

async fn nothing_else_does(project: Project) {
    let users = users(&project).await.passwords(preferred(1000));

    for (name, typed) in [
        ("ann", "Correct horse battery staple"),
        ("ann", ""),
        ("ann", column()),
        ("Ann", PASSWORD),
        ("ann ", PASSWORD),
        ("", PASSWORD),
        ("ann\0", PASSWORD),
        ("nobody", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("Ünal's \"name\"", "!unusable"),
        ("Ünal's \"name\"", ""),
    ] {
        let found = users.authenticate(Password::new(name, typed)).await;
        assert!(found.unwrap().is_none(), "{name:?} with {typed:?}");
    }
}

async fn inactive_users_do_not_log_in_unless_they_are_allowed(project: Project) {
    let users = users(&project).await.passwords(preferred(1000));

    assert!(users.authenticate(password("bob")).await.unwrap().is_none());

    let users = users.allow_inactive();
    assert!(users.authenticate(password("bob")).await.unwrap().is_some());
}

async fn every_login_is_dated(project: Project) {
    let users = users(&project).await;
    let ann = users.find("1").await.unwrap().unwrap();

    users.logged_in(&ann).await.unwrap();

    let recent = match project {
        Project::Sqlite(_) => {
            "SELECT count(*) FROM auth_user WHERE typeof(last_login) = 'text' AND length(last_login) IN (19, 26) \
             AND abs(unixepoch(last_login) - unixepoch('now')) < 60"
        }
        Project::Postgres { .. } => {
            "SELECT count(*) FROM auth_user WHERE abs(extract(epoch FROM last_login - now())) < 60"
        }
    };
    assert_eq!(project.value(recent).await.as_deref(), Some("1"));
    let dated = project
        .value("SELECT id FROM auth_user WHERE last_login IS NOT NULL")
        .await;
    assert_eq!(dated.as_deref(), Some("1"));
}

async fn passwords_are_hashed_anew_if_the_project_says_how(project: Project) {
    let users = users(&project).await.passwords(preferred(1500));

    let ann = users.authenticate(password("ann")).await.unwrap().unwrap();

    let stored = project
        .value("SELECT password FROM auth_user WHERE id = 1")
        .await
        .unwrap();
    assert!(stored.starts_with("pbkdf2_sha256$1500$"), "{stored}");
    let again = users.find("1").await.unwrap().unwrap();
    assert_eq!(users.session_hash(&ann), users.session_hash(&again));
    assert!(users.authenticate(password("ann")).await.unwrap().is_some());
    let others = project
        .value("SELECT count(*) FROM auth_user WHERE password LIKE '%1500%'")
        .await;
    assert_eq!(others.as_deref(), Some("1"));

    // A wrong password changes nothing.
    let _ = users
        .authenticate(Password::new("root", "wrong"))
        .await
        .unwrap();
    let root = project
        .value("SELECT password FROM auth_user WHERE id = 3")
        .await;
    assert_eq!(root.as_deref(), Some(column()));
}

async fn passwords_stay_as_they_are_if_it_does_not(project: Project) {
    let users = users(&project).await;

    assert!(users.authenticate(password("ann")).await.unwrap().is_some());

    let stored = project
        .value("SELECT password FROM auth_user WHERE id = 1")
        .await;
    assert_eq!(stored.as_deref(), Some(column()));
}
