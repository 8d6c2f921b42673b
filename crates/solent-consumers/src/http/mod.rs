//! Consumers of HTTP requests.

mod application;
mod body;
mod consumer;
mod context;
mod session;
mod sync;

pub use self::{
    application::{HttpApplication, http_consumer},
    consumer::HttpConsumer,
    context::HttpContext,
    session::Unfinished,
    sync::{BlockingHttp, SyncHttpConsumer, SyncHttpContext, sync_http_consumer},
};
