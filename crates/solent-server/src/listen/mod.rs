//! Where the server listens.

mod bind;
mod hint;
mod listener;
mod socket_file;
mod unix_socket;

pub use self::{
    bind::{Bind, BindParseError},
    unix_socket::{Account, UnixSocket},
};
pub(crate) use self::{
    hint::hint,
    listener::{BoundListener, bind},
};
