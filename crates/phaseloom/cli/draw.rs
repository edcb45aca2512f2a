use super::Ending;
use super::terminal::output;
use anyhow::{Context, bail, ensure};
use clap::Args;
use phaseloom::files::write_atomically;
use phaseloom::hardware::Chip;
use phaseloom::mesh::cell::{CellErrors, transfer};
use phaseloom::mesh::{Cell, Phases, Stage, StageKind, convention};
use phaseloom::report::{MeshColumn, MeshDrawing, Part, Port, Shifter, png};
use phaseloom::Complex64;
use phaseloom::mesh::{Form, MatrixProgram};
use std::f64::consts::FRAC_PI_4;
use std::path::{Path, PathBuf};

/// The largest mesh that is drawn: some ten thousand interferometers, beyond which neither an eye nor a browser follows.
const MODES: usize = 128;

/// Pixels of a PNG for one of the drawing, and the most in a row.
const PIXELS: f64 = 2.0;
const MAX_WIDTH_PX: f64 = 16_384.0;

/// Draw the mesh of a program: guides, splitters, shifters in the colour of their phases, power
///
/// Light runs from the left to the right. Modes, ports and columns are numbered from 0, as in the program file. In a
/// browser, what lies under the pointer tells its phase or its power.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom draw program.json -o mesh.svg\n  \
    phaseloom draw program.json --input 0 -o mesh.svg\n  \
    phaseloom draw program.json --input 0 --chip chip.json -o mesh.png")]
pub struct Draw {
    /// The program (JSON), of at most 128 rows and columns
    program: PathBuf,
    /// Where to write the drawing; the ending tells the format
    #[arg(short, long, value_name = "MESH.svg|MESH.png")]
    output: PathBuf,
    /// Send unit power into this port, from 0, and show it along the guides
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    input: Option<usize>,
    /// Draw the phases and the light of a chip from `phaseloom chip`
    #[arg(long, value_name = "CHIP.json")]
    chip: Option<PathBuf>,
}

impl Draw {
    pub fn execute(self) -> anyhow::Result<Ending> {
        let ending = self.output.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        ensure!(
            ["svg", "png"].contains(&ending),
            "{}: the drawing ends in `{ending}`: expected a name that ends in .svg or .png",
            self.output.display()
        );
        let mut read = vec![("the program", self.program.as_path())];
        read.extend(self.chip.iter().map(|chip| ("the chip", chip.as_path())));
        output::not_over(&self.output, &read)?;
        let program = convention::load(&self.program)?;
        let (rows, columns) = program.shape();
        let path = self.program.display();
        if rows.max(columns) > MODES {
            bail!("{path}: a {rows}×{columns} matrix: at most {MODES} modes are drawn, more could not be told apart");
        }
        if let Some(port) = self.input.filter(|port| *port >= columns) {
            bail!("{path}: --input {port}: the program has {columns} input ports, 0 to {}", columns - 1);
        }
        let optics = match &self.chip {
            Some(path) => of_chip(&program, path)?,
            None => as_programmed(&program),
        };
        let drawing = drawing(&program, &optics, self.input, self.chip.is_some());
        let svg = drawing.svg();
        let bytes = match ending {
            "png" => png(&svg, (PIXELS * drawing.width()).min(MAX_WIDTH_PX) as u32)?,
            _ => svg.into_bytes(),
        };
        write_atomically(&self.output, &bytes)?;
        output::note(&format!("drawing in {}", self.output.display()));
        Ok(Ending::Done)
    }
}

/// What light meets in a section: the phases that its shifters have, and the state of each cell.
type Optics = (Phases, Vec<CellErrors>);

fn as_programmed(program: &MatrixProgram) -> Vec<Optics> {
    let perfect = |stage: &Stage| vec![CellErrors::NONE; stage.layout().positions.len()];
    program.stages().iter().map(|stage| (stage.phases().clone(), perfect(stage))).collect()
}

fn of_chip(program: &MatrixProgram, path: &Path) -> anyhow::Result<Vec<Optics>> {
    let chip = Chip::load(path)?;
    let realised = chip.matrix(program).with_context(|| path.display().to_string())?; // refuses another shape
    let finite = realised.iter().all(|z| z.re.is_finite() && z.im.is_finite());
    ensure!(finite, "{}: a phase or offset is beyond what can be added", path.display());
    let driven = chip.process().drive(program).into_iter().zip(chip.stages());
    let optics = driven.map(|(mut phases, frozen)| {
        phases.values_mut().iter_mut().zip(frozen.offsets.values()).for_each(|(phase, offset)| *phase += offset);
        (phases, frozen.cells.clone())
    });
    Ok(optics.collect())
}

