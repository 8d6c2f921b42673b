//! solent-django from outside.

// What Django wrote, recorded: values, and how it encodes them.
mod vectors;

// Signatures, signed objects and cookies, and the hash that ties a session to a password.
mod signing;

// The text in which Django's engines keep a session.
mod session_codec;

// Pickles, of Python and of nobody who means well.
mod pickle;

// Passwords in all forms that Django has had, and what they may cost.
mod password;

// What follows takes real servers, and all features.

// A database as Django's migrations leave it.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod project;

// Where sessions are kept.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod store;

// The database itself: where it is, and what happens when it is not there.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod database;

// Users, their groups and permissions, and how they log in.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod user;

// All of it together, as a browser sees it.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod stack;

// Connections to PostgreSQL that others cannot read.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod tls;
