//! What ends the connections of somebody who is not logged in any more.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use rand::RngExt;
use solent_layer::{ChannelLayer, Delivery, DynLayer, LayerError, Mailbox, Message};
use solent_spec::{
    BoxFuture, Chain, Connection, HttpProtocol, Protocol, RequestScope, WebSocket, websocket::Close,
};
use tokio::time::{Sleep, sleep};

use super::{AuthError, Identity, group::Notice, user_group};
use crate::guard::{Verdict, Watch, guard};

/// Whoever knows whether a login still holds.
pub(crate) trait Login: Send + Sync + 'static {
    /// Who is logged in.
    fn identity(&self) -> &Identity;

    /// Whether the login came with the session that has this fingerprint.
    fn is_session(&self, fingerprint: &str) -> bool;

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
}

/// How long a request is under way before its user's group is joined: most are answered by then, and asking the layer for
/// each would be in vain. A WebSocket is there to stay.
const SETTLE: Duration = Duration::from_secs(1);

/// How long until the group of a user is tried again where there are no checks to do it with.
const AGAIN: Duration = Duration::from_secs(60);

/// Ends `connection` from now on when the login that it came with ends. If it is to be `reachable`, it is in its user's group
/// on the channel layer.
pub(crate) fn watch_login<P: HttpProtocol>(
    connection: Connection<P>,
    login: Arc<dyn Login>,
    watching: Arc<Watching>,
    reachable: bool,
) -> Connection<P> {
    let watch = LoginWatch::over(&connection, login, watching, reachable);
    guard(connection, watch)
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
    /// What there is to watch while somebody is logged in. Boxed, since that is nobody on many connections.
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
            settle: if P::NAME == WebSocket::NAME {
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
            // What is missed until then is found out by the next check, if there is one.
            let late = self.watching.interval.is_zero();
            Membership::join(self.layer.as_ref(), id, late)
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
    /// Somebody said so.
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
}

/// How far the connection has come with its user's group.
enum Membership {
    /// There is no layer, or it failed. Another attempt is made with the next check.
    None,
    /// The connection may be over in a moment.
    Settling(Pin<Box<Sleep>>),
    Joining {
        joining: BoxFuture<Result<Mailbox, LayerError>>,
        /// Something may have been missed before.
        late: bool,
    },
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
                    Ok(true) => {}
                    Ok(false) => return Poll::Ready(Ended::Checked),
                    Err(error) => {
                        // Nothing says that the login has ended, so the connection stays.
                        tracing::warn!(target: "solent::auth", error = %Chain(&error), "could not look at a login again");
                    }
                }
                self.timer = None;
            }
            if std::mem::take(&mut self.again) {
                self.begin_check();
                continue;
            }
            ready!(self.poll_timer(interval, cx));
            if matches!(self.group, Membership::None) {
                self.group = Membership::join(self.layer.as_ref(), &self.id, true);
                if self.poll_group(cx).is_ready() {
                    return Poll::Ready(Ended::Told);
                }
            }
            self.begin_check();
        }
    }

    /// Waits for somebody to say that the connection is to end.
    fn poll_group(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.group {
                Membership::None => return Poll::Pending,
                Membership::Settling(settled) => {
                    ready!(settled.as_mut().poll(cx));
                    self.group = Membership::join(self.layer.as_ref(), &self.id, true);
                }
                Membership::Joining { joining, late } => {
                    let late = *late;
                    self.group = match ready!(joining.as_mut().poll(cx)) {
                        Ok(mailbox) => {
                            self.again |= late;
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
        let lost = matches!(self.group, Membership::None) && self.layer.is_some();
        let interval = match interval.is_zero() {
            true if lost => AGAIN,
            true => return Poll::Pending,
            false => interval,
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep(jittered(interval))));
        timer.as_mut().poll(cx)
    }

    fn begin_check(&mut self) {
        self.check = Some(Arc::clone(&self.login).holds());
    }
}

impl Membership {
    fn join(layer: Option<&DynLayer>, id: &str, late: bool) -> Self {
        let Some(layer) = layer.cloned() else {
            return Self::None;
        };
        let group = user_group(id);
        let joining = Box::pin(async move {
            let mailbox = layer.open("auth.").await?;
            layer.group_add(&group, mailbox.name()).await?;
            Ok(mailbox)
        });
        Self::Joining { joining, late }
    }
}

/// A quarter less to a quarter more, so that connections that began together do not ask the store together for ever.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(rand::rng().random_range(0.75..1.25))
}

fn read(message: &Message) -> Option<Notice> {
    let notice = message.decode::<Notice>();
    if notice.is_err() {
        tracing::debug!(target: "solent::auth", kind = message.kind(), "message to a user's group is not understood");
    }
    notice.ok().map(|notice| (*notice).clone())
}
