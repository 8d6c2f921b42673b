//! Entries in Redis that expire: what session stores and caches are made of.
//!
//! The session stores of `solent-auth` and `solent-django` use it, so that they reach Redis as the layers do: by the same URLs,
//! behind Sentinels, in clusters, with a deadline for every command and the same difference between a refusal and an outage.
//! Not part of the stable interface.

mod entries;
mod failure;
mod link;

pub use self::{
    entries::{Condition, Entry, Exchanged},
    failure::StoreFailure,
    link::StoreLink,
};
