//! A few lines of a Redis client: one command, one reply (RESP2).

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crate::ServerError;

/// How long a server may take for one reply.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest reply, and the most parts of one, that are read.
const LARGEST: usize = 256 * 1024 * 1024;

/// The deepest list in a list that is read.
const DEEPEST: usize = 16;

/// What a server answered. Shown as text, it has one line for each element of a list, as `redis-cli` prints it to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing is there.
    Nil,
    /// A number.
    Integer(i64),
    /// A status or a value.
    Bytes(Vec<u8>),
    /// An error within a list.
    Error(String),
    /// Several replies.
    List(Vec<Reply>),
}

impl Reply {
    /// All that is not itself a list, in order and as text.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::List(replies) => replies.iter().flat_map(Self::lines).collect(),
            single => vec![single.to_string()],
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => Ok(()),
            Self::Integer(number) => number.fmt(f),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).fmt(f),
            Self::Error(text) => text.fmt(f),
            Self::List(_) => self.lines().join("\n").fmt(f),
        }
    }
}

/// Sends one command over a connection of its own; `password` goes first, if there is one.
pub(super) fn ask(
    socket: &Path,
    password: Option<&str>,
    command: &[impl AsRef<[u8]>],
) -> Result<Reply, ServerError> {
    let stream = UnixStream::connect(socket).map_err(ServerError::io("connect to the server"))?;
    stream
        .set_read_timeout(Some(TIMEOUT))
        .and_then(|()| stream.set_write_timeout(Some(TIMEOUT)))
        .map_err(ServerError::io("set a time-out"))?;
    let mut stream = BufReader::new(stream);
    if let Some(password) = password {
        exchange(&mut stream, &["AUTH", password])?;
    }
    exchange(&mut stream, command)
}

fn exchange(
    stream: &mut BufReader<UnixStream>,
    command: &[impl AsRef<[u8]>],
) -> Result<Reply, ServerError> {
    let name = || {
        let name = command.first().map(AsRef::as_ref).unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    };
    stream
        .get_mut()
        .write_all(&encode(command))
        .map_err(ServerError::io("send a command to the server"))?;
    let reply = read(stream, 0).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => ServerError::Unreadable {
            command: name(),
            reply: source.to_string(),
        },
        _ => ServerError::io("read the server's answer")(source),
    })?;
    match reply {
        Reply::Error(reply) => Err(ServerError::Refused {
            command: name(),
            reply,
        }),
        reply => Ok(reply),
    }
}

fn encode(command: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for word in command.iter().map(AsRef::as_ref) {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn read(stream: &mut impl BufRead, depth: usize) -> io::Result<Reply> {
    let line = read_line(stream)?;
    let (kind, rest) = line
        .split_at_checked(1)
        .ok_or_else(|| unreadable("an empty line"))?;
    match kind {
        "+" => Ok(Reply::Bytes(rest.as_bytes().to_vec())),
        "-" => Ok(Reply::Error(rest.to_owned())),
        ":" => rest
            .parse()
            .map(Reply::Integer)
            .map_err(|_| unreadable(&line)),
        "$" => match length(rest, &line)? {
            None => Ok(Reply::Nil),
            Some(len) => read_bytes(stream, len),
        },
        "*" => match length(rest, &line)? {
            None => Ok(Reply::Nil),
            Some(_) if depth == DEEPEST => Err(unreadable("lists in lists in lists")),
            Some(len) => (0..len)
                .map(|_| read(stream, depth + 1))
                .collect::<Result<_, _>>()
                .map(Reply::List),
        },
        _ => Err(unreadable(&line)),
    }
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.take(64 * 1024).read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read_bytes(stream: &mut impl BufRead, len: usize) -> io::Result<Reply> {
    let mut bytes = vec![0; len + 2];
    stream.read_exact(&mut bytes)?;
    bytes.truncate(len);
    Ok(Reply::Bytes(bytes))
}

/// A length, which is -1 for nothing.
fn length(rest: &str, line: &str) -> io::Result<Option<usize>> {
    match rest.parse::<usize>() {
        Ok(len) if len <= LARGEST => Ok(Some(len)),
        _ if rest == "-1" => Ok(None),
        _ => Err(unreadable(line)),
    }
}

fn unreadable(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what:?}"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Reply, encode, read};

    #[test]
    fn command_is_a_list_of_counted_words() {
        assert_eq!(
            encode(&["SET", "a", "ü"]),
            "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\nü\r\n".as_bytes()
        );
    }

    #[test]
    fn each_kind_of_reply_is_read() {
        let mut bytes =
            &b"*6\r\n+OK\r\n-ERR no\r\n:-7\r\n$2\r\n\r\n\r\n$-1\r\n*2\r\n*-1\r\n*0\r\n"[..];

        let reply = read(&mut bytes, 0).unwrap();

        assert_eq!(
            reply,
            Reply::List(vec![
                Reply::Bytes(b"OK".to_vec()),
                Reply::Error("ERR no".to_owned()),
                Reply::Integer(-7),
                Reply::Bytes(b"\r\n".to_vec()),
                Reply::Nil,
                Reply::List(vec![Reply::Nil, Reply::List(vec![])]),
            ])
        );
        assert_eq!(reply.to_string(), "OK\nERR no\n-7\n\r\n\n\n");
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for bytes in [
            "",
            "\r\n",
            "OK\r\n",
            ":x\r\n",
            "$x\r\n",
            "$-2\r\n",
            "$99999999999999\r\n",
            "$5\r\nab\r\n",
            "*1\r\n",
            &"*1\r\n".repeat(100),
        ] {
            let error = read(&mut bytes.as_bytes(), 0).unwrap_err();

            assert!(
                matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ),
                "{bytes:?}: {error}"
            );
        }
    }
}
