//! A cookie that a browser is to keep, or to forget.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::HeaderValue;

use super::{CookieError, SameSite, Secure, quote::quote};

/// A cookie to be set.
///
/// Unless told otherwise it is for the whole site (`Path=/`) and until the browser closes, invisible to scripts
/// (`HttpOnly`), not sent along when other sites' pages make requests (`SameSite=Lax`), and over encrypted connections only if it was
/// set over one.
///
/// ```
/// use std::time::Duration;
///
/// use solent_session::SetCookie;
///
/// let theme = SetCookie::new("theme", "dark")
///     .max_age(Duration::from_secs(86_400))
///     .http_only(false);
/// # let _ = theme;
/// ```
///
/// A value may hold any characters up to U+00FF; where they are more than letters, digits and a few signs it is written in quotes,
/// as Python does, which [`Cookies`](crate::Cookies) and Django read.
#[derive(Clone)]
#[must_use = "a cookie is set by a `CookieJar`"]
pub struct SetCookie {
    name: String,
    value: String,
    lifetime: Lifetime,
    path: Option<String>,
    domain: Option<String>,
    secure: Secure,
    http_only: bool,
    same_site: Option<SameSite>,
}

#[derive(Clone, Copy, Debug)]
enum Lifetime {
    /// Until the browser closes.
    Browser,
    MaxAge(Duration),
    Expires(SystemTime),
}

impl SetCookie {
    /// A cookie with the defaults above.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            lifetime: Lifetime::Browser,
            path: Some("/".to_owned()),
            domain: None,
            secure: Secure::Auto,
            http_only: true,
            same_site: Some(SameSite::Lax),
        }
    }

    /// Makes browsers forget a cookie. Path and domain have to be those that it was set with.
    pub fn removal(name: impl Into<String>) -> Self {
        Self::new(name, "").max_age(Duration::ZERO)
    }

    /// Sets how long the cookie is kept, to the second, as `Max-Age` and `expires`. In place of
    /// [`expires`](Self::expires).
    pub fn max_age(mut self, age: Duration) -> Self {
        self.lifetime = Lifetime::MaxAge(age);
        self
    }

    /// Sets when the cookie is forgotten, to the second. In place of [`max_age`](Self::max_age).
    pub fn expires(mut self, at: SystemTime) -> Self {
        self.lifetime = Lifetime::Expires(at);
        self
    }

    /// Sets the path below which the cookie is sent; with `None` that is where it was set.
    pub fn path<'a>(mut self, path: impl Into<Option<&'a str>>) -> Self {
        self.path = path.into().map(str::to_owned);
        self
    }

    /// Sets the domain whose hosts all get the cookie; with `None` only the one that set it does.
    pub fn domain<'a>(mut self, domain: impl Into<Option<&'a str>>) -> Self {
        self.domain = domain.into().map(str::to_owned);
        self
    }

    /// Sets whether the cookie is sent over encrypted connections only.
    pub fn secure(mut self, secure: Secure) -> Self {
        self.secure = secure;
        self
    }

    /// Sets whether the cookie is hidden from scripts.
    pub fn http_only(mut self, hidden: bool) -> Self {
        self.http_only = hidden;
        self
    }

    /// Sets what happens when other sites' pages make requests; with `None` the browser decides.
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Whether setting both would leave one.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        self.name == other.name && self.path == other.path && self.domain == other.domain
    }

    /// The value of a `Set-Cookie` header, sent at `now` over a connection that is encrypted, or is not.
    ///
    /// # Errors
    ///
    /// Characters that a header cannot hold.
    pub(crate) fn header(
        &self,
        encrypted: bool,
        now: SystemTime,
    ) -> Result<HeaderValue, CookieError> {
        if !is_token(&self.name) {
            return Err(CookieError::Name);
        }
        let value = quote(&self.value).ok_or(CookieError::Value)?;
        let attributes = Attributes {
            cookie: self,
            encrypted,
            now,
        };
        // The value is ASCII by now, the attributes are checked here.
        let mut header = HeaderValue::try_from(format!("{}={value}{attributes}", self.name))
            .ok()
            .filter(|_| self.has_sound_attributes())
            .ok_or(CookieError::Attribute)?;
        // It may be a credential, which headers are not to print.
        header.set_sensitive(true);
        Ok(header)
    }

    fn has_sound_attributes(&self) -> bool {
        let mut attributes = self.path.iter().chain(&self.domain);
        attributes.all(|text| text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b';'))
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be a credential.
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("lifetime", &self.lifetime)
            .field("path", &self.path)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

/// What follows name and value, in the order of Python's `http.cookies`.
struct Attributes<'a> {
    cookie: &'a SetCookie,
    encrypted: bool,
    now: SystemTime,
}

