//! Tests of WebSocket applications.

mod answer;
mod communicator;
mod rules;
mod sink;

pub use self::{
    answer::{Accepted, Answer, Rejection},
    communicator::WebSocketCommunicator,
};
