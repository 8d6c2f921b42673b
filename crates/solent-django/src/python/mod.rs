//! Values as Python has them and JSON does not, and JSON as Python writes it.

mod float;
mod halves;
pub(crate) mod json;
mod special;

pub(crate) use self::{
    halves::Halves,
    special::{Integer, Special},
};
