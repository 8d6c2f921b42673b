//! The file of a Unix socket.

use std::{
    fs,
    io::{self, ErrorKind::ConnectionRefused},
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

use super::UnixSocket;

/// The file of a socket that this server made. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode, to tell the file from that of a successor; absent if the file was gone at once.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    /// Listens at a path, in the place of a stale socket if there is one. No client can connect before the file has its owner and
    /// permissions: until the socket listens, the system refuses.
    pub(super) fn listen(setting: &UnixSocket, backlog: u32) -> io::Result<(UnixListener, Self)> {
        let path = &setting.path;
        let address = SockAddr::unix(path)?;
        if is_stale(path) {
            fs::remove_file(path)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address)?;
        let file = Self {
            path: path.clone(),
            identity: identity(path),
        };
        setting.apply()?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        let listener = UnixListener::from_std(OwnedFd::from(socket).into())?;
        Ok((listener, file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && self.identity == identity(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether there is a socket without a listener. Anything else, and any doubt, is left for `bind` to stumble over.
fn is_stale(path: &Path) -> bool {
    let is_socket = path
        .symlink_metadata()
        .is_ok_and(|meta| meta.file_type().is_socket());
    is_socket && connect(path).is_err_and(|error| error.kind() == ConnectionRefused)
}

/// Does not wait: a listener that has no room for one more connection is in use.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let meta = path.symlink_metadata().ok()?;
    Some((meta.dev(), meta.ino()))
}
