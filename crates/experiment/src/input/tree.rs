//! Settings as a tree of keys.

use serde_json::Value;
use std::collections::BTreeMap;

/// A setting as a tree. Numbers, strings, lists and tables always convert.
pub(crate) fn to_value(setting: &impl serde::Serialize) -> Value {
    serde_json::to_value(setting).unwrap_or(Value::Null)
}

/// The leaves of a tree as text, by dotted key.
pub(crate) fn flatten(tree: &Value) -> BTreeMap<String, String> {
    fn walk(tree: &Value, key: &str, into: &mut BTreeMap<String, String>) {
        match tree {
            Value::Object(table) => {
                for (name, value) in table {
                    walk(value, &if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, into);
                }
            }
            leaf => {
                into.insert(key.to_owned(), leaf.to_string());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(tree, "", &mut all);
    all
}
