//! Where key sets come from.

use std::{future::Future, time::Duration};

use solent_spec::{BoxError, BoxFuture};

use super::KeySet;

/// Fetches the keys that an issuer signs with now.
///
/// How is yours to choose: the HTTP client that the program has already, a file, a secrets manager. An `async` closure that returns a
/// [`KeySet`] is a source.
///
/// ```
/// use solent_jwt::{KeySet, Keys};
/// # mod client { pub async fn get(_: &str) -> std::io::Result<String> { Ok(String::new()) } }
///
/// let keys = Keys::fetched(|| async {
///     let document = client::get("https://id.example.org/.well-known/jwks.json").await?;
///     Ok::<_, solent_spec::BoxError>(KeySet::parse(document)?)
/// });
/// ```
pub trait KeySource: Send + Sync + 'static {
    /// Fetches all keys. Called by one task at a time, no more often than the [settings](RotationConfig) say, and given up after their
    /// time-out.
    ///
    /// # Errors
    ///
    /// The keys cannot be had now. Those that were fetched before stay in use for a while.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at its time-out and with the last verifier that uses the source.
    fn fetch(&self) -> impl Future<Output = Result<KeySet, BoxError>> + Send;
}

impl<F, R, E> KeySource for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<KeySet, E>> + Send,
    E: Into<BoxError>,
{
    async fn fetch(&self) -> Result<KeySet, BoxError> {
        self().await.map_err(Into::into)
    }
}

/// When a key set is fetched anew.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct RotationConfig {
    /// How long to wait at least from one fetch to the next, whatever tokens ask for; a token that names an unknown key is refused
    /// meanwhile. Default: 30 seconds.
    pub min_interval: Duration,
    /// How old a set may get before it is fetched anew, so that keys that were withdrawn are forgotten. Default: ten minutes.
    pub max_age: Duration,
    /// How old a set may get where it cannot be fetched anew. After that every token is refused until it can. Default: one hour.
    pub keep: Duration,
    /// How long a fetch may take. Default: ten seconds.
    pub timeout: Duration,
}

impl Default for RotationConfig {
    fn default() -> Self {
        Self {
            min_interval: Duration::from_secs(30),
            max_age: Duration::from_secs(10 * 60),
            keep: Duration::from_secs(60 * 60),
            timeout: Duration::from_secs(10),
        }
    }
}

impl RotationConfig {
    /// Sets [`min_interval`](Self::min_interval).
    pub fn min_interval(mut self, interval: Duration) -> Self {
        self.min_interval = interval;
        self
    }

    /// Sets [`max_age`](Self::max_age).
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets [`keep`](Self::keep).
    pub fn keep(mut self, age: Duration) -> Self {
        self.keep = age;
        self
    }

    /// Sets [`timeout`](Self::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// A source whose type is forgotten.
pub(super) trait DynKeySource: Send + Sync {
    fn fetch(self: std::sync::Arc<Self>) -> BoxFuture<Result<KeySet, BoxError>>;
}

impl<S: KeySource> DynKeySource for S {
    fn fetch(self: std::sync::Arc<Self>) -> BoxFuture<Result<KeySet, BoxError>> {
        Box::pin(async move { KeySource::fetch(&*self).await })
    }
}
