//! What settings are read from strings, what is refused, and what is never shown.

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
