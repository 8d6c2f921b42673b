//! The promises of [`ChannelLayer`](solent_layer::ChannelLayer), as tests for any implementation.
//!
//! One macro makes a test of each promise, named for it:
//!
//! ```
//! # fn main() {}
//! use solent_layer_memory::MemoryLayer;
//!
//! solent_testing::layer_conformance!(MemoryLayer::default());
//! ```
//!
//! Better give the layer the settings that a promise wants, as a closure would; then policies and capacities by pattern
//! are tried as well:
//!
//! ```
//! # fn main() {}
//! use solent_layer_memory::{MemoryConfig, MemoryLayer};
//!
//! solent_testing::layer_conformance!(|wanted| MemoryLayer::new(
//!     MemoryConfig::default()
//!         .capacities(wanted.capacities)
//!         .expiry(wanted.expiry)
//!         .group_expiry(wanted.group_expiry)
//!         .policy(wanted.policy)
//! ));
//! ```
//!
//! The expression may be async: `|wanted| MyLayer::connect(url, wanted.namespace).await.unwrap()`. A third argument, a
//! [`Profile`], says what the kit cannot know: that a layer's clock cannot be paused since it is a server's, that it
//! spans processes, that it has a limit for the size of messages.
//!
//! # How it works
//!
//! Each test builds a runtime of its own, with the clock paused unless the profile says otherwise, makes fresh layers
//! with [`Wanted`] settings, and panics with what it saw when a promise is broken. [`promises`] lists them, for those
//! who want to run them in another way.

mod checks;
mod profile;
mod promise;
mod subject;

pub use self::{
    profile::{Profile, Wanted},
    promise::{Promise, promises},
    subject::Subject,
};
