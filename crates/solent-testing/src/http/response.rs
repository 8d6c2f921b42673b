//! What an application answered.

use std::{future::poll_fn, pin::pin, str::Utf8Error};

use bytes::{Bytes, BytesMut};
use http::{Extensions, HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body as _;
use serde::de::DeserializeOwned;
use solent_spec::Body;

use crate::CommunicatorError;

/// A whole response.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TestResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, all pieces of it.
    pub body: Bytes,
    /// The trailers, all of them.
    pub trailers: HeaderMap,
    /// The `Link` fields of early hints.
    pub early_hints: Vec<HeaderValue>,
    /// The paths that were pushed.
    pub pushes: Vec<String>,
    /// What the application left for its tests, by type.
    pub debug: Extensions,
}

impl TestResponse {
    /// The first value of a header, if it is there and visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    ///
    /// # Errors
    ///
    /// A body that is not UTF-8.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.body)
    }

    /// The body read as JSON.
    ///
    /// # Errors
    ///
    /// A body that is no JSON, or not of the shape of `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Reads a response whose body may be a stream.
pub(crate) async fn read(response: Response<Body>) -> Result<TestResponse, CommunicatorError> {
    let (head, body) = response.into_parts();
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    let mut trailers = HeaderMap::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        match frame.map_err(CommunicatorError::unreadable)?.into_data() {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok(TestResponse {
        status: head.status,
        headers: head.headers,
        body: bytes.freeze(),
        trailers,
        ..TestResponse::default()
    })
}
