//! What Python wrote and read, and properties of everything that is written and read here.

mod property;
mod refused;
mod vector;

use bytes::Bytes;
use solent_spec::Message;

fn message(bytes: impl Into<Bytes>) -> Message {
    Message::from_encoded(bytes.into()).unwrap()
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
    bytes.collect::<Result<_, _>>().unwrap()
}
