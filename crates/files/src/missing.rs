//! All missing keys of a file at once, where serde stops at the first.
//!
//! After an error for a missing key the file is read again with that key added to its table, under a value of any type,
//! until no key is missing. Only the names are kept: the first error is the one that is returned.

use serde::Deserializer;
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

/// Number of values that are tried where the type of a key is unknown: see [`Placeholder`].
const GUESSES: usize = 5;
/// Maximum number of missing keys that a message names.
const MAX_MISSING: usize = 30;

/// One pass over a file: the keys that it adds to tables, and the table in which it failed.
#[derive(Default)]
pub(crate) struct Pass {
    added: Vec<Added>,
    /// Dotted names of the tables that have begun, if this pass is not the first.
    tables: RefCell<Vec<String>>,
    /// Keys that lead to the value that is read.
    path: RefCell<Vec<String>>,
    failed: Cell<Option<usize>>,
}

/// A key that a pass adds.
#[derive(Clone)]
pub(crate) struct Added {
    /// Index of the table, in the order in which tables begin.
    table: usize,
    pub key: String,
    /// Which value replaces it where its type is unknown.
    guess: usize,
}

impl Pass {
    /// Counts a table, and returns its index and the keys to add to it.
    pub(crate) fn begin_table(&self) -> (usize, Vec<&Added>) {
        let mut tables = self.tables.borrow_mut();
        let index = tables.len();
        tables.push(self.path.borrow().concat());
        (index, self.added.iter().filter(|added| added.table == index).collect())
    }

    /// Whether this pass keeps the names of tables. The first does not, so that the parser finds the line of every key.
    pub(crate) fn names_tables(&self) -> bool {
        !self.added.is_empty()
    }

    /// Enters the value of a key, which is written with a dot, or the item of a list.
    pub(crate) fn enter(&self, key: String) {
        self.path.borrow_mut().push(key);
    }

    /// Leaves the value that was entered last.
    pub(crate) fn leave(&self) {
        self.path.borrow_mut().pop();
    }

    /// Notes that a table failed. The innermost one is the first to say so.
    pub(crate) fn fail(&self, table: usize) {
        self.failed.set(self.failed.get().or(Some(table)));
    }
}

/// Reads a value. The message of an error, which `text` gives, names all keys that are missing.
pub(crate) fn with_all_missing<T, E: Error>(
    read: impl Fn(&Pass) -> Result<T, E>,
    text: impl Fn(&E) -> String,
) -> Result<T, (E, String)> {
    let pass = Pass::default();
    let first = match read(&pass) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let message = text(&first);
    let (Some(table), Some(key)) = (pass.failed.get(), missing_key(&message)) else { return Err((first, message)) };
    let missing = format!("field `{key}`");
    let mut added = vec![Added { table, key: key.to_owned(), guess: 0 }];
    let mut tables = Vec::new();
    while added.len() < MAX_MISSING {
        let pass = Pass { added: added.clone(), ..Pass::default() };
        let result = read(&pass);
        let now = pass.tables.into_inner();
        tables = if now.len() > tables.len() { now } else { tables };
        let Err(error) = result else { break };
        let message = text(&error);
        let next = pass
            .failed
            .get()
            .zip(missing_key(&message))
            .filter(|(table, key)| added.iter().all(|known| (known.table, &*known.key) != (*table, *key)));
        match (next, added.last_mut()) {
            (Some((table, key)), _) => added.push(Added { table, key: key.to_owned(), guess: 0 }),
            (None, Some(last)) if last.guess + 1 < GUESSES => last.guess += 1,
            _ => break,
        }
    }
    let name = |added: &Added| {
        let table = tables.get(added.table).map_or("", String::as_str).trim_start_matches('.');
        let dot = if table.is_empty() { "" } else { "." };
        format!("`{table}{dot}{}`", added.key)
    };
    let keys: Vec<String> = added.iter().map(name).collect();
    let fields = if keys.len() == 1 { "field" } else { "fields" };
    let more = if keys.len() == MAX_MISSING { " and more" } else { "" };
    let message = message.replacen(&missing, &format!("{fields} {}{more}", keys.join(", ")), 1);
    Err((first, message))
}

fn missing_key(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

/// A value of any type that a key can have. Where the type is unknown it is one of a few guesses.
pub(crate) struct Placeholder<E>(usize, PhantomData<E>);

impl Added {
    pub(crate) fn value<E>(&self) -> Placeholder<E> {
        Placeholder(self.guess, PhantomData)
    }
}

impl<E> Clone for Placeholder<E> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

impl<'de, E: Error> IntoDeserializer<'de, E> for Placeholder<E> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! values {
    ($($method:ident => $visit:ident($value:expr)),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit($value)
        })*
    };
}

