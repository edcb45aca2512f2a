//! Parts of a fabrication error beyond independent normal deviates: shared by a wafer, by a die, or by neighbours on a die;
//! and the tolerances that makers state.
//!
//! ```text
//! error of component i = normal σ + uniform ±a + truncated normal + normal σ of its column
//!                      + wafer (one number per wafer) + die (one per die) + position (a field over the die)
//! ```
//!
//! The field is normal with the covariance `s² e^{−(|Δx|+|Δy|)/ℓ}` (an Ornstein–Uhlenbeck sheet), which is sampled exactly:
//! along each axis it is a first-order autoregression with the coefficient `e^{−Δ/ℓ}`. Independent errors of components average
//! out over a mesh, shared ones do not: the yield of independent errors flatters.
//!
//! A trial is a die. Its cores share wafer and die parts; each has a field of its own, because cores are farther apart than ℓ.

use crate::chip_id::ChipId;
use crate::heaters::shifters;
use crate::process::stage_errors::StageErrors;
use phaseloom_files::{InvalidValue, at_least, positive, spread_rad, usage};
use phaseloom_mesh::{Shifter, Stage, StageKind};
use phaseloom_numerics::NormalStream;
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// The table `variation` of a source of a process: parts that add to its normal, independent errors. All are angles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Variation {
    /// Standard deviation of the part that all dies of a wafer share (rad). It needs `dies_per_wafer`. Range: 0…10⁶.
    #[serde(skip_serializing_if = "is_zero")]
    pub wafer_rad: f64,
    /// Dies of a wafer: the trials 0, 1, … of a run are dies of the first wafer, then of the next. Range: ≥ 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dies_per_wafer: Option<u64>,
    /// Standard deviation of the part that all components of a die share (rad). Range: 0…10⁶.
    #[serde(skip_serializing_if = "is_zero")]
    pub die_rad: f64,
    /// Standard deviation of the part that changes over a die (rad). It needs `correlation_um`. Range: 0…10⁶.
    #[serde(skip_serializing_if = "is_zero")]
    pub position_rad: f64,
    /// Correlation length ℓ of that part (µm): at a distance Δx along and Δy across the light, the correlation is
    /// e^{−(|Δx|+|Δy|)/ℓ}. Range: > 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_um: Option<f64>,
    /// Standard deviations of independent errors by column of a mesh (rad); the last one holds for all further columns.
    /// Range: 0…10⁶ each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns_rad: Vec<f64>,
    /// Independent errors that are uniform between minus and plus this (rad), as a tolerance ± a. Range: 0…10⁶.
    #[serde(skip_serializing_if = "is_zero")]
    pub uniform_rad: f64,
    /// Standard deviation, before truncation, of independent normal errors that are cut at `limit_rad` (rad), as of parts that
    /// were tested. Range: 0…10⁶.
    #[serde(skip_serializing_if = "is_zero")]
    pub truncated_rad: f64,
    /// Largest magnitude of the truncated errors (rad). Range: > 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_rad: Option<f64>,
}

fn is_zero(value: &f64) -> bool {
    *value <= 0.0
}

/// The keys of the table.
const KEYS: [&str; 9] = [
    "wafer_rad",
    "dies_per_wafer",
    "die_rad",
    "position_rad",
    "correlation_um",
    "columns_rad",
    "uniform_rad",
    "truncated_rad",
    "limit_rad",
];

/// The components that a source acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The splitters of all cells.
    Splitter,
    /// All phase shifters.
    Phase,
}

/// A component: its stage, its index there, its column, and its place on the die (µm).
struct Place {
    stage: usize,
    index: usize,
    column: usize,
    x_um: f64,
    y_um: f64,
}

impl Variation {
    /// Checks the values.
    pub(super) fn check(&self) -> Result<(), InvalidValue> {
        for (key, value) in [
            ("variation.wafer_rad", self.wafer_rad),
            ("variation.die_rad", self.die_rad),
            ("variation.position_rad", self.position_rad),
            ("variation.uniform_rad", self.uniform_rad),
            ("variation.truncated_rad", self.truncated_rad),
        ] {
            spread_rad(key, value)?;
        }
        self.columns_rad.iter().try_for_each(|sigma| spread_rad("variation.columns_rad", *sigma))?;
        for (part, needed, given) in [
            ("wafer_rad", "dies_per_wafer", self.wafer_rad <= 0.0 || self.dies_per_wafer.is_some()),
            ("position_rad", "correlation_um", self.position_rad <= 0.0 || self.correlation_um.is_some()),
            ("truncated_rad", "limit_rad", self.truncated_rad <= 0.0 || self.limit_rad.is_some()),
        ] {
            if !given {
                let expected = format!("a value, because `{part}` is given");
                return Err(InvalidValue::new(format!("variation.{needed}"), "none", expected));
            }
        }
        if let Some(dies) = self.dies_per_wafer {
            at_least("variation.dies_per_wafer", dies as f64, 1.0)?;
        }
        self.correlation_um.map_or(Ok(()), |length| positive("variation.correlation_um", length))?;
        self.limit_rad.map_or(Ok(()), |limit| positive("variation.limit_rad", limit))
    }

