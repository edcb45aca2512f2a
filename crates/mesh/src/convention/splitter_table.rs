//! Circuits as papers print them: a table of splitters in the order in which light meets them.
//!
//! ```text
//! upper_mode,transmittance,phase_rad      modes from 1
//! 3,0.452,-3.106                          a cell on modes 3 and 4
//! 1,,1.015                                without a transmittance: a phase shifter at the output of mode 1
//! ```
//!
//! A cell of transmittance T and phase φ is `[[e^{iφ}√T, −√(1−T)], [e^{iφ}√(1−T), √T]]`, which is the cell of Clements et al. 2016 with
//! `cos θ = √T`.

use super::file;
use crate::error::MeshError;
use crate::layout::{CellPosition, Layout};
use crate::program::file_parts::MAX_SPARSE_PORTS;
use crate::program::matrix_program::MatrixProgram;
use crate::topology::mesh_design::MeshDesign;
use crate::topology::topologies;
use phaseloom_files::{CsvTable, require_memory};
use serde_json::{Value, json};
use std::path::Path;

/// Names of the columns: that of the modes has two.
const MODE: [&str; 2] = ["upper_mode", "mode"];
const TRANSMITTANCE: &str = "transmittance";
const PHASE: &str = "phase_rad";

/// Memory of a layout for each pair of modes (bytes): half a cell of two numbers, and room for another layout.
const LAYOUT_BYTES: f64 = 32.0;

/// Maximum number of modes, as of a program.
const MAX_MODES: usize = 16_384;

/// Whether a text is a table of splitters.
pub(super) fn is_table(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or("");
    let names: Vec<&str> = first.split([',', ';', '\t']).map(|name| name.trim().trim_matches('"')).collect();
    names.iter().any(|name| MODE.contains(name)) && names.contains(&TRANSMITTANCE)
}

/// The program of a table of splitters.
///
/// # Errors
///
/// A missing column, a number out of range, an output phase given twice; as [`super::load`].
pub(super) fn parse(path: &Path, text: &str) -> Result<MatrixProgram, MeshError> {
    let table = CsvTable::parse(path, text.as_bytes())?;
    let known = [MODE[0], TRANSMITTANCE, PHASE].map(str::to_owned);
    if let Some(other) = table.names().iter().find(|name| !known.contains(name) && !MODE.contains(&name.as_str())) {
        return Err(table.unknown(other, &known).into());
    }
    let missing = |name: &str| {
        table.header_error(&format!("no column `{name}`"), "the columns upper_mode, transmittance, phase_rad")
    };
    let mode_column = table.column(&MODE).ok_or_else(|| missing(MODE[0]))?;
    let transmittance_column = table.column(&[TRANSMITTANCE]).ok_or_else(|| missing(TRANSMITTANCE))?;
    let phase_column = table.column(&[PHASE]);
    let (mut cells, mut output) = (Vec::new(), Vec::new());
    let mut modes = 0;
    for row in 0..table.len() {
        let mode = table.count(row, mode_column)?.filter(|mode| (1..MAX_MODES).contains(mode));
        let mode = mode.ok_or_else(|| table.at(row, mode_column, "no such mode", "a number from 1 to 16383"))?;
        let phase = phase_column.map(|column| table.number(row, column)).transpose()?.flatten().unwrap_or(0.0);
        match table.number(row, transmittance_column)? {
            Some(t) if (0.0..=1.0).contains(&t) => {
                modes = modes.max(mode + 1);
                cells.push((mode - 1, t, phase));
            }
            Some(t) => {
                return Err(table
                    .at(row, transmittance_column, &t.to_string(), "a share of the power from 0 to 1")
                    .into());
            }
            None if output.iter().any(|(other, _)| *other == mode - 1) => {
                return Err(table.row_error(row, "a second output phase of this mode", "one for each mode").into());
            }
            None => {
                modes = modes.max(mode);
                output.push((mode - 1, phase));
            }
        }
    }
    if cells.is_empty() {
        return Err(table.header_error("no splitter", "a row for each splitter").into());
    }
    if cells.len() < modes - 1 && modes > MAX_SPARSE_PORTS {
        let found = format!("{} splitters on {modes} modes", cells.len());
        let expected =
            format!("at least {}, one for each pair of neighbours, beyond {MAX_SPARSE_PORTS} modes", modes - 1);
        return Err(table.header_error(&found, &expected).into());
    }
    require_memory(LAYOUT_BYTES * (modes as f64).powi(2), &format!("the layout of {modes} modes"))?;
    let placed = topologies().into_iter().find_map(|topology| {
        let design = MeshDesign::from(topology);
        let key = design.topology().key();
        let layout =
            (design.layout(2).crossing_count() == 0 && design.layout(2).modes == 2).then(|| design.layout(modes))?;
        place(&layout, &cells).map(|places| (key, places))
    });
    let Some((topology, places)) = placed else {
        let found = format!("{} splitters on {modes} modes that are no part of a mesh of the list", cells.len());
        let expected = "those of a rectangular, triangular or redundant mesh, in the order of the light";
        return Err(table.header_error(&found, expected).into());
    };
    file::parse(path, &circuit(topology, modes, &cells, &places, output).to_string())
}

