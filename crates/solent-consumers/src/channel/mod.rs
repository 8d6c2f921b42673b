//! Consumers of named channels, and the worker that runs them.

mod application;
mod consumer;
mod context;
mod session;
mod sync;
mod worker;

pub use self::{
    application::{ChannelApplication, channel_consumer},
    consumer::ChannelConsumer,
    context::ChannelContext,
    sync::{BlockingChannel, SyncChannelConsumer, SyncChannelContext, sync_channel_consumer},
    worker::{ChannelConfig, ChannelCounts, Worker, WorkerConfig, WorkerCounts, WorkerError},
};
