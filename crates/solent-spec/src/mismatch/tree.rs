//! A value of any shape, to be decoded more than once.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::Reason;

/// Deeper values are not looked into, so that a sender cannot exhaust the stack.
const MAX_DEPTH: usize = 64;

/// A value of JSON or MessagePack.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Unit,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    Seq(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
    /// A minus zero that was written as an integer.
    MinusZero,
}

impl Tree {
    /// Has every minus zero taken only by what wants a floating point number.
    pub(crate) fn refuse_minus_zero(self) -> Self {
        match self {
            Self::Float(value) if value == 0.0 && value.is_sign_negative() => Self::MinusZero,
            Self::Seq(values) => {
                Self::Seq(values.into_iter().map(Self::refuse_minus_zero).collect())
            }
            Self::Map(entries) => {
                let entries = entries.into_iter();
                Self::Map(
                    entries
                        .map(|(key, value)| (key, value.refuse_minus_zero()))
                        .collect(),
                )
            }
            value => value,
        }
    }

    pub(super) fn at(&self, path: &[usize]) -> &Self {
        path.iter().fold(self, |tree, at| match tree {
            Self::Seq(values) => &values[*at],
            Self::Map(entries) => &entries[*at].1,
            tree => tree,
        })
    }

    pub(super) fn at_mut(&mut self, path: &[usize]) -> &mut Self {
        path.iter().fold(self, |tree, at| match tree {
            Self::Seq(values) => &mut values[*at],
            Self::Map(entries) => &mut entries[*at].1,
            tree => tree,
        })
    }

    /// Entries, of a map or sequence.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Seq(values) => values.len(),
            Self::Map(entries) => entries.len(),
            _ => 0,
        }
    }

    pub(super) fn key(&self, at: usize) -> Option<&str> {
        match self {
            Self::Map(entries) => match &entries.get(at)?.0 {
                Self::Str(key) => Some(key),
                _ => Some("?"),
            },
            _ => None,
        }
    }

    /// The same with some entries only, and a `type` if there is one.
    pub(super) fn keep(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept = |at: &usize| keep(*at) || self.key(*at) == Some("type");
        match self {
            Self::Seq(values) => {
                let kept = (0..values.len()).filter(kept);
                Self::Seq(kept.map(|at| values[at].clone()).collect())
            }
            Self::Map(entries) => {
                let kept = (0..entries.len()).filter(kept);
                Self::Map(kept.map(|at| entries[at].clone()).collect())
            }
            value => value.clone(),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Depth(MAX_DEPTH).deserialize(deserializer)
    }
}

/// Reads a tree with so many levels at most.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.0.checked_sub(1);
        depth
            .map(Self)
            .ok_or_else(|| E::custom("value is too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! visits {
    ($($visit:ident $type:ty => $tree:expr;)*) => {$(
        fn $visit<E>(self, value: $type) -> Result<Tree, E> {
            Ok($tree(value.into()))
        }
    )*};
}

impl<'de> Visitor<'de> for Depth {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    visits! {
        visit_bool bool => Tree::Bool;
        visit_u64 u64 => Tree::Unsigned;
        visit_i64 i64 => Tree::Signed;
        visit_f64 f64 => Tree::Float;
        visit_str &str => Tree::Str;
        visit_string String => Tree::Str;
        visit_bytes &[u8] => Tree::Bytes;
        visit_byte_buf Vec<u8> => Tree::Bytes;
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Unit)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Unit)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Tree::Seq(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let inner = self.deeper()?;
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry_seed(inner, inner)? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}

impl<'de> Deserializer<'de> for &'de Tree {
    type Error = Reason;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self {
            Tree::Unit => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Unsigned(value) => visitor.visit_u64(*value),
            Tree::Signed(value) => visitor.visit_i64(*value),
            Tree::Float(value) => visitor.visit_f64(*value),
            Tree::Str(text) => visitor.visit_borrowed_str(text),
            Tree::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Tree::Seq(values) => {
                let mut seq = SeqDeserializer::new(values.iter());
                let value = visitor.visit_seq(&mut seq)?;
                seq.end()?;
                Ok(value)
            }
            Tree::Map(entries) => visitor.visit_map(map(entries)),
            Tree::MinusZero => Err(de::Error::custom("minus zero")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self {
            Tree::Unit => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self {
            Tree::MinusZero => visitor.visit_f64(-0.0),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self {
            Tree::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Reason> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reason> {
        match self {
            Tree::Str(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Tree::Map(entries) => visitor.visit_enum(MapAccessDeserializer::new(map(entries))),
            _ => Err(de::Error::custom("invalid type, expected a variant")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map
        struct identifier ignored_any
    }
}

type Entries<'de> = std::iter::Map<
    std::slice::Iter<'de, (Tree, Tree)>,
    fn(&'de (Tree, Tree)) -> (&'de Tree, &'de Tree),
>;

fn map<'de>(entries: &'de [(Tree, Tree)]) -> MapDeserializer<'de, Entries<'de>, Reason> {
    let both: fn(&'de (Tree, Tree)) -> _ = |(key, value)| (key, value);
    MapDeserializer::new(entries.iter().map(both))
}

impl<'de> IntoDeserializer<'de, Reason> for &'de Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
