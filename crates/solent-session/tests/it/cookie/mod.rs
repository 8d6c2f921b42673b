//! Cookies in and out.

mod jar;
mod parse;
