//! The responses that consumers answer with in a word.

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use solent_spec::{Body, Result, http::plain_text, json};

pub(super) fn html(page: impl Into<Body>) -> Response<Body> {
    typed("text/html; charset=utf-8", page)
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Response<Body>> {
    Ok(typed("application/json", json::to_vec(value)?))
}

pub(super) fn redirect(location: &str) -> Result<Response<Body>> {
    let mut response = status(StatusCode::SEE_OTHER);
    insert(&mut response, header::LOCATION, location.parse()?);
    Ok(response)
}

pub(super) fn status(status: StatusCode) -> Response<Body> {
    let may_have_body = !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED;
    let name = status.canonical_reason().filter(|_| may_have_body);
    if let Some(name) = name {
        return plain_text(status, format!("{name}\n"));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The answer to a request with a method that the consumer does not take; `None` if it takes it. It takes `HEAD` where it takes
/// `GET`, and everything if it names no methods.
pub(super) fn refused(methods: &[Method], method: &Method) -> Option<Response<Body>> {
    let asked = match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    };
    if methods.is_empty() || methods.contains(method) || methods.contains(asked) {
        return None;
    }
    let mut allowed: Vec<_> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
        allowed.push("HEAD");
    }
    let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
    if let Ok(allowed) = allowed.join(", ").parse() {
        insert(&mut response, header::ALLOW, allowed);
    }
    Some(response)
}

fn typed(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    let value = HeaderValue::from_static(content_type);
    insert(&mut response, header::CONTENT_TYPE, value);
    response
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}
