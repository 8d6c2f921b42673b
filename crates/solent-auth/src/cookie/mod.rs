//! Cookies of requests and responses.
//!
//! [`Cookies`] reads what a browser sent, [`CookieJar`] holds what it is to keep.

mod attributes;
mod cookies;
mod error;
mod jar;
mod quote;
mod set_cookie;

pub use self::{
    attributes::{SameSite, Secure},
    cookies::Cookies,
    error::CookieError,
    jar::CookieJar,
    set_cookie::SetCookie,
};
