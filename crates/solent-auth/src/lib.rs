//! Who is there: cookies, sessions, users, tokens, origins and limits, as middleware for HTTP and WebSocket alike.

mod cookie;
mod csrf;
mod gate;
mod guard;
mod host;
mod origin;
mod permission;
mod proxy;
mod rate;
mod response;
mod scope;
mod session;
mod stack;
mod ticket;
mod token;
mod user;

#[cfg(feature = "passwords")]
pub mod passwords;

pub use self::cookie::{CookieError, CookieJar, Cookies, SameSite, Secure, SetCookie};
pub use self::csrf::{CrossSite, Csrf, CsrfConfig, CsrfError, CsrfScope, CsrfToken};
pub use self::host::AllowedHosts;
pub use self::origin::Origins;
pub use self::permission::{
    And, Asked, Authenticated, Check, Not, Or, Permission, Require, authenticated, permission,
    require,
};
pub use self::proxy::{ProxyConfig, ProxyHeaders, TrustedProxies};
pub use self::rate::{ConnectRate, MessageRate, Rate};
pub use self::scope::{AuthScope, NotInScope};
#[cfg(feature = "tower-sessions")]
pub use self::session::TowerStore;
pub use self::session::{
    CookieSecret, CookieStore, DynSessionStore, Expiry, InvalidKey, MemoryStore, Saved, Session,
    SessionConfig, SessionData, SessionError, SessionKey, SessionStore, Sessions, StoreError,
    WeakSecret,
};
#[cfg(feature = "redis")]
pub use self::session::{InvalidStoreUrl, RedisStore};
pub use self::stack::{AuthConfig, AuthStack, OnFailure};
pub use self::ticket::{Ticket, Tickets};
#[cfg(feature = "jwt")]
pub use self::token::jwt;
pub use self::user::{
    Auth, AuthError, AuthUser, Authenticate, BackendError, HashCheck, Identity, UserBackend,
    check_user, close_user, user_group,
};
