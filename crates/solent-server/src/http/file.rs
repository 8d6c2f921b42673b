//! Files as bodies.

use std::{
    fs::File,
    future::Future,
    io::{self, Read, Seek, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;
use solent_spec::{Body, BoxError, http::FilePart};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes read from a file at a time.
const CHUNK: usize = 64 * 1024;

/// A file that is read a chunk at a time, each when the client's socket has room for it. Between two chunks it holds
/// nothing but the file: no thread, and no bytes.
enum FileBody {
    /// Nothing is being read.
    Waiting(Box<Source>),
    /// A thread of the blocking pool reads one chunk.
    Reading(JoinHandle<io::Result<(Source, Bytes)>>),
    Ended,
}

/// What is left of a file.
enum Source {
    /// It is opened with the first chunk.
    Closed(FilePart),
    Open {
        file: File,
        left: u64,
    },
}

/// A file, or a part of one, as a body. Errors show when the body is read.
pub(super) fn body(part: FilePart) -> Body {
    Body::stream(FileBody::Waiting(Box::new(Source::Closed(part))))
}

impl Source {
    fn open(self) -> io::Result<(File, u64)> {
        match self {
            Self::Open { file, left } => Ok((file, left)),
            Self::Closed(FilePart::Path(path)) => Ok((File::open(path)?, u64::MAX)),
            Self::Closed(FilePart::Open {
                mut file,
                offset,
                count,
            }) => {
                if let Some(offset) = offset {
                    file.seek(SeekFrom::Start(offset))?;
                }
                Ok((file, count.unwrap_or(u64::MAX)))
            }
            Self::Closed(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Reads the next chunk; an empty one is the end.
    fn read(self) -> io::Result<(Self, Bytes)> {
        let (mut file, left) = self.open()?;
        let most = left.min(CHUNK as u64);
        let mut chunk = Vec::with_capacity(CHUNK.min(usize::try_from(most).unwrap_or(CHUNK)));
        (&mut file).take(most).read_to_end(&mut chunk)?;
        let left = left - chunk.len() as u64;
        Ok((Self::Open { file, left }, chunk.into()))
    }
}

impl FileBody {
    /// The task of the next read, begun if none is under way.
    fn reading(&mut self) -> Option<&mut JoinHandle<io::Result<(Source, Bytes)>>> {
        if let Self::Waiting(_) = self
            && let Self::Waiting(source) = std::mem::replace(self, Self::Ended)
        {
            *self = Self::Reading(spawn_blocking(move || source.read()));
        }
        match self {
            Self::Reading(task) => Some(task),
            Self::Waiting(_) | Self::Ended => None,
        }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(task) = self.reading() else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(task).poll(cx));
        *self = Self::Ended;
        let (source, chunk) = read.map_err(io::Error::other)??;
        if chunk.is_empty() {
            return Poll::Ready(None);
        }
        *self = Self::Waiting(Box::new(source));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}
