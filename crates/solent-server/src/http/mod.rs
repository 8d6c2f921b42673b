//! Requests and responses.

mod body;
mod budget;
mod check;
mod file;
mod host;
mod outgoing;
mod pace;
mod respond;
mod response_body;
mod service;

pub(crate) use self::{
    budget::{Budget, Over, Share},
    host::TaskHost,
    outgoing::{Fault, check_accept},
    respond::error_response,
    response_body::ResponseBody,
    service::HttpService,
};
