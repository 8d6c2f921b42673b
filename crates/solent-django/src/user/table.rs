//! Where users are.

use super::PrimaryKey;

/// The table of a user model, and what its columns are called.
///
/// The default is Django's own, `auth_user`; [`of_model`](Self::of_model) names what Django names by itself for another.
///
/// ```
/// use solent_django::{PrimaryKey, UserTable};
///
/// // class Member(AbstractUser) in the app `accounts`, with a UUID for its primary key, and USERNAME_FIELD = "email"
/// let table = UserTable::of_model("accounts", "Member")
///     .primary_key("id", PrimaryKey::Uuid)
///     .username("email")
///     .column("display_name");
/// assert_eq!(table.table, "accounts_member");
///
/// // class Device(AbstractBaseUser) in the app `fleet`, without names, flags, groups and permissions
/// let table = UserTable::bare("fleet", "Device").username("serial");
/// assert_eq!(table.groups, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct UserTable {
    /// The table. Default: `auth_user`.
    pub table: String,
    /// The column with the primary key. Default: `id`.
    pub id: String,
    /// Its type. Default: a number.
    pub id_type: PrimaryKey,
    /// The column with what users log in with, `USERNAME_FIELD`. Default: `username`.
    pub username: String,
    /// The column with the encoded password. Default: `password`.
    pub password: String,
    /// The column with the time of the last login. Default: `last_login`.
    pub last_login: Option<String>,
    /// The column that says who may log in. Without one every user may. Default: `is_active`.
    pub is_active: Option<String>,
    /// The column that says who may go to the admin site. Default: `is_staff`.
    pub is_staff: Option<String>,
    /// The column that says who may do everything. Default: `is_superuser`.
    pub is_superuser: Option<String>,
    /// The column with the address for mail. Default: `email`.
    pub email: Option<String>,
    /// The column with the first name. Default: `first_name`.
    pub first_name: Option<String>,
    /// The column with the last name. Default: `last_name`.
    pub last_name: Option<String>,
    /// Who is in which group. Default: the table `auth_user_groups`.
    pub groups: Option<Membership>,
    /// Who has which permission. Default: the table `auth_user_user_permissions`.
    pub permissions: Option<Membership>,
    /// Other columns that are read, as text. Default: none.
    pub columns: Vec<String>,
}

/// A table that ties users to groups or permissions. The other column is `group_id` or `permission_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// The table.
    pub table: String,
    /// The column that names the user.
    pub user: String,
}

impl Membership {
    /// The users of column `user` in `table`.
    pub fn new(table: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            user: user.into(),
        }
    }
}

impl Default for UserTable {
    fn default() -> Self {
        Self::of_model("auth", "User")
    }
}

impl UserTable {
    /// The table of a model that extends `AbstractUser`, by the label of its app and the name of its class: what `AUTH_USER_MODEL`
    /// has before and after the dot.
    pub fn of_model(app_label: &str, class: &str) -> Self {
        let model = class.to_lowercase();
        let table = format!("{app_label}_{model}");
        let user = format!("{model}_id");
        let name = |name: &str| Some(name.to_owned());
        Self {
            id: "id".to_owned(),
            id_type: PrimaryKey::default(),
            username: "username".to_owned(),
            password: "password".to_owned(),
            last_login: name("last_login"),
            is_active: name("is_active"),
            is_staff: name("is_staff"),
            is_superuser: name("is_superuser"),
            email: name("email"),
            first_name: name("first_name"),
            last_name: name("last_name"),
            groups: Some(Membership::new(format!("{table}_groups"), &user)),
            permissions: Some(Membership::new(format!("{table}_user_permissions"), &user)),
            columns: Vec::new(),
            table,
        }
    }

    /// The table of a model that extends `AbstractBaseUser` only: a primary key, a password and a last login.
    pub fn bare(app_label: &str, class: &str) -> Self {
        Self {
            is_active: None,
            is_staff: None,
            is_superuser: None,
            email: None,
            first_name: None,
            last_name: None,
            groups: None,
            permissions: None,
            ..Self::of_model(app_label, class)
        }
    }

    /// Sets [`table`](Self::table), for models with a `db_table` of their own. The names of the tables in
    /// [`groups`](Self::groups) and [`permissions`](Self::permissions) begin with it, as Django has it.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = table.into();
        if let Some(groups) = &mut self.groups {
            groups.table = format!("{}_groups", self.table);
        }
        if let Some(permissions) = &mut self.permissions {
            permissions.table = format!("{}_user_permissions", self.table);
        }
        self
    }

    /// Sets [`id`](Self::id) and [`id_type`](Self::id_type).
    pub fn primary_key(mut self, column: impl Into<String>, id_type: PrimaryKey) -> Self {
        self.id = column.into();
        self.id_type = id_type;
        self
    }

    /// Sets [`username`](Self::username).
    pub fn username(mut self, column: impl Into<String>) -> Self {
        self.username = column.into();
        self
    }

    /// Sets [`password`](Self::password).
    pub fn password(mut self, column: impl Into<String>) -> Self {
        self.password = column.into();
        self
    }

    /// Sets [`last_login`](Self::last_login).
    pub fn last_login(mut self, column: Option<&str>) -> Self {
        self.last_login = column.map(str::to_owned);
        self
    }

    /// Sets [`is_active`](Self::is_active).
    pub fn is_active(mut self, column: Option<&str>) -> Self {
        self.is_active = column.map(str::to_owned);
        self
    }

    /// Sets [`is_staff`](Self::is_staff).
    pub fn is_staff(mut self, column: Option<&str>) -> Self {
        self.is_staff = column.map(str::to_owned);
        self
    }

    /// Sets [`is_superuser`](Self::is_superuser).
    pub fn is_superuser(mut self, column: Option<&str>) -> Self {
        self.is_superuser = column.map(str::to_owned);
        self
    }

    /// Sets [`email`](Self::email).
    pub fn email(mut self, column: Option<&str>) -> Self {
        self.email = column.map(str::to_owned);
        self
    }

    /// Sets [`first_name`](Self::first_name) and [`last_name`](Self::last_name).
    pub fn names(mut self, first: Option<&str>, last: Option<&str>) -> Self {
        self.first_name = first.map(str::to_owned);
        self.last_name = last.map(str::to_owned);
        self
    }

    /// Sets [`groups`](Self::groups).
    pub fn groups(mut self, groups: Option<Membership>) -> Self {
        self.groups = groups;
        self
    }

    /// Sets [`permissions`](Self::permissions).
    pub fn permissions(mut self, permissions: Option<Membership>) -> Self {
        self.permissions = permissions;
        self
    }

    /// Adds one of the other [`columns`](Self::columns), for [`DjangoUser::column`](crate::DjangoUser::column).
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.columns.push(column.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_columns_are_called_as_django_calls_them() {
        let django = UserTable::default();
        assert_eq!(django.table, "auth_user");
        assert_eq!(
            django.groups,
            Some(Membership::new("auth_user_groups", "user_id"))
        );
        assert_eq!(
            django.permissions,
            Some(Membership::new("auth_user_user_permissions", "user_id"))
        );

        let member = UserTable::of_model("accounts", "ClubMember");
        assert_eq!(member.table, "accounts_clubmember");
        assert_eq!(
            member.groups,
            Some(Membership::new(
                "accounts_clubmember_groups",
                "clubmember_id"
            ))
        );

        let renamed = member.table("people");
        assert_eq!(
            renamed.permissions,
            Some(Membership::new("people_user_permissions", "clubmember_id"))
        );
    }
}
