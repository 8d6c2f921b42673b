//! Requests that a page of another site made a browser send.

mod cross_site;

pub use self::cross_site::CrossSite;
