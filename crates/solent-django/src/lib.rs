//! Django's signing, sessions, users and passwords.

mod database;
pub mod password;
pub mod pickle;
mod python;
pub mod session;
pub mod signing;
mod user;
