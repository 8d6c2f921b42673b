//! Users, and how they log in and out.

mod auth;
mod backend;
mod backends;
mod error;
mod group;
mod herald;
mod person;
mod sealed_key;
mod session_login;
mod watch;

pub use self::{
    auth::Auth,
    backend::{Authenticate, HashCheck, UserBackend},
    error::{AuthError, BackendError},
    group::{check_user, close_user, user_group},
    person::AuthUser,
};
pub(crate) use self::{
    backends::Backends,
    session_login::{Logins, SessionLogin},
    watch::{Login, LoginWatch, Watching, watch_login},
};