/// The program as parts in columns, with the light that passes them.
fn drawing(program: &MatrixProgram, optics: &[Optics], input: Option<usize>, imperfect: bool) -> MeshDrawing {
    let (rows, inputs) = program.shape();
    let mut light = Light::new(inputs, input);
    let mut columns = Vec::new();
    for (index, (stage, optics)) in program.stages().iter().zip(optics).enumerate() {
        match stage.kind() {
            StageKind::Mesh => {
                let name = match (program.form(), index) {
                    (Form::Unitary | Form::Contraction, _) => "mesh",
                    (_, 0) => "right mesh",
                    _ => "left mesh",
                };
                mesh(name, stage, optics, &mut light, &mut columns);
            }
            StageKind::Attenuators => attenuators(optics, inputs, rows, &mut light, &mut columns),
        }
    }
    let label = |mode: usize| match light.power(mode) {
        Some(power) => format!("{mode}: {:.2} %", 100.0 * power),
        None => mode.to_string(),
    };
    let ports = |count: usize, label: &dyn Fn(usize) -> String| {
        (0..count).map(|mode| Port { at: mode as f64, label: label(mode) }).collect()
    };
    let chip = if imperfect { ", phases and light of a chip" } else { "" };
    let light = input.map_or_else(String::new, |port| format!(", unit power into port {port}"));
    MeshDrawing {
        title: format!(
            "{rows}×{inputs} matrix, {}: {} {}, depth {}",
            program.design(),
            program.interferometers(),
            program.design().cell().plural(),
            program.depth()
        ),
        remark: format!("light from left to right{light}{chip}"),
        inputs: ports(inputs, &|mode| mode.to_string()),
        outputs: ports(rows, &label),
        columns,
    }
}

/// The columns of a mesh, crossings between them, and the phases behind.
fn mesh(name: &str, stage: &Stage, (phases, cells): &Optics, light: &mut Light, columns: &mut Vec<MeshColumn>) {
    let layout = stage.layout();
    let heading = name.strip_suffix(" mesh").unwrap_or(name);
    let mut draw = |label: String, parts: Vec<Part>| {
        columns.push(MeshColumn { label, stage: heading.to_owned(), parts });
    };
    let lit = light.fields.len();
    if layout.modes > lit {
        let mut parts: Vec<Part> = (0..lit).map(|mode| light.guide(mode)).collect();
        light.fields.resize(layout.modes, Complex64::ZERO);
        let dark = |mode: usize| Part::Begin { at: mode as f64, power: light.power(mode) };
        parts.extend((lit..layout.modes).map(dark));
        draw(String::new(), parts);
    }
    for column in 0..=layout.columns {
        if let Some(order) = layout.permutation_before(column) {
            draw(String::new(), light.permute(order));
        }
        if column == layout.columns {
            break;
        }
        let modes: Vec<usize> = layout.column(column).map(|k| layout.positions[k].mode).collect();
        if layout.cell == Cell::ThreeSplitters {
            let first = layout.column(column).start;
            draw(
                String::new(),
                light.each(layout.modes, &modes, |light, j, mode| {
                    vec![light.split(mode, FRAC_PI_4 + cells[first + j].gamma)]
                }),
            );
        }
        let edges: Vec<usize> = (0..layout.boundary_shifters().len())
            .filter(|&k| layout.column(column).contains(&layout.boundary_shifters()[k].cell))
            .collect();
        if !edges.is_empty() {
            let mut parts: Vec<Part> = (0..layout.modes).map(|mode| light.guide(mode)).collect();
            for k in edges {
                let (mode, phase) = (layout.boundary_shifter(k).mode, phases.boundary()[k]);
                light.turn(mode, phase);
                let shifter = Shifter { name: format!("{name}, column {column}, edge phase of mode {mode}"), phase };
                parts[mode] = Part::Shifter { at: mode as f64, shifter, power: light.power(mode) };
            }
            draw(String::new(), parts);
        }
        if layout.cell == Cell::Coupler {
            let first = layout.column(column).start;
            let mask = light.each(layout.modes, &modes, |light, j, mode| {
                let place = format!("{name}, column {column}, mode");
                let both = [(mode, phases.theta()[first + j]), (mode + 1, phases.phi()[first + j])];
                let part = |(mode, phase)| {
                    light.turn(mode, phase);
                    let shifter = Shifter { name: format!("{place} {mode}"), phase };
                    Part::Shifter { at: mode as f64, shifter, power: light.power(mode) }
                };
                both.into_iter().map(part).collect()
            });
            draw(column.to_string(), mask);
            draw(
                String::new(),
                light.each(layout.modes, &modes, |light, j, mode| {
                    let CellErrors { alpha, upper, lower, .. } = cells[first + j];
                    light.fields[mode] *= upper;
                    light.fields[mode + 1] *= lower;
                    vec![light.split(mode, FRAC_PI_4 + alpha)]
                }),
            );
            continue;
        }
        let symmetric = layout.cell == Cell::Symmetric;
        let parts = light.each(layout.modes, &modes, |light, j, mode| {
            let k = layout.column(column).start + j;
            let place = format!("{name}, column {column}, modes {mode} and {}", mode + 1);
            let (theta, phi) = (phases.theta()[k], phases.phi()[k]);
            let powers = if symmetric {
                let powers = light.pass([mode, mode + 1], theta - phi, 0.0, cells[k]);
                (mode..mode + 2).for_each(|mode| light.turn(mode, phi));
                powers
            } else {
                light.pass([mode, mode + 1], theta, phi, cells[k])
            };
            vec![interferometer(&place, [mode as f64, mode as f64 + 1.0], [theta, phi], symmetric, powers)]
        });
        draw(column.to_string(), parts);
        if layout.cell == Cell::Crossing {
            draw(
                String::new(),
                light.each(layout.modes, &modes, |light, _, mode| {
                    light.fields.swap(mode, mode + 1);
                    let (up, down) = (mode as f64, mode as f64 + 1.0);
                    let bend = |at: [f64; 2], to: usize| Part::Bend { at, power: light.power(to) };
                    vec![bend([up, down], mode + 1), bend([down, up], mode)]
                }),
            );
        }
    }
    let mut parts: Vec<Part> = phases
        .output()
        .iter()
        .enumerate()
        .map(|(mode, &phase)| {
            // A phase moves no power, but the splitters behind it see it.
            light.turn(mode, phase);
            let shifter = Shifter { name: format!("{name}, output phase of mode {mode}"), phase };
            Part::Shifter { at: mode as f64, shifter, power: light.power(mode) }
        })
        .collect();
    parts.extend((layout.ports..layout.modes).map(|mode| Part::End { at: mode as f64, power: light.power(mode) }));
    light.fields.truncate(layout.ports);
    draw(String::new(), parts);
}