impl fmt::Display for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cookie = self.cookie;
        let (expires, max_age) = match cookie.lifetime {
            Lifetime::Browser => (None, None),
            // A date that browsers with a wrong clock also take for the past.
            Lifetime::MaxAge(Duration::ZERO) => (Some(SystemTime::UNIX_EPOCH), Some(0)),
            Lifetime::MaxAge(age) => (
                Some(self.now.checked_add(age).unwrap_or(last_date())),
                Some(age.as_secs()),
            ),
            Lifetime::Expires(at) => (Some(at), None),
        };
        if let Some(domain) = &cookie.domain {
            write!(f, "; Domain={domain}")?;
        }
        if let Some(at) = expires {
            let at = at.clamp(SystemTime::UNIX_EPOCH, last_date());
            write!(f, "; expires={}", httpdate::fmt_http_date(at))?;
        }
        if cookie.http_only {
            f.write_str("; HttpOnly")?;
        }
        if let Some(seconds) = max_age {
            write!(f, "; Max-Age={seconds}")?;
        }
        if let Some(path) = &cookie.path {
            write!(f, "; Path={path}")?;
        }
        if let Some(same_site) = cookie.same_site {
            write!(f, "; SameSite={}", same_site.as_str())?;
        }
        if cookie.secure.on(self.encrypted) {
            f.write_str("; Secure")?;
        }
        Ok(())
    }
}

/// The last second that an HTTP date can name.
fn last_date() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799)
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const VECTORS: &str = include_str!("../../tests/it/vectors/cookie_vectors.json");

    fn frozen() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn header(cookie: &SetCookie) -> String {
        let header = cookie.header(false, frozen()).unwrap();
        header.to_str().unwrap().to_owned()
    }

    #[test]
    fn values_are_written_as_python_writes_them() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        for case in vectors["simple_cookie_value"].as_array().unwrap() {
            let cookie = SetCookie::new("k", case["value"].as_str().unwrap())
                .http_only(false)
                .path(None)
                .same_site(None);

            assert_eq!(header(&cookie), case["output"].as_str().unwrap());
        }
    }

    #[test]
    fn attributes_are_written_as_channels_writes_them() {
        let session =
            || SetCookie::new("sessionid", "<KEY>").max_age(Duration::from_secs(1_209_600));
        let new_year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
        let cookies = [
            session(),
            SetCookie::new("sessionid", "<KEY>"),
            SetCookie::removal("sessionid").http_only(false),
            session()
                .domain(".example.com")
                .secure(Secure::Always)
                .http_only(false),
            SetCookie::new("k", "v")
                .max_age(Duration::from_secs(10))
                .secure(Secure::Always)
                .same_site(SameSite::None)
                .domain("d.com")
                .path("/p"),
            SetCookie::new("k", "v")
                .expires(new_year)
                .http_only(false)
                .same_site(None)
                .path(None),
            SetCookie::new("Testing-Key", "testing-value").http_only(false),
        ];
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let cases = vectors["channels_set_cookie"]["cases"].as_array().unwrap();
        assert_eq!(cases.len(), cookies.len());
        for (case, cookie) in cases.iter().zip(&cookies) {
            // Channels' removal has the date of an older form, its tests a day of the week that was not, and its key (which
            // stands for 32 characters) needs no quotes.
            let wanted = case["value"]
                .as_str()
                .unwrap()
                .replace("01-Jan-1970", "01 Jan 1970")
                .replace("Thu, 01 Jan 2030", "Tue, 01 Jan 2030")
                .replace("SameSite=lax", "SameSite=Lax");
            let written = header(cookie).replace("\"<KEY>\"", "<KEY>");

            assert_eq!(written, wanted, "{}", case["case"]);
        }
    }

    #[test]
    fn cookies_are_secure_where_they_are_set_over_tls() {
        let cookie = SetCookie::new("k", "v");
        let never = cookie.clone().secure(Secure::Never);

        let on_tls = cookie.header(true, frozen()).unwrap();
        assert_eq!(on_tls, "k=v; HttpOnly; Path=/; SameSite=Lax; Secure");
        assert!(!header(&cookie).contains("Secure"));
        assert_eq!(never.header(true, frozen()).unwrap(), header(&cookie));
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_header() {
        let bad = [
            (SetCookie::new("", "v"), CookieError::Name),
            (SetCookie::new("a=b", "v"), CookieError::Name),
            (SetCookie::new("a\r\nx", "v"), CookieError::Name),
            (SetCookie::new("k", "\u{100}"), CookieError::Value),
            (
                SetCookie::new("k", "v").path("/; Secure"),
                CookieError::Attribute,
            ),
            (
                SetCookie::new("k", "v").domain("d\r\nx: y"),
                CookieError::Attribute,
            ),
            (SetCookie::new("k", "v").path("/é"), CookieError::Attribute),
        ];
        for (cookie, error) in bad {
            assert_eq!(cookie.header(false, frozen()), Err(error), "{cookie:?}");
        }
        assert_eq!(
            header(&SetCookie::new("k", "a\r\nb; c").http_only(false)),
            "k=\"a\\015\\012b\\073 c\"; Path=/; SameSite=Lax"
        );
    }

    #[test]
    fn dates_beyond_what_headers_can_say_are_clamped() {
        let far = SetCookie::new("k", "v").max_age(Duration::MAX);
        let past =
            SetCookie::new("k", "v").expires(SystemTime::UNIX_EPOCH - Duration::from_secs(1));

        assert!(header(&far).contains("expires=Fri, 31 Dec 9999 23:59:59 GMT"));
        assert!(header(&past).contains("expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    }

    #[test]
    fn debug_output_holds_no_value() {
        assert!(!format!("{:?}", SetCookie::new("k", "topsecret")).contains("topsecret"));
    }
}
