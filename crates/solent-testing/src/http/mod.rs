//! Tests of HTTP applications.

mod communicator;
mod file;
mod response;
mod rules;

pub(crate) use self::response::read;
pub use self::{communicator::HttpCommunicator, response::TestResponse};
