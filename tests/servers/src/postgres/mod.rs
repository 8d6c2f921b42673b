//! PostgreSQL.

// The programs, and a process of them.
mod binaries;
mod instance;
mod query;

// What tests hold.
mod server;

pub use self::{query::Row, server::PostgresServer};
