//! Django's signing, sessions, users and passwords.

mod database;
mod password;
mod pickle;
mod session;
mod signing;
mod user;
