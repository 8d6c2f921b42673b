//! What goes wrong with Redis.
