//! A record of the settings that the code reads. A key that nothing reads has no effect.
//!
//! Code that computes with a setting reads it with [`read_key!`](crate::read_key), which notes the key while a record is
//! active on the thread. Checks of values read fields directly, or with [`unrecorded`].

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static ACTIVE: RefCell<Option<Active>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Active {
    keys: KeysRead,
    /// Whether what is computed now is reported and enters no output.
    reporting: bool,
}

/// The keys that some work read, as dotted paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysRead {
    /// Keys whose values reach the outputs.
    pub used: BTreeSet<String>,
    /// Keys whose values reach numbers that are only reported.
    pub reported: BTreeSet<String>,
}

impl KeysRead {
    /// Adds the keys of another record.
    pub fn extend(&mut self, other: Self) {
        self.used.extend(other.used);
        self.reported.extend(other.reported);
    }

    /// Whether the key, one of its tables or one of its keys reaches an output.
    #[must_use]
    pub fn uses(&self, key: &str) -> bool {
        self.used.iter().any(|used| related(used, key))
    }

    /// Whether the key, one of its tables or one of its keys was read at all.
    #[must_use]
    pub fn reads(&self, key: &str) -> bool {
        self.uses(key) || self.reported.iter().any(|reported| related(reported, key))
    }
}

/// Whether two dotted keys are equal, or one is a table of the other.
fn related(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Does some work on this thread, and returns its result with the keys that it read.
pub fn record<T>(work: impl FnOnce() -> T) -> (T, KeysRead) {
    let outer = ACTIVE.replace(Some(Active::default()));
    let result = work();
    let keys = ACTIVE.replace(outer).unwrap_or_default().keys;
    (result, keys)
}

/// Does some work, such as a check, that reads keys for no result.
pub fn unrecorded<T>(work: impl FnOnce() -> T) -> T {
    let outer = ACTIVE.replace(None);
    let result = work();
    ACTIVE.set(outer);
    result
}

/// Does some work whose results are reported and enter no output.
pub fn reported<T>(work: impl FnOnce() -> T) -> T {
    let set = |reporting| {
        ACTIVE.with_borrow_mut(|active| active.as_mut().is_some_and(|a| std::mem::replace(&mut a.reporting, reporting)))
    };
    let outer = set(true);
    let result = work();
    set(outer);
    result
}

/// Notes that a key is read. [`read_key!`](crate::read_key) reads a field at the same time.
pub fn mark(key: &str) {
    ACTIVE.with_borrow_mut(|active| {
        let Some(Active { keys, reporting }) = active else { return };
        let keys = if *reporting { &mut keys.reported } else { &mut keys.used };
        if !keys.contains(key) {
            keys.insert(key.to_owned());
        }
    });
}

/// Reads a field of a setting and notes its key: the field's name in a table of the experiment (`""` is the top).
///
/// ```
/// use phaseloom_files::{read_key, usage};
/// struct Link {
///     wavelength_m: f64,
/// }
/// let link = Link { wavelength_m: 1.55e-6 };
/// let (frequency, keys) = usage::record(|| 299_792_458.0 / read_key!("link", link.wavelength_m));
/// assert!(frequency > 1e14 && keys.uses("link.wavelength_m") && !keys.reads("link.dac.bits"));
/// ```
#[macro_export]
macro_rules! read_key {
    ("", $owner:ident . $field:ident) => {
        *{
            $crate::usage::mark(stringify!($field));
            &$owner.$field
        }
    };
    ($table:literal, $owner:ident . $field:ident) => {
        *{
            $crate::usage::mark(concat!($table, ".", stringify!($field)));
            &$owner.$field
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_holds_what_its_own_work_reads() {
        mark("before");
        let ((), keys) = record(|| {
            mark("a");
            let ((), inner) = record(|| mark("b"));
            assert_eq!(inner.used.len(), 1);
            reported(|| mark("c.d"));
            mark("e");
        });
        assert_eq!(keys.used.iter().collect::<Vec<_>>(), ["a", "e"]);
        assert!(keys.reads("c") && keys.reads("c.d.f") && !keys.uses("c.d") && !keys.reads("c.dd"));
    }
}
