//! HTTP applications from `tower` services, and services from applications.
//!
//! An axum `Router`, or any other [`Service`](tower_service::Service) of HTTP requests, is an application once it is
//! wrapped in a [`ServiceApplication`]; any application is a service once it is wrapped in an
//! [`ApplicationService`]. Neither direction copies a body.

mod application;
mod request_body;
mod service;

pub use self::{
    application::ServiceApplication,
    service::{ApplicationService, ServiceFuture},
};
