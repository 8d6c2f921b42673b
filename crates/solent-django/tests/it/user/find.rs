//! Users by their ids.

use solent_auth::{AuthUser, HashCheck, UserBackend};

use super::{column, users};
use crate::{
    project::{Project, on_every_database},
    vectors,
};

on_every_database![
    a_user_is_all_that_the_row_says,
    groups_and_permissions_come_along,
    superusers_may_do_everything,
    inactive_users_are_not_found_unless_they_are_allowed,
    ids_that_are_none_are_nobody_s,
    hashes_are_those_of_the_password_column,
    debug_output_holds_no_password,
];

async fn a_user_is_all_that_the_row_says(project: Project) {
    let users = users(&project).await;

    let ann = users.find("1").await.unwrap().unwrap();

    assert_eq!(ann.id(), "1");
    assert_eq!(ann.username(), "ann");
    assert_eq!(ann.email(), "ann@example.org");
    assert_eq!((ann.first_name(), ann.last_name()), ("Ann", "Lee"));
    assert_eq!(ann.full_name(), "Ann Lee");
    assert!(ann.is_active() && ann.is_staff() && !ann.is_superuser());
    let other = users.find("4").await.unwrap().unwrap();
    assert_eq!(other.username(), "Ünal's \"name\"");
    assert_eq!(other.full_name(), "");
}

async fn groups_and_permissions_come_along(project: Project) {
    let users = users(&project).await;

    let ann = users.find("1").await.unwrap().unwrap();

    assert_eq!(ann.groups().collect::<Vec<_>>(), ["a, \"b\"", "moderators"]);
    assert!(ann.is_in_group("moderators") && !ann.is_in_group("nobody"));
    assert_eq!(
        ann.permissions().collect::<Vec<_>>(),
        [
            "chat.add_message",
            "chat.delete_message",
            "chats.odd \"code\", 'name'"
        ]
    );
    assert!(ann.has_permission("chat.delete_message"));
    assert!(!ann.has_permission("chats.add_room") && !ann.has_permission(""));
    assert!(ann.has_module_permission("chat") && !ann.has_module_permission("cha"));
    let other = users.find("4").await.unwrap().unwrap();
    assert_eq!(other.groups().count() + other.permissions().count(), 0);
}

async fn superusers_may_do_everything(project: Project) {
    let users = users(&project).await;

    let root = users.find("3").await.unwrap().unwrap();

    assert!(root.has_permission("no.such_thing") && root.has_module_permission("no"));
    assert_eq!(root.permissions().count(), 0);
}

async fn inactive_users_are_not_found_unless_they_are_allowed(project: Project) {
    let users = users(&project).await;

    assert!(users.find("2").await.unwrap().is_none());

    let bob = users.allow_inactive().find("2").await.unwrap().unwrap();
    assert!(!bob.is_active());
    assert!(!bob.has_permission("chat.add_message") && !bob.has_module_permission("chat"));
}

async fn ids_that_are_none_are_nobody_s(project: Project) {
    let users = users(&project).await;

    for id in [
        "",
        "0",
        "-1",
        "5",
        "abc",
        "1 OR 1=1",
        "1;",
        "1\0",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        &"1".repeat(5000),
    ] {
        assert!(users.find(id).await.unwrap().is_none(), "{id}");
    }
}

async fn hashes_are_those_of_the_password_column(project: Project) {
    let users = users(&project).await;
    for row in vectors::rows("/auth_hash") {
        let column = vectors::text(row, "password_field").replace('\'', "''");
        let sql = format!("UPDATE auth_user SET password = '{column}' WHERE id = 1");
        project.sql(&sql).await;
        let ann = users.find("1").await.unwrap().unwrap();
        let hash = vectors::text(row, "session_auth_hash");

        let check = users.check_hash(&ann, Some(hash));

        let (expected, current) = if row["secret"] == vectors::value("/meta")["secret_key"] {
            (HashCheck::Current, true)
        } else {
            (HashCheck::Former, false)
        };
        assert_eq!(check, expected, "{row}");
        assert_eq!(
            users.session_hash(&ann).as_deref() == Some(hash),
            current,
            "{row}"
        );
        assert_eq!(users.check_hash(&ann, None), HashCheck::Wrong);
        assert_eq!(users.check_hash(&ann, Some("")), HashCheck::Wrong);
        assert_eq!(users.check_hash(&ann, Some(&hash[..63])), HashCheck::Wrong);
    }
}

async fn debug_output_holds_no_password(project: Project) {
    let users = users(&project).await;

    let ann = users.find("1").await.unwrap().unwrap();

    assert!(!format!("{ann:?} {users:?}").contains(&column()[..8]));
    assert_eq!(ann.to_string(), "ann");
}
