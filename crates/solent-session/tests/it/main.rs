//! solent-session from outside.

// Cookies in and out.
mod cookie;

// Sessions: what is remembered of a browser, and where.
mod session;
