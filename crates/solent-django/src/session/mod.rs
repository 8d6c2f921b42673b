//! Django's sessions.

pub mod codec;
