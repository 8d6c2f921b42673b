//! `django.contrib.sessions.backends.db`.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use solent_session::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};

use super::{
    ALL_TAKEN, ATTEMPTS,
    codec::{self, STORE_SALT},
};
use crate::{
    database::{Database, DatabaseError, Dialect, Value, quoted},
    signing::SecretKeys,
};

/// Sessions in the table `django_session`: the engine `db`. Cheap to clone.
///
/// It also serves a project with the engine `cached_db` whose cache is not Redis, as long as sessions are only read: the rows
/// are the truth there.
#[derive(Clone)]
#[must_use]
pub struct DatabaseSessions {
    database: Database,
    keys: SecretKeys,
    salt: Arc<str>,
    statements: Arc<Statements>,
}

/// What is asked of the table.
struct Statements {
    select: String,
    insert: String,
    update: String,
    replace: String,
    delete: String,
}

impl DatabaseSessions {
    /// Sessions in Django's own table.
    pub fn new(database: Database, keys: SecretKeys) -> Self {
        let dialect = database.dialect();
        Self {
            database,
            keys,
            salt: STORE_SALT.into(),
            statements: Arc::new(Statements::of("\"django_session\"", dialect)),
        }
    }

    /// Sets the table, for projects with a model of their own that extends `AbstractBaseSession`.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Name`] for what no table can be called.
    pub fn table(mut self, name: &str) -> Result<Self, DatabaseError> {
        self.statements = Arc::new(Statements::of(&quoted(name)?, self.database.dialect()));
        Ok(self)
    }

    /// Sets the salt, for projects with an engine of their own whose class is not called `SessionStore`:
    /// `django.contrib.sessions.` and the name of the class.
    pub fn salt(mut self, salt: impl Into<Arc<str>>) -> Self {
        self.salt = salt.into();
        self
    }

    fn encode(&self, data: &SessionData) -> Value {
        let now = SystemTime::now();
        Value::Text(codec::encode(&self.keys, &self.salt, data, now))
    }
}

impl Statements {
    fn of(table: &str, dialect: Dialect) -> Self {
        let expires = match dialect {
            Dialect::Sqlite => {
                "CAST(CAST(ROUND((julianday(expire_date) - 2440587.5) * 86400000) AS integer) AS text)"
            }
            Dialect::Postgres => {
                "CAST(CAST(EXTRACT(EPOCH FROM expire_date) * 1000 AS bigint) AS text)"
            }
        };
        Self {
            select: format!(
                "SELECT CAST(session_data AS text), {expires} FROM {table} \
                 WHERE session_key = $1 AND expire_date > $2"
            ),
            insert: format!(
                "INSERT INTO {table} (session_key, session_data, expire_date) \
                 VALUES ($1, $2, $3) ON CONFLICT (session_key) DO NOTHING"
            ),
            update: format!(
                "UPDATE {table} SET session_data = $1, expire_date = $2 WHERE session_key = $3"
            ),
            replace: format!(
                "UPDATE {table} SET session_data = $1, expire_date = $2 \
                 WHERE session_key = $3 AND session_data = $4"
            ),
            delete: format!("DELETE FROM {table} WHERE session_key = $1"),
        }
    }
}

impl SessionStore for DatabaseSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let now = SystemTime::now();
        let values = vec![text(key), Value::Moment(now)];
        let row = self.database.row(&self.statements.select, values).await;
        let Some(mut row) = row? else {
            return Ok(None);
        };
        let content = row.text(0)?;
        let millis = row.text(1)?.parse().ok();
        let expires = millis
            .and_then(|millis| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
        let data = codec::read(&self.keys, &self.salt, &content, None, now)?;
        Ok(data.map(|data| Stored::new(data, Revision::new(content)).expires(expires)))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let former = String::from_utf8_lossy(former.as_bytes()).into_owned();
        let values = vec![
            self.encode(data),
            Value::Moment(expires),
            text(key),
            Value::Text(former),
        ];
        let replaced = self
            .database
            .execute_once(&self.statements.replace, values)
            .await;
        Ok(match replaced? {
            0 => Saved::Changed,
            _ => Saved::Kept,
        })
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        let data = self.encode(data);
        for _ in 0..ATTEMPTS {
            let key = SessionKey::random();
            let values = vec![text(&key), data.clone(), Value::Moment(expires)];
            let inserted = self.database.execute(&self.statements.insert, values).await;
            if inserted? == 1 {
                return Ok(key);
            }
        }
        Err(StoreError::unavailable(ALL_TAKEN))
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let values = vec![self.encode(data), Value::Moment(expires), text(key)];
        let updated = self.database.execute(&self.statements.update, values).await;
        Ok(match updated? {
            0 => Saved::Gone,
            _ => Saved::Kept,
        })
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let deleted = self
            .database
            .execute(&self.statements.delete, vec![text(key)])
            .await;
        deleted.map(drop).map_err(StoreError::from)
    }

    /// A row is looked for, so that a table or a right to read it that is missing is known at the start. Nothing is written: a
    /// project may let this process only read.
    async fn check(&self) -> Result<(), StoreError> {
        self.read(&SessionKey::random()).await.map(drop)
    }
}

fn text(key: &SessionKey) -> Value {
    Value::Text(key.as_str().to_owned())
}

impl fmt::Debug for DatabaseSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSessions")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
