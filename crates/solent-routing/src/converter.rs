//! What a part of a path may be.

use std::{fmt, sync::Arc};

use regex::Regex;

/// A kind of path parameter of your own, beside those that every router knows.
///
/// | name | takes |
/// |---|---|
/// | `str` | one or more characters but `/`; the default |
/// | `int` | ASCII digits, as many as you like |
/// | `slug` | ASCII letters, digits, `-` and `_` |
/// | `uuid` | a UUID in lower case with hyphens |
/// | `path` | one or more characters, `/` among them |
/// | `u32`, `u64` | an `int` that is not too big for the type; not in Django |
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
/// let router = Router::<Http>::builder()
///     .converter("year", Year)
///     .converter("lang", "de|en|fr")
///     .route("<lang:language>/articles/<year:when>/", show)
///     .build()?;
///
/// assert!(router.resolve("/en/articles/1999/").is_some());
/// assert!(router.resolve("/en/articles/1899/").is_none());
/// # Ok::<(), solent_routing::RouteError>(())
/// ```
pub trait Converter: Send + Sync + 'static {
    /// The text it matches, as a regular expression without anchors and named groups.
    fn regex(&self) -> &str;

    /// Whether text that matches is really one. If not, the route does not match.
    fn accepts(&self, text: &str) -> bool {
        let _ = text;
        true
    }
}

/// Everything that matches a regular expression.
impl Converter for &'static str {
    fn regex(&self) -> &str {
        self
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
    U32,
    U64,
    Custom(Arc<Custom>),
}

/// A converter of the user's own.
pub(crate) struct Custom {
    converter: Box<dyn Converter>,
    /// What matches a value and nothing else.
    whole: Regex,
}

impl Kind {
    /// The converters that every router knows.
    pub(crate) fn built_in(name: &str) -> Option<Self> {
        Some(match name {
            "str" => Self::Str,
            "int" => Self::Int,
            "slug" => Self::Slug,
            "uuid" => Self::Uuid,
            "path" => Self::Path,
            "u32" => Self::U32,
            "u64" => Self::U64,
            _ => return None,
        })
    }

    /// A converter of the user's own, if its regular expression is one.
    pub(crate) fn custom(converter: impl Converter) -> Result<Self, Box<regex::Error>> {
        let whole = Regex::new(&format!(r"\A(?:{})\z", converter.regex()))?;
        let converter = Box::new(converter);
        Ok(Self::Custom(Arc::new(Custom { converter, whole })))
    }

    pub(crate) fn regex(&self) -> &str {
        match self {
            Self::Str => "[^/]+",
            Self::Int | Self::U32 | Self::U64 => "[0-9]+",
            Self::Slug => "[-a-zA-Z0-9_]+",
            Self::Uuid => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            Self::Path => ".+",
            Self::Custom(custom) => custom.converter.regex(),
        }
    }

    /// Whether a byte can be part of a value, for kinds that are any number of such bytes.
    pub(crate) fn class(&self) -> Option<fn(u8) -> bool> {
        match self {
            Self::Str => Some(|byte| byte != b'/'),
            Self::Int | Self::U32 | Self::U64 => Some(|byte| byte.is_ascii_digit()),
            Self::Slug => Some(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
            // As in Django, whose `.+` stops at a line break.
            Self::Path => Some(|byte| byte != b'\n'),
            Self::Uuid | Self::Custom(_) => None,
        }
    }

    /// Whether a value stays within one segment of a path.
    pub(crate) fn is_within_segment(&self) -> bool {
        !matches!(self, Self::Path | Self::Custom(_))
    }

    /// Whether text that [`regex`](Self::regex) matches is a value.
    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::U32 => text.parse::<u32>().is_ok(),
            Self::U64 => text.parse::<u64>().is_ok(),
            Self::Custom(custom) => custom.converter.accepts(text),
            Self::Str | Self::Int | Self::Slug | Self::Uuid | Self::Path => true,
        }
    }

    /// The length of the longest value that `text` begins with. `None` as well for a converter that cannot tell.
    pub(crate) fn scan(&self, text: &str) -> Option<usize> {
        let len = match self.class() {
            Some(class) => {
                let end = text.bytes().position(|byte| !class(byte));
                end.unwrap_or(text.len())
            }
            None if matches!(self, Self::Uuid) => scan_uuid(text)?,
            None => return None,
        };
        (len > 0 && self.accepts(&text[..len])).then_some(len)
    }

    /// Whether `text` as a whole is a value.
    pub(crate) fn is_value(&self, text: &str) -> bool {
        match self {
            Self::Custom(custom) => custom.whole.is_match(text) && custom.converter.accepts(text),
            _ => self.scan(text) == Some(text.len()),
        }
    }
}

/// The canonical form: lower case, with hyphens.
fn scan_uuid(text: &str) -> Option<usize> {
    const LEN: usize = 36;
    let candidate = text.as_bytes().get(..LEN)?;
    let canonical = candidate.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    canonical.then_some(LEN)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.regex())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_that_do_not_fit_are_no_values() {
        assert!(Kind::U32.is_value("4294967295"));
        assert!(!Kind::U32.is_value("4294967296"));
        assert!(Kind::U64.is_value("00018446744073709551615"));
        assert!(!Kind::U64.is_value("18446744073709551616"));
        assert!(Kind::Int.is_value("18446744073709551616"));
    }

    #[test]
    fn custom_value_is_matched_as_a_whole() {
        let kind = Kind::custom("a|ab").unwrap();

        assert!(kind.is_value("ab") && !kind.is_value("abc") && !kind.is_value("xa"));
        assert!(Kind::custom("(").is_err());
    }

    proptest! {
        #[test]
        fn scan_finds_what_the_regular_expression_finds(
            text in "[-0-9a-f/_é\n]{0,12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-fA]{12}x?",
        ) {
            for kind in [Kind::Str, Kind::Int, Kind::Slug, Kind::Uuid, Kind::Path] {
                let regex = Regex::new(&format!(r"\A{}", kind.regex())).unwrap();
                let expected = regex.find(&text).map(|found| found.len());

                prop_assert_eq!(kind.scan(&text), expected, "{:?} in {:?}", kind, text);
            }
        }
    }
}
