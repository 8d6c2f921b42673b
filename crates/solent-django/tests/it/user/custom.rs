//! User models of a project's own.

use solent_auth::{AuthUser, Authenticate, UserBackend};
use solent_django::{DatabaseError, DjangoUsers, PrimaryKey, UserTable};

use super::{PEOPLE, filled, password};
use crate::{
    project::{Project, on_every_database},
    vectors,
};

on_every_database![
    members_with_a_uuid_are_found_by_it,
    models_without_flags_and_groups_are_users_too,
    columns_that_are_not_there_are_an_error,
];

const ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// Eve of the app `accounts`, and a device of the app `fleet`.
async fn others(project: &Project, table: UserTable) -> DjangoUsers {
    let id = match project {
        Project::Sqlite(_) => ID.replace('-', ""),
        Project::Postgres { .. } => ID.to_owned(),
    };
    let sql = format!(
        "{PEOPLE}
         INSERT INTO accounts_member (password, is_superuser, username, first_name, last_name, is_staff, is_active, date_joined, id, email, display_name)
         VALUES ('$password', $no, 'eve', 'Eve', '', $no, $yes, '2020-01-01 00:00:00', '{id}', 'eve@example.org', 'The Eve');
         INSERT INTO accounts_member_groups (member_id, group_id) VALUES ('{id}', 1);
         INSERT INTO accounts_member_user_permissions (member_id, permission_id) VALUES ('{id}', 4);
         INSERT INTO fleet_device (password, serial) VALUES ('$password', 'A-1');"
    );
    project.sql(&filled(&sql, project)).await;
    DjangoUsers::new(project.database().await, vectors::keys())
        .table(table)
        .unwrap()
}

async fn members_with_a_uuid_are_found_by_it(project: Project) {
    let table = UserTable::of_model("accounts", "Member")
        .primary_key("id", PrimaryKey::Uuid)
        .username("email")
        .column("display_name")
        .column("date_joined");
    let users = others(&project, table).await;

    for id in [ID, &ID.to_uppercase(), &ID.replace('-', "")] {
        let eve = users.find(id).await.unwrap().unwrap();
        assert_eq!(eve.id(), ID);
        assert_eq!(eve.username(), "eve@example.org");
        assert_eq!(eve.column("display_name"), Some("The Eve"));
        assert!(
            eve.column("date_joined")
                .unwrap()
                .starts_with("2020-01-01 00:00:00")
        );
        assert_eq!(eve.column("password"), None);
        assert_eq!(
            eve.permissions().collect::<Vec<_>>(),
            ["chat.add_message", "chat.delete_message", "chats.add_room"]
        );
    }
    for id in ["1", "eve", &ID.replace('7', "8"), &ID[1..]] {
        assert!(users.find(id).await.unwrap().is_none(), "{id}");
    }
    let eve = users.authenticate(password("eve@example.org")).await;
    let eve = eve.unwrap().unwrap();
    users.logged_in(&eve).await.unwrap();
    let dated = project
        .value("SELECT count(last_login) FROM accounts_member")
        .await;
    assert_eq!(dated.as_deref(), Some("1"));
}

async fn models_without_flags_and_groups_are_users_too(project: Project) {
    let table = UserTable::bare("fleet", "Device")
        .primary_key("serial", PrimaryKey::Text)
        .username("serial");
    let users = others(&project, table)
        .await
        .backend("fleet.backends.DeviceBackend");

    let device = users.find("A-1").await.unwrap().unwrap();

    assert_eq!(users.name(), "fleet.backends.DeviceBackend");
    assert_eq!((device.id().as_ref(), device.username()), ("A-1", "A-1"));
    assert!(device.is_active() && !device.is_staff() && !device.is_superuser());
    assert!(device.email().is_empty() && !device.has_permission("chat.add_message"));
    assert!(users.find("A-2").await.unwrap().is_none());
    assert!(users.find("a\0").await.unwrap().is_none());
}

async fn columns_that_are_not_there_are_an_error(project: Project) {
    let table = UserTable::default().column("nickname");
    let users = others(&project, table).await;

    let error = users.find("1").await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("check that the tables are migrated"),
        "{cause}"
    );

    let table = UserTable::default().column("a\0b");
    let refused = users.table(table).unwrap_err();
    assert!(matches!(refused, DatabaseError::Name(_)));
}
