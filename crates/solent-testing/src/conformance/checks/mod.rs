//! The promises, each a function that panics when it is broken.

mod capacity;
mod delivery;
mod end;
mod expiry;
mod flood;
mod group;
mod name;
mod payload;
mod process;
mod report;
mod worker;

pub(super) use self::{
    capacity::*, delivery::*, end::*, expiry::*, flood::*, group::*, name::*, payload::*,
    process::*, report::*, worker::*,
};
