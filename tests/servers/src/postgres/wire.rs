//! A few lines of a PostgreSQL client: one query, its rows as text (protocol version 3.0, simple queries).

use std::{
    io::{self, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::ServerError;

/// How long a server may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The longest message that is read.
const LARGEST: usize = 64 * 1024 * 1024;

/// The values of one row as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Runs `sql`, on a connection of its own, and returns the rows of all its statements.
pub(super) fn query(
    addr: SocketAddr,
    user: &str,
    database: &str,
    sql: &str,
) -> Result<Vec<Row>, ServerError> {
    let mut stream = connect(addr).map_err(ServerError::io("connect to the server"))?;
    let start = [
        &196_608_u32.to_be_bytes()[..],
        &text("user"),
        &text(user),
        &text("database"),
        &text(database),
        b"\0",
    ];
    send(&mut stream, None, &start.concat())?;
    rows(&mut stream, "the start of a session")?;

    send(&mut stream, Some(b'Q'), &text(sql))?;
    let rows = rows(&mut stream, command(sql))?;
    // It would notice without it too.
    let _ = send(&mut stream, Some(b'X'), &[]);
    Ok(rows)
}

fn connect(addr: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&addr, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// The first word of a statement, which is all of it that an error shows.
fn command(sql: &str) -> &str {
    sql.split_whitespace().next().unwrap_or_default()
}

fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn send(
    stream: &mut BufReader<TcpStream>,
    tag: Option<u8>,
    body: &[u8],
) -> Result<(), ServerError> {
    let len = u32::try_from(body.len() + 4)
        .map_err(|_| ServerError::io("send a query so long")(io::ErrorKind::InvalidInput.into()))?;
    let mut message: Vec<u8> = tag.into_iter().collect();
    message.extend(len.to_be_bytes());
    message.extend(body);
    stream
        .get_mut()
        .write_all(&message)
        .map_err(ServerError::io("send to the server"))
}

/// Reads until the server is ready for a query; the rows that came before that.
fn rows(stream: &mut impl Read, command: &str) -> Result<Vec<Row>, ServerError> {
    let mut rows = Vec::new();
    let mut refusal = None;
    loop {
        let (tag, body) = receive(stream).map_err(ServerError::io("read the server's answer"))?;
        let unreadable = |reply: &str| ServerError::Unreadable {
            command: command.to_owned(),
            reply: reply.to_owned(),
        };
        match tag {
            b'Z' => break,
            b'D' => rows.push(row(&body).ok_or_else(|| unreadable("half a row"))?),
            b'E' => {
                let refused = ServerError::Refused {
                    command: command.to_owned(),
                    reply: reason(&body),
                };
                // After FATAL it does not become ready any more.
                if body.starts_with(b"SFATAL\0") {
                    return Err(refused);
                }
                refusal.get_or_insert(refused);
            }
            b'R' if body != [0; 4] => return Err(unreadable("a question for a password")),
            _ => {}
        }
    }
    refusal.map_or(Ok(rows), Err)
}

fn receive(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [tag, len @ ..] = head;
    let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
    let len = len
        .checked_sub(4)
        .filter(|len| *len <= LARGEST)
        .ok_or(io::ErrorKind::InvalidData)?;
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok((tag, body))
}

/// The values of a row; `None` if it breaks off.
fn row(body: &[u8]) -> Option<Row> {
    let (count, mut rest) = body.split_first_chunk()?;
    let mut row = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (len, values) = rest.split_first_chunk()?;
        rest = values;
        // A negative length is NULL.
        let value = match usize::try_from(i32::from_be_bytes(*len)) {
            Ok(len) => {
                let (value, others) = rest.split_at_checked(len)?;
                rest = others;
                Some(String::from_utf8_lossy(value).into_owned())
            }
            Err(_) => None,
        };
        row.push(value);
    }
    Some(row)
}

/// What an error says, with its code: fields are a letter and a text each.
fn reason(body: &[u8]) -> String {
    let field = |letter: u8| {
        body.split(|byte| *byte == 0)
            .find_map(|field| field.strip_prefix(&[letter]))
            .map(String::from_utf8_lossy)
            .unwrap_or_default()
    };
    format!("{} {}", field(b'C'), field(b'M'))
}

#[cfg(test)]
mod tests {
    use super::{reason, row, rows};
    use crate::ServerError;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 4).unwrap();
        [&[tag][..], &len.to_be_bytes(), body].concat()
    }

    #[test]
    fn values_are_text_or_nothing() {
        let body = b"\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0";

        let row = row(body).unwrap();

        assert_eq!(row, [Some("ab".into()), None, Some(String::new())]);
    }

    #[test]
    fn broken_off_row_is_nothing() {
        for end in 0..8 {
            assert_eq!(row(&b"\0\x01\0\0\0\x02ab"[..end]), None, "{end}");
        }
    }

    #[test]
    fn refusal_is_an_error_with_code_and_reason() {
        let body = b"SERROR\0C42P01\0Mno such table\0\0";
        let answer = [message(b'E', body), message(b'Z', b"I")].concat();

        let error = rows(&mut answer.as_slice(), "SELECT").unwrap_err();

        assert_eq!(reason(body), "42P01 no such table");
        assert!(matches!(error, ServerError::Refused { .. }), "{error}");
    }

    #[test]
    fn absurd_length_is_an_error() {
        for len in [0_u32, 3, u32::MAX] {
            let answer = [&b"D"[..], &len.to_be_bytes()].concat();

            assert!(rows(&mut answer.as_slice(), "SELECT").is_err(), "{len}");
        }
    }
}
