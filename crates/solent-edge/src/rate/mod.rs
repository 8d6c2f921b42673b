//! How much one client may ask for.

mod bucket;
mod connect;
mod message;
mod quota;
mod table;

pub use self::{connect::ConnectRate, message::MessageRate, quota::Rate};

#[cfg(test)]
mod tests;
