//! Cookies of requests and responses.
//!
//! [`Cookies`] reads what a browser sent, a [`SetCookie`] is what it is to keep.

mod attributes;
mod cookies;
mod error;
mod quote;
mod set_cookie;

pub use self::{
    attributes::{SameSite, Secure},
    cookies::Cookies,
    error::CookieError,
    set_cookie::SetCookie,
};
