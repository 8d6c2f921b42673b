//! The keys that a verifier knows now.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use solent_spec::Chain;
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout},
};

use super::{Key, KeySet, KeySource, RotationConfig, key_source::DynKeySource};

/// The keys of an issuer: a set that stays as it is, or one that is fetched as it is needed.
pub struct Keys(Kind);

enum Kind {
    Fixed(KeySet),
    Fetched(Fetched),
}

/// There are no keys to verify a token with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no keys to verify tokens with, the key source has failed")]
pub struct NoKeys;

impl Keys {
    /// Keys that `source` fetches: when the first token comes, when a token names a key that is unknown, and when the set has become
    /// old. Tokens that come meanwhile share one fetch.
    pub fn fetched(source: impl KeySource) -> Self {
        Self::fetched_with(source, RotationConfig::default())
    }

    /// The same with settings.
    pub fn fetched_with(source: impl KeySource, config: RotationConfig) -> Self {
        Self(Kind::Fetched(Fetched(Arc::new(Shared {
            source: Arc::new(source),
            config,
            state: Mutex::default(),
        }))))
    }

    /// The set for a token that names the key `id`, fetched if need be.
    ///
    /// # Errors
    ///
    /// The source has never answered, or not for too long.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a fetch that has begun goes on for the others that wait for it.
    pub(super) async fn for_token(&self, id: Option<&str>) -> Result<KeySet, NoKeys> {
        match &self.0 {
            Kind::Fixed(keys) => Ok(keys.clone()),
            Kind::Fetched(fetched) => fetched.for_token(id).await,
        }
    }
}

impl<T: Into<KeySet>> From<T> for Keys {
    fn from(keys: T) -> Self {
        Self(Kind::Fixed(keys.into()))
    }
}

impl FromIterator<Key> for Keys {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        KeySet::from_iter(keys).into()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fetched, set) = match &self.0 {
            Kind::Fixed(keys) => (false, Some(keys.clone())),
            Kind::Fetched(fetched) => (
                true,
                fetched.0.state.lock().current.clone().map(|(keys, _)| keys),
            ),
        };
        f.debug_struct("Keys")
            .field("fetched", &fetched)
            .field("set", &set)
            .finish()
    }
}

/// Owns the fetch that is under way.
struct Fetched(Arc<Shared>);

struct Shared {
    source: Arc<dyn DynKeySource>,
    config: RotationConfig,
    /// Held for a few instructions, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last set that was fetched, and when.
    current: Option<(KeySet, Instant)>,
    /// When the last fetch began, whatever came of it.
    begun: Option<Instant>,
    /// The fetch that is under way: its end is seen here.
    under_way: Option<(watch::Receiver<()>, AbortHandle)>,
}

impl Fetched {
    async fn for_token(&self, id: Option<&str>) -> Result<KeySet, NoKeys> {
        if !self.0.serves(id)
            && let Some(mut end) = self.begin()
        {
            // The sender is dropped at the end, which is all that is waited for.
            while end.changed().await.is_ok() {}
        }
        self.0.usable().ok_or(NoKeys)
    }

    /// Begins a fetch, or joins the one that is under way. `None` if it is too early for another one.
    fn begin(&self) -> Option<watch::Receiver<()>> {
        let mut state = self.0.state.lock();
        // One whose sender is gone has ended without a word: its source has panicked.
        if let Some((end, _)) = &state.under_way
            && end.has_changed().is_ok()
        {
            return Some(end.clone());
        }
        let now = Instant::now();
        if let Some(begun) = state.begun
            && now.duration_since(begun) < self.0.config.min_interval
        {
            return None;
        }
        state.begun = Some(now);
        let (done, end) = watch::channel(());
        // A task of its own, which a client that leaves does not cancel: else clients that come and go could ask again and again.
        let task = tokio::spawn(Arc::clone(&self.0).fetch(done));
        state.under_way = Some((end.clone(), task.abort_handle()));
        Some(end)
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        if let Some((_, task)) = self.0.state.lock().under_way.take() {
            task.abort();
        }
    }
}

impl Shared {
    /// Whether no fetch is needed for a token that names the key `id`.
    fn serves(&self, id: Option<&str>) -> bool {
        match &self.state.lock().current {
            Some((keys, at)) => {
                at.elapsed() < self.config.max_age && id.is_none_or(|id| keys.settles(id))
            }
            None => false,
        }
    }

    fn usable(&self) -> Option<KeySet> {
        let state = self.state.lock();
        let (keys, at) = state.current.as_ref()?;
        (at.elapsed() < self.config.keep.max(self.config.max_age)).then(|| keys.clone())
    }

    async fn fetch(self: Arc<Self>, done: watch::Sender<()>) {
        let fetched = timeout(self.config.timeout, Arc::clone(&self.source).fetch()).await;
        let mut state = self.state.lock();
        match fetched {
            Ok(Ok(keys)) => {
                tracing::debug!(target: "solent::auth", keys = keys.len(), "key set fetched");
                state.current = Some((keys, Instant::now()));
            }
            Ok(Err(error)) => {
                tracing::warn!(target: "solent::auth", error = %Chain(&*error), "key set cannot be fetched");
            }
            Err(_) => {
                tracing::warn!(target: "solent::auth", timeout = ?self.config.timeout, "key source does not answer");
            }
        }
        state.under_way = None;
        drop(state);
        drop(done);
    }
}
