//! PostgreSQL.

// The programs, and a process of them.
mod binaries;
mod instance;
mod wire;

// What tests hold.
mod server;

pub use self::{server::PostgresServer, wire::Row};
