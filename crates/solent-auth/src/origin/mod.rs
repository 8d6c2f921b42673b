//! Which pages may open a WebSocket.

mod header;
mod list;
mod pattern;
mod policy;
mod same_host;
mod url;

pub use self::policy::Origins;
pub(crate) use self::{
    header::{excerpt, latin1, origin_of},
    list::OriginList,
    same_host::is_same_host,
    url::{Url, lower_case, split_authority},
};
