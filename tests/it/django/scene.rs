//! A project that is up, with what it needs.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use solent_test_servers::{PostgresServer, RedisServer};

use super::{
    browser::Browser,
    folder::Folder,
    project::{self, Project},
};
use crate::uvicorn::Uvicorn;

/// What the project signs with.
pub(super) const SECRET_KEY: &str = "what the project signs with";

/// The password of everybody, in the beginning.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// Where sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Db,
    Cache,
    CachedDb,
    File,
    SignedCookies,
}

/// Where everything else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

/// What a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// Django's own.
    User,
    /// Known by an address, with a UUID as the key.
    Member,
}

pub(super) enum Database {
    Sqlite(PathBuf),
    Postgres(PostgresServer),
}

/// A project that is up. It ends when this is dropped.
pub(super) struct Scene {
    pub(super) engine: Engine,
    pub(super) model: Model,
    pub(super) redis: RedisServer,
    pub(super) database: Database,
    /// The keys of the users, by name.
    keys: BTreeMap<String, String>,
    django: Uvicorn,
    pub(super) folder: Folder,
}

impl Engine {
    /// As Django's setting has it.
    fn name(self) -> &'static str {
        match self {
            Self::Db => "db",
            Self::Cache => "cache",
            Self::CachedDb => "cached_db",
            Self::File => "file",
            Self::SignedCookies => "signed_cookies",
        }
    }
}

impl Scene {
    pub(super) async fn start(engine: Engine, kind: Kind, model: Model) -> Result<Self> {
        // What a test that fails has to show. There is one for all tests of a process.
        let _ = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_test_writer()
            .try_init();
        let folder = Folder::new()?;
        let redis = RedisServer::start().await?;
        let database = match kind {
            Kind::Sqlite => Database::Sqlite(folder.path().join("db.sqlite3")),
            Kind::Postgres => Database::Postgres(PostgresServer::start().await?),
        };
        let project = Project::new()
            .set("SECRET_KEY", SECRET_KEY)
            .set("DATABASE_URL", database.url())
            .set("SESSION_ENGINE", engine.name())
            .set("SESSION_FILE_PATH", folder.path().to_string_lossy())
            .set("REDIS_URL", redis_url(&redis))
            .set("USER_MODEL", model.label());
        project.migrate().await?;
        let keys = project.populate(&population(model)).await?;
        Ok(Self {
            engine,
            model,
            redis,
            database,
            keys,
            django: project.serve().await?,
            folder,
        })
    }

    /// The Redis of the cache and the channel layer.
    pub(super) fn redis_url(&self) -> String {
        redis_url(&self.redis)
    }

    /// The address of the project, without a path.
    pub(super) fn django(&self) -> String {
        format!("http://{}", self.django.addr)
    }

    pub(super) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.django())
    }

    /// What the user is called where one logs in.
    pub(super) fn name(&self, user: &str) -> String {
        self.model.name(user)
    }

    /// The key of a user, as the session has it.
    pub(super) fn key(&self, user: &str) -> Result<&str> {
        let key = self.keys.get(&self.name(user)).map(String::as_str);
        key.context("there is no such user")
    }

    /// A browser in which somebody has logged in at Django.
    pub(super) async fn login(&self, user: &str) -> Result<Browser> {
        let mut browser = Browser::default();
        let entered = browser
            .login(&self.django(), &self.name(user), PASSWORD)
            .await?;
        ensure!(entered, "Django does not let {user} in");
        Ok(browser)
    }

    /// A browser in which somebody has logged in who is there in another one already.
    pub(super) async fn login_elsewhere(&self, user: &str) -> Result<Browser> {
        let mut browser = self.login(user).await?;
        // Sessions in cookies are the same if all that they have is, and they began in the same second.
        let remember = self.page("/session/remember/");
        let elsewhere = json!({"elsewhere": true});
        browser.post_json(&remember, &elsewhere).await?;
        Ok(browser)
    }

    /// Who a browser is, to Django.
    pub(super) async fn whoami(&self, browser: &mut Browser) -> Result<Value> {
        browser.json(&self.page("/whoami/")).await
    }

    /// The rows that the database has for a query, with text for every value.
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<Vec<Value>>> {
        match &self.database {
            Database::Sqlite(file) => project::sqlite(file, sql).await,
            Database::Postgres(server) => {
                let rows = server.query("postgres", sql).await?;
                Ok(rows
                    .into_iter()
                    .map(|row| row.into_iter().map(Value::from).collect())
                    .collect())
            }
        }
    }

    /// The row of a session: its data, and when it expires.
    pub(super) async fn row(&self, key: &str) -> Result<Option<(String, String)>> {
        ensure!(key.chars().all(char::is_alphanumeric), "no key: {key}");
        let sql = format!(
            "SELECT session_data, CAST(expire_date AS text) FROM django_session WHERE session_key = '{key}'"
        );
        let row = self.rows(&sql).await?.into_iter().next();
        row.map(|row| Ok(serde_json::from_value(row.into())?))
            .transpose()
    }

    /// The file of a session.
    pub(super) fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(format!("sessionid{key}"))
    }
}

fn redis_url(server: &RedisServer) -> String {
    format!("{}/0", server.url())
}

impl Model {
    /// The table of the users.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::User => "auth_user",
            Self::Member => "members_member",
        }
    }

    /// The column of what they are called.
    pub(super) fn username(self) -> &'static str {
        match self {
            Self::User => "username",
            Self::Member => "address",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::User => "auth.User",
            Self::Member => "members.Member",
        }
    }

    fn name(self, user: &str) -> String {
        match self {
            Self::User => user.to_owned(),
            Self::Member => format!("{user}@example.com"),
        }
    }
}

impl Database {
    /// As Django and we are told it.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:///{}", file.display()),
            Self::Postgres(server) => server.url("postgres"),
        }
    }
}

/// Ada may see groups by herself, and change them as an editor; Bob may do everything, and the others nothing.
fn population(model: Model) -> Value {
    let user = |name: &str, more: Value| {
        let mut fields = json!({"name": model.name(name), "password": PASSWORD});
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        fields
    };
    let (view, change) = ("auth.view_group", "auth.change_group");
    json!({
        "groups": {"editors": [change]},
        "users": [
            user("ada", json!({"groups": ["editors"], "permissions": [view]})),
            user("bob", json!({"is_superuser": true})),
            user("eve", json!({})),
            user("dan", json!({})),
            user("fay", json!({})),
            user("gone", json!({"is_active": false})),
        ],
    })
}
