//! solent-edge from outside.

// What the applications behind a middleware are.
mod open;

// Which pages may send requests that change something.
mod cross_site;

// Which requests have a token.
mod csrf;

// A store that counts and fails as it is told.
#[path = "../../../solent-session/tests/it/session/probe.rs"]
#[expect(dead_code, reason = "the tests of sessions ask more of it")]
mod probe;

// Which hosts are answered for.
mod host;

// Which pages may open a WebSocket.
mod origin;

// What is known of a client behind proxies.
mod proxy;

// How much one client may ask for; and the same of a real server, with real sockets and proxies.
mod limits_live;
mod rate;
