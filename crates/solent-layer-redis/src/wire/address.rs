//! Which channels of a process a message is for: `__asgi_channel__`.
//!
//! It is put into the encoded map, and taken out of it, without decoding the rest.

use std::ops::Range;

use bytes::Bytes;
use solent_layer::{ChannelName, DecodeError};
use solent_spec::Message;

use super::{
    field::Problem,
    msgpack::{Reader, Token, push_array_len, push_map_len, push_str, text},
};

/// The key that the channels are at.
pub(crate) const KEY: &str = "__asgi_channel__";

/// The longest header of a map or array, and of the key.
const HEADERS: usize = 5 + 1 + KEY.len() + 5;

/// The longest header of a channel name.
const NAME_HEADER: usize = 2;

/// The channels that a message was for. They are what a peer wrote, and need not be names.
#[derive(Clone, Debug)]
pub(crate) struct Addressees(Bytes);

impl Addressees {
    /// What the peer wrote, to compare it with.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The names: none if the peer wrote neither a string nor a list of strings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut reader = Reader::new(&self.0);
        let (first, mut rest) = match reader.token() {
            Ok(Token::Str(name)) => (text(name).ok(), 0),
            Ok(Token::Array(len)) => (None, len),
            _ => (None, 0),
        };
        let list = std::iter::from_fn(move || {
            while rest > 0 {
                rest -= 1;
                if let Some(name) = name(&mut reader) {
                    return Some(name);
                }
            }
            None
        });
        first.into_iter().chain(list)
    }
}

/// The channels that a message for a group is for, as they are written into it.
#[derive(Clone, Debug)]
pub(crate) struct AddressList(Vec<u8>);

impl AddressList {
    /// A list of these channels.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str, IntoIter: Clone>) -> Self {
        let names = names.into_iter();
        let room = names
            .clone()
            .map(|name| NAME_HEADER + name.len())
            .sum::<usize>();
        let mut list = Vec::with_capacity(room + 5);
        push_array_len(
            &mut list,
            u32::try_from(names.clone().count()).unwrap_or(u32::MAX),
        );
        names.for_each(|name| push_str(&mut list, name));
        Self(list)
    }
}

/// The next item of a list, if it is a name. At the end of the bytes, none ever is.
fn name<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let mut item = reader.clone();
    reader.skip().ok()?;
    match item.token() {
        Ok(Token::Str(name)) => text(name).ok(),
        _ => None,
    }
}

/// Whether a message has the key already. Only the layer may set it.
pub(crate) fn is_addressed(message: &Message) -> bool {
    // What cannot be read is refused elsewhere.
    Entries::of(message.encoded())
        .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.is_address)))
}

/// The message with one channel in it, as a string.
pub(crate) fn with_channel(
    message: &Message,
    channel: &ChannelName,
) -> Result<Message, DecodeError> {
    let room = NAME_HEADER + channel.as_str().len();
    with(message, room, |out| push_str(out, channel.as_str()))
}

/// The message with channels in it, as a list.
pub(crate) fn with_channels(
    message: &Message,
    channels: &AddressList,
) -> Result<Message, DecodeError> {
    with(message, channels.0.len(), |out| {
        out.extend_from_slice(&channels.0);
    })
}

/// The message without its channels, and the channels, if it has any.
pub(crate) fn take_channels(message: Message) -> (Message, Option<Addressees>) {
    match take(message.encoded()) {
        Ok(Some((rest, channels))) => match Message::from_encoded(rest.into()) {
            Ok(rest) => (rest, Some(channels)),
            Err(_) => (message, Some(channels)),
        },
        // A message is a map that can be read.
        Ok(None) | Err(_) => (message, None),
    }
}

/// Appends the key, and the value that `write` writes into so much room.
fn with(
    message: &Message,
    room: usize,
    write: impl FnOnce(&mut Vec<u8>),
) -> Result<Message, DecodeError> {
    let map = message.encoded();
    let mut reader = Reader::new(map);
    let len = match reader.token() {
        Ok(Token::Map(len)) => len.saturating_add(1),
        // A message is a map; what is written then is none, and refused below.
        _ => 0,
    };
    let mut out = Vec::with_capacity(map.len() + HEADERS + room);
    push_map_len(&mut out, len);
    out.extend_from_slice(&map[map.len() - reader.left()..]);
    push_str(&mut out, KEY);
    write(&mut out);
    Message::from_encoded(out.into())
}

