//! Captures as structs and tuples.

use serde::{
    Deserialize, Deserializer,
    de::{
        IntoDeserializer, Visitor,
        value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{Captures, ParamError};

pub(super) fn deserialize<'de, T: Deserialize<'de>>(
    captures: &'de Captures,
) -> Result<T, ParamError> {
    T::deserialize(Route(captures))
}

/// All captures.
struct Route<'de>(&'de Captures);

/// The value of one.
struct Value<'de> {
    name: &'de str,
    text: &'de str,
}

impl<'de> Route<'de> {
    fn values(&self) -> impl Iterator<Item = Value<'de>> + use<'de> {
        let captures = self.0.iter();
        captures.map(|(name, text)| Value { name, text })
    }
}

impl<'de> Deserializer<'de> for Route<'de> {
    type Error = ParamError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let named = self.values().filter(|value| !value.name.is_empty());
        visitor.visit_map(MapDeserializer::new(named.map(|value| (value.name, value))))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let mut values = SeqDeserializer::new(self.values());
        let sequence = visitor.visit_seq(&mut values)?;
        values.end()?;
        Ok(sequence)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct map struct
        enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ParamError> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Values that are parsed from their text.
macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            let value: $type = self.text.parse().map_err(|_| ParamError::invalid::<$type>(self.name))?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = ParamError;

    parsed! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
        deserialize_char visit_char char;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let Self { name, text } = self;
        let value = visitor.visit_borrowed_str(text);
        value.map_err(|error: ParamError| {
            ParamError::about(name, format_args!("is faulty: {error}"))
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let Self { name, text } = self;
        let value = visitor.visit_enum(BorrowedStrDeserializer::<ParamError>::new(text));
        value.map_err(|error| ParamError::about(name, format_args!("is faulty: {error}")))
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Place<'a> {
        room: &'a str,
        id: Id,
        kind: Kind,
        page: Option<u8>,
        size: Option<u8>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Id(u64);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Public,
        Private,
    }

    #[test]
    fn captures_become_a_struct() {
        let captures = Captures::new(&[
            ("room", "lobby"),
            ("", "unnamed"),
            ("id", "7"),
            ("kind", "private"),
            ("size", "9"),
            ("other", "x"),
        ]);

        let place = Place {
            room: "lobby",
            id: Id(7),
            kind: Kind::Private,
            page: None,
            size: Some(9),
        };
        assert_eq!(deserialize(&captures), Ok(place));
    }

    #[test]
    fn captures_become_a_tuple() {
        let captures = Captures::new(&[("", "a"), ("n", "7"), ("", "true")]);

        assert_eq!(deserialize(&captures), Ok(("a", 7u8, true)));
        assert_eq!(deserialize(&captures), Ok(vec!["a", "7", "true"]));
        assert!(deserialize::<(String,)>(&captures).is_err());
    }

    #[test]
    fn error_names_the_parameter() {
        let good = [("room", "lobby"), ("id", "7"), ("kind", "public")];
        for (changed, what) in [
            (("id", "x"), "\"id\" is not a valid u64"),
            (("kind", "x"), "\"kind\" is faulty: unknown variant"),
            (("page", "256"), "\"page\" is not a valid u8"),
        ] {
            let all: Vec<_> = good.iter().copied().chain([changed]).collect();
            let captures = Captures::new(&all);
            let error = deserialize::<Place<'_>>(&captures).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
        let captures = Captures::new(&good[1..]);
        let error = deserialize::<Place<'_>>(&captures).unwrap_err();
        assert!(
            error.to_string().contains("no parameter \"room\""),
            "{error}"
        );
    }
}
