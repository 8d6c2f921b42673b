//! JSON of values, written as they are or refused.

use serde::ser::{self, Serialize, Serializer};

/// A value, serializer or part of one that lets no number through which JSON does not have: `serde_json` writes `null` for it.
///
/// It is gone once it is compiled, except for the look at each floating point number.
struct Finite<T>(T);

/// Writes a value as JSON.
///
/// # Errors
///
/// A value that JSON does not have: NaN, infinities, and maps whose keys are neither strings nor numbers.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Finite(value))
}

/// The same as bytes, such as the body of a response.
///
/// # Errors
///
/// As [`to_string`].
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Finite(value))
}

/// The same as a tree.
///
/// # Errors
///
/// As [`to_string`], and for integers of more than 64 bits.
pub fn to_value<T: Serialize>(value: T) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(Finite(&value))
}

impl<T: Serialize + ?Sized> Serialize for Finite<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Finite(serializer))
    }
}

macro_rules! pass {
    ($($method:ident($($name:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $($name: $type),*) -> Result<$result, S::Error> {
            self.0.$method($($name),*)
        })*
    };
}

macro_rules! pass_wrapped {
    ($($method:ident($($name:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $($name: $type),*) -> Result<$result, S::Error> {
            self.0.$method($($name),*).map(Finite)
        })*
    };
}

impl<S: Serializer> Serializer for Finite<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Finite<S::SerializeSeq>;
    type SerializeTuple = Finite<S::SerializeTuple>;
    type SerializeTupleStruct = Finite<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Finite<S::SerializeTupleVariant>;
    type SerializeMap = Finite<S::SerializeMap>;
    type SerializeStruct = Finite<S::SerializeStruct>;
    type SerializeStructVariant = Finite<S::SerializeStructVariant>;

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        if !value.is_finite() {
            return Err(not_finite());
        }
        self.0.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        if !value.is_finite() {
            return Err(not_finite());
        }
        self.0.serialize_f64(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Finite(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Finite(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = &Finite(value);
        self.0
            .serialize_newtype_variant(name, index, variant, value)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    pass! {
        serialize_bool(value: bool) -> S::Ok;
        serialize_i8(value: i8) -> S::Ok;
        serialize_i16(value: i16) -> S::Ok;
        serialize_i32(value: i32) -> S::Ok;
        serialize_i64(value: i64) -> S::Ok;
        serialize_i128(value: i128) -> S::Ok;
        serialize_u8(value: u8) -> S::Ok;
        serialize_u16(value: u16) -> S::Ok;
        serialize_u32(value: u32) -> S::Ok;
        serialize_u64(value: u64) -> S::Ok;
        serialize_u128(value: u128) -> S::Ok;
        serialize_char(value: char) -> S::Ok;
        serialize_str(value: &str) -> S::Ok;
        serialize_bytes(value: &[u8]) -> S::Ok;
        serialize_none() -> S::Ok;
        serialize_unit() -> S::Ok;
        serialize_unit_struct(name: &'static str) -> S::Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> S::Ok;
    }

    pass_wrapped! {
        serialize_seq(len: Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(len: usize) -> Self::SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> Self::SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> Self::SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> Self::SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> Self::SerializeStructVariant;
    }
}

#[cold]
fn not_finite<E: ser::Error>() -> E {
    E::custom("JSON has no NaN and no infinite numbers")
}

macro_rules! lists {
    ($($list:ident::$push:ident;)*) => {
        $(impl<C: ser::$list> ser::$list for Finite<C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.0.$push(&Finite(value))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.0.end()
            }
        })*
    };
}

lists! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! structs {
    ($($of:ident)*) => {
        $(impl<C: ser::$of> ser::$of for Finite<C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.0.serialize_field(name, &Finite(value))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.0.skip_field(name)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.0.end()
            }
        })*
    };
}

structs!(SerializeStruct SerializeStructVariant);

impl<C: ser::SerializeMap> ser::SerializeMap for Finite<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.0.serialize_key(&Finite(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.0.serialize_value(&Finite(value))
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), C::Error> {
        self.0.serialize_entry(&Finite(key), &Finite(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Debug};

    use serde_json::{Value, json};

    use super::*;

    #[derive(serde::Serialize)]
    enum Every {
        Unit,
        Newtype(f64),
        Tuple(u8, f32),
        Struct {
            at: f64,
            #[serde(skip_serializing_if = "Option::is_none")]
            not: Option<f64>,
        },
    }

    #[derive(serde::Serialize)]
    #[serde(tag = "type")]
    enum Tagged {
        At(Flat),
    }

    #[derive(serde::Serialize)]
    struct Flat {
        place: (f64, f64),
        #[serde(flatten)]
        rest: BTreeMap<String, Option<f64>>,
    }

    fn refused(value: impl Serialize) {
        let told = |error: Option<serde_json::Error>| error.expect("refused").to_string();
        for told in [
            told(to_string(&value).err()),
            told(to_vec(&value).err()),
            told(to_value(&value).err()),
        ] {
            assert_eq!(told, "JSON has no NaN and no infinite numbers");
        }
    }

    fn written(value: impl Serialize + Debug) {
        assert_eq!(
            to_string(&value).unwrap(),
            serde_json::to_string(&value).unwrap()
        );
        assert_eq!(to_vec(&value).unwrap(), serde_json::to_vec(&value).unwrap());
        assert_eq!(
            to_value(&value).unwrap(),
            serde_json::to_value(&value).unwrap()
        );
    }

    #[test]
    fn number_that_json_does_not_have_is_refused_wherever_it_is() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let flat = |place, rest: Option<f64>| Flat {
                place: (0.0, place),
                rest: BTreeMap::from([("rest".to_owned(), rest)]),
            };
            refused(odd);
            refused(odd as f32);
            refused(Some(odd));
            refused([[odd]]);
            refused((1, "a", odd));
            refused(BTreeMap::from([("a", odd)]));
            refused(Every::Newtype(odd));
            refused(Every::Tuple(0, odd as f32));
            refused(Every::Struct { at: odd, not: None });
            refused(flat(odd, None));
            refused(flat(0.0, Some(odd)));
            refused(Tagged::At(flat(0.0, Some(odd))));
        }
    }

    #[test]
    fn all_else_is_written_as_it_was() {
        written(json!({"a": [1, -2.5, null, true, "ä€𝄞"], "b": {"c": u64::MAX}}));
        written((f64::MAX, f64::MIN_POSITIVE, -0.0, 1e16, f32::MAX, 0.1_f32));
        written((i64::MIN, u64::MAX, i128::from(i64::MIN), 'x', (), b"x"));
        written(BTreeMap::from([(1, None), (2, Some(Some(1)))]));
        for every in [
            Every::Unit,
            Every::Newtype(1.5),
            Every::Tuple(1, 1.5),
            Every::Struct { at: 1.5, not: None },
        ] {
            let value = to_value(&every).unwrap();
            assert_eq!(value, serde_json::to_value(&every).unwrap());
        }
        let flat = Flat {
            place: (1.0, 2.0),
            rest: BTreeMap::from([("rest".to_owned(), Some(0.5))]),
        };
        assert_eq!(
            to_string(&Tagged::At(flat)).unwrap(),
            r#"{"type":"At","place":[1.0,2.0],"rest":0.5}"#
        );
        assert_eq!(to_value("x").unwrap(), Value::from("x"));
    }
}
