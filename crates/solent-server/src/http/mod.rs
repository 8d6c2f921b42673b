//! Requests and responses.

mod body;
mod check;
mod file;
mod host;
mod respond;
mod service;

pub(crate) use self::{
    body::ResponseBody, host::TaskHost, respond::error_response, service::HttpService,
};
