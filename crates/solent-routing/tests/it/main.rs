//! The crate from outside.

// Which types may cross threads.
mod auto_traits;
// Every row of Channels' tables of routing, where we do the same.
mod channels_tables;
// What differs from Channels on purpose.
mod differences;
// What the other modules drive routers with.
mod driver;
// Names turned into URLs.
mod names;
// Routers in routers, with and without middleware between them.
mod nesting;
// Requests that no route matches.
mod not_found;
// The first route that matches is found, whatever the index does.
mod order;
// By protocol and by channel name.
mod protocols;
