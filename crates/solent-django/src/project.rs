//! One Django project, put together.

use std::path::PathBuf;

use solent_auth::{AuthConfig, AuthStack};
use solent_session::{DynSessionStore, SessionConfig};

#[cfg(feature = "redis")]
use crate::session::{CacheSessions, CachedDatabaseSessions, RedisCache};
use crate::{
    Database, DjangoUser, DjangoUsers,
    session::{DatabaseSessions, FileSessions, SignedCookieSessions},
    signing::SecretKeys,
};

/// The settings of a Django project, as far as they say who is logged in.
///
/// Whatever is not set is as in a project that `django-admin startproject` made.
///
/// ```no_run
/// use solent_django::{Database, Django, UserTable, signing::SecretKeys};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = SecretKeys::new(std::env::var("SECRET_KEY")?)?;
/// let database = Database::open(&std::env::var("DATABASE_URL")?)?;
///
/// let auth = Django::new(keys, database).stack();
/// # let _ = auth;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Django {
    /// `SECRET_KEY` and `SECRET_KEY_FALLBACKS`.
    pub keys: SecretKeys,
    /// `DATABASES["default"]`.
    pub database: Database,
    /// `SESSION_ENGINE`, and what it needs. Default: the database.
    pub sessions: SessionEngine,
    /// `SESSION_COOKIE_NAME`, `SESSION_COOKIE_AGE` and the like. Defaults: Django's, except that the cookie is `Secure` where the connection is.
    pub cookie: SessionConfig,
    /// `AUTH_USER_MODEL`, `AUTHENTICATION_BACKENDS` and `PASSWORD_HASHERS`. Default: those of `django.contrib.auth`; passwords
    /// are checked, and never hashed anew.
    pub users: DjangoUsers,
    /// What happens to connections whose users log out. Defaults: those of an [`AuthStack`].
    pub auth: AuthConfig,
}

/// Where a project keeps its sessions: `SESSION_ENGINE`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum SessionEngine {
    /// `django.contrib.sessions.backends.db`.
    #[default]
    Database,
    /// `django.contrib.sessions.backends.cached_db`, with the cache that `SESSION_CACHE_ALIAS` names.
    #[cfg(feature = "redis")]
    CachedDatabase(RedisCache),
    /// `django.contrib.sessions.backends.cache`, with the cache that `SESSION_CACHE_ALIAS` names.
    #[cfg(feature = "redis")]
    Cache(RedisCache),
    /// `django.contrib.sessions.backends.file`, with `SESSION_FILE_PATH`; `None` is the system's folder for temporary files.
    File(Option<PathBuf>),
    /// `django.contrib.sessions.backends.signed_cookies`.
    SignedCookies,
    /// A store with settings of its own, such as another table or another salt.
    Store(DynSessionStore),
}

impl Django {
    /// A project with these keys and this database.
    pub fn new(keys: SecretKeys, database: Database) -> Self {
        Self {
            users: DjangoUsers::new(database.clone(), keys.clone()),
            keys,
            database,
            sessions: SessionEngine::default(),
            cookie: SessionConfig::default(),
            auth: AuthConfig::default(),
        }
    }

    /// Sets [`sessions`](Self::sessions).
    pub fn sessions(mut self, engine: SessionEngine) -> Self {
        self.sessions = engine;
        self
    }

    /// Sets [`cookie`](Self::cookie).
    pub fn cookie(mut self, config: SessionConfig) -> Self {
        self.cookie = config;
        self
    }

    /// Sets [`users`](Self::users).
    pub fn users(mut self, users: DjangoUsers) -> Self {
        self.users = users;
        self
    }

    /// Sets [`auth`](Self::auth).
    pub fn auth(mut self, config: AuthConfig) -> Self {
        self.auth = config;
        self
    }

    /// The sessions of the project.
    pub fn store(&self) -> DynSessionStore {
        let keys = self.keys.clone();
        let rows = || DatabaseSessions::new(self.database.clone(), self.keys.clone());
        match &self.sessions {
            SessionEngine::Database => DynSessionStore::new(rows()),
            #[cfg(feature = "redis")]
            SessionEngine::CachedDatabase(cache) => {
                DynSessionStore::new(CachedDatabaseSessions::new(rows(), cache.clone()))
            }
            #[cfg(feature = "redis")]
            SessionEngine::Cache(cache) => DynSessionStore::new(CacheSessions::new(cache.clone())),
            SessionEngine::File(folder) => {
                let files = FileSessions::new(keys)
                    .cookie_name(&*self.cookie.cookie_name)
                    .age(self.cookie.age);
                DynSessionStore::new(match folder {
                    Some(folder) => files.path(folder),
                    None => files,
                })
            }
            SessionEngine::SignedCookies => {
                DynSessionStore::new(SignedCookieSessions::new(keys).age(self.cookie.age))
            }
            SessionEngine::Store(store) => store.clone(),
        }
    }

    /// Middleware that knows the project's users by the project's cookie.
    pub fn stack(&self) -> AuthStack<DjangoUser> {
        AuthStack::new(self.store(), self.users.clone())
            .sessions(self.cookie.clone())
            .config(self.auth.clone())
    }
}