/// The column of each cell in a layout: as early as its modes allow. `None` if the layout has no such cells.
fn place(layout: &Layout, cells: &[(usize, f64, f64)]) -> Option<Vec<usize>> {
    let mut next = vec![0; layout.modes];
    let column = |&(mode, ..): &(usize, f64, f64)| {
        let first = next[mode].max(next[mode + 1]);
        let column =
            (first..layout.columns).find(|&column| layout.index_of(CellPosition { column, mode }).is_some())?;
        (next[mode], next[mode + 1]) = (column + 1, column + 1);
        Some(column)
    };
    cells.iter().map(column).collect()
}

/// The circuit as a converted program.
fn circuit(
    topology: &str,
    modes: usize,
    cells: &[(usize, f64, f64)],
    places: &[usize],
    mut output: Vec<(usize, f64)>,
) -> Value {
    let mut placed: Vec<(usize, &(usize, f64, f64))> = places.iter().copied().zip(cells).collect();
    placed.sort_by_key(|(column, (mode, ..))| (*column, *mode));
    output.sort_by_key(|(mode, _)| *mode);
    let last = places.iter().max().map_or(0, |column| column + 1);
    let cells: Vec<Value> = placed
        .into_iter()
        .map(|(column, (mode, t, phi))| json!({ "column": column, "mode": mode, "theta": t.sqrt().acos(), "phi": phi }))
        .collect();
    let screen: Vec<Value> =
        output.into_iter().map(|(mode, phase)| json!({ "column": last, "mode": mode, "phase": phase })).collect();
    json!({
        "format": "phaseloom-converted", "version": 1, "convention": "clements", "form": "unitary", "topology": topology,
        "rows": modes, "columns": modes, "gain": 1.0, "left": null, "attenuators": null,
        "right": { "modes": modes, "cells": cells, "screen": screen },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;
    use num_complex::Complex64;

    /// Against the product of the cells by their definition, to 1e-14 each: a full mesh, a chain, one cell.
    #[test]
    fn a_table_is_the_product_of_its_cells() {
        for (modes, rows) in [
            (
                4,
                vec![
                    (3, 0.452, -3.106),
                    (2, 0.036, -2.667),
                    (3, 0.711, 1.349),
                    (1, 0.149, -1.571),
                    (2, 0.291, -1.017),
                    (3, 0.598, 0.385),
                ],
            ),
            (3, vec![(1, 0.3, 0.4), (2, 0.6, 1.3)]),
            (2, vec![(1, 1.0, -0.5)]),
        ] {
            let mut text = "# W state\nupper_mode,transmittance,phase_rad\n".to_owned();
            let mut expected = DMatrix::<Complex64>::identity(modes, modes);
            for &(mode, t, phi) in &rows {
                text += &format!("{mode},{t},{phi}\n");
                let mut cell = DMatrix::<Complex64>::identity(modes, modes);
                let (e, r, t) = (Complex64::from_polar(1.0, phi), (1.0_f64 - t).sqrt(), t.sqrt());
                let block = DMatrix::from_row_slice(2, 2, &[e * t, Complex64::from(-r), e * r, Complex64::from(t)]);
                cell.view_mut((mode - 1, mode - 1), (2, 2)).copy_from(&block);
                expected = cell * expected;
            }
            for mode in 1..=modes {
                let phase = 0.3 * mode as f64;
                text += &format!("{mode},,{phase}\n");
                let turned = expected.row(mode - 1) * Complex64::from_polar(1.0, phase);
                expected.row_mut(mode - 1).copy_from(&turned);
            }
            assert!(is_table(&text));
            let found = parse(Path::new("table.csv"), &text).unwrap().matrix();
            assert!((found - &expected).camax() < 1e-13, "{modes} modes");
        }
    }

    #[test]
    fn impossible_rows_are_named() {
        assert!(!is_table("1,2\n3,4\n") && !is_table("a,b\n1,2\n"));
        for (rows, part) in [
            ("3,1.2,0", "line 2"),
            ("0,0.5,0", "line 2"),
            ("1,0.5,0\n1,,0.1\n1,,0.2", "line 4"),
            ("1,,0.1", "no splitter"),
            ("16000,0.5,0", "1 splitters on 16001 modes"),
        ] {
            let error =
                parse(Path::new("t.csv"), &format!("upper_mode,transmittance,phase_rad\n{rows}\n")).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
