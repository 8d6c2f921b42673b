//! The response that needs no page.

use http::{HeaderValue, Response, StatusCode, header};

use crate::Body;

/// A response with plain text: what a refusal or a fault is answered with.
///
/// ```
/// use http::StatusCode;
/// use solent_spec::http::plain_text;
///
/// let response = plain_text(StatusCode::NOT_FOUND, "Not Found\n");
///
/// assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
/// ```
pub fn plain_text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