    /// Variance of the independent parts that every component has alike (rad²): uniform a²/3, and of a normal cut at c = limit/σ
    /// `σ²(1 − 2c n(c)/(2Φ(c) − 1))` with the normal density n and distribution Φ.
    pub(super) fn independent_variance(&self) -> f64 {
        let truncated = match self.cut() {
            Some((sigma, c)) => {
                let density = (-0.5 * c * c).exp() / std::f64::consts::TAU.sqrt();
                sigma * sigma * (1.0 - 2.0 * c * density / libm::erf(c * FRAC_1_SQRT_2))
            }
            None => self.truncated_rad.powi(2),
        };
        self.uniform_rad.powi(2) / 3.0 + truncated
    }

    /// Variance of the parts that components share (rad²): wafer, die and position.
    pub(super) fn shared_variance(&self) -> f64 {
        self.wafer_rad.powi(2) + self.die_rad.powi(2) + self.position_rad.powi(2)
    }

    /// Whether components share errors, or have other variances by column, so that laws of independent equal errors do not hold.
    pub(super) fn has_structure(&self) -> bool {
        self.shared_variance() > 0.0 || self.columns_rad.iter().any(|sigma| *sigma > 0.0)
    }

    /// σ and limit/σ of the truncated part, if the limit cuts anything.
    fn cut(&self) -> Option<(f64, f64)> {
        const NONE: f64 = 8.0;
        let sigma = self.truncated_rad;
        let c = self.limit_rad.filter(|_| sigma > 0.0)? / sigma;
        (c < NONE).then_some((sigma, c))
    }

    /// The parts in words, for the statement of a yield; empty without one.
    pub(super) fn text(&self) -> String {
        let parts = [
            (self.uniform_rad, "uniform ±", String::new()),
            (self.truncated_rad, "truncated ", format!(" within ±{}", self.limit_rad.unwrap_or_default())),
            (self.wafer_rad, "wafer ", format!(" ({} dies)", self.dies_per_wafer.unwrap_or(1))),
            (self.die_rad, "die ", String::new()),
            (self.position_rad, "position ", format!(" ({} µm)", self.correlation_um.unwrap_or_default())),
        ];
        let given = parts.iter().filter(|(value, ..)| *value > 0.0);
        let mut texts: Vec<String> = given.map(|(value, before, after)| format!("{before}{value}{after}")).collect();
        if self.columns_rad.iter().any(|sigma| *sigma > 0.0) {
            texts.push(format!("by column {:?}", self.columns_rad));
        }
        texts.join(", ")
    }

    /// Adds all parts to the errors of a chip. Each part has a stream of its own, so that none changes the draws of another.
    pub(crate) fn add(
        &self,
        key: &str,
        component: Component,
        id: ChipId,
        stages: &[Stage],
        errors: &mut [StageErrors],
    ) {
        let places = places(component, stages, errors);
        let mut values = vec![0.0; places.len()];
        let deviates = |part: &str, id: ChipId, count: usize| {
            let mut z = vec![0.0; count];
            NormalStream::new(&id.stream(&format!("{key}/{part}"))).fill(&mut z);
            z
        };
        let count = places.len();
        for part in KEYS {
            usage::mark(&format!("process.{key}.variation.{part}"));
        }
        if self.wafer_rad > 0.0 {
            let id = ChipId { trial: id.trial / self.dies_per_wafer.unwrap_or(1).max(1), core: 0, ..id };
            let shift = self.wafer_rad * deviates("wafer", id, 1)[0];
            values.iter_mut().for_each(|value| *value += shift);
        }
        if self.die_rad > 0.0 {
            let shift = self.die_rad * deviates("die", ChipId { core: 0, ..id }, 1)[0];
            values.iter_mut().for_each(|value| *value += shift);
        }
        if let Some(length) = self.correlation_um.filter(|_| self.position_rad > 0.0) {
            let field = field(&places, length, |count| deviates("position", id, count));
            values.iter_mut().zip(field).for_each(|(value, field)| *value += self.position_rad * field);
        }
        if let Some(last) = self.columns_rad.last() {
            let z = deviates("columns", id, count);
            for ((value, place), z) in values.iter_mut().zip(&places).zip(z) {
                *value += z * self.columns_rad.get(place.column).unwrap_or(last);
            }
        }
        if self.uniform_rad > 0.0 {
            let z = deviates("uniform", id, count);
            values.iter_mut().zip(z).for_each(|(value, z)| *value += self.uniform_rad * libm::erf(z * FRAC_1_SQRT_2));
        }
        if self.truncated_rad > 0.0 {
            let z = deviates("truncated", id, count);
            let cut = self.cut();
            let deviate = |z: f64| cut.map_or(z, |(_, c)| truncated(z, c));
            values.iter_mut().zip(z).for_each(|(value, z)| *value += self.truncated_rad * deviate(z));
        }
        for (place, value) in places.iter().zip(values) {
            errors[place.stage].add(component, place.index, value);
        }
    }
}

