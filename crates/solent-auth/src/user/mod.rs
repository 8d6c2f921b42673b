//! Users, and how they log in and out.

mod auth;
mod backend;
mod error;
mod group;
mod identity;
mod person;

pub use self::{
    auth::Auth,
    backend::{Authenticate, HashCheck, UserBackend},
    error::{AuthError, BackendError},
    group::{check_user, close_user, user_group},
    identity::Identity,
    person::AuthUser,
};
