//! The layer that is tried.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    process,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use solent_layer::{ChannelLayer, ChannelName, Delivery, DynLayer, GroupName, Mailbox, Message};
use tokio::{runtime, time};

use super::{Profile, Promise, Wanted, promises};

/// A way to make the layer that is tried, and what is known of it.
pub struct Subject {
    profile: Profile,
    /// Whether the layer is made with the settings that a promise wants.
    takes_settings: bool,
    make: Box<dyn Fn(Wanted) -> BoxFuture<DynLayer>>,
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
        (self.make)(wanted).await
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
        let here = (self.make)(wanted.clone()).await;
        let there = match self.profile.spans_processes {
            true => (self.make)(wanted).await,
            false => here.clone(),
        };
        (here, there, wire)
    }

    /// A fresh layer that drops messages after the time that is returned.
    pub(super) async fn layer_with_expiry(&self) -> (DynLayer, Duration) {
        let Some(expiry) = self.profile.real_expiry else {
            return (self.layer().await, Duration::from_secs(60));
        };
        (
            self.layer_with(|wanted| wanted.expiry = expiry).await,
            expiry,
        )
    }

    /// A fresh layer that ends memberships after the time that is returned.
    pub(super) async fn layer_with_group_expiry(&self) -> (DynLayer, Duration) {
        let Some(expiry) = self.profile.real_expiry else {
            return (self.layer().await, Duration::from_secs(24 * 60 * 60));
        };
        let layer = self.layer_with(|wanted| wanted.group_expiry = expiry);
        (layer.await, expiry)
    }

    /// Lets time pass.
    pub(super) async fn pass(&self, duration: Duration) {
        if self.is_paused() {
            time::advance(duration).await;
        } else {
            time::sleep(duration).await;
        }
    }

    /// Lets what was sent arrive, before it is read: what finds no room must not find it because something was read in time.
    pub(super) async fn arrive(&self) {
        if !self.profile.tells_full {
            self.pass(self.profile.settle).await;
        }
    }

    /// The message that arrives next.
    pub(super) async fn receive(&self, mailbox: &mut Mailbox) -> Message {
        let name = mailbox.name().clone();
        match time::timeout(self.profile.patience, mailbox.recv()).await {
            Ok(Some(Delivery::Message(message))) => message,
            Ok(other) => panic!("a message was to arrive at {name}, not {other:?}"),
            Err(_) => panic!("a message was to arrive at {name}, and none did"),
        }
    }

    /// The number that arrives next.
    pub(super) async fn receive_number(&self, mailbox: &mut Mailbox) -> u64 {
        let message = self.receive(mailbox).await;
        read_number(&message)
    }

    /// All the numbers that arrive, until nothing does any more.
    pub(super) async fn receive_all(&self, mailbox: &mut Mailbox) -> Vec<u64> {
        let mut numbers = Vec::new();
        while let Some(message) = self.receive_or_settle(mailbox).await {
            numbers.push(read_number(&message));
        }
        numbers
    }

    /// So many numbers, in ascending order, and nothing after them.
    pub(super) async fn receive_sorted(&self, mailbox: &mut Mailbox, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        for _ in 0..count {
            numbers.push(self.receive_number(mailbox).await);
        }
        self.receive_nothing(mailbox).await;
        numbers.sort_unstable();
        numbers
    }

    /// All the numbers that arrive up to a gap, which is told in any case.
    pub(super) async fn receive_until_gap(&self, mailbox: &mut Mailbox) -> Vec<u64> {
        let mut numbers = Vec::new();
        loop {
            match time::timeout(self.profile.patience, mailbox.recv()).await {
                Ok(Some(Delivery::Message(message))) => numbers.push(read_number(&message)),
                Ok(Some(_)) => return numbers,
                Ok(None) => panic!("mailbox {} has ended", mailbox.name()),
                Err(_) => panic!("{} was to hear of a gap, and did not", mailbox.name()),
            }
        }
    }

    /// All the numbers that arrive, until nothing does any more, and never mind gaps.
    pub(super) async fn receive_amid_gaps(&self, mailbox: &mut Mailbox) -> Vec<u64> {
        let mut numbers = Vec::new();
        while let Ok(Some(delivery)) = time::timeout(self.profile.settle, mailbox.recv()).await {
            if let Delivery::Message(message) = delivery {
                numbers.push(read_number(&message));
            }
        }
        numbers
    }

    /// Nothing arrives.
    pub(super) async fn receive_nothing(&self, mailbox: &mut Mailbox) {
        let numbers = self.receive_all(mailbox).await;
        assert!(
            numbers.is_empty(),
            "nothing was to arrive at {}, not {numbers:?}",
            mailbox.name()
        );
    }

    /// The mailbox ends.
    pub(super) async fn receive_end(&self, mailbox: &mut Mailbox) {
        let name = mailbox.name().clone();
        match time::timeout(self.profile.patience, mailbox.recv()).await {
            Ok(None) => {}
            Ok(Some(other)) => panic!("mailbox {name} was to end, not to receive {other:?}"),
            Err(_) => panic!("mailbox {name} was to end, and is open still"),
        }
    }

    async fn receive_or_settle(&self, mailbox: &mut Mailbox) -> Option<Message> {
        match time::timeout(self.profile.settle, mailbox.recv()).await {
            Ok(Some(Delivery::Message(message))) => Some(message),
            Ok(Some(other)) => panic!("{other:?} arrived at {}", mailbox.name()),
            Ok(None) | Err(_) => None,
        }
    }

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

pub(super) fn group(name: &str) -> GroupName {
    name.parse().expect("the kit's names are valid")
}

/// A name to listen on that nobody else has, since brokers need not keep the names of several layers apart.
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
