//! The promises, each a function that panics when it is broken.

mod capacity;
mod cut;
mod delivery;
mod end;
mod expiry;
mod flood;
mod group;
mod lease;
mod loss;
mod name;
mod payload;
mod process;
mod process_worker;
mod report;
mod worker;

pub(super) use self::{
    capacity::*, cut::*, delivery::*, end::*, expiry::*, flood::*, group::*, lease::*, loss::*,
    name::*, payload::*, process::*, process_worker::*, report::*, worker::*,
};
