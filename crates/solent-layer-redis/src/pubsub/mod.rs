//! The layer that publishes.

mod incoming;
mod layer;
mod subscriptions;
mod topic;

pub use self::layer::RedisPubSubLayer;
