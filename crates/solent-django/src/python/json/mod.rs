//! JSON as Django's `JSONSerializer` writes and reads it.
//!
//! Python's JSON knows more than the standard's: `NaN`, `Infinity`, and integers of any size. A session with one of them would
//! be lost, or silently changed when it is written back, if it were read as standard JSON.

mod reader;
mod writer;

pub(crate) use self::{
    reader::read,
    writer::{write, write_map},
};
