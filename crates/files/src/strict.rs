//! Deserialisation in which only a table can fill a struct.
//!
//! Code that serde derives for a struct also accepts a list, by position, and fills the missing fields with defaults:
//! `process = []` would silently be a chip without imperfections. [`Strict`] wraps every part of a deserialiser and
//! refuses a list where the type is a struct, and an empty path. All files that users write are read this way.

use crate::error::FileError;
use crate::error_text::without_rust_types;
use crate::kind::other_kind;
use crate::missing::{Added, Pass, with_all_missing};
use crate::text::read_text;
use serde::Serialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

/// Expected instead of a list.
const TABLE: &str = "a table of keys and values";

/// Deserialises a value of a self-describing format; a list in the place of a struct is an error.
///
/// # Errors
///
/// Those of the format, and a list in the place of a struct.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// struct Heater {
///     #[serde(default)]
///     power_w: f64,
/// }
/// assert_eq!(serde_json::from_str::<Heater>("[]").unwrap().power_w, 0.0);
/// let mut json = serde_json::Deserializer::from_str("[]");
/// let refused = phaseloom_files::deserialize_strict::<Heater, _>(&mut json).unwrap_err();
/// assert!(refused.to_string().starts_with("found list, expected a table of keys"));
/// ```
pub fn deserialize_strict<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    // Formats find line and column again at the end of the message.
    let pass = Pass::default();
    T::deserialize(Strict(from, &pass)).map_err(|error| D::Error::custom(without_rust_types(&error.to_string())))
}

/// Parses JSON; a list in the place of a struct is an error.
///
/// # Errors
///
/// Bad syntax, a wrong type, a list in the place of a struct, or missing keys (all of the table), with line and column.
pub fn from_json_strict<'de, T: Deserialize<'de>>(json: &'de (impl AsRef<[u8]> + ?Sized)) -> serde_json::Result<T> {
    let read = |pass: &Pass| {
        let mut json = serde_json::Deserializer::from_slice(json.as_ref());
        let value = T::deserialize(Strict(&mut json, pass))?;
        json.end()?;
        Ok::<T, serde_json::Error>(value)
    };
    with_all_missing(read, ToString::to_string)
        .map_err(|(_, message)| serde_json::Error::custom(without_rust_types(&message)))
}

/// Reads a JSON file as [`from_json_strict`] does; `kind` names its contents in messages. Returns the value and the number
/// of bytes.
///
/// # Errors
///
/// [`FileError::Io`], [`FileError::TooLarge`] and [`FileError::Json`].
pub fn read_json<T: DeserializeOwned>(path: &Path, kind: &'static str) -> Result<(T, usize), FileError> {
    let text = read_text(path)?;
    Ok((parse_json(path, &text, kind)?, text.len()))
}

/// [`read_json`] from the text of the file at `path`, which is for messages alone.
///
/// # Errors
///
/// [`FileError::Json`].
pub fn parse_json<T: DeserializeOwned>(path: &Path, text: &str, kind: &'static str) -> Result<T, FileError> {
    from_json_strict(text).map_err(|source| {
        let source = match other_kind(text.as_bytes(), kind) {
            other if other.is_empty() => source,
            other => serde_json::Error::custom(format!("{source}{other}")),
        };
        FileError::Json { path: path.to_owned(), kind, source }
    })
}

/// The JSON text of a value, with indentation and a final line break.
///
/// Structs of numbers, strings and lists always have one, with `null` for a number that is not finite; for other types
/// that fail to serialise the text is empty.
#[must_use]
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// An enum of tables that the key `kind` distinguishes.
pub trait KindNames {
    /// The kind that a name means, which may be an alias; another name is returned as it is.
    fn kind(name: &str) -> String {
        name.to_owned()
    }
}

/// The entries of a table, with the canonical name of its `kind`.
struct CanonicalKind<T, A> {
    map: A,
    is_kind: bool,
    names: PhantomData<T>,
}

