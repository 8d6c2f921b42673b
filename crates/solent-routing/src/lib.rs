//! Which application gets this connection: by protocol, by URL, by channel name.
//!
//! A [`Router`] matches the path of anything that begins with an HTTP request, in Django's path syntax or with regular
//! expressions. Routes are tried in the order in which they were added, and the first match wins; an index over their
//! literal beginnings keeps a look-up from growing with their number.
//!
//! ```
//! use solent_routing::Router;
//! use solent_spec::{Connection, Http, RequestScope, Result, http::Send};
//!
//! async fn room(mut connection: Connection<Http>) -> Result {
//!     let name: String = connection.scope().param("room")?;
//!     connection.send(Send::text(name)).await?;
//!     Ok(())
//! }
//!
//! let router = Router::<Http>::builder()
//!     .route("chat/<slug:room>/", room)
//!     .name("room")
//!     .route_regex(r"^archive/(?P<year>\d{4})/$", room)
//!     .build()?;
//!
//! assert_eq!(router.url_for("room", &[("room", "lobby")])?, "/chat/lobby/");
//! # Ok::<(), solent_spec::BoxError>(())
//! ```
//!
//! # The nouns
//!
//! - [`Router`] and its [`RouterBuilder`]: routes, nested routers, a fallback.
//! - [`Converter`]: what a part of a path may be, beside Django's `str`, `int`, `slug`, `uuid` and `path`.
//! - [`Protocols`]: one application for each protocol. [`ChannelRouter`]: one for each channel name.
//!
//! # What is not here
//!
//! No methods, no extractors, no responses but "not found": mount an HTTP framework for those.

mod channel;
mod converter;
mod error;
mod pattern;
mod protocols;
mod router;

pub use self::{
    channel::{ChannelRouter, NoApplication},
    converter::Converter,
    error::{RouteError, UrlError},
    protocols::Protocols,
    router::{Router, RouterBuilder},
};
