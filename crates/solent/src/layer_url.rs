//! A channel layer, chosen on the command line or in the environment.

use std::{fmt, str::FromStr};

use solent_layer::DynLayer;

use crate::error::Error;

/// Where the channel layer of an application is: `memory:`, or, with the feature `redis`, one on Redis such as
/// `redis://localhost:6379/0?layer=pubsub`. What `--layer` and the environment variable `SOLENT_LAYER` are read as.
///
/// `Display` and `Debug` hide what may be secret: user and password, and options that are named like keys and passwords.
#[derive(Clone)]
pub struct LayerUrl {
    text: String,
    /// What it was given by: an option of the command line or a variable, if it was one of these.
    given_by: Option<&'static str>,
}

/// The schemes that [`layer_from_url`] knows, as they are named to people.
const SCHEMES: &[&str] = &[
    #[cfg(feature = "memory")]
    "memory:",
    #[cfg(feature = "redis")]
    "redis:",
    #[cfg(feature = "redis")]
    "rediss:",
    #[cfg(feature = "redis")]
    "redis+unix:",
    #[cfg(feature = "redis")]
    "unix:",
    #[cfg(feature = "redis")]
    "redis+sentinel:",
    #[cfg(feature = "redis")]
    "rediss+sentinel:",
    #[cfg(feature = "redis")]
    "redis+cluster:",
    #[cfg(feature = "redis")]
    "rediss+cluster:",
];

/// Makes the layer that a URL names.
///
/// This and [`SCHEMES`] are the one place that knows which layers there are.
pub(crate) fn layer_from_url(url: &LayerUrl) -> Result<DynLayer, Error> {
    match url.scheme() {
        #[cfg(feature = "memory")]
        "memory" => Ok(DynLayer::new(solent_layer_memory::MemoryLayer::default())),
        #[cfg(feature = "redis")]
        scheme if scheme.starts_with("redis") || scheme == "unix" => redis_layer(url),
        _ => Err(Error::LayerUrl(LayerUrlError::of(url.as_str()))),
    }
}

#[cfg(feature = "redis")]
fn redis_layer(url: &LayerUrl) -> Result<DynLayer, Error> {
    use solent_layer_redis::{RedisLayerKind, RedisLayerUrl, RedisPubSubLayer, RedisQueueLayer};

    let refused = |source: solent_layer_redis::ConfigError| Error::LayerSettings {
        url: url.named(),
        source: source.into(),
    };
    let url: RedisLayerUrl = url.as_str().parse().map_err(refused)?;
    match url.kind {
        RedisLayerKind::Queue => RedisQueueLayer::new(url.config).map(DynLayer::new),
        _ => RedisPubSubLayer::new(url.config).map(DynLayer::new),
    }
    .map_err(refused)
}

/// A URL does not name a channel layer. Its message shows the URL without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no channel layer has the URL {url:?}, use one that begins with {}{}",
    SCHEMES.join(" or "),
    if cfg!(feature = "redis") { "" } else { ", or build with the feature `redis`" }
)]
#[non_exhaustive]
pub struct LayerUrlError {
    /// The URL without its secrets.
    url: String,
}

impl LayerUrlError {
    fn of(text: &str) -> Self {
        let url = without_secrets(text);
        Self { url }
    }
}

impl LayerUrl {
    /// The whole URL. It may hold a password.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is before the first colon.
    pub fn scheme(&self) -> &str {
        self.text.split(':').next().unwrap_or_default()
    }

    /// Notes what it was given by, for what is told of it.
    pub(crate) fn given_by(mut self, option: &'static str) -> Self {
        self.given_by = Some(option);
        self
    }

    /// The URL without its secrets, and what it was given by.
    #[cfg(feature = "redis")]
    fn named(&self) -> String {
        match self.given_by {
            Some(option) => format!("{option}: channel layer {self}"),
            None => format!("channel layer {self}"),
        }
    }

    /// Whether the layer is within its process, so that no other process can reach it.
    pub fn is_local(&self) -> bool {
        self.scheme() == "memory"
    }
}

impl FromStr for LayerUrl {
    type Err = LayerUrlError;

    fn from_str(text: &str) -> Result<Self, LayerUrlError> {
        let text = text.trim();
        let known = SCHEMES.iter().any(|scheme| text.starts_with(scheme));
        if !known {
            return Err(LayerUrlError::of(text));
        }
        Ok(Self {
            text: text.to_owned(),
            given_by: None,
        })
    }
}

impl fmt::Display for LayerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secrets(&self.text))
    }
}

impl fmt::Debug for LayerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerUrl({self})")
    }
}

/// One URL, or several with whitespace between them, as they may be shown.
fn without_secrets(urls: &str) -> String {
    let urls: Vec<_> = urls.split_whitespace().map(hide_secrets).collect();
    urls.join(" ")
}

fn hide_secrets(url: &str) -> String {
    // Up to the last `@`, since a password that is not encoded may hold anything.
    let (shown, rest) = match url.rsplit_once('@') {
        Some((before, rest)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            let slashes = if scheme.is_empty() { "" } else { "://" };
            (format!("{scheme}{slashes}***@"), rest)
        }
        None => (String::new(), url),
    };
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let options: Vec<_> = options
        .split('&')
        .filter(|option| !option.is_empty())
        .map(hide_secret_option)
        .collect();
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{shown}{place}{mark}{}", options.join("&"))
}

fn hide_secret_option(option: &str) -> String {
    const SECRET: [&str; 5] = ["key", "pass", "secret", "token", "auth"];
    let name = option.split('=').next().unwrap_or_default();
    let lower = name.to_lowercase();
    if SECRET.iter().any(|word| lower.contains(word)) {
        format!("{name}=***")
    } else {
        option.to_owned()
    }
}

#[cfg(all(test, feature = "memory"))]
mod tests {
    use super::*;

    #[test]
    fn url_of_an_unknown_scheme_is_refused_with_the_known_ones() {
        let error = "carrier-pigeon://me:secret@dovecote".parse::<LayerUrl>();

        let error = error.unwrap_err().to_string();
        assert!(error.contains("memory:"), "{error}");
        assert!(error.contains("carrier-pigeon://***@dovecote"), "{error}");
    }

    #[test]
    fn url_is_shown_without_what_may_be_secret() {
        for (url, shown) in [
            ("memory:", "memory:"),
            ("memory://me:secret@here:1/0", "memory://***@here:1/0"),
            ("memory://:se@cr/e?t@here/0?a=1", "memory://***@here/0?a=1"),
            (
                "memory://h/0?layer=queue&encryption_key=secret&sentinel_password=secret",
                "memory://h/0?layer=queue&encryption_key=***&sentinel_password=***",
            ),
            (
                "memory://a:secret@b memory://c",
                "memory://***@b memory://c",
            ),
            ("memory:secret@here", "***@here"),
        ] {
            let url: LayerUrl = url.parse().unwrap();

            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("LayerUrl({shown})"));
            assert!(url.is_local());
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn url_that_cannot_be_used_is_told_with_where_it_was_given_and_why() {
        let url: LayerUrl = "redis://me:secret@here/0?capacity=0".parse().unwrap();

        let error = layer_from_url(&url.given_by("SOLENT_LAYER")).unwrap_err();

        let shown = format!("{error:?}");
        assert_eq!(
            shown,
            "SOLENT_LAYER: channel layer redis://***@here/0?capacity=0 cannot be used: \
             option `capacity` of the Redis URL must be 1 at least, or no message could be sent"
        );
    }
}
