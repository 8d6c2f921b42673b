//! What URLs and headers say of a host.

mod invalid;
mod parts;
mod text;

pub use self::invalid::InvalidPattern;
pub(crate) use self::{
    parts::{Url, parse_port, split_authority},
    text::{excerpt, latin1, lower_case},
};
