//! The layer that is tried.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    process,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use solent_layer::{ChannelLayer, ChannelName, Delivery, DynLayer, GroupName, Mailbox, Message};
use tokio::{runtime, time};

use super::{Profile, Promise, Wanted};

/// A way to make the layer that is tried, and what is known of it.
pub struct Subject {
    profile: Profile,
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
            make: Box::new(move |wanted| {
                let layer = make(wanted);
                Box::pin(async { DynLayer::new(layer.await) })
            }),
        }
    }

    /// Tries one promise, in a runtime of its own.
    ///
    /// # Panics
    ///
    /// If the promise is broken.
    pub fn check(&self, promise: &Promise) {
        let mut runtime = if promise.threads {
            runtime::Builder::new_multi_thread()
        } else {
            runtime::Builder::new_current_thread()
        };
        runtime
            .enable_all()
            .start_paused(self.is_paused() && !promise.threads);
        let runtime = runtime.build().expect("a runtime can be built");
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
        let wanted = Wanted::new(namespace());
        let one = (self.make)(wanted.clone()).await;
        (one, (self.make)(wanted).await)
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
