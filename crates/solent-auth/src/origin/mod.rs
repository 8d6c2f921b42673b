//! Which pages may open a WebSocket.

mod header;
mod pattern;
mod policy;
mod same_host;
mod url;

pub use self::policy::Origins;
