//! Which application gets this connection: by protocol, by URL, by channel name.
//!
//! A [`Router`] matches the path of anything that begins with an HTTP request, in Django's path syntax or with regular
//! expressions. Routes are tried in the order in which they were added, and the first match wins; an index over their
//! segments keeps a look-up from growing with their number. Faulty patterns are errors when the router is built, and a
//! path that no route matches is a 404.
//!
//! ```
//! use serde::Deserialize;
//! use solent_routing::Router;
//! use solent_spec::{Connection, Http, RequestScope, Result, http::Outbound};
//!
//! #[derive(Deserialize)]
//! struct Place {
//!     version: u8,
//!     room: String,
//! }
//!
//! async fn room(mut connection: Connection<Http>) -> Result {
//!     let Place { version, room } = connection.scope().params()?;
//!     connection.send(Outbound::text(format!("{room}, version {version}"))).await?;
//!     Ok(())
//! }
//!
//! async fn archive(mut connection: Connection<Http>) -> Result {
//!     let year: u16 = connection.scope().param("year")?;
//!     connection.send(Outbound::text(year.to_string())).await?;
//!     Ok(())
//! }
//!
//! let api = Router::<Http>::builder()
//!     .route("chat/<slug:room>/", room)
//!     .name("room")
//!     .build()?;
//! let router = Router::builder()
//!     .nest("api/<int:version>/", api)
//!     .name("api")
//!     .route_regex(r"^archive/(?P<year>\d{4})/$", archive)
//!     .build()?;
//!
//! let url = router.url_for("api:room", &[("version", "2"), ("room", "lobby")])?;
//! let route = router.resolve(&url).ok_or("no route")?;
//!
//! assert_eq!(url, "/api/2/chat/lobby/");
//! assert_eq!(route.pattern(), "api/<int:version>/chat/<slug:room>/");
//! # Ok::<(), solent_spec::BoxError>(())
//! ```
//!
//! # What is in it?
//!
//! - [`Router`] and its [`RouterBuilder`]: routes, nested routers, mounted applications, a fallback.
//! - [`Converter`]: what a part of a path may be, beside Django's `str`, `int`, `slug`, `uuid` and `path`.
//! - [`UrlRoute`](solent_spec::request::UrlRoute): which route was taken and what it captured, in the scope.
//! - [`Protocols`]: one application for each protocol. [`ChannelRouter`]: one for each channel name.
//!
//! # How do routers nest?
//!
//! [`nest`](RouterBuilder::nest) makes the routes of a router part of another one: if none of them matches, the next
//! outer route is tried. [`wrap`](RouterBuilder::wrap) puts middleware round the applications and not round the router,
//! so that this stays so. What is [mounted](RouterBuilder::mount) is an application like any other: it has the last word.
//!
//! # What is not here?
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
