//! Consumers of HTTP requests.

mod answer;
mod body;
mod consumer;
mod context;
mod session;
mod sync;

pub use self::{
    consumer::HttpConsumer,
    context::HttpContext,
    session::Unfinished,
    sync::{BlockingHttp, SyncHttpConsumer, SyncHttpContext},
};
