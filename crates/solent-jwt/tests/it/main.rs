//! JSON Web Tokens.

mod forgery;
mod key;
mod key_set;
mod rfc;
mod rotation;
mod sign;
mod users;
mod verify;
