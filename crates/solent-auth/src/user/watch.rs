//! Ends the connections of a user who is logged out.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use rand::RngExt;
use solent_layer::{ChannelLayer, Delivery, DynLayer, LayerError, Mailbox, Message};
use solent_session::Identity;
use solent_spec::{BoxFuture, Chain, Connection, HttpProtocol, RequestScope, websocket::Close};
use tokio::time::{Sleep, sleep};

use super::{AuthError, group::Notice, user_group};
use crate::guard::{Guard, Verdict, Watch, guard};

/// A source that knows whether a login still holds.
pub(crate) trait Login: Send + Sync + 'static {
    /// Who is logged in.
    fn identity(&self) -> &Identity;

    /// Whether the login came with the session that has this fingerprint.
    fn is_session(&self, fingerprint: &str) -> bool;

    /// Takes over the key that the login's session was moved to, if `session` is its fingerprint and `to` can be opened with its
    /// key.
    fn follow(&self, session: &str, to: &str) -> bool {
        let _ = (session, to);
        false
    }

    /// When the login ends by itself, as far as it is known.
    fn ends(&self) -> Option<SystemTime> {
        None
    }

    /// Looks again: whether the user who was logged in still is.
    fn holds(self: Arc<Self>) -> BoxFuture<Result<bool, AuthError>>;
}

/// How logins are watched.
#[derive(Clone, Debug)]
pub(crate) struct Watching {
    /// How often a login is looked at again; never if zero.
    pub(crate) interval: Duration,
    /// How a connection is closed.
    pub(crate) close: Close,
    /// How long the application may go on then.
    pub(crate) grace: Duration,
}

/// How long a request is under way before its user's group is joined: most are answered by then, and asking the layer for
/// each would be in vain. A WebSocket is there to stay.
const SETTLE: Duration = Duration::from_secs(1);

/// How long until the group of a user is tried again where there are no checks to do it with.
const AGAIN: Duration = Duration::from_secs(60);

/// How long a login is doubted before its connection is closed, unless a message says that it ended. Whoever changes their own
/// password stores it a moment before their session, and only then can their sockets be told which session that is.
const DOUBT: Duration = Duration::from_secs(1);

/// How long after a session's end it is looked for at the earliest. Stores count in milliseconds, or whole seconds.
const AFTER_END: Duration = Duration::from_millis(50);

/// Ends `connection` from now on when the login that it came with ends. If it is to be `reachable`, it is in its user's group
/// on the channel layer. The guard goes around the application.
pub(crate) fn watch_login<P: HttpProtocol>(
    connection: Connection<P>,
    login: Arc<dyn Login>,
    watching: Arc<Watching>,
    reachable: bool,
) -> (Connection<P>, Guard<P>) {
    let grace = watching.grace;
    let watch = LoginWatch::over(&connection, login, watching, reachable);
    guard(connection, watch, grace)
}

/// Ends a connection when its user's login does.
pub(crate) struct LoginWatch {
    login: Arc<dyn Login>,
    watching: Arc<Watching>,
    /// What carries messages to the user's group.
    layer: Option<DynLayer>,
    /// How long the connection has to last before anything is watched at all.
    settle: Duration,
    /// How many changes of the user have been seen.
    seen: u64,
    /// What there is to watch while a user is logged in. Boxed, since many connections are anonymous.
    watched: Option<Box<Watched>>,
}

impl LoginWatch {
    /// Watches over the login that `connection` came with, as [`watch_login`] does.
    pub(crate) fn over<P: HttpProtocol>(
        connection: &Connection<P>,
        login: Arc<dyn Login>,
        watching: Arc<Watching>,
        reachable: bool,
    ) -> Self {
        let layer = connection.scope().state::<DynLayer>();
        Self {
            login,
            watching,
            layer: layer.filter(|_| reachable).cloned(),
            settle: if P::IS_WEBSOCKET {
                Duration::ZERO
            } else {
                SETTLE
            },
            seen: 0,
            watched: None,
        }
    }

    fn watch(&self, id: &Arc<str>) -> Watched {
        let group = if self.settle.is_zero() {
            Membership::join(self.layer.as_ref(), id)
        } else {
            Membership::Settling(Box::pin(sleep(self.settle)))
        };
        Watched {
            id: Arc::clone(id),
            layer: self.layer.clone(),
            login: Arc::clone(&self.login),
            group,
            timer: None,
            check: None,
            again: false,
            told: false,
            doubted: false,
        }
    }
}

impl Watch for LoginWatch {
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<Verdict> {
        loop {
            let identity = self.login.identity();
            if let Poll::Ready(changes) = identity.poll_changes(self.seen, cx) {
                self.seen = changes;
                let id = identity.id();
                self.watched = id.map(|id| Box::new(self.watch(&id)));
                continue;
            }
            let Some(watched) = &mut self.watched else {
                return Poll::Pending;
            };
            let ended = ready!(watched.poll_end(self.watching.interval, cx));
            tracing::debug!(target: "solent::auth", ?ended, "closing a connection, its user is not logged in any more");
            return Poll::Ready(Verdict::Close(self.watching.close.clone()));
        }
    }
}

/// Why a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// A message said so.
    Told,
    /// The login does not hold any more.
    Checked,
}

/// The watch over one login.
struct Watched {
    id: Arc<str>,
    layer: Option<DynLayer>,
    login: Arc<dyn Login>,
    group: Membership,
    /// When to look again.
    timer: Option<Pin<Box<Sleep>>>,
    /// Looking.
    check: Option<BoxFuture<Result<bool, AuthError>>>,
    /// Look once more after this check: its answer may be older than what was told meanwhile.
    again: bool,
    /// A message has asked for the check that is under way.
    told: bool,
    /// The last check found no login. The next one decides.
    doubted: bool,
}

