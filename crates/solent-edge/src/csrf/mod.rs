//! Requests that a page of another site made a browser send.

mod config;
mod cross_site;
mod error;
mod form;
mod keeper;
mod middleware;
mod provenance;
mod secret;
mod token;
mod trusted;

pub use self::form::field as form_field;
pub use self::{
    config::CsrfConfig,
    cross_site::CrossSite,
    error::CsrfError,
    middleware::Csrf,
    token::{CsrfScope, CsrfToken},
};