impl<'de, E: Error> Deserializer<'de> for Placeholder<E> {
    type Error = E;

    values! {
        deserialize_bool => visit_bool(false),
        deserialize_u8 => visit_u64(0),
        deserialize_u16 => visit_u64(0),
        deserialize_u32 => visit_u64(0),
        deserialize_u64 => visit_u64(0),
        deserialize_i8 => visit_u64(0),
        deserialize_i16 => visit_u64(0),
        deserialize_i32 => visit_u64(0),
        deserialize_i64 => visit_u64(0),
        deserialize_f32 => visit_f64(0.0),
        deserialize_f64 => visit_f64(0.0),
        deserialize_char => visit_char('x'),
        deserialize_str => visit_str("x"),
        deserialize_string => visit_str("x"),
        deserialize_identifier => visit_str("x"),
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            0 => visitor.visit_u64(0),
            1 => visitor.visit_str("x"),
            2 => self.deserialize_seq(visitor),
            3 => self.deserialize_map(visitor),
            _ => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_tuple(0, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::repeat_n(self, length)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_map(MapDeserializer::new(fields.iter().map(|&field| (field, self.clone()))))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_enum(StrDeserializer::new(variants.first().unwrap_or(&"")))
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct tuple_struct ignored_any }
}

#[cfg(test)]
mod tests {
    use crate::{from_json_strict, list_of_tables, parse_toml};
    use serde::Deserialize;
    use std::path::{Path, PathBuf};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only parsed")]
    struct File {
        format: String,
        #[serde(default)]
        number: f64,
        size: [usize; 2],
        perhaps: Option<u8>,
        path: PathBuf,
        part: Part,
        word: Word,
        #[serde(default, deserialize_with = "list_of_tables")]
        layer: Vec<Layer>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only parsed")]
    struct Part {
        cells: Vec<f64>,
        offset: f64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        One,
        Other,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    #[allow(dead_code, reason = "only parsed")]
    enum Layer {
        Relu,
        Dense { outputs: usize, weight: String, bias: Option<String> },
    }

    impl crate::KindNames for Layer {}

    fn refusals(json: &str, toml: &str) -> [String; 2] {
        let toml = parse_toml::<File>(Path::new("a.toml"), toml).unwrap_err();
        [from_json_strict::<File>(json).unwrap_err().to_string(), toml.to_string()]
    }

    #[test]
    fn all_missing_keys_are_named() {
        for text in refusals("{}", "") {
            assert!(text.contains("missing fields `format`, `size`, `path`, `part`, `word`"), "{text}");
        }
        let inner = "\"format\": \"f\", \"size\": [1, 2], \"path\": \"p\", \"word\": \"one\"";
        let inner_toml = "format = 'f'\nsize = [1, 2]\npath = 'p'\nword = 'other'\n";
        for text in refusals(&format!("{{{inner}, \"part\": {{}}}}"), &format!("{inner_toml}[part]\n")) {
            assert!(text.contains("missing fields `part.cells`, `part.offset`"), "{text}");
        }
        let part = "\"part\": {\"cells\": [], \"offset\": 1}";
        let layer = "[{\"kind\": \"relu\"}, {\"kind\": \"dense\"}]";
        let toml = format!(
            "{inner_toml}part = {{ cells = [], offset = 1 }}\n[[layer]]\nkind = 'relu'\n[[layer]]\nkind = 'dense'\n"
        );
        for text in refusals(&format!("{{{inner}, {part}, \"layer\": {layer}}}"), &toml) {
            assert!(text.contains("missing fields `layer[1].outputs`, `layer[1].weight`"), "{text}");
        }
        for text in refusals("{\"part\": {\"cells\": []}, \"word\": \"one\"}", "word = 'one'\npart = { cells = [] }") {
            assert!(text.contains("missing fields `part.offset`, `format`, `size`, `path`"), "{text}");
        }
        let [json, _] = refusals("{\n\"format\": 3}", "");
        assert!(json.contains("found integer `3`, expected a string at line 2"), "{json}");
    }

    #[test]
    fn one_missing_key_reads_as_before() {
        let part = "\"size\": [1, 2], \"path\": \"p\", \"word\": \"one\", \"part\": {\"cells\": [], \"offset\": 1}";
        let [json, toml] = refusals(&format!("{{{part}}}"), "size = 3\n");
        assert!(json.starts_with("missing field `format` at line 1"), "{json}");
        assert!(toml.contains("line 1: found integer `3`, expected a list"), "{toml}");
    }
}
