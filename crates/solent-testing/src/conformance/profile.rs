//! What a layer is like, and what a promise wants of it.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use solent_layer::{Capacities, FullPolicy};

/// What the kit has to know of a layer.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Profile {
    /// The expiry that promises about time want of a layer whose clock cannot be paused, long enough for a few calls.
    /// They then wait for it. Every layer that does I/O needs this: a paused clock jumps over each wait for an answer.
    /// Default: nothing, for a layer that tells the time by [`tokio::time::Instant`] and waits for no other process.
    pub real_expiry: Option<Duration>,
    /// How long the kit goes on to watch for what must *not* arrive where something may be late: when listeners compete, or with several
    /// orders. A time that is too short misses defects, and fails no sound layer. Default: a second, which costs nothing while the
    /// clock is paused.
    pub settle: Duration,
    /// How long the kit waits for what must arrive. Sound layers do not make it wait, so it may be generous. Default: half a minute.
    pub patience: Duration,
    /// Whether [`GroupReport`](solent_layer::GroupReport)s tell of the members in this process. Default: yes.
    pub reports: bool,
    /// Whether [`send`](solent_layer::ChannelLayer::send) fails for a mailbox that is full. Where a broker stands between,
    /// a message may be taken and dropped on arrival. Default: yes.
    pub tells_full: bool,
    /// Whether a name that workers listen on is a queue: messages wait there for a listener, and the listeners of all
    /// processes compete. With publish and subscribe nothing waits, and each process gets its own. Default: yes.
    pub queues: bool,
    /// Whether layers with the same [namespace](Wanted::namespace) reach each other, as processes do. Default: no.
    pub spans_processes: bool,
    /// Whether [`flush`](solent_layer::ChannelLayer::flush) reaches the mailboxes and memberships of every process, and not
    /// only of the one that calls it. Asked for only with [`spans_processes`](Self::spans_processes). Default: yes.
    pub flushes_all: bool,
    /// Whether what one sender sends to groups and to their members arrives in the order in which it was sent. It cannot where
    /// a group and a channel, or two groups, are kept by different servers. Default: yes.
    pub one_order: bool,
    /// The most bytes that an encoded message may have, if there is a limit. At least a million. Default: none.
    pub max_message: Option<usize>,
    /// Whether the layer has [leases](solent_layer::ChannelLayer::hold). Default: no.
    pub leases: bool,
    /// What cuts the wire, if it can be cut.
    pub(super) cut: Option<Cut>,
}

/// Cuts the wire of the layers of a namespace.
#[derive(Clone)]
pub(super) struct Cut(Arc<dyn Fn(String) -> Cutting + Send + Sync>);

type Cutting = Pin<Box<dyn Future<Output = ()>>>;

impl Cut {
    pub(super) async fn run(&self, namespace: &str) {
        (self.0)(namespace.to_owned()).await;
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cut(..)")
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            real_expiry: None,
            settle: Duration::from_secs(1),
            patience: Duration::from_secs(30),
            reports: true,
            tells_full: true,
            queues: true,
            spans_processes: false,
            flushes_all: true,
            one_order: true,
            max_message: None,
            leases: false,
            cut: None,
        }
    }
}

impl Profile {
    /// Sets [`real_expiry`](Self::real_expiry), and [`settle`](Self::settle) to a tenth of a second.
    pub fn real_expiry(mut self, expiry: Duration) -> Self {
        self.real_expiry = Some(expiry);
        self.settle = Duration::from_millis(100);
        self
    }

    /// Sets [`settle`](Self::settle).
    pub fn settle(mut self, duration: Duration) -> Self {
        self.settle = duration;
        self
    }

    /// Sets [`patience`](Self::patience).
    pub fn patience(mut self, duration: Duration) -> Self {
        self.patience = duration;
        self
    }

    /// Sets [`reports`](Self::reports).
    pub fn reports(mut self, reports: bool) -> Self {
        self.reports = reports;
        self
    }

    /// Sets [`tells_full`](Self::tells_full).
    pub fn tells_full(mut self, tells: bool) -> Self {
        self.tells_full = tells;
        self
    }

    /// Sets [`queues`](Self::queues).
    pub fn queues(mut self, queues: bool) -> Self {
        self.queues = queues;
        self
    }

    /// Sets [`spans_processes`](Self::spans_processes).
    pub fn spans_processes(mut self, spans: bool) -> Self {
        self.spans_processes = spans;
        self
    }

    /// Sets [`flushes_all`](Self::flushes_all).
    pub fn flushes_all(mut self, flushes: bool) -> Self {
        self.flushes_all = flushes;
        self
    }

    /// Sets [`one_order`](Self::one_order).
    pub fn one_order(mut self, order: bool) -> Self {
        self.one_order = order;
        self
    }

    /// Sets [`leases`](Self::leases).
    pub fn leases(mut self, leases: bool) -> Self {
        self.leases = leases;
        self
    }

    /// Has the kit try what happens when the wire is cut. `cut` is given a [namespace](Wanted::namespace) and breaks all
    /// connections that the layers of this namespace have to their backend; they may connect again at once. Other namespaces
    /// are left alone, since their tests run at the same time. Default: nothing is cut, and nothing about it is tried.
    ///
    /// A proxy for each namespace does it, or a broker that knows its clients by name.
    pub fn cut<F: Future<Output = ()> + 'static>(
        mut self,
        cut: impl Fn(String) -> F + Send + Sync + 'static,
    ) -> Self {
        self.cut = Some(Cut(Arc::new(move |namespace| Box::pin(cut(namespace)))));
        self
    }

    /// Sets [`max_message`](Self::max_message).
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = Some(bytes);
        self
    }
}

/// The settings that a promise wants of a layer. Most want the defaults of Channels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wanted {
    /// A name that no other layer has, fit for a group. Layers that share a backend keep apart by it, for instance as
    /// the prefix of their keys. Layers that play processes of one service get the same.
    pub namespace: String,
    /// How many messages a channel may hold.
    pub capacities: Capacities,
    /// How long an unread message is kept.
    pub expiry: Duration,
    /// How long a channel stays in a group.
    pub group_expiry: Duration,
    /// What happens to a message for a full channel.
    pub policy: FullPolicy,
}

impl Wanted {
    pub(super) fn new(namespace: String) -> Self {
        Self {
            namespace,
            capacities: Capacities::default(),
            expiry: Duration::from_secs(60),
            group_expiry: Duration::from_secs(24 * 60 * 60),
            policy: FullPolicy::default(),
        }
    }
}
