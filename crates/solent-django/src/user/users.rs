//! `django.contrib.auth.backends.ModelBackend`.

use std::{fmt, sync::Arc, time::SystemTime};

use solent_auth::{Authenticate, BackendError, HashCheck, UserBackend, passwords::Password};

use super::{
    DjangoUser, UserTable,
    statements::{Statements, user},
};
use crate::{
    database::{Database, DatabaseError, Value},
    password::{PasswordPool, Passwords, PoolConfig, Verdict},
    signing::{SecretKeys, auth_hash, check_auth_hash},
};

/// The users of a Django project: a [`UserBackend`] that does what `ModelBackend` does. Cheap to clone.
///
/// A user is read with one query: the row, the names of groups, and all permissions. Inactive users are not found.
#[derive(Clone)]
#[must_use]
pub struct DjangoUsers {
    database: Database,
    keys: SecretKeys,
    name: Arc<str>,
    table: Arc<UserTable>,
    statements: Arc<Statements>,
    passwords: PasswordPool,
    /// Whether passwords are hashed anew that are not hashed as they would be now.
    upgrades: bool,
    allows_inactive: bool,
}

impl DjangoUsers {
    /// The users of Django's own user model.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the names of Django's own tables are names"
    )]
    pub fn new(database: Database, keys: SecretKeys) -> Self {
        let table = UserTable::default();
        let statements = Statements::new(&table, database.dialect());
        Self {
            database,
            keys,
            name: "django.contrib.auth.backends.ModelBackend".into(),
            table: Arc::new(table),
            statements: Arc::new(statements.expect("the names of Django's own are names")),
            passwords: PasswordPool::new(Passwords::default(), PoolConfig::default()),
            upgrades: false,
            allows_inactive: false,
        }
    }

    /// Sets the table of the user model, for projects with an `AUTH_USER_MODEL`.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Name`] for what no table or column can be called.
    pub fn table(mut self, table: UserTable) -> Result<Self, DatabaseError> {
        self.statements = Arc::new(Statements::new(&table, self.database.dialect())?);
        self.table = Arc::new(table);
        Ok(self)
    }

    /// Sets the path of the backend's class, as `AUTHENTICATION_BACKENDS` has it. Sessions that name another are not this
    /// backend's. Default: `django.contrib.auth.backends.ModelBackend`.
    pub fn backend(mut self, path: impl Into<Arc<str>>) -> Self {
        self.name = path.into();
        self
    }

    /// Sets what passwords are hashed with, `PASSWORD_HASHERS`, and hashes those anew that were hashed otherwise when their
    /// users log in, as Django does: name the release of Django that the project runs, or what it has in its settings.
    ///
    /// Unless this is set all hashers of Django are believed, and no hash is ever replaced. A new hash ends the other sessions of its
    /// user, so who replaces them has to agree with the project.
    pub fn passwords(mut self, passwords: impl Into<Passwords>) -> Self {
        self.passwords = PasswordPool::new(passwords.into(), PoolConfig::default());
        self.upgrades = true;
        self
    }

    /// Sets how many passwords are worked on at once.
    pub fn password_pool(mut self, config: PoolConfig) -> Self {
        let passwords = self.passwords.passwords().clone();
        self.passwords = PasswordPool::new(passwords, config);
        self
    }

    /// Finds users who are not active, too, as `AllowAllUsersModelBackend` does. They have no permissions.
    pub fn allow_inactive(mut self) -> Self {
        self.allows_inactive = true;
        self
    }

    async fn one(&self, sql: &str, value: Value) -> Result<Option<DjangoUser>, BackendError> {
        let row = self.database.row(sql, vec![value]).await;
        let row = match row {
            // No user can be called that: a number beyond what the column takes.
            Err(DatabaseError::Value(_)) => return Ok(None),
            row => row.map_err(|error| BackendError::new(error.into_cause()))?,
        };
        row.map(|mut row| user(&self.table, &mut row))
            .transpose()
            .map_err(BackendError::new)
    }

    fn may_log_in(&self, user: &DjangoUser) -> bool {
        user.is_active || self.allows_inactive
    }

    /// Hashes the password of a user anew. A failure is no reason not to log in.
    async fn upgrade(&self, user: &mut DjangoUser, password: String) {
        let hashed = match self.passwords.hash(password).await {
            Ok(hashed) => hashed,
            Err(error) => return not_upgraded(&error),
        };
        let Some(id) = self.id(user) else { return };
        let former = user.password.clone();
        let values = vec![Value::Text(hashed.clone()), id, Value::Text(former)];
        match self
            .database
            .execute(&self.statements.set_password, values)
            .await
        {
            Ok(0) => {} // Another process was faster; the password is not what it was.
            Ok(_) => user.password = hashed,
            Err(error) => not_upgraded(&error),
        }
    }

    fn id(&self, user: &DjangoUser) -> Option<Value> {
        self.table.id_type.value(&user.id, self.database.dialect())
    }
}

fn not_upgraded(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(
        error,
        "password could not be hashed anew; the user is logged in"
    );
}

impl UserBackend for DjangoUsers {
    type User = DjangoUser;

    fn name(&self) -> &str {
        &self.name
    }

    async fn find(&self, id: &str) -> Result<Option<DjangoUser>, BackendError> {
        let Some(id) = self.table.id_type.value(id, self.database.dialect()) else {
            tracing::debug!("id in a session is not valid; the client is anonymous");
            return Ok(None);
        };
        let user = self.one(&self.statements.by_id, id).await?;
        Ok(user.filter(|user| self.may_log_in(user)))
    }

    fn session_hash(&self, user: &DjangoUser) -> Option<String> {
        Some(auth_hash(&user.password, &self.keys))
    }

    fn check_hash(&self, user: &DjangoUser, stored: Option<&str>) -> HashCheck {
        let stored = stored.unwrap_or_default();
        check_auth_hash(&user.password, &self.keys, stored)
    }

    async fn logged_in(&self, user: &DjangoUser) -> Result<(), BackendError> {
        let (Some(sql), Some(id)) = (&self.statements.logged_in, self.id(user)) else {
            return Ok(());
        };
        let values = vec![Value::Moment(SystemTime::now()), id];
        let updated = self.database.execute(sql, values).await;
        updated
            .map(drop)
            .map_err(|error| BackendError::new(error.into_cause()))
    }
}

impl Authenticate<Password> for DjangoUsers {
    /// What is in the name has to be what is in the column, to the letter. Django's login form brings what is typed into
    /// the normal form NFKC first.
    async fn authenticate(
        &self,
        credentials: Password,
    ) -> Result<Option<DjangoUser>, BackendError> {
        let Password { name, password, .. } = credentials;
        let found = match name.contains('\0') {
            true => None,
            false => {
                self.one(&self.statements.by_username, Value::Text(name))
                    .await?
            }
        };
        let Some(mut user) = found else {
            self.passwords
                .pretend(password)
                .await
                .map_err(BackendError::new)?;
            return Ok(None);
        };
        let verdict = self
            .passwords
            .check(password.as_str(), user.password.as_str())
            .await
            .map_err(BackendError::new)?;
        if !verdict.is_right() || !self.may_log_in(&user) {
            return Ok(None);
        }
        if verdict == Verdict::Outdated && self.upgrades {
            self.upgrade(&mut user, password).await;
        }
        Ok(Some(user))
    }
}

impl fmt::Debug for DjangoUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoUsers")
            .field("name", &self.name)
            .field("table", &self.table.table)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
