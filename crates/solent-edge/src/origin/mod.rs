//! Which pages may open a WebSocket.

mod header;
mod list;
mod pattern;
mod policy;
mod same_host;

pub use self::policy::Origins;
pub(crate) use self::{header::origin_of, list::OriginList, same_host::is_same_host};
