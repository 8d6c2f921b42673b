//! What is remembered of a browser from one request to the next.
//!
//! A session is a map of JSON values that a [`SessionStore`] keeps under a [`SessionKey`]; the browser holds the key, in a
//! cookie. [`Sessions`] gives each connection its [`Session`], `answer` says what becomes of it when the response leaves.

mod answer;
mod config;
mod cookie_store;
mod error;
mod expiry;
mod herald;
mod key;
mod login;
mod memory;
mod middleware;
#[cfg(feature = "redis")]
mod redis;
mod revision;
mod save;
#[expect(
    clippy::module_inception,
    reason = "the file is named for its noun, as all others are"
)]
mod session;
mod state;
mod store;
#[cfg(feature = "tower-sessions")]
mod tower;
mod update;
mod value;

#[cfg(feature = "redis")]
pub use self::redis::{InvalidStoreUrl, RedisStore};
#[cfg(feature = "tower-sessions")]
pub use self::tower::TowerStore;
pub use self::{
    config::SessionConfig,
    cookie_store::{CookieSecret, CookieStore, WeakSecret},
    error::{SessionError, StoreError},
    expiry::Expiry,
    herald::Herald,
    key::{InvalidKey, SessionKey},
    memory::MemoryStore,
    middleware::Sessions,
    revision::{Revision, Stored},
    session::Session,
    store::{DynSessionStore, Saved, SessionData, SessionStore},
};
