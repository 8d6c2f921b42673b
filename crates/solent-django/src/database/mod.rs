//! The database that a Django project keeps its sessions and users in.

mod config;
mod error;
mod handle;
mod moment;
mod name;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
#[cfg(feature = "sqlite")]
mod sqlite;
mod url;

pub use self::{config::DatabaseConfig, error::DatabaseError, handle::Database};
pub(crate) use self::{
    handle::Dialect,
    name::quoted,
    query::{Row, Value},
};
