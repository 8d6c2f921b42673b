//! Users, their groups and permissions, and how they log in.

mod custom;
mod find;
mod login;

use solent_auth::passwords::Password;
use solent_django::DjangoUsers;

use crate::{project::Project, vectors};

const PASSWORD: &str = "correct horse battery staple";

/// Ann is in two groups, Bob is not active, Root is a superuser, and Ünal has no name.
const PEOPLE: &str = "
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (1, '$password', NULL, $no, 'ann', 'Ann', 'Lee', 'ann@example.org', $yes, $yes, '2020-01-01 00:00:00'),
       (2, '$password', NULL, $yes, 'bob', 'Bob', '', 'bob@example.org', $no, $no, '2020-01-01 00:00:00'),
       (3, '$password', NULL, $yes, 'root', '', '', '', $yes, $yes, '2020-01-01 00:00:00'),
       (4, '!unusable', NULL, $no, 'Ünal''s \"name\"', '', '', '', $no, $yes, '2020-01-01 00:00:00');
INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'chat', 'message'), (2, 'chats', 'room');
INSERT INTO auth_permission (id, content_type_id, codename, name)
VALUES (1, 1, 'add_message', 'Can add'), (2, 1, 'delete_message', 'Can delete'), (3, 2, 'odd \"code\", ''name''', 'Odd'), (4, 2, 'add_room', 'Nobody');
INSERT INTO auth_group (id, name) VALUES (1, 'moderators'), (2, 'a, \"b\"'), (3, 'nobody');
INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (1, 1), (1, 2), (2, 3), (3, 4);
INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES (1, 1), (2, 4);
";

/// Fills in the words that databases have of their own, and the password column.
fn filled(sql: &str, project: &Project) -> String {
    let (yes, no) = match project {
        Project::Sqlite(_) => ("1", "0"),
        Project::Postgres { .. } => ("true", "false"),
    };
    sql.replace("$yes", yes)
        .replace("$no", no)
        .replace("$password", column())
}

/// A column with [`PASSWORD`], quickly checked.
fn column() -> &'static str {
    vectors::text(vectors::value("/password_hashers/0"), "encoded")
}

async fn users(project: &Project) -> DjangoUsers {
    project.sql(&filled(PEOPLE, project)).await;
    DjangoUsers::new(project.database().await, vectors::keys())
}

fn password(name: &str) -> Password {
    Password::new(name, PASSWORD)
}
