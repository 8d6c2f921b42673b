//! Where the server listens.

mod bind;
mod listener;
mod socket_file;

pub use self::bind::{Bind, BindParseError};
pub(crate) use self::listener::{BoundListener, bind};