/// Height of the lower guide of an attenuator below the upper one; its ends are dark and dumped.
const DUMP: f64 = 0.55;

/// A column of attenuators between a mesh of `before` modes and one of `behind`: modes that only one of them has end or
/// begin here.
fn attenuators(
    (phases, cells): &Optics,
    before: usize,
    behind: usize,
    light: &mut Light,
    columns: &mut Vec<MeshColumn>,
) {
    let count = cells.len();
    let dark = light.shown.then_some(0.0);
    let mut entry: Vec<Part> = (0..count).map(|mode| light.guide(mode)).collect();
    entry.extend((0..count).map(|mode| Part::Begin { at: mode as f64 + DUMP, power: dark }));
    entry.extend((count..before).map(|mode| Part::End { at: mode as f64, power: light.power(mode) }));
    let mut column = Vec::new();
    let mut exit = Vec::new();
    for (mode, &errors) in cells.iter().enumerate() {
        let (theta, phi) = (phases.theta()[mode], phases.phi()[mode]);
        let powers = light.attenuate(mode, theta, phi, errors);
        let at = [mode as f64, mode as f64 + DUMP];
        column.push(interferometer(&format!("attenuator of mode {mode}"), at, [theta, phi], false, powers));
        exit.push(light.guide(mode));
        exit.push(Part::End { at: at[1], power: powers.map(|powers| powers[2][1]) });
    }
    exit.extend((count..behind).map(|mode| Part::Begin { at: mode as f64, power: dark }));
    light.fields.truncate(count);
    light.fields.resize(behind, Complex64::ZERO);
    let stage = "attenuators";
    columns.extend([entry, column, exit].map(|parts| MeshColumn {
        label: String::new(),
        stage: stage.to_owned(),
        parts,
    }));
}

fn interferometer(place: &str, at: [f64; 2], phases: [f64; 2], symmetric: bool, powers: Option<Powers>) -> Part {
    let names = if symmetric { ["θ₁", "θ₂"] } else { ["θ", "φ"] };
    let shifter = |k: usize| Shifter { name: format!("{place}: {}", names[k]), phase: phases[k] };
    Part::Interferometer { at, phi: shifter(1), theta: shifter(0), symmetric, powers }
}

