//! How sessions are kept and told to browsers.

use std::time::{Duration, SystemTime};

use super::{Expiry, SessionData, SessionKey};
use crate::cookie::{SameSite, Secure, SetCookie};

/// Settings for [`Sessions`](crate::Sessions).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct SessionConfig {
    /// The name of the cookie that holds the key. Default: `sessionid`.
    pub cookie_name: String,
    /// How long a session is kept after it was last saved, unless it has an [expiry](crate::Session::set_expiry) of its
    /// own. Default: 14 days.
    pub age: Duration,
    /// The path below which browsers send the cookie. Default: `/`.
    pub path: String,
    /// The domain whose hosts all get the cookie. Default: none, only the host that set it.
    pub domain: Option<String>,
    /// Whether browsers send the cookie over encrypted connections only. Default: if it was set over one.
    pub secure: Secure,
    /// Whether the cookie is hidden from scripts. Default: yes.
    pub http_only: bool,
    /// What happens when other sites' pages make requests; `None` leaves it to the browser. Default: [`SameSite::Lax`].
    pub same_site: Option<SameSite>,
    /// Whether browsers forget the cookie when they are closed. Default: no.
    pub expire_at_browser_close: bool,
    /// Whether sessions are read and saved by every request, changed or not, which renews them. Default: no.
    pub save_every_request: bool,
    /// Whether sessions are saved, and so renewed, by every request that looks into them. Default: no, only by those
    /// that change them.
    pub rolling: bool,
    /// Whether a session that [cannot be read](crate::SessionError::Unreadable) is replaced by what is set, as one that does
    /// not exist. Default: no, so that a wrong key here does not cost users the session that they have elsewhere.
    pub replace_unreadable: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            cookie_name: "sessionid".to_owned(),
            age: Duration::from_secs(14 * 24 * 60 * 60),
            path: "/".to_owned(),
            domain: None,
            secure: Secure::Auto,
            http_only: true,
            same_site: Some(SameSite::Lax),
            expire_at_browser_close: false,
            save_every_request: false,
            rolling: false,
            replace_unreadable: false,
        }
    }
}

impl SessionConfig {
    /// Sets [`cookie_name`](Self::cookie_name).
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// Sets [`age`](Self::age).
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets [`path`](Self::path).
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets [`domain`](Self::domain).
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets [`secure`](Self::secure).
    pub fn secure(mut self, secure: Secure) -> Self {
        self.secure = secure;
        self
    }

    /// Sets [`http_only`](Self::http_only).
    pub fn http_only(mut self, hidden: bool) -> Self {
        self.http_only = hidden;
        self
    }

    /// Sets [`same_site`](Self::same_site).
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Sets [`expire_at_browser_close`](Self::expire_at_browser_close).
    pub fn expire_at_browser_close(mut self, expire: bool) -> Self {
        self.expire_at_browser_close = expire;
        self
    }

    /// Sets [`save_every_request`](Self::save_every_request).
    pub fn save_every_request(mut self, save: bool) -> Self {
        self.save_every_request = save;
        self
    }

    /// Sets [`rolling`](Self::rolling).
    pub fn rolling(mut self, rolling: bool) -> Self {
        self.rolling = rolling;
        self
    }

    /// Sets [`replace_unreadable`](Self::replace_unreadable).
    pub fn replace_unreadable(mut self, replace: bool) -> Self {
        self.replace_unreadable = replace;
        self
    }

    /// When a session with this data expires.
    pub(super) fn expiry(&self, data: &SessionData) -> Expiry {
        Expiry::read(data).unwrap_or(if self.expire_at_browser_close {
            Expiry::BrowserClose
        } else {
            Expiry::After(self.age)
        })
    }

    /// Until when a store keeps a session with this data that is saved at `now`.
    pub(super) fn expires(&self, data: &SessionData, now: SystemTime) -> SystemTime {
        let after = |age| now.checked_add(age).unwrap_or_else(Expiry::never);
        let expires = match self.expiry(data) {
            Expiry::BrowserClose => after(self.age),
            Expiry::After(age) => after(age),
            Expiry::At(time) => time,
        };
        expires.min(Expiry::never())
    }

    /// The cookie that tells a browser its key.
    pub(super) fn cookie(
        &self,
        key: &SessionKey,
        data: &SessionData,
        now: SystemTime,
    ) -> SetCookie {
        let cookie = SetCookie::new(&self.cookie_name, key.as_str());
        self.with_attributes(match self.expiry(data) {
            Expiry::BrowserClose => cookie,
            Expiry::After(age) => cookie.max_age(age),
            Expiry::At(time) => cookie.max_age(time.duration_since(now).unwrap_or_default()),
        })
    }

    /// The cookie that makes a browser forget its key.
    pub(super) fn removal(&self) -> SetCookie {
        self.with_attributes(SetCookie::removal(&self.cookie_name))
    }

    fn with_attributes(&self, cookie: SetCookie) -> SetCookie {
        cookie
            .path(&*self.path)
            .domain(self.domain.as_deref())
            .secure(self.secure)
            .http_only(self.http_only)
            .same_site(self.same_site)
    }
}
