//! A wire that can be cut.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{ServerError, port::Port};

/// How many bytes a connection holds in each direction while it is stalled, besides what the system holds.
const BUFFER: usize = 16 * 1024;

/// A TCP proxy on a free port of 127.0.0.1, in front of any address, that does what networks do.
///
/// Its connections are tasks of the runtime it was started on, and end when this is dropped.
#[derive(Debug)]
#[must_use = "the proxy ends when this is dropped"]
pub struct Proxy {
    shared: Arc<Shared>,
    /// The task that takes new connections; `None` while they are refused.
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// Starts a proxy in front of `target`, such as [`RedisServer::addr`](super::RedisServer::addr).
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`] if it cannot listen.
    ///
    /// # Cancel safety
    ///
    /// Nothing is left behind.
    pub async fn start(target: SocketAddr) -> Result<Self, ServerError> {
        let (port, listener) = loop {
            let port = Port::free()?;
            match bind(&port).await {
                Ok(listener) => break (port, listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(ServerError::io("listen for the proxy")(error)),
            }
        };
        let shared = Arc::new(Shared {
            target,
            port,
            stalled: watch::Sender::new(false),
            connections: Mutex::new(Some(JoinSet::new())),
            open: AtomicUsize::new(0),
            accepted: AtomicUsize::new(0),
        });
        let proxy = Self {
            listening: Mutex::new(Some(shared.listen(listener))),
            shared,
        };
        Ok(proxy)
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    /// The port clients connect to, always the same.
    pub fn port(&self) -> u16 {
        self.shared.port.number()
    }

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Acquire)
    }

    /// How many connections were ever accepted.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Acquire)
    }

    /// Closes every connection, on both sides, and returns when all are closed. New ones are accepted as before.
    ///
    /// # Cancel safety
    ///
    /// They are closed all the same.
    pub async fn cut(&self) {
        let connections = self.shared.lock().replace(JoinSet::new());
        if let Some(mut connections) = connections {
            connections.shutdown().await;
        }
    }

    /// Refuses new connections from now on, as a port does where nobody listens. Those there are stay.
    ///
    /// # Cancel safety
    ///
    /// It refuses soon all the same.
    pub async fn refuse(&self) {
        let listening = self.lock().take();
        if let Some(listening) = listening {
            listening.abort();
            // It was cancelled, which is what was wanted.
            let _ = listening.await;
        }
    }

    /// Stops moving bytes: connections stay, and new ones are accepted, but nothing comes out at the other end.
    pub fn stall(&self) {
        self.shared.stalled.send_replace(true);
    }

    /// Ends [`stall`](Self::stall) and [`refuse`](Self::refuse). What came in while it was stalled goes on its way.
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`] if it cannot listen again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is left half done: new connections are accepted again, or not.
    pub async fn resume(&self) -> Result<(), ServerError> {
        self.shared.stalled.send_replace(false);
        if self.lock().is_none() {
            let listener = bind(&self.shared.port)
                .await
                .map_err(ServerError::io("listen for the proxy again"))?;
            *self.lock() = Some(self.shared.listen(listener));
        }
        Ok(())
    }

    /// Never held while anything is waited for.
    fn lock(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.listening.lock()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(listening) = self.lock().take() {
            listening.abort();
        }
        // Dropping them ends them.
        *self.shared.lock() = None;
    }
}

/// What the tasks of a proxy share.
#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    port: Port,
    /// Whether no byte may move.
    stalled: watch::Sender<bool>,
    /// The connections, until the end of the proxy; those that have ended are taken out when the next one comes. Never locked
    /// while anything is waited for.
    connections: Mutex<Option<JoinSet<()>>>,
    open: AtomicUsize,
    accepted: AtomicUsize,
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                // What cannot be accepted, such as a connection that is gone already, is not there to be counted.
                if let Ok((client, _)) = listener.accept().await {
                    shared.take(client);
                }
            }
        })
    }

    fn take(self: &Arc<Self>, client: TcpStream) {
        let mut connections = self.lock();
        let Some(connections) = connections.as_mut() else {
            return;
        };
        self.accepted.fetch_add(1, Ordering::AcqRel);
        let open = Open::new(Arc::clone(self));
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            // A connection that fails is one that ends, on both sides.
            let _ = open.0.connect(client).await;
        });
    }

    async fn connect(&self, mut client: TcpStream) -> io::Result<()> {
        let mut stalled = self.stalled.subscribe();
        until_moving(&mut stalled).await?;
        let mut server = TcpStream::connect(self.target).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (client_read, client_write) = client.split();
        let (server_read, server_write) = server.split();
        tokio::try_join!(
            pump(client_read, server_write, stalled.clone()),
            pump(server_read, client_write, stalled),
        )?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.connections.lock()
    }
}

/// A connection that counts as open until this is dropped.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Moves bytes one way until their end, and passes that on too.
async fn pump(
    mut from: tcp::ReadHalf<'_>,
    mut to: tcp::WriteHalf<'_>,
    mut stalled: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = from.read(&mut buffer).await?;
        until_moving(&mut stalled).await?;
        if len == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..len]).await?;
    }
}

async fn until_moving(stalled: &mut watch::Receiver<bool>) -> io::Result<()> {
    match stalled.wait_for(|stalled| !stalled).await {
        Ok(_) => Ok(()),
        Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

async fn bind(port: &Port) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).await
}