impl<'de, T: KindNames, A: MapAccess<'de>> MapAccess<'de> for CanonicalKind<T, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.map.next_key::<String>()? else { return Ok(None) };
        self.is_kind = key == "kind";
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        if !self.is_kind {
            return self.map.next_value_seed(seed);
        }
        let name = self.map.next_value::<String>()?;
        seed.deserialize(T::kind(&name).into_deserializer())
    }
}

/// Deserialises a list of internally tagged enums; a list in the place of one of their tables is an error.
///
/// serde buffers such a table before it chooses the variant, which hides it from [`deserialize_strict`].
/// For `#[serde(deserialize_with = "…")]`.
///
/// # Errors
///
/// Those of the format, and a list in the place of a table.
pub fn list_of_tables<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de> + KindNames,
    D: Deserializer<'de>,
{
    struct Table<T>(T);
    struct TableVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + KindNames> Visitor<'de> for TableVisitor<T> {
        type Value = Table<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(TABLE)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table<T>, A::Error> {
            let map = CanonicalKind::<T, A> { map, is_kind: false, names: PhantomData };
            T::deserialize(MapAccessDeserializer::new(map)).map(Table)
        }
    }

    impl<'de, T: Deserialize<'de> + KindNames> Deserialize<'de> for Table<T> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_map(TableVisitor(PhantomData))
        }
    }

    Ok(Vec::<Table<T>>::deserialize(from)?.into_iter().map(|Table(table)| table).collect())
}

/// A deserialiser, seed or list of serde whose parts are strict as well.
pub(crate) struct Strict<'p, T>(pub T, pub &'p Pass);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(StrictVisitor { visitor, is_struct: false, pass: self.1 })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(StrictVisitor { visitor, is_struct: false, pass: self.1 })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, StrictVisitor { visitor, is_struct: false, pass: self.1 })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, StrictVisitor { visitor, is_struct: true, pass: self.1 })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        // No file has an enum whose variants hold tables and are named by a key, so a word is a string.
        self.0.deserialize_any(WordVisitor { visitor, variants })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The visitor of an enum whose variants are words.
struct WordVisitor<V> {
    visitor: V,
    variants: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for WordVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of `{}`", self.variants.join("`, `"))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<V::Value, E> {
        self.visitor.visit_enum(StrDeserializer::new(word))
    }
}

/// The visitor of a value.
struct StrictVisitor<'p, V> {
    visitor: V,
    /// Whether a list is an error.
    is_struct: bool,
    pass: &'p Pass,
}

impl<'de, V: Visitor<'de>> StrictVisitor<'_, V> {
    /// Refuses an empty text where a path is expected: joined to a folder, it would name the folder.
    fn check_text<E: Error>(&self, text: &str) -> Result<(), E> {
        let expects_path = || Expected(&self.visitor, PhantomData).to_string().contains("path");
        let refused = text.is_empty() && expects_path();
        if refused { Err(E::custom("found an empty path, expected the path of a file")) } else { Ok(()) }
    }
}

/// The text of what a visitor expects.
struct Expected<'v, 'de, V>(&'v V, PhantomData<&'de ()>);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<'_, 'de, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

macro_rules! forward_to_visitor {
    ($($visit:ident($type:ty)),*) => {
        $(fn $visit<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.visitor.$visit(value)
        })*
    };
}

macro_rules! forward_text {
    ($($visit:ident($type:ty)),*) => {
        $(fn $visit<E: Error>(self, text: $type) -> Result<V::Value, E> {
            self.check_text(&text)?;
            self.visitor.$visit(text)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for StrictVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    forward_to_visitor!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));
    forward_to_visitor!(visit_i128(i128), visit_u128(u128));
    forward_text!(visit_str(&str), visit_borrowed_str(&'de str), visit_string(String));

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Strict(from, self.pass))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Strict(from, self.pass))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        if self.is_struct {
            return Err(A::Error::invalid_type(Unexpected::Seq, &TABLE));
        }
        self.visitor.visit_seq(StrictList { list, pass: self.pass, item: 0 })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let (index, added) = self.pass.begin_table();
        let table = StrictTable { map, pass: self.pass, added: added.into_iter(), current: None, key: None };
        self.visitor.visit_map(table).inspect_err(|_| self.pass.fail(index))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(from, self.1))
    }
}

