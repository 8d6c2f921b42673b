//! Addresses as settings and as text.

use std::{
    fmt,
    net::{self, SocketAddr},
    os::unix,
    str::FromStr,
};

use super::UnixSocket;

/// One place to listen at.
#[derive(Debug)]
#[non_exhaustive]
pub enum Bind {
    /// An IP address and port; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket, with its file's owner and permissions.
    Unix(UnixSocket),
    /// A TCP socket that listens already.
    TcpListener(net::TcpListener),
    /// A Unix socket that listens already.
    UnixListener(unix::net::UnixListener),
    /// The n-th socket (from 0) that systemd or another parent passed in `LISTEN_FDS`.
    Inherited(usize),
}

impl From<SocketAddr> for Bind {
    fn from(addr: SocketAddr) -> Self {
        Self::Tcp(addr)
    }
}

impl From<net::TcpListener> for Bind {
    fn from(listener: net::TcpListener) -> Self {
        Self::TcpListener(listener)
    }
}

impl From<unix::net::UnixListener> for Bind {
    fn from(listener: unix::net::UnixListener) -> Self {
        Self::UnixListener(listener)
    }
}

impl From<UnixSocket> for Bind {
    fn from(socket: UnixSocket) -> Self {
        Self::Unix(socket)
    }
}

/// Text is none of the forms of a [`Bind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address to listen at: {fault}")]
pub struct BindParseError {
    text: String,
    fault: String,
}

const FORMS: &str = "use 127.0.0.1:8000, [::1]:8000, unix:/path/to.sock or fd:0";

impl FromStr for Bind {
    type Err = BindParseError;

    /// Reads `IP:PORT`, `[IPV6]:PORT`, `localhost:PORT`, `fd:N` or `unix:PATH`, the last with the settings of a
    /// [`UnixSocket`].
    fn from_str(text: &str) -> Result<Self, BindParseError> {
        let faulty = |fault: String| BindParseError {
            text: text.to_owned(),
            fault,
        };
        let unreadable = || faulty(FORMS.to_owned());
        if let Some(socket) = text.strip_prefix("unix:") {
            return UnixSocket::parse(socket).map(Self::Unix).map_err(faulty);
        }
        if let Some(index) = text.strip_prefix("fd:") {
            return index.parse().map(Self::Inherited).map_err(|_| unreadable());
        }
        if let Some(port) = text.strip_prefix("localhost:") {
            let port = port.parse().map_err(|_| unreadable())?;
            return Ok(Self::Tcp(([127, 0, 0, 1], port).into()));
        }
        text.parse().map(Self::Tcp).map_err(|_| unreadable())
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(socket) => socket.fmt(f),
            Self::TcpListener(_) => f.write_str("a TCP listener"),
            Self::UnixListener(_) => f.write_str("a Unix listener"),
            Self::Inherited(index) => write!(f, "fd:{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in ["127.0.0.1:8000", "[::1]:80", "unix:/run/x.sock", "fd:2"] {
            assert_eq!(text.parse::<Bind>().unwrap().to_string(), text);
        }
        assert_eq!(
            "localhost:1".parse::<Bind>().unwrap().to_string(),
            "127.0.0.1:1"
        );
        for text in ["", "8000", "unix:", "fd:x", "example.org:80", "127.0.0.1"] {
            assert!(text.parse::<Bind>().is_err(), "{text}");
        }
    }
}
