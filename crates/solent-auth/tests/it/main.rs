//! solent-auth from outside.

// What the applications behind a middleware are.
#[path = "../../../solent-edge/tests/it/open.rs"]
mod open;

// A store that counts, fails and waits as it is told.
#[path = "../../../solent-session/tests/it/session/probe.rs"]
#[expect(dead_code, reason = "the tests of sessions ask more of it")]
mod probe;

// Credentials that are no cookie.
mod token;

// Checks, and how requests that fail them are refused.
mod permission;

// Gates, guards and handlers that wait, before a real server.
#[cfg(unix)]
mod waits;

// Users, their logins, and what ends those.
mod auth;
