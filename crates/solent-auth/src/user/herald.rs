//! How other connections learn what has become of their session.

use solent_layer::DynLayer;
use solent_session::{Herald, SessionData, SessionKey};
use solent_spec::BoxFuture;

use super::{
    backends::{USER_ID, text},
    group::{Notice, tell},
    sealed_key,
};

/// Tells the user's group.
pub(super) struct GroupHerald(DynLayer);

impl GroupHerald {
    pub(super) fn new(layer: DynLayer) -> Self {
        Self(layer)
    }

    fn tell(&self, data: &SessionData, notice: Notice) -> BoxFuture<()> {
        let Some(id) = text(data, USER_ID).map(str::to_owned) else {
            // The client was anonymous, so no connection watches.
            return Box::pin(async {});
        };
        let layer = self.0.clone();
        Box::pin(async move {
            if let Err(error) = tell(&layer, &id, notice).await {
                tracing::warn!(target: "solent::auth", error = &error as &dyn std::error::Error, "could not tell a user's other connections what has become of their session, they will find out with their next check");
            }
        })
    }
}

impl Herald for GroupHerald {
    fn ended(&self, key: SessionKey, data: SessionData) -> BoxFuture<()> {
        let session = Some(key.fingerprint());
        self.tell(&data, Notice::Logout { session })
    }

    fn moved(&self, from: SessionKey, to: SessionKey, data: SessionData) -> BoxFuture<()> {
        let notice = Notice::Moved {
            session: from.fingerprint(),
            to: sealed_key::seal(&from, &to),
        };
        self.tell(&data, notice)
    }
}