/// The normal deviate within ±c of the same rank as z among all normal deviates: Φ⁻¹(½ + (Φ(z) − ½)(2Φ(c) − 1)).
fn truncated(z: f64, c: f64) -> f64 {
    let target = libm::erf(z.abs() * FRAC_1_SQRT_2) * libm::erf(c * FRAC_1_SQRT_2);
    let (mut low, mut high) = (0.0, c.min(z.abs()));
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        *(if libm::erf(middle / SQRT_2) < target { &mut low } else { &mut high }) = middle;
    }
    (0.5 * (low + high)).copysign(z)
}

/// The components of a kind of all stages, which lie one after another along the light.
fn places(component: Component, stages: &[Stage], errors: &[StageErrors]) -> Vec<Place> {
    let (mut places, mut start_um, mut start_column) = (Vec::new(), 0.0, 0);
    for (s, (stage, errors)) in stages.iter().zip(errors).enumerate() {
        let layout = stage.layout();
        let at = |index: usize, shifter: Shifter| Place {
            stage: s,
            index,
            column: start_column + shifter.column,
            x_um: start_um + shifter.x_um,
            y_um: shifter.y_um,
        };
        let shifters = shifters(stage);
        match component {
            Component::Phase => {
                places.extend(shifters.into_iter().enumerate().map(|(index, shifter)| at(index, shifter)))
            }
            // The splitters of a cell are at its inner phase shifter, and the next one a third of a column further.
            Component::Splitter => {
                let per_cell = errors.cell.splitters();
                for (cell, shifter) in shifters.into_iter().take(layout.positions.len()).enumerate() {
                    places.extend((0..per_cell).map(|splitter| {
                        let mut place = at(3 * cell + splitter, shifter);
                        place.x_um += splitter as f64 * layout.column_um() / 3.0;
                        place
                    }));
                }
            }
        }
        let outputs = usize::from(stage.kind() == StageKind::Mesh);
        start_um += (layout.columns + outputs) as f64 * layout.column_um();
        start_column += layout.columns;
    }
    places
}

/// A field of unit variance at all places, from the normal deviates of the grid that they span.
fn field(places: &[Place], length_um: f64, deviates: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
    let axis = |of: fn(&Place) -> f64| {
        let mut values: Vec<f64> = places.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.dedup_by(|a, b| a.total_cmp(b).is_eq());
        values
    };
    let (x, y) = (axis(|place| place.x_um), axis(|place| place.y_um));
    let mut grid = deviates(x.len() * y.len());
    // Entry (i, j) of the grid is at x[i], y[j].
    let steps = |axis: &[f64]| -> Vec<(f64, f64)> {
        axis.windows(2)
            .map(|pair| (-(pair[1] - pair[0]) / length_um).exp())
            .map(|rho| (rho, (1.0 - rho * rho).sqrt()))
            .collect()
    };
    let rows = y.len();
    for (i, (rho, rest)) in steps(&x).into_iter().enumerate() {
        for j in 0..rows {
            grid[(i + 1) * rows + j] = rho * grid[i * rows + j] + rest * grid[(i + 1) * rows + j];
        }
    }
    let across = steps(&y);
    for column in grid.chunks_mut(rows) {
        for (j, (rho, rest)) in across.iter().enumerate() {
            column[j + 1] = rho * column[j] + rest * column[j + 1];
        }
    }
    let index = |axis: &[f64], value: f64| axis.partition_point(|known| known.total_cmp(&value).is_lt());
    places.iter().map(|place| grid[index(&x, place.x_um) * rows + index(&y, place.y_um)]).collect()
}

