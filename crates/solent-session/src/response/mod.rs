//! What is done before the first event of a response.
//!
//! Saving a session, setting cookies: what has to wait, and yet be done by the time that the response's headers leave. The
//! hooks are kept by the [`CookieJar`] of a connection, so that one wrapper round the transport serves
//! all of them; this room holds the response back until they have run.

mod hook;
mod jar;
mod transport;

pub use self::{hook::HookResult, jar::CookieJar};
