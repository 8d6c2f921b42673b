//! The PROXY protocol: what a proxy says of its client before the client's own bytes.
//!
//! The source is "The PROXY protocol, versions 1 & 2", which comes with HAProxy.

mod config;
mod header;
mod introduce;
mod v1;
mod v2;

pub use self::config::ProxyProtocolConfig;
pub(crate) use self::introduce::introduce;
