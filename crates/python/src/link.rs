//! `Link`.

use crate::error;
use phaseloom::files::parse_toml;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::path::Path;

/// The optical link of a chip: laser, modulators, detectors, converters. An absent part is ideal.
///
/// Parameters
/// ----------
/// **keys
///     The keys of ``[link]`` of an experiment, such as ``laser_power_w`` (W), ``shot_noise``, ``dac={"bits": 8}``;
///     ``phaseloom explain link`` lists them.
///
/// Raises
/// ------
/// phaseloom.FileError
///     An unknown key, or a value of the wrong kind.
/// phaseloom.HardwareError
///     An impossible value.
///
/// Examples
/// --------
/// >>> import phaseloom as pl
/// >>> pl.Link(laser_power_w=1e-3, shot_noise=True).settings["shot_noise"]
/// True
#[pyclass(frozen, module = "phaseloom")]
#[derive(Clone)]
pub struct Link {
    pub link: phaseloom::hardware::Link,
}

impl Link {
    /// A link of an argument: None, keys or a link.
    pub fn from_argument(value: Option<&Bound<'_, PyAny>>) -> PyResult<phaseloom::hardware::Link> {
        let Some(value) = value else { return Ok(phaseloom::hardware::Link::default()) };
        if let Ok(link) = value.cast::<Self>() {
            return Ok(link.get().link.clone());
        }
        if let Ok(keys) = value.cast::<PyDict>() {
            return Ok(Self::new(value.py(), Some(keys))?.link);
        }
        Err(error::kind(format!("link: found {}, expected a Link, a dict or None", value.get_type())))
    }
}

/// TOML text of a dict, by JSON. Keys that are None are absent.
pub fn toml_of(keys: &Bound<'_, PyDict>) -> PyResult<String> {
    let py = keys.py();
    let unfit = |source: &dyn std::fmt::Display| {
        error::array(
            py,
            &format!("keys of a table: {source}; expected finite numbers, booleans, strings, lists and dicts"),
        )
    };
    let options = PyDict::new(py);
    options.set_item("allow_nan", false)?;
    let json = py.import("json")?.getattr("dumps")?.call((keys,), Some(&options));
    let json: String = json.map_err(|source| unfit(source.value(py)))?.extract()?;
    let mut value: serde_json::Value = serde_json::from_str(&json).map_err(|source| unfit(&source))?;
    drop_nulls(&mut value);
    toml::to_string(&value).map_err(|source| unfit(&source))
}

fn drop_nulls(value: &mut serde_json::Value) {
    if let Some(table) = value.as_object_mut() {
        table.retain(|_, value| !value.is_null());
        table.values_mut().for_each(drop_nulls);
    }
}

#[pymethods]
impl Link {
    #[new]
    #[pyo3(signature = (**keys))]
    fn new(py: Python<'_>, keys: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let text = keys.map(toml_of).transpose()?.unwrap_or_default();
        let link: phaseloom::hardware::Link =
            parse_toml(Path::new("link"), &text).map_err(|error| error::exception(py, &error.into()))?;
        link.check().map_err(|error| error::exception(py, &error.into()))?;
        Ok(Self { link })
    }

    /// All keys with their values.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let text = serde_json::to_string(&self.link).map_err(|source| error::bug(py, &source.to_string()))?;
        py.import("json")?.getattr("loads")?.call1((text,))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Link(**{})", self.settings(py)?.repr()?))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.link == other.link
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let make = py.import("phaseloom._state")?.getattr("link")?;
        (make, (self.settings(py)?,)).into_pyobject(py)
    }
}
