//! What can go wrong with a cookie to be set.

/// A cookie could not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is empty or holds more than letters, digits and ``!#$%&'*+-.^_`|~``.
    #[error("cookie name is empty or holds a character that names may not have")]
    Name,

    /// The value holds a character beyond U+00FF.
    #[error("cookie value holds a character beyond U+00FF, encode it, as Base64 for example")]
    Value,

    /// The path or the domain holds a control character, a semicolon, or something that is not ASCII.
    #[error("cookie path or domain holds a character that it may not have")]
    Attribute,

    /// The response has left. On a WebSocket that is the accept.
    #[error("response has left, set cookies before it (on a WebSocket: before the accept)")]
    Answered,
}
