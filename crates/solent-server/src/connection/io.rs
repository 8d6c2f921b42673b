//! A stream with deadlines.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{ConnectionGuard, Stream, Watch};

/// What an HTTP connection reads from and writes to.
#[derive(Debug)]
pub(crate) struct ConnectionIo {
    stream: Stream,
    watch: Arc<Watch>,
    guard: ConnectionGuard,
}

const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

impl ConnectionIo {
    pub(crate) fn new(stream: Stream, watch: Arc<Watch>, guard: ConnectionGuard) -> Self {
        Self {
            stream,
            watch,
            guard,
        }
    }

    /// The stream and its place among the connections, for what follows HTTP on it.
    pub(crate) fn into_parts(self) -> (Stream, ConnectionGuard) {
        (self.stream, self.guard)
    }

    fn expired(&self) -> io::Error {
        if self.watch.is_in_head() {
            // As far as the socket takes it; the client may be gone.
            let _ = self.stream.try_write(REQUEST_TIMEOUT);
        }
        io::ErrorKind::TimedOut.into()
    }

    fn written(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Pending if self.watch.is_expired() => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            Poll::Pending => self.watch.on_write_blocked(),
            Poll::Ready(_) => self.watch.on_written(),
        }
        result
    }
}

impl AsyncRead for ConnectionIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.watch.is_expired() {
            return Poll::Ready(Err(self.expired()));
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.on_read();
        }
        result
    }
}

impl AsyncWrite for ConnectionIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
