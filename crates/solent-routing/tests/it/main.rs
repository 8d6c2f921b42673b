//! Routing from outside.

/// What differs from Channels on purpose.
mod better;
/// Every row of Channels' tables of routing.
mod channels_tables;
/// What the other modules drive routers with.
mod driver;
