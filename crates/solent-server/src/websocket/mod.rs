//! WebSockets: the handshake, and the two halves of what follows.

mod bell;
mod engine;
mod flusher;
mod handshake;
mod input;
mod key;
mod outbox;
mod queue;
mod reader;
mod refusal;
mod task;
mod transport;
mod turn;
mod upgrade;

pub(crate) use self::{
    engine::Limits,
    flusher::Flushers,
    handshake::{Handshake, Outcome},
    key::{is_stripped, is_upgrade},
    outbox::Outbox,
    refusal::Refusal,
};
