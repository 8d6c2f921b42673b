//! Trying all promises of a layer on one kind of Redis.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use solent_layer::ChannelLayer;
use solent_layer_redis::RedisConfig;
use solent_testing::conformance::{Profile, Promise, Subject, Wanted, promises};

/// How long anything may take where no outage is tried: a machine that is busy elsewhere must not look like a server that is away.
pub(crate) const UNHURRIED: Duration = Duration::from_secs(60);

/// Settings that take no slow machine for an outage.
pub(crate) fn unhurried(config: RedisConfig) -> RedisConfig {
    config
        .send_wait(UNHURRIED)
        .connect_timeout(UNHURRIED)
        .response_timeout(UNHURRIED)
}

/// How many promises are tried at once. Most of their time they wait.
const AT_ONCE: usize = 8;

/// Tries every promise of the layers that `make` makes, and fails with the names of those that are broken.
///
/// One test tries all, because starting a cluster for each would take minutes.
pub(crate) fn keep<L: ChannelLayer>(
    profile: &Profile,
    make: impl Fn(Wanted) -> L + Send + Sync + 'static,
) {
    keep_some(profile, promises(), make);
}

/// Tries some promises.
pub(crate) fn keep_some<L: ChannelLayer>(
    profile: &Profile,
    some: impl IntoIterator<Item = &'static Promise>,
    make: impl Fn(Wanted) -> L + Send + Sync + 'static,
) {
    let make = Arc::new(make);
    let rest: Mutex<Vec<&'static Promise>> = Mutex::new(some.into_iter().collect());
    let broken = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let make = Arc::clone(&make);
                let subject = Subject::new(profile.clone(), move |wanted| {
                    let layer = make(wanted);
                    async { layer }
                });
                loop {
                    let Some(promise) = rest.lock().unwrap().pop() else {
                        return;
                    };
                    let kept = catch_unwind(AssertUnwindSafe(|| subject.check(promise)));
                    if let Err(panic) = kept {
                        let broken_how = format!("{}: {}", promise.name, message(&*panic));
                        broken.lock().unwrap().push(broken_how);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "broken promises: {broken:#?}");
}

/// What a check has panicked with.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}
