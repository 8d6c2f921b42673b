//! The database of a Django project, as its migrations leave it.

mod folder;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rusqlite::{Connection, fallible_iterator::FallibleIterator, types::ValueRef};
use solent_django::Database;
use solent_test_servers::PostgresServer;
use tokio::sync::OnceCell;

pub(crate) use self::folder::Folder;

/// A database with Django's tables, and what a test does to it behind the back of solent-django.
pub(crate) enum Project {
    Sqlite(Folder),
    Postgres { name: String },
}

/// A row as text.
pub(crate) type Row = Vec<Option<String>>;

/// One server for all tests, each of which has a database of its own.
static SERVER: OnceCell<PostgresServer> = OnceCell::const_new();

async fn server() -> &'static PostgresServer {
    SERVER
        .get_or_init(async || PostgresServer::start().await.unwrap())
        .await
}

impl Project {
    pub(crate) async fn sqlite() -> Self {
        let folder = Folder::new();
        // Only this makes the file.
        Connection::open(folder.path().join("db.sqlite3")).unwrap();
        let project = Self::Sqlite(folder);
        project.sql(include_str!("sqlite.sql")).await;
        project
    }

    pub(crate) async fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("project{}", COUNT.fetch_add(1, Relaxed));
        server().await.create_database(&name).await.unwrap();
        let project = Self::Postgres { name };
        project.sql(include_str!("postgres.sql")).await;
        project
    }

    pub(crate) async fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:///{}/db.sqlite3", folder.path().display()),
            Self::Postgres { name } => server().await.url(name),
        }
    }

    pub(crate) async fn database(&self) -> Database {
        Database::open(&self.url().await).unwrap()
    }

    /// Runs statements, and returns the rows of the last.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<Row> {
        match self {
            Self::Sqlite(folder) => rows(
                &Connection::open(folder.path().join("db.sqlite3")).unwrap(),
                sql,
            ),
            Self::Postgres { name } => server().await.query(name, sql).await.unwrap(),
        }
    }

    /// The first value of the first row.
    pub(crate) async fn value(&self, sql: &str) -> Option<String> {
        let rows = self.sql(sql).await;
        rows.into_iter().next()?.into_iter().next()?
    }
}

fn rows(connection: &Connection, sql: &str) -> Vec<Row> {
    let mut batch = rusqlite::Batch::new(connection, sql);
    let mut rows = Vec::new();
    while let Some(mut statement) = batch.next().unwrap() {
        rows.clear();
        let columns = statement.column_count();
        let mut answer = statement.raw_query();
        while let Some(row) = answer.next().unwrap() {
            let text = |column| match row.get_ref(column).unwrap() {
                ValueRef::Null => None,
                ValueRef::Integer(value) => Some(value.to_string()),
                ValueRef::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
                other => panic!("{other:?}"),
            };
            rows.push((0..columns).map(text).collect());
        }
    }
    rows
}

/// Makes two tests of each promise about a project: with SQLite and with PostgreSQL.
macro_rules! on_every_database {
    ($($promise:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(crate::project::Project::sqlite().await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(crate::project::Project::postgres().await).await;
            })*
        }
    };
}

pub(crate) use on_every_database;