/// How far the connection has come with its user's group.
enum Membership {
    /// There is no layer, or it failed. Another attempt is made with the next check.
    None,
    /// The connection may be over in a moment.
    Settling(Pin<Box<Sleep>>),
    Joining(BoxFuture<Result<Mailbox, LayerError>>),
    Member(Mailbox),
}

impl Watched {
    fn poll_end(&mut self, interval: Duration, cx: &mut Context<'_>) -> Poll<Ended> {
        if self.poll_group(cx).is_ready() {
            return Poll::Ready(Ended::Told);
        }
        loop {
            if let Some(check) = &mut self.check {
                let holds = ready!(check.as_mut().poll(cx));
                self.check = None;
                match holds {
                    Ok(true) => self.doubted = false,
                    // The answer is older than what was told meanwhile.
                    Ok(false) if self.again => {}
                    Ok(false) if self.may_doubt() => self.doubted = true,
                    Ok(false) => return Poll::Ready(Ended::Checked),
                    Err(error) => {
                        // Nothing says that the login has ended, so the connection stays.
                        tracing::warn!(target: "solent::auth", error = %Chain(&error), "could not look at a login again");
                    }
                }
                self.timer = None;
            }
            self.told = std::mem::take(&mut self.again);
            if self.told {
                self.begin_check();
                continue;
            }
            ready!(self.poll_timer(interval, cx));
            if matches!(self.group, Membership::None) {
                self.group = Membership::join(self.layer.as_ref(), &self.id);
                if self.poll_group(cx).is_ready() {
                    return Poll::Ready(Ended::Told);
                }
            }
            self.begin_check();
        }
    }

    /// Waits for a message that the connection is to end.
    fn poll_group(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.group {
                Membership::None => return Poll::Pending,
                Membership::Settling(settled) => {
                    ready!(settled.as_mut().poll(cx));
                    self.group = Membership::join(self.layer.as_ref(), &self.id);
                }
                Membership::Joining(joining) => {
                    self.group = match ready!(joining.as_mut().poll(cx)) {
                        Ok(mailbox) => {
                            // The login was looked at before there was anybody to be told of its end.
                            self.again = true;
                            Membership::Member(mailbox)
                        }
                        Err(error) => {
                            tracing::warn!(target: "solent::auth", error = %Chain(&error), "could not join a user's group, will try again with the next check");
                            Membership::None
                        }
                    };
                }
                Membership::Member(mailbox) => match ready!(mailbox.poll_recv(cx)) {
                    Some(Delivery::Message(message)) => match read(&message) {
                        Some(Notice::Logout { session: None }) => return Poll::Ready(()),
                        Some(Notice::Logout {
                            session: Some(session),
                        }) if self.login.is_session(&session) => return Poll::Ready(()),
                        Some(Notice::Moved { session, to }) if self.login.follow(&session, &to) => {
                            self.again = true;
                        }
                        Some(Notice::Check) => self.again = true,
                        _ => {}
                    },
                    // Something may have been missed.
                    Some(_) => self.again = true,
                    None => {
                        self.group = Membership::None;
                        self.again = true;
                    }
                },
            }
        }
    }

    /// Waits until it is time to look again.
    fn poll_timer(&mut self, interval: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.is_none() {
            let Some(wait) = self.wait(interval) else {
                return Poll::Pending;
            };
            self.timer = Some(Box::pin(sleep(wait)));
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// How long until it is time to look again; `None` if nothing but a message is waited for.
    fn wait(&self, interval: Duration) -> Option<Duration> {
        if self.doubted {
            return Some(DOUBT);
        }
        let lost = matches!(self.group, Membership::None) && self.layer.is_some();
        let interval = match interval.is_zero() {
            true if lost => Some(AGAIN),
            true => None,
            false => Some(jittered(interval)),
        };
        let end = self.login.ends().map(|end| {
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            left.saturating_add(AFTER_END)
        });
        match (interval, end) {
            (Some(interval), Some(end)) => Some(interval.min(end)),
            (interval, end) => interval.or(end),
        }
    }

    fn begin_check(&mut self) {
        self.check = Some(Arc::clone(&self.login).holds());
    }

    /// Whether a login that was not found may have moved, which is about to be told.
    fn may_doubt(&self) -> bool {
        let has_expired = self
            .login
            .ends()
            .is_some_and(|end| end <= SystemTime::now());
        let is_member = matches!(self.group, Membership::Member(_));
        is_member && !self.told && !self.doubted && !has_expired
    }
}

impl Membership {
    fn join(layer: Option<&DynLayer>, id: &str) -> Self {
        let Some(layer) = layer.cloned() else {
            return Self::None;
        };
        let group = user_group(id);
        let joining = Box::pin(async move {
            let mailbox = layer.open("auth.").await?;
            layer.group_add(&group, mailbox.name()).await?;
            Ok(mailbox)
        });
        Self::Joining(joining)
    }
}

/// A quarter less to a quarter more, so that connections that began together do not ask the store together for ever.
fn jittered(interval: Duration) -> Duration {
    let seconds = interval.as_secs_f64() * rand::rng().random_range(0.75..1.25);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

fn read(message: &Message) -> Option<Notice> {
    let notice = message.decode::<Notice>();
    if notice.is_err() {
        tracing::debug!(target: "solent::auth", kind = message.kind(), "message to a user's group is not understood");
    }
    notice.ok().map(|notice| (*notice).clone())
}
