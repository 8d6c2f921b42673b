//! Messages by connection, user and address.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll, ready},
};

use solent_session::Identity;
use solent_spec::{
    BoxApplication, Closed, Connection, HttpProtocol, Middleware, RequestScope, SendError,
    Transport,
    request::{IPV6_PREFIX, client_network},
    websocket::{Close, CloseCode, IllegalCloseCode},
};

use super::{Rate, bucket::Bucket, table::Table};

/// Limits how many messages a client may send: on each connection, and, if you like, each user on all of theirs.
///
/// Messages are counted as the application receives them, so the limit is one on the work they make. Fragments of less than
/// 1 KiB count as well, and so do pings and pongs beyond two a second. With one too many the socket is closed with code 1008,
/// and the application sees its disconnect. HTTP requests pass;
/// [`ConnectRate`](crate::ConnectRate) is for them.
/// Each process counts for itself.
///
/// ```
/// use solent_edge::{MessageRate, Rate};
///
/// let limit = MessageRate::new(Rate::per_second(20)).per_user(Rate::per_minute(600).burst(100));
/// # let _ = limit;
/// ```
///
/// Who the user is it learns from the [`Identity`] in the scope, so it belongs inside the middleware that puts it there.
#[derive(Clone, Debug)]
pub struct MessageRate(Arc<Limits>);

#[derive(Clone, Debug)]
struct Limits {
    connection: Option<Rate>,
    shared: Option<Arc<Table<Key>>>,
    close: Close,
}

/// Who shares a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    User(Arc<str>),
    Address(IpAddr),
}

impl MessageRate {
    /// A limit for each connection.
    pub fn new(rate: Rate) -> Self {
        Self(Arc::new(Limits {
            connection: Some(rate),
            shared: None,
            close: Close::new(CloseCode::POLICY, "too many messages"),
        }))
    }

    /// A limit for each user alone, and none for a connection. See [`per_user`](Self::per_user).
    pub fn of_users(rate: Rate) -> Self {
        let mut limit = Self::new(rate);
        limit.limits().connection = None;
        limit.per_user(rate)
    }

    /// Adds a limit for all connections of a user in this process. Anonymous connections share that of
    /// their address (an IPv6 network of 64 bits); where none is known, each has its own.
    #[must_use]
    pub fn per_user(mut self, rate: Rate) -> Self {
        self.limits().shared = Some(Arc::new(Table::new(rate, Table::<Key>::KEYS)));
        self
    }

    /// Sets how many users and addresses are remembered that have no connection any more. Default: 65,536. One that is
    /// forgotten begins anew.
    #[must_use]
    pub fn users(mut self, count: usize) -> Self {
        let shared = &mut self.limits().shared;
        *shared = shared
            .take()
            .map(|table| Arc::new(Table::new(table.rate(), count)));
        self
    }

    /// Sets what a socket is closed with. Default: 1008, "too many messages".
    ///
    /// # Errors
    ///
    /// [`IllegalCloseCode`] for a code that may not be sent.
    pub fn close(mut self, close: Close) -> Result<Self, IllegalCloseCode> {
        CloseCode::sendable(close.code.as_u16())?;
        self.limits().close = close;
        Ok(self)
    }

    fn limits(&mut self) -> &mut Limits {
        Arc::make_mut(&mut self.0)
    }
}

impl Middleware for MessageRate {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        if !P::IS_WEBSOCKET {
            return inner;
        }
        let limits = Arc::clone(&self.0);
        BoxApplication::from_fn(move |connection: Connection<P>| {
            let allowance = Allowance::new(&limits, connection.scope());
            inner.call(connection.map_transport(|transport| Counted {
                inner: transport,
                allowance,
                closed: false,
                overhead: 0,
            }))
        })
    }
}

/// What is left to one connection.
struct Allowance {
    limits: Arc<Limits>,
    client: Option<SocketAddr>,
    identity: Option<Identity>,
    own: Option<Bucket>,
    shared: Option<Shared>,
}

/// A part in what is left to a user, or to an address.
struct Shared {
    user: Option<Arc<str>>,
    bucket: Arc<Bucket>,
}

