//! Messages as JSON.

use std::fmt;

use anyhow::Result;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::Error,
};
use serde_json::{Map, Value, json};
use solent::layer::Message;

/// A message made of JSON, where `{"$bytes": "00ff"}` and `{"$float": "inf"}` are what JSON does not have: the form in which
/// tests speak of messages, and in which Python tells what it got.
pub(super) fn message(value: &Value) -> Result<Message> {
    Ok(Message::encode(&Any(value.clone()))?)
}

/// What a message is in this form. Numbers keep their kind: 1 is not 1.0.
pub(super) fn value(message: &Message) -> Result<Value> {
    Ok(message.decode::<Any>()?.0.clone())
}

struct Any(Value);

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Object(map) => match (map.get("$bytes"), map.get("$float")) {
                (Some(hex), _) => {
                    serializer.serialize_bytes(&bytes(hex).map_err(S::Error::custom)?)
                }
                (_, Some(text)) => {
                    let text = text.as_str().unwrap_or_default();
                    serializer.serialize_f64(text.parse().map_err(S::Error::custom)?)
                }
                _ => {
                    serializer.collect_map(map.iter().map(|(key, item)| (key, Self(item.clone()))))
                }
            },
            Value::Array(list) => {
                serializer.collect_seq(list.iter().map(|item| Self(item.clone())))
            }
            other => other.serialize(serializer),
        }
    }
}

fn bytes(hex: &Value) -> Result<Vec<u8>, std::num::ParseIntError> {
    let hex = hex.as_str().unwrap_or_default();
    let pairs = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16)).collect()
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor).map(Self)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a message may have")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(if value.is_finite() {
            value.into()
        } else {
            json!({"$float": value.to_string().to_lowercase()})
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(json!({"$bytes": hex}))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Any(item)) = seq.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Any(item))) = map.next_entry()? {
            object.insert(key, item);
        }
        Ok(object.into())
    }
}
