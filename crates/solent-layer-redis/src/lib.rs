//! Channel layers on Redis.

mod config;
mod error;
mod link;
mod wire;

pub use self::wire::{Json, MessagePack, Serializer};
