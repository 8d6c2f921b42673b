//! What URLs and headers say of a host.

mod parts;
mod text;

pub(crate) use self::{
    parts::{Url, parse_port, split_authority},
    text::{excerpt, latin1, lower_case},
};