/// The map without the key, if it has it, and the last value at it, as a reader of the map would have it.
fn take(map: &Bytes) -> Result<Option<(Vec<u8>, Addressees)>, Problem> {
    let mut channels = None;
    let mut others = 0;
    for entry in Entries::of(map)? {
        let entry = entry?;
        if entry.is_address {
            channels = Some(entry.value);
        } else {
            others += 1;
        }
    }
    let Some(channels) = channels else {
        return Ok(None);
    };
    let mut rest = Vec::with_capacity(map.len());
    push_map_len(&mut rest, others);
    for entry in Entries::of(map)? {
        let entry = entry?;
        if !entry.is_address {
            rest.extend_from_slice(&map[entry.key_start..entry.value.end]);
        }
    }
    Ok(Some((rest, Addressees(map.slice(channels)))))
}

/// The entries of a map, of which only the place is read.
struct Entries<'a> {
    reader: Reader<'a>,
    /// How long the map is, to know where the reader is.
    total: usize,
    left: u32,
}

struct Entry {
    is_address: bool,
    key_start: usize,
    value: Range<usize>,
}

impl<'a> Entries<'a> {
    fn of(map: &'a [u8]) -> Result<Self, Problem> {
        let mut reader = Reader::new(map);
        match reader.token()? {
            Token::Map(left) => Ok(Self {
                reader,
                total: map.len(),
                left,
            }),
            _ => Err(Problem::Incomplete),
        }
    }

    fn at(&self) -> usize {
        self.total - self.reader.left()
    }

    fn entry(&mut self) -> Result<Entry, Problem> {
        let key_start = self.at();
        let mut key = self.reader.clone();
        self.reader.skip()?;
        let is_address = key.token()? == Token::Str(KEY.as_bytes());
        let value_start = self.at();
        self.reader.skip()?;
        Ok(Entry {
            is_address,
            key_start,
            value: value_start..self.at(),
        })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.entry())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &'static [u8]) -> Message {
        Message::from_encoded(Bytes::from_static(bytes)).unwrap()
    }

    fn taken(bytes: &'static [u8]) -> (Vec<u8>, Option<Vec<String>>) {
        let (rest, channels) = take_channels(message(bytes));
        let channels = channels.map(|channels| channels.iter().map(str::to_owned).collect());
        (rest.encoded().to_vec(), channels)
    }

    #[test]
    fn key_is_taken_wherever_it_stands() {
        let rest = b"\x82\xa1a\x01\xa1b\x02".to_vec();
        let one = Some(vec!["x!1".to_owned()]);
        for bytes in [
            &b"\x83\xb0__asgi_channel__\xa3x!1\xa1a\x01\xa1b\x02"[..],
            b"\x83\xa1a\x01\xb0__asgi_channel__\xa3x!1\xa1b\x02",
            b"\x83\xa1a\x01\xa1b\x02\xb0__asgi_channel__\xa3x!1",
            b"\x83\xa1a\x01\xa1b\x02\xd9\x10__asgi_channel__\xd9\x03x!1",
            b"\xde\x00\x03\xa1a\x01\xa1b\x02\xb0__asgi_channel__\x91\xa3x!1",
            b"\x84\xb0__asgi_channel__\xa3x!2\xa1a\x01\xa1b\x02\xb0__asgi_channel__\xa3x!1",
        ] {
            assert_eq!(taken(bytes), (rest.clone(), one.clone()), "{bytes:?}");
        }
    }

    #[test]
    fn key_inside_of_a_field_is_not_an_address() {
        let bytes = b"\x81\xa1a\x81\xb0__asgi_channel__\xa3x!1";

        assert!(!is_addressed(&message(bytes)));
        assert_eq!(taken(bytes), (bytes.to_vec(), None));
    }

    #[test]
    fn address_of_another_kind_is_nobody() {
        for bytes in [
            &b"\x81\xb0__asgi_channel__\xc0"[..],
            b"\x81\xb0__asgi_channel__\x90",
            b"\x81\xb0__asgi_channel__\x81\xa1a\xa1b",
            b"\x81\xb0__asgi_channel__\x93\x01\xa2\xc3\x28\x91\xa1a",
        ] {
            assert_eq!(taken(bytes), (b"\x80".to_vec(), Some(vec![])), "{bytes:?}");
        }
    }

    #[test]
    fn sixteenth_entry_makes_the_header_longer() {
        let mut map = vec![0x8f];
        for key in b'a'..b'p' {
            map.extend([0xa1, key, 0x01]);
        }
        let original = Message::from_encoded(map.into()).unwrap();

        let sent = with_channel(&original, &"x!1".parse().unwrap()).unwrap();

        assert_eq!(sent.encoded()[..3], [0xde, 0, 16]);
        let (received, channels) = take_channels(sent);
        assert_eq!(received, original);
        assert!(channels.unwrap().iter().eq(["x!1"]));
    }
}
