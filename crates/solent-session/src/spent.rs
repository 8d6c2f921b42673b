//! What may be used once by all processes together.

use std::{fmt, sync::Arc, time::SystemTime};

use solent_spec::BoxFuture;

use crate::StoreError;

/// Remembers what was used, for all processes that share it: [`RedisStore`](crate::RedisStore) does, or a table of your own.
///
/// # Cancel safety
///
/// A dropped future may or may not have noted the use.
pub trait Spent: Send + Sync + 'static {
    /// Notes that `name` is used, and remembers it until `until`. `false` if it was used before. Of any number of calls at the
    /// same time, one is the first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if that cannot be told.
    fn spend(
        &self,
        name: &str,
        until: SystemTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Any [`Spent`]. Cheap to clone.
#[derive(Clone)]
pub struct DynSpent(Arc<dyn Erased>);

impl DynSpent {
    /// Forgets the type of `spent`.
    pub fn new(spent: impl Spent) -> Self {
        Self(Arc::new(spent))
    }

    /// Notes that `name` is used; see [`Spent::spend`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn spend(&self, name: String, until: SystemTime) -> Result<bool, StoreError> {
        Arc::clone(&self.0).spend(name, until).await
    }
}

trait Erased: Send + Sync {
    fn spend(
        self: Arc<Self>,
        name: String,
        until: SystemTime,
    ) -> BoxFuture<Result<bool, StoreError>>;
}

impl<S: Spent> Erased for S {
    fn spend(
        self: Arc<Self>,
        name: String,
        until: SystemTime,
    ) -> BoxFuture<Result<bool, StoreError>> {
        Box::pin(async move { Spent::spend(&*self, &name, until).await })
    }
}

impl fmt::Debug for DynSpent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spent")
    }
}
