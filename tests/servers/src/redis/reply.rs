//! One command and its reply, with the `redis` client.

use std::{fmt, io, path::Path, time::Duration};

use redis::{
    Client, Cmd, Connection, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, Value,
};

use crate::ServerError;

/// How long a server may take for one reply.
const TIMEOUT: Duration = Duration::from_secs(30);

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

    /// `None` for what RESP2 does not have.
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Nil => Some(Self::Nil),
            Value::Int(number) => Some(Self::Integer(number)),
            Value::BulkString(bytes) => Some(Self::Bytes(bytes)),
            Value::SimpleString(text) => Some(Self::Bytes(text.into_bytes())),
            Value::Okay => Some(Self::Bytes(b"OK".to_vec())),
            Value::Array(values) => {
                let replies = values.into_iter().map(Self::from_value);
                replies.collect::<Option<_>>().map(Self::List)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => Ok(()),
            Self::Integer(number) => number.fmt(f),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).fmt(f),
            Self::List(_) => self.lines().join("\n").fmt(f),
        }
    }
}

/// Sends one command over a connection of its own, with `password` if there is one.
pub(super) fn ask(
    socket: &Path,
    password: Option<&str>,
    command: &[impl AsRef<[u8]>],
) -> Result<Reply, ServerError> {
    let name = || {
        let name = command.first().map(AsRef::as_ref).unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    };
    let mut request = Cmd::new();
    for word in command {
        request.arg(word.as_ref());
    }
    let value: Value = connect(socket, password)
        .and_then(|mut connection| request.query(&mut connection))
        .map_err(|error| failed(name(), error))?;
    let shown = format!("{value:?}");
    Reply::from_value(value).ok_or_else(|| ServerError::Unreadable {
        command: name(),
        reply: shown,
    })
}

fn connect(socket: &Path, password: Option<&str>) -> RedisResult<Connection> {
    // Tests count commands: nothing is sent that they did not ask for.
    let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(password) = password {
        settings = settings.set_password(password);
    }
    let info = ConnectionAddr::Unix(socket.to_owned())
        .into_connection_info()?
        .set_redis_settings(settings);
    let connection = Client::open(info)?.get_connection_with_timeout(TIMEOUT)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    Ok(connection)
}

fn failed(command: String, error: RedisError) -> ServerError {
    match error.code() {
        Some(code) => ServerError::Refused {
            command,
            reply: format!("{code} {}", error.detail().unwrap_or_default()),
        },
        None => ServerError::io("ask the server")(io::Error::other(error)),
    }
}