/// What a message is one too many for.
#[derive(Clone, Copy, Debug)]
enum Exceeded {
    Connection,
    User,
    Address,
}

impl Allowance {
    fn new(limits: &Arc<Limits>, scope: &impl RequestScope) -> Self {
        Self {
            limits: Arc::clone(limits),
            client: scope.link().client(),
            identity: scope.state::<Identity>().cloned(),
            own: limits.connection.map(Bucket::new),
            shared: None,
        }
    }

    /// Counts frames that the application does not see. With all that is left used up there is nothing more to count.
    fn take_all(&mut self, frames: usize) -> Result<(), Exceeded> {
        (0..frames).try_for_each(|_| self.take())
    }

    /// Counts a message.
    fn take(&mut self) -> Result<(), Exceeded> {
        if let Some(own) = &self.own {
            own.take().map_err(|_| Exceeded::Connection)?;
        }
        let Some(table) = self.limits.shared.clone() else {
            return Ok(());
        };
        // Users may log in and out while their socket is open.
        let user = self.identity.as_ref().and_then(Identity::id);
        let shared = match self.shared.take_if(|shared| shared.user == user) {
            Some(shared) => shared,
            None => self.share(&table, user),
        };
        let shared = self.shared.insert(shared);
        shared.bucket.take().map_err(|_| match shared.user {
            Some(_) => Exceeded::User,
            None => Exceeded::Address,
        })
    }

    fn share(&self, table: &Table<Key>, user: Option<Arc<str>>) -> Shared {
        let address = || {
            let client = self.client?;
            Some(Key::Address(client_network(client.ip(), IPV6_PREFIX)))
        };
        let key = user.clone().map(Key::User).or_else(address);
        let bucket = match key {
            Some(key) => table.bucket(key),
            None => Arc::new(Bucket::new(table.rate())),
        };
        Shared { user, bucket }
    }

    fn tell(&self, limit: Exceeded) {
        let user = self
            .shared
            .as_ref()
            .and_then(|shared| shared.user.as_deref());
        solent_spec::warn_throttled!(target: "solent::edge",
            ?limit, user, client = ?self.client,
            "closed a socket whose client sent too many messages; MessageRate sets how many it may send"
        );
    }
}

/// A transport that counts what comes.
struct Counted<P: HttpProtocol> {
    inner: Box<dyn Transport<P>>,
    allowance: Allowance,
    /// There was a message too many; nothing is delivered after it but the end.
    closed: bool,
    /// Frames that the application does not see, for limits further in.
    overhead: usize,
}

impl<P: HttpProtocol> Counted<P> {
    fn close(&mut self, limit: Exceeded) {
        self.closed = true;
        self.allowance.tell(limit);
        for event in P::end(self.allowance.limits.close.clone()) {
            // Refused where the application has closed already.
            let _ = self.inner.start_send(event);
        }
    }
}

impl<P: HttpProtocol> Transport<P> for Counted<P> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        loop {
            if self.closed {
                let _ = self.inner.poll_flush(cx);
            }
            let polled = self.inner.poll_receive(cx);
            let overhead = self.inner.take_overhead();
            self.overhead = self.overhead.saturating_add(overhead);
            if !self.closed
                && let Err(limit) = self.allowance.take_all(overhead)
            {
                self.close(limit);
                if polled.is_pending() {
                    // Flushes the close.
                    continue;
                }
            }
            let received = ready!(polled);
            if received.as_ref().and_then(P::message).is_none() {
                return Poll::Ready(received);
            }
            if self.closed {
                continue;
            }
            match self.allowance.take() {
                Ok(()) => return Poll::Ready(received),
                Err(limit) => self.close(limit),
            }
        }
    }

    fn start_send(&mut self, event: P::Outbound) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::Closed);
        }
        self.inner.start_send(event)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.inner.poll_flush(cx)
    }

    fn direct(&mut self) -> Option<P::Direct> {
        self.inner.direct()
    }

    fn closed(&self) -> Closed {
        self.inner.closed()
    }

    fn routed(&mut self, route: &solent_spec::request::UrlRoute) {
        self.inner.routed(route);
    }

    fn take_overhead(&mut self) -> usize {
        std::mem::take(&mut self.overhead)
    }
}
