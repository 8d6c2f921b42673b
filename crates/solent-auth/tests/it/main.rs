//! solent-auth from outside.

// What the applications behind a middleware are, and what the log was told.
mod log;
mod open;

// Which pages may send requests that change something.
mod cross_site;

// Which requests have a token.
mod csrf;

// Which hosts are answered for.
mod host;

// Which pages may open a WebSocket.
mod origin;

// JSON Web Tokens.
#[cfg(feature = "jwt")]
mod jwt;

// Credentials that are no cookie.
mod token;

// Checks, and how requests that fail them are refused.
mod permission;

// Cookies in and out.
mod cookie;

// Sessions: what is remembered of a browser, and where.
mod session;

// What is known of a client behind proxies.
mod proxy;

// How much one client may ask for; and the same of a real server, with real sockets and proxies.
mod limits_live;
mod rate;

// Gates, guards and handlers that wait, before a real server.
#[cfg(unix)]
mod waits;

// Users, their logins, and what ends those.
mod auth;
