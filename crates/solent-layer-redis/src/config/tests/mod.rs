//! What settings are read from strings, what is refused, and what is never shown.

// What the Redis client makes of the settings, with real servers.
#[cfg(unix)]
mod client;
// URLs of hosts.
mod host;
// URLs of layers.
mod layer_url;
// What no string does, and what all hosts have in common.
mod property;
// Secrets, in everything that can be printed.
mod secret;
// Settings that cannot work.
mod validate;
