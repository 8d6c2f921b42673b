//! Settings.

use std::time::Duration;

use http::HeaderName;
use solent_session::{SameSite, Secure, SetCookie};

/// Settings for [`Csrf`](crate::Csrf). Each default is Django's.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct CsrfConfig {
    /// The cookie that holds the secret. Default: `csrftoken`.
    pub cookie_name: String,
    /// How long browsers keep it. Default: 364 days.
    pub age: Duration,
    /// The path below which it is sent. Default: `/`.
    pub path: String,
    /// The domain whose hosts all get it. Default: none, only the host that set it.
    pub domain: Option<String>,
    /// Whether it is sent over encrypted connections only. Default: if it was set over one.
    pub secure: Secure,
    /// Whether scripts cannot read it. Default: they can, and copy the token into a header.
    pub http_only: bool,
    /// Whether it is sent along when other sites' pages make requests. Default: when a link is followed.
    pub same_site: SameSite,
    /// Whether the secret is kept in the session and not in a cookie of its own, as with Django's `CSRF_USE_SESSIONS`.
    /// [`Sessions`](solent_session::Sessions) then have to be around the [`Csrf`](crate::Csrf). Default: no.
    pub in_session: bool,
    /// The header that a script sends the token in. Default: `x-csrftoken`.
    pub header_name: HeaderName,
    /// The field that a form sends the token in. Default: `csrfmiddlewaretoken`.
    pub field_name: String,
    /// The bytes up to which the body of a URL-encoded form is read to find that field. Default: 64 KiB.
    pub form_limit: usize,
    /// Whether the forms that are not read, since they are longer or of another encoding, reach the application, which then
    /// has to [check](crate::CsrfToken::check) the field before it does anything. Default: no, they are refused.
    pub deferred: bool,
}

impl Default for CsrfConfig {
    fn default() -> Self {
        Self {
            cookie_name: "csrftoken".to_owned(),
            age: Duration::from_secs(364 * 24 * 60 * 60),
            path: "/".to_owned(),
            domain: None,
            secure: Secure::Auto,
            http_only: false,
            same_site: SameSite::Lax,
            in_session: false,
            header_name: HeaderName::from_static("x-csrftoken"),
            field_name: "csrfmiddlewaretoken".to_owned(),
            form_limit: 64 * 1024,
            deferred: false,
        }
    }
}

impl CsrfConfig {
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
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Sets [`in_session`](Self::in_session).
    pub fn in_session(mut self, in_session: bool) -> Self {
        self.in_session = in_session;
        self
    }

    /// Sets [`header_name`](Self::header_name).
    pub fn header_name(mut self, name: HeaderName) -> Self {
        self.header_name = name;
        self
    }

    /// Sets [`field_name`](Self::field_name).
    pub fn field_name(mut self, name: impl Into<String>) -> Self {
        self.field_name = name.into();
        self
    }

    /// Sets [`form_limit`](Self::form_limit).
    pub fn form_limit(mut self, bytes: usize) -> Self {
        self.form_limit = bytes;
        self
    }

    /// Sets [`deferred`](Self::deferred).
    pub fn deferred(mut self, deferred: bool) -> Self {
        self.deferred = deferred;
        self
    }

    pub(super) fn cookie(&self, value: String) -> SetCookie {
        SetCookie::new(&self.cookie_name, value)
            .max_age(self.age)
            .path(&*self.path)
            .domain(self.domain.as_deref())
            .secure(self.secure)
            .http_only(self.http_only)
            .same_site(self.same_site)
    }
}
