//! Tables of files are read by the names of their keys alone.
//!
//! Derived readers of structs also take a list, by position, and fill what it lacks with defaults: `process = []` would
//! be a chip without any imperfection, without a word. Every file of a user is read through here, where a list in the
//! place of a table is refused as a wrong type.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use std::fmt;
use std::marker::PhantomData;

/// Deserialises a value whose tables are read by the names of their keys.
///
/// # Errors
///
/// Those of the format, and a list in the place of a table.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// struct Heater {
///     #[serde(default)]
///     power_w: f64,
/// }
/// assert_eq!(serde_json::from_str::<Heater>("[]").unwrap().power_w, 0.0);
/// let mut json = serde_json::Deserializer::from_str("[]");
/// let refused = phaseloom_files::by_key::<Heater, _>(&mut json).unwrap_err();
/// assert!(refused.to_string().starts_with("invalid type: sequence, expected a table of keys"));
/// ```
pub fn by_key<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::deserialize(ByKey::any(from))
}

/// Reads JSON whose objects are read by the names of their keys.
///
/// # Errors
///
/// Bad syntax with its line, and a list in the place of an object.
pub fn json_by_key<'de, T: Deserialize<'de>>(json: &'de (impl AsRef<[u8]> + ?Sized)) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(json.as_ref());
    let value = by_key(&mut json)?;
    json.end()?;
    Ok(value)
}

/// A list of tables that are chosen by a key of theirs, such as `kind`: serde keeps such a table aside before it reads it, so
/// that only here a list in its place is seen.
///
/// For `#[serde(deserialize_with = "…")]`.
///
/// # Errors
///
/// Those of the format, and a list in the place of one of the tables.
pub fn list_of_tables<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct Table<T>(T);
    struct Keys<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Keys<T> {
        type Value = Table<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(TABLE)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Table)
        }
    }

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_map(Keys(PhantomData))
        }
    }

    Ok(Vec::<Table<T>>::deserialize(from)?.into_iter().map(|Table(table)| table).collect())
}

/// What is expected where there is a list.
const TABLE: &str = "a table of keys and values";

/// Wraps any of serde's parts and hands on what it is given; `table` marks the visitor of a struct.
struct ByKey<T> {
    inner: T,
    table: bool,
}

impl<T> ByKey<T> {
    fn any(inner: T) -> Self {
        Self { inner, table: false }
    }

    fn table(inner: T) -> Self {
        Self { inner, table: true }
    }
}

macro_rules! deserialized_as {
    ($($method:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(ByKey::any(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ByKey<D> {
    type Error = D::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_newtype_struct(name, ByKey::any(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_struct(name, fields, ByKey::table(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, ByKey::any(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple(length, ByKey::any(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple_struct(name, length, ByKey::any(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, ByKey::any(visitor))
    }

    deserialized_as!(
        deserialize_any,
        deserialize_option,
        deserialize_bool,
        deserialize_i8,
        deserialize_i16,
        deserialize_i32,
        deserialize_i64,
        deserialize_i128,
        deserialize_u8,
        deserialize_u16,
        deserialize_u32,
        deserialize_u64,
        deserialize_u128,
        deserialize_f32,
        deserialize_f64,
        deserialize_char,
        deserialize_str,
        deserialize_string,
        deserialize_bytes,
        deserialize_byte_buf,
        deserialize_unit,
        deserialize_seq,
        deserialize_map,
        deserialize_identifier,
        deserialize_ignored_any
    );
}

macro_rules! handed_on {
    ($($visit:ident($of:ty)),*) => {
        $(fn $visit<E: Error>(self, value: $of) -> Result<V::Value, E> {
            self.inner.$visit(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ByKey<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    handed_on!(
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_f64(f64),
        visit_i128(i128),
        visit_u128(u128),
        visit_str(&str),
        visit_borrowed_str(&'de str),
        visit_string(String)
    );

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(ByKey::any(from))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(ByKey::any(from))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        if self.table {
            return Err(A::Error::invalid_type(Unexpected::Seq, &TABLE));
        }
        self.inner.visit_seq(ByKey::any(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(ByKey::any(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, of: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(ByKey::any(of))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ByKey<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(ByKey::any(from))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ByKey<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(ByKey::any(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ByKey<A> {
    type Error = A::Error;

    // Keys hold no tables.
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(ByKey::any(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for ByKey<A> {
    type Error = A::Error;
    type Variant = ByKey<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, variant) = self.inner.variant_seed(seed)?;
        Ok((name, ByKey::any(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for ByKey<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(ByKey::any(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(length, ByKey::any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, ByKey::table(visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Table {
        number: f64,
        list: Vec<Table>,
        pair: [f64; 2],
        perhaps: Option<Box<Table>>,
        kind: Kind,
        any: Any,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    enum Kind {
        #[default]
        Plain,
        Held(Box<Table>),
        Named {
            #[serde(default)]
            number: f64,
        },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(f64),
        Numbers(Vec<f64>),
    }

    impl Default for Any {
        fn default() -> Self {
            Self::Number(0.0)
        }
    }

    #[test]
    fn whatever_has_keys_reads_as_before() {
        for json in [
            "{}",
            r#"{ "number": 1, "pair": [1.5, -2], "perhaps": null, "kind": "Plain", "any": 3 }"#,
            r#"{ "list": [{}, { "number": 2, "list": [] }], "perhaps": { "number": 1e300 }, "any": [1, 2.5] }"#,
            r#"{ "kind": { "Held": { "number": 1 } } }"#,
            r#"{ "kind": { "Named": { "number": 1 } } }"#,
        ] {
            assert_eq!(json_by_key::<Table>(json).unwrap(), serde_json::from_str(json).unwrap(), "{json}");
        }
        for json in [r#"{ "number": "1" }"#, r#"{ "nomber": 1 }"#, r#"{ "pair": [1] }"#, "{} {}", "{", "1", ""] {
            let (ours, plain) =
                (json_by_key::<Table>(json).unwrap_err(), serde_json::from_str::<Table>(json).unwrap_err());
            assert_eq!(ours.to_string(), plain.to_string(), "{json}");
        }
    }

    #[test]
    fn lists_are_no_tables() {
        for json in [
            "[]",
            "[1.0, []]",
            r#"{ "list": [[]] }"#,
            r#"{ "perhaps": [] }"#,
            r#"{ "kind": { "Held": [1] } }"#,
            r#"{ "kind": { "Named": [1] } }"#,
        ] {
            let refused = json_by_key::<Table>(json).unwrap_err().to_string();
            assert!(refused.starts_with("invalid type: sequence, expected a table of keys"), "{json}: {refused}");
        }
    }

    #[test]
    fn tables_of_a_kind_are_no_lists() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(tag = "kind")]
        enum Layer {
            Relu,
            Dense { outputs: usize },
        }
        #[derive(Debug, Deserialize)]
        struct Model {
            #[serde(deserialize_with = "list_of_tables")]
            layer: Vec<Layer>,
        }
        let model: Model =
            json_by_key(r#"{ "layer": [{ "kind": "Relu" }, { "outputs": 3, "kind": "Dense" }] }"#).unwrap();
        assert_eq!(model.layer, [Layer::Relu, Layer::Dense { outputs: 3 }]);
        let refused = json_by_key::<Model>(r#"{ "layer": [["Relu"]] }"#).unwrap_err().to_string();
        assert!(refused.contains(TABLE), "{refused}");
    }
}
