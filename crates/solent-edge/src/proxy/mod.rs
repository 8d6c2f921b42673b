//! Proxies in front of the server, and what they tell of their clients.

mod config;
mod forwarded;
mod host;
mod node;
mod told;
mod trusted;
mod walk;
mod x_forwarded;

pub use self::{
    config::{ProxyConfig, ProxyHeaders},
    trusted::TrustedProxies,
};

#[cfg(test)]
mod tests;
