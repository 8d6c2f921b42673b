//! The layer that is tried.

use std::{
    cell::Cell,
    fmt,
    future::Future,
    pin::Pin,
    process,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use solent_layer::{Capacities, ChannelLayer, ChannelName, DynLayer, GroupName, Message};
use tokio::{runtime, time};

use super::{Profile, Promise, Wanted, promises, seen::Seen};

/// A way to make the layer that is tried, and what is known of it.
pub struct Subject {
    profile: Profile,
    /// Whether the layer is made with the settings that a promise wants.
    takes_settings: bool,
    make: Box<dyn Fn(Wanted) -> BoxFuture<DynLayer>>,
    /// What the check that is tried now has seen.
    seen: Seen,
    /// How much time it has let pass.
    passed: Cell<Duration>,
    next_mark: Cell<u64>,
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

impl Subject {
    /// A subject whose layers `make` makes.
    pub fn new<L: ChannelLayer, F: Future<Output = L> + 'static>(
        profile: Profile,
        make: impl Fn(Wanted) -> F + 'static,
    ) -> Self {
        Self {
            profile,
            takes_settings: true,
            make: Box::new(move |wanted| {
                let layer = make(wanted);
                Box::pin(async { DynLayer::new(layer.await) })
            }),
            seen: Seen::default(),
            passed: Cell::default(),
            next_mark: Cell::new(FIRST_MARK),
        }
    }

    /// Says that the layers are made with default settings, whatever is wanted.
    #[must_use]
    pub fn without_settings(mut self) -> Self {
        self.takes_settings = false;
        self
    }

    /// Why a promise is not tried, if it is not: what the profile takes back.
    pub fn unpromised(&self, promise: &Promise) -> Option<&'static str> {
        let mut needs = promise.needs.iter();
        let missing = needs.find(|need| !need.is_met(&self.profile, self.takes_settings))?;
        Some(missing.missing())
    }

    /// Prints the promises that are not tried, by name, each with the reason.
    pub fn list_unpromised(&self) {
        for promise in promises() {
            if let Some(reason) = self.unpromised(promise) {
                println!("not promised: {}, since {reason}", promise.name);
            }
        }
    }

    /// Tries one promise, in a runtime of its own. One that the profile takes back is not tried.
    ///
    /// # Panics
    ///
    /// If the promise is broken.
    pub fn check(&self, promise: &Promise) {
        if let Some(reason) = self.unpromised(promise) {
            println!("not promised, since {reason}");
            return;
        }
        let is_paused = self.is_paused() && !promise.threads;
        let mut runtime = if promise.threads {
            runtime::Builder::new_multi_thread()
        } else {
            runtime::Builder::new_current_thread()
        };
        runtime.enable_all().start_paused(is_paused);
        let runtime = runtime.build().expect("a runtime can be built");
        let _hint = is_paused.then_some(PausedHint);
        self.begin_attempt();
        let _report = self.seen.report();
        runtime.block_on((promise.check)(self));
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// A fresh layer with the default settings.
    pub(super) async fn layer(&self) -> DynLayer {
        self.layer_with(|_| {}).await
    }

    /// A fresh layer with other settings.
    pub(super) async fn layer_with(&self, change: impl FnOnce(&mut Wanted)) -> DynLayer {
        let mut wanted = Wanted::new(namespace());
        change(&mut wanted);
        self.make(wanted).await
    }

    async fn make(&self, wanted: Wanted) -> DynLayer {
        let layer = (self.make)(wanted).await;
        self.seen.add_layer(layer.drops());
        layer
    }

    /// A fresh layer whose channels hold so many messages, and no burst beside them.
    pub(super) async fn layer_of(&self, capacity: usize) -> DynLayer {
        self.layer_with(|wanted| wanted.capacities = Capacities::new(capacity))
            .await
    }

    /// Two fresh layers, as two processes of one service would have them.
    pub(super) async fn two_processes(&self) -> (DynLayer, DynLayer) {
        let (here, there, _) = self.processes_on_a_wire().await;
        (here, there)
    }

    /// Two fresh layers if the layer spans processes, or one twice, and the wire that they are on.
    pub(super) async fn processes_on_a_wire(&self) -> (DynLayer, DynLayer, Wire<'_>) {
        let wanted = Wanted::new(namespace());
        let wire = Wire {
            subject: self,
            namespace: wanted.namespace.clone(),
        };
        let here = self.make(wanted.clone()).await;
        let there = match self.profile.spans_processes {
            true => self.make(wanted).await,
            false => here.clone(),
        };
        (here, there, wire)
    }

    /// Lets time pass.
    pub(super) async fn pass(&self, duration: Duration) {
        self.passed.set(self.passed.get() + duration);
        if self.is_paused() {
            time::advance(duration).await;
        } else {
            time::sleep(duration).await;
        }
    }

    /// A number that no check sends, nor this one before.
    pub(super) fn next_mark(&self) -> u64 {
        let next = self.next_mark.get();
        self.next_mark.set(next + 1);
        next
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Forgets what an attempt before this one has seen.
    pub(super) fn begin_attempt(&self) {
        self.seen.clear();
        self.passed.set(Duration::ZERO);
    }

    /// How much time the check has let pass.
    pub(super) fn passed(&self) -> Duration {
        self.passed.get()
    }

    /// How long it waits between two looks at something.
    pub(super) const BETWEEN: Duration = Duration::from_millis(1);

    fn is_paused(&self) -> bool {
        self.profile.real_expiry.is_none()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// What layers of one namespace are on.
pub(super) struct Wire<'a> {
    subject: &'a Subject,
    namespace: String,
}

impl Wire<'_> {
    /// Breaks all connections.
    pub(super) async fn cut(&self) {
        if let Some(cut) = &self.subject.profile.cut {
            cut.run(&self.namespace).await;
        }
    }
}

/// Says, should the test fail, what is often the reason.
struct PausedHint;

impl Drop for PausedHint {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "note: the clock was paused, and jumped over every wait for I/O; \
                 if this layer does I/O, give it Profile::real_expiry"
            );
        }
    }
}

/// A message that carries a number.
pub(super) fn number(number: u64) -> Message {
    Message::encode(&Numbered {
        kind: "conformance.number".into(),
        number,
    })
    .expect("a struct is a map")
}

pub(super) fn read_number(message: &Message) -> u64 {
    match message.decode::<Numbered>() {
        Ok(event) => event.number,
        Err(error) => panic!("a message was changed on its way: {error}, {message:?}"),
    }
}

/// The number of a message, if it carries one.
pub(super) fn try_read_number(message: &Message) -> Option<u64> {
    Some(message.decode::<Numbered>().ok()?.number)
}

/// From here on, numbers are marks.
const FIRST_MARK: u64 = 1 << 62;

/// Whether a number is none of those that checks send, but says that all of them have been sent.
pub(super) fn is_mark(number: u64) -> bool {
    number >= FIRST_MARK
}

pub(super) fn group(name: &str) -> GroupName {
    name.parse().expect("the kit's names are valid")
}

/// A name to listen on that no other test has, since brokers need not keep the names of several layers apart.
pub(super) fn jobs() -> ChannelName {
    channel(&format!("jobs.{}", namespace()))
}

pub(super) fn channel(name: &str) -> ChannelName {
    name.parse().expect("the kit's names are valid")
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Numbered {
    #[serde(rename = "type")]
    kind: String,
    number: u64,
}

/// A name that no other test has, in this process or in another on the same backend.
fn namespace() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        "conformance-{}-{}-{}",
        process::id(),
        now.as_micros(),
        COUNTER.fetch_add(1, Relaxed)
    )
}
