//! Consumers of named channels, and the worker that runs them.

mod consumer;
mod context;
mod session;
mod sync;
mod worker;

pub use self::{
    consumer::ChannelConsumer,
    context::ChannelContext,
    sync::{BlockingChannel, SyncChannelConsumer, SyncChannelContext},
    worker::{ChannelConfig, ChannelCounts, Worker, WorkerConfig, WorkerCounts, WorkerError},
};
