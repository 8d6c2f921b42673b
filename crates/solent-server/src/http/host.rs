//! What exchanges need of the server.

use std::sync::{Arc, Weak};

use http::StatusCode;
use solent_spec::{
    AppError, Body, BoxFuture, Result,
    http::{FilePart, Host},
    is_disconnect,
    request::{Caller, Feature},
};

use super::file;
use crate::{failure, server::Core};

/// Runs what is left of applications on tasks of their own.
#[derive(Debug)]
pub(crate) struct TaskHost(Weak<Core>);

impl TaskHost {
    pub(crate) fn of(core: Weak<Core>) -> Arc<dyn Host> {
        Arc::new(Self(core))
    }

    /// The extensions that HTTP/1.1 exchanges offer.
    pub(crate) const FEATURES: [Feature; 4] = [
        Feature::DenialResponse,
        Feature::Trailers,
        Feature::PathSend,
        Feature::ZeroCopySend,
    ];
}

impl Host for TaskHost {
    fn finish(&self, caller: Caller, rest: BoxFuture<Result>) {
        let Some(core) = self.0.upgrade() else {
            return;
        };
        let live = core.live();
        let runtime = Arc::clone(&core);
        runtime.spawn(async move {
            let _live = live;
            let result = tokio::select! {
                result = rest => result,
                () = core.abandoned() => return failure::tell_given_up("http", &caller),
                () = core.grace_over() => return failure::tell_given_up("http", &caller),
            };
            if let Err(error) = result
                && !is_disconnect(&*error)
            {
                failure::tell("http", &caller, &error);
            }
        });
    }

    fn failed(&self, caller: &Caller, error: AppError) {
        failure::tell("http", caller, &error);
    }

    fn refused(&self, caller: &Caller, status: StatusCode, error: AppError) {
        failure::tell_refused(caller, status, &error);
    }

    fn offers(&self, feature: Feature) -> bool {
        Self::FEATURES.contains(&feature)
    }

    fn file(&self, part: FilePart) -> Option<Body> {
        Some(file::body(part))
    }
}
