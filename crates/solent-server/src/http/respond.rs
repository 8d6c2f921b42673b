//! Responses of the server's own.

use http::{HeaderValue, Response, StatusCode, header};
use solent_spec::{Body, http::plain_text};

/// A short response that says its status in words.
pub(crate) fn error_response(status: StatusCode) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or("Error");
    let mut response = plain_text(status, format!("{reason}\n"));
    if closes(status) {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A refusal that holds for a moment only: the request may be sent again.
pub(crate) fn retry_response(status: StatusCode) -> Response<Body> {
    const LATER: HeaderValue = HeaderValue::from_static("5");
    let mut response = closing(error_response(status));
    response.headers_mut().insert(header::RETRY_AFTER, LATER);
    response
}

/// A response after which the connection ends.
pub(super) fn closing<B>(mut response: Response<B>) -> Response<B> {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// After a refusal that leaves the rest of the request unread, or in doubt, the connection is of no more use.
fn closes(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::URI_TOO_LONG
            | StatusCode::NOT_IMPLEMENTED
    )
}
