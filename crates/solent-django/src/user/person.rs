//! One user.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use solent_auth::AuthUser;

/// A user of Django, as the row was when it was read.
///
/// Its `Debug` shows who it is, and nothing of the password.
#[derive(Clone)]
pub struct DjangoUser {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) is_active: bool,
    pub(super) is_staff: bool,
    pub(super) is_superuser: bool,
    /// The encoded password, which ties sessions to it.
    pub(super) password: String,
    pub(super) groups: BTreeSet<String>,
    /// The user's own, and those of the groups.
    pub(super) permissions: BTreeSet<String>,
    /// The other columns that were asked for, by name.
    pub(super) columns: Vec<(String, Option<String>)>,
}

impl DjangoUser {
    /// What the user logs in with.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The address for mail; may be empty.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The first name; may be empty.
    pub fn first_name(&self) -> &str {
        &self.first_name
    }

    /// The last name; may be empty.
    pub fn last_name(&self) -> &str {
        &self.last_name
    }

    /// First and last name with a space between; may be empty.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }

    /// Whether the user may log in. One that may not is only found where
    /// [inactive users are](crate::DjangoUsers::allow_inactive).
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// Whether the user may go to the admin site.
    pub fn is_staff(&self) -> bool {
        self.is_staff
    }

    /// Whether the user may do everything.
    pub fn is_superuser(&self) -> bool {
        self.is_superuser
    }

    /// The names of the groups that the user is in.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(String::as_str)
    }

    /// Whether the user is in the group of this name.
    pub fn is_in_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }

    /// The permissions that the user was given, alone or through a group, such as `"chat.delete_message"`. A superuser has all others
    /// too: ask [`has_permission`](AuthUser::has_permission).
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.permissions.iter().map(String::as_str)
    }

    /// Whether the user may do anything in the app of this label.
    pub fn has_module_permission(&self, app_label: &str) -> bool {
        let is_of_app = |permission: &String| {
            let rest = permission.strip_prefix(app_label);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        self.is_active && (self.is_superuser || self.permissions.iter().any(is_of_app))
    }

    /// The value of one of the other [columns](crate::UserTable::columns) that were asked for, as text; `None` also if it is null.
    pub fn column(&self, name: &str) -> Option<&str> {
        let column = self.columns.iter().find(|(column, _)| column == name);
        column.and_then(|(_, value)| value.as_deref())
    }
}

impl AuthUser for DjangoUser {
    fn id(&self) -> Cow<'_, str> {
        self.id.as_str().into()
    }

    /// Superusers may do everything, and inactive users nothing.
    fn has_permission(&self, permission: &str) -> bool {
        self.is_active && (self.is_superuser || self.permissions.contains(permission))
    }
}

impl fmt::Debug for DjangoUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoUser")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for DjangoUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.username)
    }
}