/// Powers of the two guides of a cell before, between and behind its splitters.
type Powers = [[f64; 2]; 3];

/// One vector of fields on its way through the columns.
struct Light {
    fields: Vec<Complex64>,
    /// Whether there is any to show.
    shown: bool,
}

impl Light {
    fn new(modes: usize, input: Option<usize>) -> Self {
        let mut fields = vec![Complex64::ZERO; modes];
        if let Some(port) = input {
            fields[port] = Complex64::ONE;
        }
        Self { fields, shown: input.is_some() }
    }

    fn power(&self, mode: usize) -> Option<f64> {
        self.shown.then(|| self.fields[mode].norm_sqr())
    }

    fn guide(&self, mode: usize) -> Part {
        Part::Guide { at: mode as f64, power: self.power(mode) }
    }

    /// A column: what `part` makes of the cell number j, on the mode given and the next; straight guides elsewhere.
    fn each(
        &mut self,
        lines: usize,
        modes: &[usize],
        mut part: impl FnMut(&mut Self, usize, usize) -> Vec<Part>,
    ) -> Vec<Part> {
        let (mut parts, mut free) = (Vec::new(), 0);
        for (j, &mode) in modes.iter().enumerate() {
            parts.extend((free..mode).map(|mode| self.guide(mode)));
            parts.extend(part(self, j, mode));
            free = mode + 2;
        }
        parts.extend((free..lines).map(|mode| self.guide(mode)));
        parts
    }

    /// Lines that cross: line i becomes what was line `order[i]`.
    fn permute(&mut self, order: &[usize]) -> Vec<Part> {
        self.fields = order.iter().map(|&from| self.fields[from]).collect();
        let bend = |(to, &from): (usize, &usize)| Part::Bend { at: [from as f64, to as f64], power: self.power(to) };
        order.iter().enumerate().map(bend).collect()
    }

    /// Passes a splitter of an angle (rad).
    fn split(&mut self, mode: usize, eta: f64) -> Part {
        let (s, c) = eta.sin_cos();
        let before = [self.fields[mode], self.fields[mode + 1]];
        let behind = [before[0] * c + Complex64::I * before[1] * s, Complex64::I * before[0] * s + before[1] * c];
        [self.fields[mode], self.fields[mode + 1]] = behind;
        let powers = self.shown.then(|| [before, behind].map(|pair| pair.map(|field| field.norm_sqr())));
        Part::Splitter { at: [mode as f64, mode as f64 + 1.0], powers }
    }

    fn turn(&mut self, mode: usize, phase: f64) {
        self.fields[mode] *= Complex64::cis(phase);
    }

    /// Passes a cell.
    fn pass(&mut self, modes: [usize; 2], theta: f64, phi: f64, errors: CellErrors) -> Option<Powers> {
        let (out, powers) = through(modes.map(|mode| self.fields[mode]), theta, phi, errors);
        modes.iter().zip(out).for_each(|(&mode, field)| self.fields[mode] = field);
        self.shown.then_some(powers)
    }

    /// Passes a cell whose lower input is dark and whose lower output is dumped.
    fn attenuate(&mut self, mode: usize, theta: f64, phi: f64, errors: CellErrors) -> Option<Powers> {
        let (out, powers) = through([self.fields[mode], Complex64::ZERO], theta, phi, errors);
        self.fields[mode] = out[0];
        self.shown.then_some(powers)
    }
}

