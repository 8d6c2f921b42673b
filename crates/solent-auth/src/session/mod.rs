//! What is remembered of a browser from one request to the next.
//!
//! A session is a map of JSON values that a [`SessionStore`] keeps under a [`SessionKey`]; the browser holds the key, in a
//! cookie.

mod error;
mod key;
mod store;

pub use self::{
    error::{SessionError, StoreError},
    key::{InvalidKey, SessionKey},
    store::{DynSessionStore, Saved, SessionData, SessionStore},
};
