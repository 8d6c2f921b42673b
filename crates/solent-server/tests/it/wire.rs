//! Bytes to and from a server.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::served::soon;

/// A stream of either kind.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// The client's end of a connection.
pub(crate) struct Wire {
    stream: Box<dyn Duplex>,
    /// What has been read and not been used.
    input: Vec<u8>,
}

/// A response, with its body put together.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// The fields after the last chunk.
    pub(crate) trailers: Head,
}

/// Field lines, names in lower case.
#[derive(Debug, Default)]
pub(crate) struct Head(Vec<(String, String)>);

impl Head {
    fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let fields = lines.filter_map(|line| line.split_once(':'));
        Self(
            fields
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(n, _)| n == name);
        field.map(|(_, value)| value.as_str())
    }
}

impl Response {
    /// A response whose body is whatever followed its head.
    pub(crate) fn bare(status: u16, head: Head, body: Vec<u8>) -> Self {
        Self {
            status,
            head,
            body,
            trailers: Head::default(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.get(name)
    }
}

impl Wire {
    pub(crate) fn new(stream: impl Duplex + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            input: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Sends as far as the server reads; it may have refused what comes before the end.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = soon(self.stream.write_all(bytes.as_ref())).await;
    }

    /// Reads more; `false` at the end of the stream.
    async fn fill(&mut self) -> bool {
        match soon(self.stream.read_buf(&mut self.input)).await {
            Ok(0) => false,
            Ok(_) => true,
            // The server closed while something of ours was on its way to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Exactly so many bytes.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            assert!(self.fill().await, "the connection ended early");
        }
        self.input.drain(..count).collect()
    }

    /// Everything up to and with `end`; `None` if the connection ends before anything comes.
    async fn take_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            let found = self.input.windows(end.len()).position(|part| part == end);
            if let Some(at) = found {
                return Some(self.input.drain(..at + end.len()).collect());
            }
            if !self.fill().await {
                assert!(self.input.is_empty(), "the connection ended early");
                return None;
            }
        }
    }

    /// Status and headers of the next response, interim ones included; `None` if the connection ends instead.
    pub(crate) async fn try_head(&mut self) -> Option<(u16, Head)> {
        let head = String::from_utf8(self.take_until(b"\r\n\r\n").await?).unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok())
            .unwrap_or_else(|| panic!("no status line in {head:?}"));
        Some((status, Head::parse(lines)))
    }

    pub(crate) async fn head(&mut self) -> (u16, Head) {
        self.try_head().await.expect("there should be a response")
    }

    /// The next response with its body.
    pub(crate) async fn response(&mut self) -> Response {
        let (status, head) = self.head().await;
        let mut response = Response::bare(status, head, Vec::new());
        if response.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await {
                response.body.extend(chunk);
            }
            response.trailers = self.trailers().await;
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().unwrap();
            response.body = self.take(length).await;
        }
        response
    }

    /// The next chunk of a body; `None` for the last one.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = String::from_utf8(self.take_until(b"\r\n").await.unwrap()).unwrap();
        let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
        if size == 0 {
            return None;
        }
        let mut chunk = self.take(size + 2).await;
        assert!(chunk.ends_with(b"\r\n"));
        chunk.truncate(size);
        Some(chunk)
    }

    async fn trailers(&mut self) -> Head {
        let mut lines = Vec::new();
        loop {
            let line = String::from_utf8(self.take_until(b"\r\n").await.unwrap()).unwrap();
            if line == "\r\n" {
                return Head::parse(lines.iter().map(String::as_str));
            }
            lines.push(line);
        }
    }

    /// Everything until the server closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.input)
    }

    /// Reads so many bytes more, to be used later, and leaves all that follow them unread.
    pub(crate) async fn sip(&mut self, count: usize) {
        let before = self.input.len();
        self.input.resize(before + count, 0);
        let sip = self.stream.read_exact(&mut self.input[before..]);
        soon(sip).await.unwrap();
    }

    /// Asserts that the server closes and says nothing more.
    pub(crate) async fn is_closed(&mut self) {
        let rest = self.rest().await;
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }

    /// Tells the server that nothing more will come.
    pub(crate) async fn finish(&mut self) {
        soon(self.stream.shutdown()).await.unwrap();
    }
}

/// A GET request.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: example.org\r\n\r\n")
}
