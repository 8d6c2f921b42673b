//! A channel layer, chosen by whoever starts the application.

use std::{fmt, str::FromStr};

use solent_layer::DynLayer;

use crate::error::Error;

/// Where the channel layer of an application is: `memory:`, or, with the feature `redis`, one on Redis such as
/// `redis://localhost:6379/0?layer=pubsub`. What `--layer` and the environment variable `SOLENT_LAYER` are read as.
#[derive(Clone, PartialEq, Eq)]
pub struct LayerUrl(String);

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
        _ => Err(Error::LayerUrl(LayerUrlError)),
    }
}

#[cfg(feature = "redis")]
fn redis_layer(url: &LayerUrl) -> Result<DynLayer, Error> {
    use solent_layer_redis::{RedisLayerKind, RedisLayerUrl, RedisPubSubLayer, RedisQueueLayer};

    let refused = |error| Error::Layer(solent_layer::LayerError::Backend(Box::new(error)));
    let url: RedisLayerUrl = url.as_str().parse().map_err(refused)?;
    match url.kind {
        RedisLayerKind::Queue => RedisQueueLayer::new(url.config).map(DynLayer::new),
        _ => RedisPubSubLayer::new(url.config).map(DynLayer::new),
    }
    .map_err(refused)
}

/// A URL does not name a channel layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no channel layer has such a URL, use one that begins with {}{}",
    SCHEMES.join(" or "),
    if cfg!(feature = "redis") { "" } else { ", or build with the feature `redis`" }
)]
#[non_exhaustive]
pub struct LayerUrlError;

impl LayerUrl {
    /// The whole URL. It may hold a password.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is before the first colon.
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
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
        known.then(|| Self(text.to_owned())).ok_or(LayerUrlError)
    }
}

/// Shows the scheme only.
impl fmt::Debug for LayerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerUrl({}:…)", self.scheme())
    }
}

#[cfg(all(test, feature = "memory"))]
mod tests {
    use super::*;

    #[test]
    fn url_of_an_unknown_scheme_is_refused_with_the_known_ones() {
        let error = "carrier-pigeon://dovecote".parse::<LayerUrl>().unwrap_err();

        assert!(error.to_string().contains("memory:"), "{error}");
    }

    #[test]
    fn url_is_not_shown_whole() {
        let url = "memory://somebody:secret@here".parse::<LayerUrl>().unwrap();

        assert_eq!(format!("{url:?}"), "LayerUrl(memory:…)");
        assert!(url.is_local());
    }
}
