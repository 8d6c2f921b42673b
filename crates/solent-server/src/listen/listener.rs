//! Sockets that accept.

use std::{io, net::SocketAddr};

use solent_spec::request::ServerAddr;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::{Bind, UnixSocket, socket_file::SocketFile};
use crate::connection::Stream;

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum BoundListener {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Removed at the end; absent for a socket that somebody else made.
        _file: Option<SocketFile>,
    },
}

/// Starts to listen.
pub(crate) fn bind(bind: &Bind, backlog: u32) -> io::Result<BoundListener> {
    match bind {
        Bind::Tcp(addr) => bind_tcp(*addr, backlog),
        Bind::Unix(socket) => bind_unix(socket, backlog),
        Bind::TcpListener(listener) => adopt_tcp(listener.try_clone()?),
        Bind::UnixListener(listener) => adopt_unix(listener.try_clone()?),
        Bind::Inherited(index) => inherit(*index),
    }
}

fn bind_tcp(addr: SocketAddr, backlog: u32) -> io::Result<BoundListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(backlog).map(BoundListener::Tcp)
}

fn bind_unix(socket: &UnixSocket, backlog: u32) -> io::Result<BoundListener> {
    let (listener, file) = SocketFile::listen(socket, backlog)?;
    Ok(BoundListener::Unix {
        listener,
        _file: Some(file),
    })
}

fn adopt_tcp(listener: std::net::TcpListener) -> io::Result<BoundListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(BoundListener::Tcp)
}

fn adopt_unix(listener: std::os::unix::net::UnixListener) -> io::Result<BoundListener> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    Ok(BoundListener::Unix {
        listener,
        _file: None,
    })
}

fn inherit(index: usize) -> io::Result<BoundListener> {
    let mut inherited = listenfd::ListenFd::from_env();
    if let Ok(Some(listener)) = inherited.take_tcp_listener(index) {
        return adopt_tcp(listener);
    }
    match inherited.take_unix_listener(index)? {
        Some(listener) => adopt_unix(listener),
        None => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "no listening socket {index} was passed to this process, LISTEN_FDS and LISTEN_PID tell which"
            ),
        )),
    }
}

impl BoundListener {
    /// Accepts the next connection.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Fails on some systems if the peer has reset already, which the first read tells as well.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Some(peer)))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), None))
            }
        }
    }

    /// The address it listens at.
    pub(crate) fn server_addr(&self) -> Option<ServerAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(ServerAddr::Tcp),
            Self::Unix { listener, .. } => {
                let addr = listener.local_addr().ok()?;
                addr.as_pathname()
                    .map(|path| ServerAddr::Unix(path.to_owned()))
            }
        }
    }
}
