//! Everything that it takes to know who is there.

mod config;
mod enter;
#[expect(
    clippy::module_inception,
    reason = "the file is named for its noun, as all others are"
)]
mod stack;

pub(crate) use self::enter::{Entered, Entering};
pub use self::{
    config::{AuthConfig, OnFailure},
    stack::AuthStack,
};
