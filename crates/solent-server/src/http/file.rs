//! Files as bodies.

use std::{
    io::{Read, Seek, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;
use solent_spec::{Body, BoxError, http::FilePart};
use tokio::{sync::mpsc, task::spawn_blocking};

/// Bytes read from a file at a time.
const CHUNK: usize = 64 * 1024;

/// A file that is read on the blocking pool, a few chunks ahead of the client.
struct FileBody(mpsc::Receiver<std::io::Result<Bytes>>);

/// Opens a file, or a part of one, as a body. Errors show when the body is read.
pub(super) fn body(part: FilePart) -> Body {
    let (tx, rx) = mpsc::channel(2);
    spawn_blocking(move || {
        if let Err(error) = read(part, &tx) {
            // The body was dropped otherwise: nobody wants to know.
            let _ = tx.blocking_send(Err(error));
        }
    });
    Body::stream(FileBody(rx))
}

fn read(part: FilePart, tx: &mpsc::Sender<std::io::Result<Bytes>>) -> std::io::Result<()> {
    let (mut file, count) = match part {
        FilePart::Path(path) => (std::fs::File::open(path)?, None),
        FilePart::Open {
            mut file,
            offset,
            count,
        } => {
            if let Some(offset) = offset {
                file.seek(SeekFrom::Start(offset))?;
            }
            (file, count)
        }
        _ => return Err(std::io::ErrorKind::Unsupported.into()),
    };
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        let mut chunk = Vec::with_capacity(CHUNK);
        (&mut file)
            .take(left.min(CHUNK as u64))
            .read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        left -= chunk.len() as u64;
        if tx.blocking_send(Ok(chunk.into())).is_err() {
            break;
        }
    }
    Ok(())
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let chunk = ready!(self.0.poll_recv(cx));
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk?))))
    }
}
