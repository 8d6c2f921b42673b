//! Who is told what becomes of sessions.

use solent_spec::BoxFuture;

use super::{SessionData, SessionKey};

/// Tells other connections what has become of the session that they came with.
pub trait Herald: Send + Sync + 'static {
    /// The session of `key`, which had `data`, has been ended.
    fn ended(&self, key: SessionKey, data: SessionData) -> BoxFuture<()>;

    /// The session of `from` has the key `to` from now on, and has `data`.
    fn moved(&self, from: SessionKey, to: SessionKey, data: SessionData) -> BoxFuture<()>;
}
