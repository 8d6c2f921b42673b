//! The form of a URL, whatever it means.
//!
//! A general parser of URLs knows nothing of several hosts, and would show a password in its errors. None here do.

mod encoding;
mod options;
mod parts;

pub(super) use self::{
    encoding::{Query, encode, encode_path},
    options::{Options, number, text},
    parts::{Parts, Place},
};