impl StageErrors {
    /// Adds an angle to the error of a component; the splitters of a cell have the indices 3·cell, and the two after it.
    fn add(&mut self, component: Component, index: usize, angle: f64) {
        match component {
            Component::Phase => self.offsets.values_mut()[index] += angle,
            Component::Splitter => {
                let cell = &mut self.cell_errors[index / 3];
                *[&mut cell.alpha, &mut cell.beta, &mut cell.gamma][index % 3] += angle;
            }
        }
    }
}

/// Variance of the errors of a mesh that the first-order laws count: shared errors as if they were independent.
pub(super) fn counted_variance(variation: Option<&Variation>, mesh: &Stage) -> f64 {
    let Some(variation) = variation else { return 0.0 };
    let columns = mesh.layout().columns.max(1);
    let of_column =
        |column: usize| variation.columns_rad.get(column).or(variation.columns_rad.last()).map_or(0.0, |s| s * s);
    let mean = (0..columns).map(of_column).sum::<f64>() / columns as f64;
    variation.independent_variance() + variation.shared_variance() + mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chip, Process};
    use phaseloom_mesh::{MatrixProgram, MeshDesign};
    use phaseloom_numerics::statistics::{mean, variance};

    fn program(ports: usize) -> MatrixProgram {
        MatrixProgram::blank(ports, ports, MeshDesign::from_keys("rectangular", None).unwrap())
    }

    fn process(text: &str) -> Process {
        let process: Process = toml::from_str(text).unwrap();
        process.check().unwrap();
        process
    }

    fn offsets(process: &Process, program: &MatrixProgram, trial: u64, core: u64) -> Vec<f64> {
        let chip = Chip::fabricate(process, program, ChipId { seed: 1, trial, core }).unwrap();
        chip.stages()[0].offsets.values().to_vec()
    }

    #[test]
    fn a_part_leaves_the_independent_errors_as_they_are() {
        let program = program(4);
        let plain = process("phase_error = { sigma_rad = 0.1 }\nsplitter_error = { sigma_rad = 0.1 }");
        let varied = process(
            "phase_error = { sigma_rad = 0.1, variation = { die_rad = 0.2 } }\nsplitter_error = { sigma_rad = 0.1, variation = { wafer_rad = 0.3, dies_per_wafer = 2 } }",
        );
        let chip =
            |process: &Process, trial| Chip::fabricate(process, &program, ChipId { seed: 1, trial, core: 0 }).unwrap();
        let mut shifts = Vec::new();
        for trial in 0..4 {
            let (plain, varied) = (chip(&plain, trial), chip(&varied, trial));
            let mut splitters = Vec::new();
            for (a, b) in plain.stages().iter().zip(varied.stages()) {
                let shift = b.offsets.values()[0] - a.offsets.values()[0];
                let same = a.offsets.values().iter().zip(b.offsets.values());
                assert!(same.clone().all(|(a, b)| (b - a - shift).abs() < 1e-12), "all phases of a die shift alike");
                let cells = a.cell_errors.iter().zip(&b.cell_errors);
                splitters.extend(cells.flat_map(|(a, b)| [b.alpha - a.alpha, b.beta - a.beta]));
            }
            assert!(splitters.iter().all(|shift| (shift - splitters[0]).abs() < 1e-12));
            shifts.push(splitters[0]);
        }
        // Dies 0 and 1 are on one wafer, 2 and 3 on the next.
        assert!((shifts[0] - shifts[1]).abs() < 1e-12 && (shifts[2] - shifts[3]).abs() < 1e-12);
        assert!((shifts[0] - shifts[2]).abs() > 1e-3);
    }

    /// Correlation of the field between two phases of a mesh, over 4000 cores: standard error (1 − ρ²)/√4000 ≤ 0.016.
    #[test]
    fn the_field_has_the_stated_correlation() {
        let program = program(4);
        let process =
            process("phase_error = { sigma_rad = 0, variation = { position_rad = 0.1, correlation_um = 300 } }");
        let draws: Vec<Vec<f64>> = (0..4000).map(|core| offsets(&process, &program, 0, core)).collect();
        let errors: Vec<StageErrors> = program.stages().iter().map(StageErrors::perfect).collect();
        let places = places(Component::Phase, program.stages(), &errors);
        let of = |index: usize| draws.iter().map(|draw| draw[index]).collect::<Vec<_>>();
        for (a, b) in [(0, 1), (0, 3), (0, 5), (2, 7), (1, 10)] {
            let (u, v) = (of(a), of(b));
            assert!((variance(&u) / 0.01 - 1.0).abs() < 5.0 * (2.0_f64 / 4000.0).sqrt());
            let products: Vec<f64> = u.iter().zip(&v).map(|(u, v)| u * v / 0.01).collect();
            let distance = (places[a].x_um - places[b].x_um).abs() + (places[a].y_um - places[b].y_um).abs();
            let expected = (-distance / 300.0).exp();
            assert!((mean(&products) - expected).abs() < 5.0 * (2.0_f64 / 4000.0).sqrt(), "{a}, {b}: {expected}");
        }
    }

    #[test]
    fn tolerances_of_makers_have_their_distributions() {
        let program = program(8);
        let all = |text: &str| -> Vec<f64> {
            let process = process(text);
            (0..300).flat_map(|core| offsets(&process, &program, 0, core)).collect()
        };
        let uniform = all("phase_error = { sigma_rad = 0, variation = { uniform_rad = 0.3 } }");
        assert!(uniform.iter().all(|value| value.abs() <= 0.3));
        let n = uniform.len() as f64;
        // The variance of a uniform square is 4a⁴/45.
        assert!((variance(&uniform) - 0.03).abs() < 5.0 * (4.0 * 0.3_f64.powi(4) / 45.0 / n).sqrt());
        let cut = all("phase_error = { sigma_rad = 0, variation = { truncated_rad = 0.1, limit_rad = 0.15 } }");
        assert!(cut.iter().all(|value| value.abs() <= 0.15 + 1e-12));
        let variation = Variation { truncated_rad: 0.1, limit_rad: Some(0.15), ..Variation::default() };
        let expected = variation.independent_variance();
        // SciPy: truncnorm(-1.5, 1.5).var() = 0.5514…
        assert!((expected / 0.01 - 0.5514).abs() < 2e-4, "{expected}");
        assert!((variance(&cut) / expected - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
    }

    #[test]
    fn columns_have_their_own_spread() {
        let program = program(4);
        let process = process("phase_error = { sigma_rad = 0, variation = { columns_rad = [0.0, 0.1] } }");
        let errors: Vec<StageErrors> = program.stages().iter().map(StageErrors::perfect).collect();
        let places = places(Component::Phase, program.stages(), &errors);
        let found = offsets(&process, &program, 0, 0);
        for (place, value) in places.iter().filter(|place| place.stage == 0).zip(&found) {
            assert_eq!(value.abs() > 0.0, place.column > 0, "column {}", place.column);
        }
    }

    /// One error μ of all splitters of a mesh: E² = 6.39 μ² and 15.7 μ² at 4 and 8 ports over Haar unitaries (known values of
    /// another program, to three digits), against 2(N−1) = 6 and 14 of independent errors.
    #[test]
    fn an_error_of_all_splitters_is_worse_than_independent_ones() {
        let process = process("splitter_error = { variation = { die_rad = 1e-3 } }");
        for (ports, expected) in [(4, 6.39), (8, 15.7)] {
            let draw = |trial: u64| {
                let mut random = phaseloom_numerics::StreamKey::new(1, "haar").trial(trial).stream();
                let u = phaseloom_numerics::haar_unitary(ports, &mut random);
                let design = MeshDesign::from_keys("rectangular", None).unwrap();
                let program = MatrixProgram::new(&u, phaseloom_mesh::Form::Unitary, design).unwrap();
                let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial, core: 0 }).unwrap();
                let shift = chip.stages()[0].cell_errors[0].alpha;
                // E² = ‖Û − U‖²/N.
                (chip.matrix(&program).unwrap() - &u).norm_squared() / ports as f64 / (shift * shift)
            };
            let ratios: Vec<f64> = (0..400).map(draw).collect();
            let error = (variance(&ratios) / 400.0).sqrt();
            assert!((mean(&ratios) - expected).abs() < 4.0 * error + 0.05, "{ports}: {} ± {error}", mean(&ratios));
        }
    }

    #[test]
    fn parts_need_what_they_are_measured_in() {
        for (text, key) in [
            ("phase_error = { sigma_rad = 0, variation = { wafer_rad = 0.1 } }", "dies_per_wafer"),
            ("phase_error = { sigma_rad = 0, variation = { position_rad = 0.1 } }", "correlation_um"),
            ("splitter_error = { variation = { truncated_rad = 0.1 } }", "limit_rad"),
            ("splitter_error = { variation = { die_rad = -0.1 } }", "die_rad"),
        ] {
            let process: Process = toml::from_str(text).unwrap();
            assert!(process.check().unwrap_err().to_string().contains(key), "{text}");
        }
    }
}
