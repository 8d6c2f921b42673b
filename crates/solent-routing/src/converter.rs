//! What a part of a path may be.

use std::{fmt, sync::Arc};

/// A kind of path parameter of your own, beside `str`, `int`, `slug`, `uuid` and `path`.
///
/// ```
/// use solent_routing::{Converter, Router};
/// use solent_spec::Http;
///
/// /// Four digits that can be a year.
/// struct Year;
///
/// impl Converter for Year {
///     fn regex(&self) -> &str {
///         "[0-9]{4}"
///     }
///
///     fn accepts(&self, text: &str) -> bool {
///         text >= "1970"
///     }
/// }
///
/// # async fn show(_: solent_spec::Connection<Http>) -> solent_spec::Result { Ok(()) }
/// let router = Router::<Http>::builder().converter("year", Year).route("articles/<year:when>/", show).build()?;
/// # Ok::<(), solent_routing::RouteError>(())
/// ```
pub trait Converter: Send + Sync + 'static {
    /// The text it matches, as a regular expression without anchors.
    fn regex(&self) -> &str;

    /// Whether text that matches is really one. If not, the route does not match.
    fn accepts(&self, text: &str) -> bool {
        let _ = text;
        true
    }
}

/// A converter as patterns hold it.
#[derive(Clone)]
pub(crate) enum Kind {
    Str,
    Int,
    Slug,
    Uuid,
    Path,
    Custom(Arc<dyn Converter>),
}

impl Kind {
    /// Django's own converters.
    pub(crate) fn built_in(name: &str) -> Option<Self> {
        Some(match name {
            "str" => Self::Str,
            "int" => Self::Int,
            "slug" => Self::Slug,
            "uuid" => Self::Uuid,
            "path" => Self::Path,
            _ => return None,
        })
    }

    pub(crate) fn regex(&self) -> &str {
        match self {
            Self::Str => "[^/]+",
            Self::Int => "[0-9]+",
            Self::Slug => "[-a-zA-Z0-9_]+",
            Self::Uuid => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            Self::Path => ".+",
            Self::Custom(converter) => converter.regex(),
        }
    }

    /// Whether one byte can be part of a value, for kinds that are any number of such bytes.
    pub(crate) fn class(&self) -> Option<fn(u8) -> bool> {
        match self {
            Self::Str => Some(|byte| byte != b'/'),
            Self::Int => Some(|byte| byte.is_ascii_digit()),
            Self::Slug => Some(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
            Self::Path => Some(|byte| byte != b'\n'),
            Self::Uuid | Self::Custom(_) => None,
        }
    }

    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Uuid => uuid::Uuid::try_parse(text).is_ok(),
            Self::Custom(converter) => converter.accepts(text),
            _ => true,
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.regex())
    }
}