/// A list whose items are strict.
struct StrictList<'p, A> {
    list: A,
    pass: &'p Pass,
    /// Index of the next item.
    item: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for StrictList<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        if self.pass.names_tables() {
            self.pass.enter(format!("[{}]", self.item));
            self.item += 1;
        }
        let item = self.list.next_element_seed(Strict(seed, self.pass))?;
        if self.pass.names_tables() {
            self.pass.leave();
        }
        Ok(item)
    }

    fn size_hint(&self) -> Option<usize> {
        self.list.size_hint()
    }
}

/// A table whose values are strict, followed by the keys that the pass adds.
struct StrictTable<'p, A> {
    map: A,
    pass: &'p Pass,
    added: std::vec::IntoIter<&'p Added>,
    /// The added key whose value is next.
    current: Option<&'p Added>,
    /// The key of the file whose value is next, in passes that name tables.
    key: Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for StrictTable<'_, A> {
    type Error = A::Error;

    // Keys hold no tables.
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        if self.current.is_none() {
            if !self.pass.names_tables() {
                return self.map.next_key_seed(seed);
            }
            if let Some(key) = self.map.next_key::<String>()? {
                self.key = Some(format!(".{key}"));
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
        }
        self.current = self.added.next();
        self.current.map(|added| seed.deserialize(StrDeserializer::new(&added.key))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.current {
            Some(added) => seed.deserialize(added.value()),
            None => {
                let entered = self.key.take().map(|key| self.pass.enter(key)).is_some();
                let value = self.map.next_value_seed(Strict(seed, self.pass))?;
                if entered {
                    self.pass.leave();
                }
                Ok(value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

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
        Other,
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
    fn tables_read_as_without_the_wrapper() {
        for json in [
            "{}",
            r#"{ "number": 1, "pair": [1.5, -2], "perhaps": null, "kind": "Plain", "any": 3 }"#,
            r#"{ "list": [{}, { "number": 2, "list": [] }], "perhaps": { "number": 1e300 }, "any": [1, 2.5] }"#,
            r#"{ "kind": "Other" }"#,
        ] {
            assert_eq!(from_json_strict::<Table>(json).unwrap(), serde_json::from_str(json).unwrap(), "{json}");
        }
        for json in [r#"{ "number": "1" }"#, r#"{ "nomber": 1 }"#, r#"{ "pair": [1] }"#, "{} {}", "{", "1", ""] {
            let (strict, derived) =
                (from_json_strict::<Table>(json).unwrap_err(), serde_json::from_str::<Table>(json).unwrap_err());
            assert_eq!(strict.to_string(), without_rust_types(&derived.to_string()), "{json}");
        }
    }

    #[test]
    fn lists_are_refused_in_the_place_of_structs() {
        for json in ["[]", "[1.0, []]", r#"{ "list": [[]] }"#, r#"{ "perhaps": [] }"#] {
            let refused = from_json_strict::<Table>(json).unwrap_err().to_string();
            assert!(refused.starts_with("found list, expected a table of keys"), "{json}: {refused}");
        }
    }

    #[test]
    fn lists_are_refused_in_the_place_of_tagged_tables() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(tag = "kind")]
        enum Layer {
            Relu,
            Dense { outputs: usize },
        }
        impl KindNames for Layer {}
        #[derive(Debug, Deserialize)]
        struct Model {
            #[serde(deserialize_with = "list_of_tables")]
            layer: Vec<Layer>,
        }
        let model: Model =
            from_json_strict(r#"{ "layer": [{ "kind": "Relu" }, { "outputs": 3, "kind": "Dense" }] }"#).unwrap();
        assert_eq!(model.layer, [Layer::Relu, Layer::Dense { outputs: 3 }]);
        let refused = from_json_strict::<Model>(r#"{ "layer": [["Relu"]] }"#).unwrap_err().to_string();
        assert!(refused.contains(TABLE), "{refused}");
    }
}
