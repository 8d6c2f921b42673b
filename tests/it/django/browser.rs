use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use crate::live::PATIENCE;

/// Somebody with a jar of cookies, which are for all ports of a host, as in a browser.
#[derive(Clone, Default)]
pub(super) struct Browser {
    pub(super) cookies: BTreeMap<String, String>,
}

/// An answer, as it came: nobody follows redirects.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Browser {
    pub(super) async fn get(&mut self, url: &str) -> Result<Page> {
        self.send(Request::get(url), "").await
    }

    /// What a page of JSON says.
    pub(super) async fn json(&mut self, url: &str) -> Result<Value> {
        let page = self.get(url).await?;
        ensure!(page.status == StatusCode::OK, "{url}: {}", page.status);
        Ok(serde_json::from_str(&page.body)?)
    }

    /// Sends JSON, to what asks for no token.
    pub(super) async fn post_json(&mut self, url: &str, value: &Value) -> Result<Page> {
        let request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
        self.send(request, &value.to_string()).await
    }

    /// Fills in the form that is on a page of Django's, and sends it.
    pub(super) async fn submit(&mut self, url: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let page = self.get(url).await?;
        let token = page
            .token()
            .with_context(|| format!("{url} has no form: {} {}", page.status, page.body))?;
        self.post(url, token, fields).await
    }

    /// Sends the fields of a form and its token.
    async fn post(&mut self, url: &str, token: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let fields = [&[("csrfmiddlewaretoken", token)], fields].concat();
        let form: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, origin(url)?);
        self.send(request, &form.join("&")).await
    }

    /// Logs in at `django`, whose address has no path; false if it refuses.
    pub(super) async fn login(&mut self, django: &str, name: &str, password: &str) -> Result<bool> {
        let fields = [("username", name), ("password", password)];
        let page = self.submit(&format!("{django}/login/"), &fields).await?;
        page.is_redirect()
    }

    /// Logs out, with the form that is on the first page; `quietly` says no word to sockets.
    pub(super) async fn logout(&mut self, django: &str, quietly: bool) -> Result<()> {
        let first = self.get(&format!("{django}/")).await?;
        let token = first.token().context("nobody is logged in")?;
        let fields: &[_] = if quietly { &[("quietly", "")] } else { &[] };
        let page = self
            .post(&format!("{django}/logout/"), token, fields)
            .await?;
        ensure!(page.is_redirect()?, "did not log out: {}", page.body);
        Ok(())
    }

    pub(super) async fn change_password(
        &mut self,
        django: &str,
        old: &str,
        new: &str,
    ) -> Result<()> {
        let fields = [
            ("old_password", old),
            ("new_password1", new),
            ("new_password2", new),
        ];
        let page = self.submit(&format!("{django}/password/"), &fields).await?;
        ensure!(page.is_redirect()?, "did not change: {}", page.body);
        Ok(())
    }

    /// The cookie that names the session, or is it.
    pub(super) fn session(&self) -> Option<&str> {
        self.cookies.get("sessionid").map(String::as_str)
    }

    /// The value of the header `cookie`; empty if there are none.
    pub(super) fn cookie_header(&self) -> String {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        cookies.join("; ")
    }

    async fn send(&mut self, request: http::request::Builder, body: &str) -> Result<Page> {
        let mut request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        let authority = request.uri().authority().context("no host")?.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, authority.as_str().parse()?);
        if !self.cookies.is_empty() {
            headers.insert(header::COOKIE, self.cookie_header().parse()?);
        }
        *request.uri_mut() = match request.uri().path_and_query() {
            Some(path) => path.as_str().parse()?,
            None => Uri::from_static("/"),
        };
        let page = timeout(PATIENCE, exchange(authority.as_str(), request)).await??;
        self.keep(&page.headers)?;
        Ok(page)
    }

    /// Keeps the cookies that are set, and drops those that are taken away.
    fn keep(&mut self, headers: &HeaderMap) -> Result<()> {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str()?;
            let (cookie, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = cookie.split_once('=').context("half a cookie")?;
            let is_over = |attribute: &str| attribute.trim().eq_ignore_ascii_case("max-age=0");
            if attributes.split(';').any(is_over) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }
}

impl Page {
    /// The line that sets a cookie.
    pub(super) fn set_cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .find(|line| line.split('=').next() == Some(name))
    }

    fn is_redirect(&self) -> Result<bool> {
        ensure!(
            self.status == StatusCode::OK || self.status == StatusCode::FOUND,
            "{}: {}",
            self.status,
            self.body
        );
        Ok(self.status == StatusCode::FOUND)
    }

    /// What proves that a form is answered by whom it was given to.
    fn token(&self) -> Option<&str> {
        let (_, rest) = self
            .body
            .split_once(r#"name="csrfmiddlewaretoken" value=""#)?;
        Some(rest.split_once('"')?.0)
    }
}

async fn exchange(authority: &str, request: Request<Full<Bytes>>) -> Result<Page> {
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        drop(sender);
        anyhow::Ok((head, body))
    };
    // The connection does the work, and ends when nobody can ask any more.
    let (answer, _) = tokio::join!(asking, connection);
    let (head, body) = answer?;
    Ok(Page {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.into())?,
    })
}

fn origin(url: &str) -> Result<String> {
    let url: Uri = url.parse()?;
    Ok(format!("http://{}", url.authority().context("no host")?))
}
