//! Django's sessions, users and passwords: a login there is good here, and the other way round.
//!
//! [`Django`] takes the settings of a project that say who is logged in, and makes the middleware of them:
//!
//! ```no_run
//! use solent_auth::AuthScope;
//! use solent_django::{Database, Django, DjangoUser, signing::SecretKeys};
//! use solent_spec::{BoxApplication, Connection, Middleware, Result, WebSocket, websocket::Outbound};
//!
//! async fn greet(mut connection: Connection<WebSocket>) -> Result {
//!     let user = connection.scope().user::<DjangoUser>();
//!     let name = user.map_or("stranger".to_owned(), |user| user.full_name());
//!     connection.send(Outbound::accept()).await?;
//!     connection.send(Outbound::Message(format!("Hello, {name}.").into())).await?;
//!     Ok(())
//! }
//!
//! # fn main() -> Result {
//! let keys = SecretKeys::new(std::env::var("SECRET_KEY")?)?;
//! let database = Database::open(&std::env::var("DATABASE_URL")?)?;
//! let auth = Django::new(keys, database).stack();
//!
//! let application = auth.wrap(BoxApplication::new(greet));
//! # let _ = application;
//! # Ok(())
//! # }
//! ```
//!
//! A connection without the session cookie costs nothing; one with it, a query for the session and one for the user, groups
//! and permissions included.
//!
//! # Below
//!
//! A Django project signs with its `SECRET_KEY`. With the same key this crate believes what the project wrote, and writes what
//! the project believes, to the byte:
//!
//! ```
//! use std::time::SystemTime;
//!
//! use solent_auth::HashCheck;
//! use solent_django::{
//!     session::codec,
//!     signing::{SecretKeys, check_auth_hash},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = SecretKeys::new("django-insecure-reference-secret-key-0123456789abcdef")?
//!     .fallbacks(["previous-secret-key-rotated-out"])?;
//!
//! // The column `session_data` of a row of `django_session`.
//! let stored = ".eJxVjMsOwiAQRf-FtSG8yoBL934DGWCQqoGktCvjv2uTLnR7zzn3xQJuaw3boCXMmZ2ZZKffLWJ6UNtBvmO7dZ56W5c58l3hBx382jM9L4f7d1Bx\
//!     1G9twEdvBEBBVwiEVqil0cL6kj2AdGKCrDOVZKP1zpoJrBJWGuUoRZfY-wO6AjbV:1r31eq:G-wINh7lnjUDbCtOyrqiwox_UsyM00R_4cGXInyzjOg";
//! let session = codec::decode(&keys, codec::STORE_SALT, stored, None, SystemTime::now())
//!     .ok_or("no session of this project")?;
//! assert_eq!(session["_auth_user_id"], "1");
//!
//! // The column `password` of that user's row of `auth_user`: is the login from before it was changed?
//! let column = "pbkdf2_sha256$1000$seasaltseasaltseasalt1$yo5+YPqgpwqxUNOfFY9laZYPdPVjBn5N3uL/q8VblqQ=";
//! let hash = session["_auth_user_hash"].as_str().unwrap_or_default();
//! assert_eq!(check_auth_hash(column, &keys, hash), HashCheck::Current);
//! # Ok(())
//! # }
//! ```
//!
//! # What is in it?
//!
//! - [`Django`]: the settings of a project, and the [`AuthStack`](solent_auth::AuthStack) and the store that they make.
//! - [`Database`]: SQLite or PostgreSQL, by the URL that the project has for it.
//! - [`DjangoUsers`]: where users come from, as `ModelBackend` has it, also from user models of a project's own ([`UserTable`]).
//! - [`session`]: where each engine of `SESSION_ENGINE` keeps sessions.
//! - [`signing`]: `django.core.signing`, with [`SecretKeys`](signing::SecretKeys) for `SECRET_KEY` and `SECRET_KEY_FALLBACKS`, signed
//!   cookies, and the hash that ties a login to a password.
//! - [`session::codec`]: the text in which Django's engines keep a session.
//! - [`pickle`]: what its caches keep, as far as it is plain data.
//! - [`password`]: all hashers of Django, and a pool that keeps their work off the threads of the sockets.
//!
//! # What Python has and JSON does not
//!
//! A session is a JSON object here. Numbers that Python has and JSON does not, `bytes`, and dictionaries whose keys are not
//! text stand in it as objects with the key `$python`, and are written back as what they were: see [`pickle`] for all of them.
//! So what a Solent process did not change in a session is, for Django, as it was, save that tuples in its cache are lists
//! then, as they are with its other engines.
//!
//! # What does it take for granted?
//!
//! - The secret key lets its holder log in as any user, here as in Django. Its `Debug` shows none of it.
//! - Nothing that was not signed is decompressed or parsed, except pickles, which are not signed, and whose reader makes plain
//!   data and nothing else.
//! - A malformed, forged or expired session is no session. An event tells why, and nothing of what was in it.
//!
//! # What is not here?
//!
//! MySQL and Oracle; a project whose `USE_TZ` is false with SQLite, where moments are local time then; changes of users, groups
//! and permissions other than the date of a login and, where the project says how, a new hash of its password.
//!
//! Serializers of a project's own, also that of `django-redis`; pickles with more than plain data in them, such as dates; and
//! the setting `PASSWORD_HASHERS` with hashers of a project's own.
//!
//! # Features
//!
//! `sqlite` (the default) and `postgres` for databases, without which there are no users; `redis` for caches.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
pub mod password;
pub mod pickle;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod project;
mod python;
pub mod session;
pub mod signing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod user;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::database::{Database, DatabaseConfig, DatabaseError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::project::{Django, SessionEngine};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::user::{DjangoUser, DjangoUsers, Membership, PrimaryKey, UserTable};
