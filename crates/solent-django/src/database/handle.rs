//! One database, whichever it is.

use std::{fmt, path::PathBuf};

use super::{DatabaseConfig, DatabaseError, Row, Value, url::Location};

/// The database of a Django project: SQLite or PostgreSQL. Cheap to clone; clones share a pool of connections.
///
/// Connections are made when they are needed, so a database that is away at the start does no harm;
/// [`check`](Self::check) tells whether it is there. A lost connection is replaced.
///
/// Nothing is ever changed of how the database works, such as SQLite's journal: that is Django's affair. With SQLite, point
/// it at the very file that Django uses, on the same machine; `USE_TZ` must be true there, which it is unless a
/// project changed it.
#[derive(Clone)]
pub struct Database(Engine);

/// How a database says what not all of them say alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(test, all(feature = "sqlite", feature = "postgres"))),
    expect(
        dead_code,
        reason = "databases that are not compiled in have no dialect"
    )
)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

#[derive(Clone)]
enum Engine {
    #[cfg(feature = "sqlite")]
    Sqlite(super::sqlite::Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(super::postgres::Postgres),
}

impl Database {
    /// The database that `url` names, in the forms of `dj-database-url` and `django-environ`:
    ///
    /// - `sqlite:///db.sqlite3`, a path that is relative to the working directory, and `sqlite:////srv/db.sqlite3`, an
    ///   absolute one: what follows the third slash is the path;
    /// - `postgres://user:password@host:5432/name`, also `postgresql://`, `postgis://` and `pgsql://`. Without a host it
    ///   is a Unix socket in `/var/run/postgresql`. The options are those of libpq that `tokio-postgres` knows, and
    ///   `sslmode` with `sslrootcert`, `sslcert` and `sslkey`, which mean what they mean to libpq:
    ///   `require` encrypts, only `verify-ca` and `verify-full` find out to whom; for the latter two, `sslrootcert=system`
    ///   is the default.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Url`] for any other URL, and for databases whose feature is not enabled;
    /// [`DatabaseError::TlsFile`].
    pub fn open(url: &str) -> Result<Self, DatabaseError> {
        Self::open_with(url, &DatabaseConfig::default())
    }

    /// As [`open`](Self::open), with other settings.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(url: &str, config: &DatabaseConfig) -> Result<Self, DatabaseError> {
        match Location::parse(url)? {
            Location::Sqlite(path) => Self::sqlite(path, config),
            Location::Postgres(url) => Self::postgres(&url, config),
        }
    }

    /// The SQLite database in the file at `path`.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Url`] if the feature `sqlite` is not enabled.
    pub fn sqlite(
        path: impl Into<PathBuf>,
        config: &DatabaseConfig,
    ) -> Result<Self, DatabaseError> {
        #[cfg(feature = "sqlite")]
        return Ok(Self(Engine::Sqlite(super::sqlite::Sqlite::new(
            path.into(),
            config,
        ))));
        #[cfg(not(feature = "sqlite"))]
        return {
            let _ = (path.into(), config);
            Err(DatabaseError::url(
                "names SQLite, enable the feature `sqlite` of solent-django",
            ))
        };
    }

    fn postgres(url: &str, config: &DatabaseConfig) -> Result<Self, DatabaseError> {
        #[cfg(feature = "postgres")]
        return Ok(Self(Engine::Postgres(super::postgres::Postgres::new(
            url, config,
        )?)));
        #[cfg(not(feature = "postgres"))]
        return {
            let _ = (url, config);
            Err(DatabaseError::url(
                "names PostgreSQL, enable the feature `postgres` of solent-django",
            ))
        };
    }

    /// Finds out whether the database answers.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it does not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn check(&self) -> Result<(), DatabaseError> {
        self.row("SELECT 1", Vec::new()).await.map(drop)
    }

    /// The first row of an answer.
    pub(crate) async fn row(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, DatabaseError> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.row(sql, values).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.row(sql, values).await,
        }
    }

    /// Changes rows, and tells how many.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.execute(sql, values).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.execute(sql, values).await,
        }
    }

    /// Changes rows as [`execute`](Self::execute), with a statement that must not be carried out twice: a connection that is
    /// lost before the answer is an error.
    pub(crate) async fn execute_once(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, DatabaseError> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.execute(sql, values).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.execute_once(sql, values).await,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.dialect()).finish()
    }
}
