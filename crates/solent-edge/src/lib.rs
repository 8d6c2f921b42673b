//! What a request says of itself before its user is known, and whether that is believed: middleware for HTTP and WebSockets alike.
//!
//! ```
//! use solent_edge::{AllowedHosts, ConnectRate, Origins, Rate, TrustedProxies};
//! use solent_spec::{Application, Connection, Result, WebSocket};
//!
//! async fn chat(_: Connection<WebSocket>) -> Result {
//!     Ok(())
//! }
//!
//! # fn main() -> Result {
//! // The last one sees a request first.
//! let chat = chat
//!     .inside(&Origins::same_host())
//!     .inside(&AllowedHosts::new(["chat.example.org"])?)
//!     .inside(&ConnectRate::new(Rate::per_second(10)))
//!     .inside(&TrustedProxies::new(["10.0.0.0/8"])?);
//! # let _ = chat;
//! # Ok(())
//! # }
//! ```
//!
//! # Which pages may use a login?
//!
//! A browser sends its cookies along with what any page asks for. [`Origins`] says which pages may open a WebSocket, and
//! [`CrossSite`] which may send requests that change something. [`Csrf`] does the latter by tokens, as Django does.
//!
//! # Who is the client, behind a proxy?
//!
//! [`TrustedProxies`] believes what your proxies say of address, host and scheme, and nothing of what others say. [`AllowedHosts`]
//! refuses requests for hosts that are not yours.
//!
//! # How much may one client ask for?
//!
//! [`ConnectRate`] limits requests and handshakes by address, [`MessageRate`] the messages of a socket, a user or an address.
//!
//! # How is a refusal seen?
//!
//! The client gets a status and a line of text. The log gets the reason and what to change if the request was yours, at most one
//! such line a second.

mod csrf;
mod gate;
mod host;
mod origin;
mod proxy;
mod rate;
mod url;

pub use self::{
    csrf::{CrossSite, Csrf, CsrfConfig, CsrfError, CsrfScope, CsrfToken, form_field},
    host::AllowedHosts,
    origin::Origins,
    proxy::{ProxyConfig, ProxyHeaders, TrustedProxies},
    rate::{ConnectRate, MessageRate, Rate},
    url::InvalidPattern,
};