/// Fields behind a cell, and the powers on the way.
fn through(fields: [Complex64; 2], theta: f64, phi: f64, errors: CellErrors) -> ([Complex64; 2], Powers) {
    let [[t11, t12], [t21, t22]] = transfer(theta, phi, errors);
    let [upper, lower] = fields;
    let out = [t11 * upper + t12 * lower, t21 * upper + t22 * lower];
    let (sine, cosine) = (FRAC_PI_4 + errors.alpha).sin_cos();
    let (upper, i) = (upper * Complex64::cis(phi), Complex64::I);
    let arms = [upper * cosine + i * lower * sine, i * upper * sine + lower * cosine];
    (out, [fields, arms, out].map(|pair| pair.map(|field| field.norm_sqr())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom::mesh::MeshDesign;
    use phaseloom::nalgebra::DMatrix;
    use phaseloom::numerics::{StreamKey, haar_unitary};
    use phaseloom::mesh::topology;

    /// Power behind a part, or in its absorber.
    fn power(part: &Part) -> f64 {
        match part {
            Part::Guide { power, .. } | Part::End { power, .. } | Part::Shifter { power, .. } => power.unwrap(),
            Part::Begin { .. } => 0.0,
            Part::Bend { power, .. } => power.unwrap(),
            Part::Splitter { powers, .. } => powers.unwrap()[1].iter().sum(),
            Part::Interferometer { powers, .. } => powers.unwrap()[2].iter().sum(),
        }
    }

    /// Powers in the guides at the end of a column, those of absorbers too.
    fn leaving(column: &MeshColumn) -> f64 {
        column.parts.iter().map(power).sum()
    }

    #[test]
    fn a_lossless_mesh_keeps_the_power_in_every_column_and_ends_as_the_circuit_does() {
        let u = haar_unitary(7, &mut StreamKey::new(1, "draw").stream());
        for design in MeshDesign::all().filter(|design| design.topology().rows().is_none()) {
            let program = MatrixProgram::new(&u, Form::Unitary, design).unwrap();
            let (matrix, drawing) = (program.matrix(), drawing(&program, &as_programmed(&program), Some(3), false));
            assert!(drawing.columns.iter().all(|column| (leaving(column) - 1.0).abs() < 1e-12), "{design}");
            let Some(last) = drawing.columns.last() else { panic!("no column") };
            for (mode, part) in last.parts.iter().enumerate().take(7) {
                let Part::Shifter { power: Some(power), .. } = part else { panic!("{part:?}") };
                assert!((power - matrix[(mode, 3)].norm_sqr()).abs() < 1e-12, "{design}");
            }
        }
    }

    #[test]
    fn what_leaves_attenuators_and_dumps_is_what_came() {
        for (rows, columns) in [(2, 5), (5, 2), (1, 1), (3, 3)] {
            let w = DMatrix::from_fn(rows, columns, |r, c| Complex64::new(0.3 * r as f64 - 0.2, 0.5 - 0.1 * c as f64));
            let program = MatrixProgram::new(&w, Form::Svd, topology("rectangular").unwrap()).unwrap();
            let optics = as_programmed(&program);
            let drawing = drawing(&program, &optics, Some(columns - 1), false);
            let matrix = program.matrix() / Complex64::from(program.gain());
            let Some(last) = drawing.columns.last() else { panic!("no column") };
            for (mode, part) in last.parts.iter().enumerate() {
                let Part::Shifter { power: Some(power), .. } = part else { panic!("{part:?}") };
                assert!((power - matrix[(mode, columns - 1)].norm_sqr()).abs() < 1e-13, "{rows}×{columns}");
            }
            let ends = drawing.columns.iter().flat_map(|column| &column.parts);
            let dumped: f64 =
                ends.map(|part| if let Part::End { power: Some(power), .. } = part { *power } else { 0.0 }).sum();
            assert!((dumped + leaving(last) - 1.0).abs() < 1e-13, "{rows}×{columns}");
        }
    }

    #[test]
    fn the_powers_of_a_chip_are_those_that_it_realises() {
        let u = haar_unitary(6, &mut StreamKey::new(2, "draw").stream());
        for design in MeshDesign::all().filter(|design| design.topology().rows().is_none()) {
            powers_are_realised(&MatrixProgram::new(&u, Form::Svd, design).unwrap());
        }
    }

    fn powers_are_realised(program: &MatrixProgram) {
        let errors = "splitter_error = { sigma_rad = 0.1 }\nphase_error = { sigma_rad = 0.1 }\n\
            insertion_loss = { loss_db = 0.2, imbalance_db = 0.1 }\nthermal_crosstalk = { coefficient = 0.01 }\n";
        let process = toml::from_str(errors).unwrap();
        let sample = phaseloom::hardware::ChipId { seed: 1, trial: 0, core: 0 };
        let chip = Chip::fabricate(&process, program, sample).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chip.json");
        chip.save(&path).unwrap();
        let optics = of_chip(program, &path).unwrap();
        let realised = chip.matrix(program).unwrap();
        let drawing = drawing(program, &optics, Some(0), true);
        let Some(last) = drawing.columns.last() else { panic!("no column") };
        let expected: f64 = realised.column(0).norm_squared();
        let at_ports: f64 = last.parts.iter().take(6).map(power).sum();
        assert!((at_ports - expected).abs() < 1e-13, "{}", program.design());
    }
}
