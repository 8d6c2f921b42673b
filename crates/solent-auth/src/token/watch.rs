//! What ends a connection when its token does.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Credential, TokenConfig,
    lifetime::{Due, LifetimeTimer},
};
use crate::{
    guard::{Verdict, Watch},
    user::LoginWatch,
};

/// Warns a client before its token expires, and ends its connection then, or when its user may not stay.
pub(super) struct TokenWatch {
    credential: Credential,
    config: Arc<TokenConfig>,
    timer: LifetimeTimer,
    login: LoginWatch,
}

impl TokenWatch {
    pub(super) fn new(credential: Credential, config: Arc<TokenConfig>, login: LoginWatch) -> Self {
        Self {
            credential,
            timer: LifetimeTimer::new(config.warn_before),
            config,
            login,
        }
    }
}

impl Watch for TokenWatch {
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<Verdict> {
        let due = match self.timer.poll_due(self.credential.lifetime(), cx) {
            Poll::Ready(due) => due,
            Poll::Pending => return self.login.poll_watch(cx),
        };
        Poll::Ready(match due {
            Due::Warning(left) => Verdict::Send(self.config.warning.frame(left)),
            Due::End => {
                tracing::debug!(
                    target: "solent::auth", user = ?self.credential.identity().id(),
                    "closing a connection, its token has expired",
                );
                Verdict::Close(self.config.close.clone())
            }
        })
    }
}
