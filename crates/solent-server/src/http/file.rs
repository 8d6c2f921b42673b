//! Files as bodies.

use std::{
    fs::{self, File},
    future::Future,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use solent_spec::{Body, BoxError, http::FilePart};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// Bytes read from a file at a time.
const CHUNK: usize = 64 * 1024;

/// A file that is read a chunk at a time, each when the client's socket has room for it. Between two chunks it holds
/// nothing but the file: no thread, and no bytes.
struct FileBody {
    stage: Stage,
    /// What is left, once that is known. Unknown for files without a size, such as those of `/proc`.
    left: Option<u64>,
}

enum Stage {
    /// Nothing is being read.
    Waiting(Box<Source>),
    /// A thread of the blocking pool reads one chunk.
    Reading(JoinHandle<Result<(Source, Bytes), FileError>>),
    Ended,
}

/// What is left of a file.
enum Source {
    /// It is opened with the first chunk.
    Closed(FilePart),
    Open {
        file: File,
        /// Bytes that are still to be read at the most.
        left: u64,
        /// Whether there are exactly so many.
        is_exact: bool,
    },
}

/// A file cannot be sent.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("file {0:?} does not exist")]
    Missing(PathBuf),
    #[error("file {0:?} may not be read by this process")]
    Forbidden(PathBuf),
    #[error("{0:?} is a directory, and no file")]
    Directory(PathBuf),
    #[error("{0:?} is no regular file")]
    Special(PathBuf),
    #[error("file {0:?} cannot be opened")]
    Open(PathBuf, #[source] io::Error),
    #[error("file cannot be read")]
    Read(#[from] io::Error),
    #[error("reading of the file was cancelled")]
    Cancelled(#[from] JoinError),
}

/// A file, or a part of one, as a body. Errors show when the body is read.
pub(super) fn body(part: FilePart) -> Body {
    Body::stream(FileBody {
        stage: Stage::Waiting(Box::new(Source::Closed(part))),
        left: None,
    })
}

/// Opens a regular file; to open another kind may wait for ever.
fn open(path: PathBuf) -> Result<File, FileError> {
    let opened = fs::metadata(&path).and_then(|kind| {
        if kind.is_file() {
            File::open(&path).map(Ok)
        } else {
            Ok(Err(kind.is_dir()))
        }
    });
    match opened {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(true)) => Err(FileError::Directory(path)),
        Ok(Err(false)) => Err(FileError::Special(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FileError::Missing(path)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(FileError::Forbidden(path))
        }
        Err(error) => Err(FileError::Open(path, error)),
    }
}

impl Source {
    fn open(self) -> Result<Self, FileError> {
        let (mut file, offset, count) = match self {
            Self::Open { .. } => return Ok(self),
            Self::Closed(FilePart::Path(path)) => (open(path)?, None, None),
            Self::Closed(FilePart::Open {
                file,
                offset,
                count,
            }) => (file, offset, count),
            Self::Closed(_) => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        };
        if let Some(offset) = offset {
            file.seek(SeekFrom::Start(offset))?;
        }
        let kind = file.metadata()?;
        let size = Some(kind.len()).filter(|size| kind.is_file() && *size > 0);
        let most = count.unwrap_or(u64::MAX);
        let left = match size {
            Some(size) => most.min(size.saturating_sub(file.stream_position()?)),
            None => most,
        };
        Ok(Self::Open {
            file,
            left,
            is_exact: size.is_some(),
        })
    }

    /// Reads the next chunk; an empty one is the end.
    fn read(self) -> Result<(Self, Bytes), FileError> {
        let Self::Open {
            mut file,
            left,
            is_exact,
        } = self.open()?
        else {
            return Err(io::Error::from(io::ErrorKind::Unsupported).into());
        };
        let most = left.min(CHUNK as u64);
        let mut chunk = Vec::with_capacity(CHUNK.min(usize::try_from(most).unwrap_or(CHUNK)));
        (&mut file).take(most).read_to_end(&mut chunk)?;
        let left = left - chunk.len() as u64;
        let rest = Self::Open {
            file,
            left,
            is_exact,
        };
        Ok((rest, chunk.into()))
    }

    /// How many bytes are left, if that is known.
    fn left(&self) -> Option<u64> {
        match self {
            Self::Open {
                left,
                is_exact: true,
                ..
            } => Some(*left),
            Self::Open { .. } | Self::Closed(_) => None,
        }
    }
}

impl FileBody {
    /// The task of the next read, begun if none is under way.
    fn reading(&mut self) -> Option<&mut JoinHandle<Result<(Source, Bytes), FileError>>> {
        if let Stage::Waiting(_) = self.stage
            && let Stage::Waiting(source) = std::mem::replace(&mut self.stage, Stage::Ended)
        {
            self.stage = Stage::Reading(spawn_blocking(move || source.read()));
        }
        match &mut self.stage {
            Stage::Reading(task) => Some(task),
            Stage::Waiting(_) | Stage::Ended => None,
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
        self.stage = Stage::Ended;
        let (source, chunk) = read.map_err(FileError::from)??;
        if chunk.is_empty() {
            return Poll::Ready(None);
        }
        self.left = source.left();
        if self.left != Some(0) {
            self.stage = Stage::Waiting(Box::new(source));
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.stage, self.left) {
            (Stage::Ended, _) => SizeHint::with_exact(0),
            (_, Some(left)) => SizeHint::with_exact(left),
            (_, None) => SizeHint::default(),
        }
    }
}
