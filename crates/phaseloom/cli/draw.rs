//! The command `draw`: draw the mesh of a program.

use super::Exit;
use super::terminal::figures::Style;
use super::terminal::{output, streams, whole};
use anyhow::{Context, bail, ensure};
use clap::Args;
use phaseloom::Complex64;
use phaseloom::files::{WIDTH, read_text, wrap, write_atomically};
use phaseloom::hardware::{Chip, Process};
use phaseloom::mesh::cell::CellErrors;
use phaseloom::mesh::{
    CellPart, CellTrace, ColumnTrace, Form, MatrixProgram, Phases, Stage, StageKind, StageTrace, convention,
};
use phaseloom::report::{MeshColumn, MeshDrawing, Part, Port, Shifter, pdf, png};
use std::path::{Path, PathBuf};

/// The largest mesh that is drawn: some ten thousand interferometers, beyond which neither an eye nor a browser follows.
const MODES: usize = 128;

/// Smaller texts are hard to read in print (pt).
const MIN_TEXT_PT: f64 = 5.0;

/// Pixels of a PNG for one of the drawing, and the most in a row.
const PIXELS: f64 = 2.0;
const MAX_WIDTH_PX: f64 = 16_384.0;

/// Draw the mesh of a program: waveguides, splitters, phase shifters in the colour of their phases, power
///
/// Light runs from the left to the right. Modes, ports and columns are numbered from 0, as in the program file. In a
/// browser, the part under the pointer shows its phase or its power.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom draw program.json -o mesh.svg\n  \
    phaseloom draw program.json --input 0 -o mesh.svg\n  \
    phaseloom draw program.json --input 0 --chip chip.json -o mesh.png\n  \
    phaseloom draw program.json --width 178mm --no-title -o mesh.pdf")]
pub struct Draw {
    /// The program (JSON), of at most 128 rows and columns
    program: PathBuf,
    /// Where to write the drawing; the ending selects the format, `-` is standard output (SVG) [default: only the title is
    /// printed]
    #[arg(short, long, value_name = "MESH.svg|MESH.png|MESH.pdf")]
    output: Option<PathBuf>,
    /// Send unit power into this port, from 0, and show it along the waveguides
    #[arg(long, value_name = "PORT", value_parser = whole(0, usize::MAX))]
    input: Option<usize>,
    /// Draw the phases and the light of a chip from `phaseloom chip`
    #[arg(long, value_name = "CHIP.json")]
    chip: Option<PathBuf>,
    #[command(flatten)]
    style: Style,
}

impl Draw {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let read = [("the program", Some(self.program.as_path())), ("the chip", self.chip.as_deref())];
        match (&self.output, self.style.given()) {
            (Some(path), _) => output::check_output_path(path, &["svg", "png", "pdf"], &read)?,
            (None, Some(option)) => bail!("{option}: found without -o, expected -o with the file of the drawing"),
            (None, None) => (),
        }
        let file = streams::input(&self.program)?;
        let program = convention::load(&file)?;
        let (rows, columns) = program.shape();
        let path = self.program.display();
        if rows.max(columns) > MODES {
            bail!(
                "{path}: found a {rows}×{columns} matrix, expected at most {MODES} rows and columns, which a drawing can show"
            );
        }
        if let Some(port) = self.input.filter(|port| *port >= columns) {
            bail!("{path}: --input {port}: the program has {columns} input ports, 0 to {}", columns - 1);
        }
        let optics = optics(&program, self.chip.as_deref())?;
        let mut drawing = drawing(&program, &optics, self.input, self.chip.is_some());
        if let Some(key) = foreign_convention(&file) {
            drawing.phases = "phase (rad), θ and φ as in Phaseloom".to_owned();
            drawing.remark += &format!("; phases converted from the convention {key} to that of Phaseloom");
        }
        let Some(path) = &self.output else {
            output::print(&(wrap(&drawing.title, WIDTH, 2) + "\n"))?;
            output::hint_output(None, "DRAWING.svg");
            return Ok(Exit::Done);
        };
        let svg = drawing.svg(&self.style.get());
        if let (Some(width), size) = (self.style.get().width, drawing.smallest_text_pt(&self.style.get()))
            && size < MIN_TEXT_PT
        {
            let wide = (width.mm() * MIN_TEXT_PT / size).ceil();
            output::status(&format!(
                "note: at a width of {width} the smallest text of the drawing has {size:.1} pt: {MIN_TEXT_PT} pt need \
                 --width {wide}mm, or draw a mesh of fewer modes"
            ));
        }
        let bytes = match output::ending(path).as_str() {
            "png" => png(&svg, (PIXELS * drawing.width()).min(MAX_WIDTH_PX) as u32)?,
            "pdf" => pdf(&svg)?,
            _ => svg.into_bytes(),
        };
        streams::save(path, |path| write_atomically(path, &bytes))?;
        Ok(Exit::Done)
    }
}

/// The convention of a converted program; `None` for a program of Phaseloom.
fn foreign_convention(file: &Path) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(&read_text(file).ok()?).ok()?;
    (value["format"] == "phaseloom-converted").then(|| value["convention"].as_str().map(str::to_owned))?
}

/// What light meets in a section: the phases that its shifters have, and the state of each cell.
type Optics = (Phases, Vec<CellErrors>);

/// The optics of the chip in a file, or of a perfect chip.
fn optics(program: &MatrixProgram, file: Option<&Path>) -> anyhow::Result<Vec<Optics>> {
    let chip = match file {
        Some(path) => Chip::load(&streams::input(path)?)?,
        None => Chip::nominal(&Process::default(), program)?,
    };
    let path = file.unwrap_or(Path::new("a perfect chip"));
    let realised = chip.matrix(program).with_context(|| path.display().to_string())?; // refuses another shape
    let finite = realised.iter().all(|z| z.re.is_finite() && z.im.is_finite());
    ensure!(finite, "{}: a phase or offset is beyond what can be added", path.display());
    let driven = chip.process().drive(program);
    let state = |(k, driven): (usize, &Phases)| {
        let (phases, cell_errors) = chip.stage_state(k, driven);
        (phases, cell_errors.to_vec())
    };
    Ok(driven.iter().enumerate().map(state).collect())
}

/// The program as parts in columns, with the power of every part if an input port is illuminated.
fn drawing(program: &MatrixProgram, optics: &[Optics], input: Option<usize>, imperfect: bool) -> MeshDrawing {
    let (rows, inputs) = program.shape();
    let mut fields = vec![Complex64::ZERO; inputs];
    if let Some(port) = input {
        fields[port] = Complex64::ONE;
    }
    let mut columns = Vec::new();
    for (index, (stage, optics)) in program.stages().iter().zip(optics).enumerate() {
        let trace = StageTrace::new(stage, &optics.0, &optics.1, &fields);
        match stage.kind() {
            StageKind::Mesh => {
                let name = match (program.form(), index) {
                    (Form::Unitary | Form::Contraction, _) => "mesh",
                    (_, 0) => "right mesh",
                    _ => "left mesh",
                };
                MeshColumns { name, stage, phases: &optics.0, columns: &mut columns }.draw(&fields, &trace);
                fields = trace.output;
                fields.truncate(stage.layout().ports);
            }
            StageKind::Attenuators => {
                attenuators(&optics.0, rows, &fields, &trace, &mut columns);
                fields = trace.output;
                fields.resize(rows, Complex64::ZERO);
            }
        }
    }
    let label = |mode: usize| match input {
        Some(_) => format!("{mode}: {:.2} %", 100.0 * fields[mode].norm_sqr()),
        None => mode.to_string(),
    };
    let ports = |count: usize, label: &dyn Fn(usize) -> String| {
        (0..count).map(|mode| Port { at: mode as f64, label: label(mode) }).collect()
    };
    let chip = if imperfect { ", phases and light of a chip" } else { "" };
    let sent = input.map_or_else(String::new, |port| format!(", unit power into port {port}"));
    MeshDrawing {
        title: format!(
            "{rows}×{inputs} matrix, {}: {} {}, depth {}",
            program.design(),
            program.interferometers(),
            program.design().cell().plural(),
            program.depth()
        ),
        remark: format!("light from left to right{sent}{chip}"),
        phases: "phase of a shifter (rad)".to_owned(),
        shows_light: input.is_some(),
        inputs: ports(inputs, &|mode| mode.to_string()),
        outputs: ports(rows, &label),
        columns,
    }
}

/// Powers of the pairs of waveguides before, between and after splitters.
fn powers<const PLANES: usize>(fields: [[Complex64; 2]; PLANES]) -> [[f64; 2]; PLANES] {
    fields.map(|pair| pair.map(|field| field.norm_sqr()))
}

/// Straight waveguides, one per field.
fn waveguides(fields: &[Complex64]) -> Vec<Part> {
    fields.iter().enumerate().map(|(mode, &field)| waveguide(mode, field)).collect()
}

fn waveguide(mode: usize, field: Complex64) -> Part {
    Part::Waveguide { at: mode as f64, power: field.norm_sqr() }
}

/// Waveguides that cross: mode i becomes the one that was mode `order[i]`.
fn crossings(order: &[usize], crossed: &[Complex64]) -> Vec<Part> {
    order.iter().zip(crossed).enumerate().map(|(to, (&from, &field))| bend(from, to, field)).collect()
}

fn bend(from: usize, to: usize, field: Complex64) -> Part {
    Part::Bend { at: [from as f64, to as f64], power: field.norm_sqr() }
}

fn splitter(mode: usize, before: [Complex64; 2], after: [Complex64; 2]) -> Part {
    Part::Splitter { at: [mode as f64, mode as f64 + 1.0], powers: powers([before, after]) }
}

fn shifter(mode: usize, name: String, phase: f64, field: Complex64) -> Part {
    Part::Shifter { at: mode as f64, shifter: Shifter { name, phase }, power: field.norm_sqr() }
}

/// Draws one mesh into the columns of the drawing.
struct MeshColumns<'a> {
    name: &'a str,
    stage: &'a Stage,
    phases: &'a Phases,
    columns: &'a mut Vec<MeshColumn>,
}

impl MeshColumns<'_> {
    /// The modes that begin here, the columns of cells with the crossings between them, and the output phases.
    fn draw(mut self, fields: &[Complex64], trace: &StageTrace) {
        let layout = self.stage.layout();
        if layout.modes > fields.len() {
            let mut parts = waveguides(fields);
            parts.extend((fields.len()..layout.modes).map(|mode| Part::Begin { at: mode as f64 }));
            self.push(String::new(), parts);
        }
        for (column, traced) in trace.columns.iter().enumerate() {
            if let Some(order) = layout.permutation_before(column) {
                self.push(String::new(), crossings(order, &traced.input));
            }
            self.cells(column, traced);
        }
        if let Some(order) = layout.permutation_before(layout.columns) {
            self.push(String::new(), crossings(order, &trace.output));
        }
        let output = |(mode, &phase): (usize, &f64)| {
            let name = format!("{}, output phase of mode {mode}", self.name);
            shifter(mode, name, phase, trace.output[mode])
        };
        let mut parts: Vec<Part> = self.phases.output().iter().enumerate().map(output).collect();
        let end = |mode: usize| Part::End { at: mode as f64, power: trace.output[mode].norm_sqr() };
        parts.extend((layout.ports..layout.modes).map(end));
        self.push(String::new(), parts);
    }

    fn push(&mut self, label: String, parts: Vec<Part>) {
        let stage = self.name.strip_suffix(" mesh").unwrap_or(self.name).to_owned();
        self.columns.push(MeshColumn { label, stage, parts });
    }

    /// A column with the parts that `part` makes of cell number j and its upper mode; straight waveguides elsewhere.
    fn push_each(
        &mut self,
        label: String,
        column: usize,
        traced: &ColumnTrace,
        part: impl Fn(&Self, usize, usize) -> Vec<Part>,
    ) {
        let layout = self.stage.layout();
        let (mut parts, mut free) = (Vec::new(), 0);
        let waveguides = |modes: std::ops::Range<usize>| modes.map(|mode| waveguide(mode, traced.input[mode]));
        for (j, k) in layout.column(column).enumerate() {
            let mode = layout.positions[k].mode;
            parts.extend(waveguides(free..mode));
            parts.extend(part(self, j, mode));
            free = mode + 2;
        }
        parts.extend(waveguides(free..layout.modes));
        self.push(label, parts);
    }

    /// One column of cells, with the boundary phase shifters before it.
    fn cells(&mut self, column: usize, traced: &ColumnTrace) {
        let layout = self.stage.layout();
        let first = layout.column(column).start;
        if layout.cell.parts().contains(&CellPart::InputSplitter) {
            self.push_each(String::new(), column, traced, |_, j, mode| {
                let before = [traced.input[mode], traced.input[mode + 1]];
                vec![splitter(mode, before, traced.cells[j].input)]
            });
        }
        let shifters: Vec<usize> = (0..layout.boundary_shifters().len())
            .filter(|&k| layout.column(column).contains(&layout.boundary_shifters()[k].cell))
            .collect();
        if !shifters.is_empty() {
            let mut parts = waveguides(&traced.input);
            for k in shifters {
                let mode = layout.boundary_shifter(k).mode;
                let name = format!("{}, column {column}, edge phase of mode {mode}", self.name);
                parts[mode] = shifter(mode, name, self.phases.boundary()[k], traced.input[mode]);
            }
            self.push(String::new(), parts);
        }
        if !layout.cell.is_interferometer() {
            self.push_each(column.to_string(), column, traced, |mesh, j, mode| {
                let both = [(mode, mesh.phases.theta()[first + j]), (mode + 1, mesh.phases.phi()[first + j])];
                let name = |mode: usize| format!("{}, column {column}, mode {mode}", mesh.name);
                both.map(|(mode, phase)| shifter(mode, name(mode), phase, traced.input[mode])).into()
            });
            self.push_each(String::new(), column, traced, |_, j, mode| {
                vec![splitter(mode, traced.cells[j].arms, traced.cells[j].output)]
            });
            return;
        }
        let symmetric = layout.cell.has_shifters_side_by_side();
        self.push_each(column.to_string(), column, traced, |mesh, j, mode| {
            let place = format!("{}, column {column}, modes {mode} and {}", mesh.name, mode + 1);
            let phases = [mesh.phases.theta()[first + j], mesh.phases.phi()[first + j]];
            vec![interferometer(&place, [mode as f64, mode as f64 + 1.0], phases, symmetric, &traced.cells[j])]
        });
        if layout.cell.crossings() > 0 {
            self.push_each(String::new(), column, traced, |_, j, mode| {
                let [upper, lower] = traced.cells[j].output;
                vec![bend(mode, mode + 1, upper), bend(mode + 1, mode, lower)]
            });
        }
    }
}

/// Distance of the lower waveguide of an attenuator from the upper one. Its input is idle, its output absorbed.
const DUMP: f64 = 0.55;

/// A column of attenuators before a mesh of `rows` modes. Modes that only one side has end or begin here.
fn attenuators(phases: &Phases, rows: usize, fields: &[Complex64], trace: &StageTrace, columns: &mut Vec<MeshColumn>) {
    let count = phases.theta().len();
    let mut entry = waveguides(&fields[..count]);
    entry.extend((0..count).map(|mode| Part::Begin { at: mode as f64 + DUMP }));
    entry.extend((count..fields.len()).map(|mode| Part::End { at: mode as f64, power: fields[mode].norm_sqr() }));
    let mut column = Vec::new();
    let mut exit = Vec::new();
    for (mode, cell) in trace.columns.iter().flat_map(|column| &column.cells).enumerate() {
        let at = [mode as f64, mode as f64 + DUMP];
        let both = [phases.theta()[mode], phases.phi()[mode]];
        column.push(interferometer(&format!("attenuator of mode {mode}"), at, both, false, cell));
        exit.push(waveguide(mode, cell.output[0]));
        exit.push(Part::End { at: at[1], power: cell.output[1].norm_sqr() });
    }
    exit.extend((count..rows).map(|mode| Part::Begin { at: mode as f64 }));
    for parts in [entry, column, exit] {
        columns.push(MeshColumn { label: String::new(), stage: "attenuators".to_owned(), parts });
    }
}

fn interferometer(place: &str, at: [f64; 2], phases: [f64; 2], symmetric: bool, cell: &CellTrace) -> Part {
    let names = if symmetric { ["θ₁", "θ₂"] } else { ["θ", "φ"] };
    let shifter = |k: usize| Shifter { name: format!("{place}: {}", names[k]), phase: phases[k] };
    let powers = powers([cell.input, cell.arms, cell.output]);
    Part::Interferometer { at, phi: shifter(1), theta: shifter(0), symmetric, powers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom::mesh::{MeshDesign, topology};
    use phaseloom::nalgebra::{DMatrix, DVector};
    use phaseloom::numerics::{StreamKey, haar_unitary};
    use phaseloom::report::FigureStyle;

    /// Power after a part, or in its absorber.
    fn power(part: &Part) -> f64 {
        match part {
            Part::Waveguide { power, .. } | Part::End { power, .. } | Part::Shifter { power, .. } => *power,
            Part::Begin { .. } => 0.0,
            Part::Bend { power, .. } => *power,
            Part::Splitter { powers, .. } => powers[1].iter().sum(),
            Part::Interferometer { powers, .. } => powers[2].iter().sum(),
        }
    }

    /// Powers in the guides at the end of a column, those of absorbers too.
    fn leaving(column: &MeshColumn) -> f64 {
        column.parts.iter().map(power).sum()
    }

    /// Checks the powers at the outputs, and returns the last column.
    fn ends_as<'a>(drawing: &'a MeshDrawing, fields: &DVector<Complex64>, tolerance: f64) -> &'a MeshColumn {
        let Some(last) = drawing.columns.last() else { panic!("no column") };
        for (part, field) in last.parts.iter().zip(fields) {
            let Part::Shifter { power, .. } = part else { panic!("{part:?}") };
            assert!((power - field.norm_sqr()).abs() < tolerance, "{}", drawing.title);
        }
        last
    }

    #[test]
    fn a_lossless_mesh_keeps_the_power_in_every_column_and_ends_as_the_circuit_does() {
        let u = haar_unitary(7, &mut StreamKey::new(1, "draw").stream());
        for design in MeshDesign::all().filter(|design| design.topology().capability().max_rows().is_none()) {
            let program = MatrixProgram::new(&u, Form::Unitary, &design).unwrap();
            let (matrix, drawing) =
                (program.matrix(), drawing(&program, &optics(&program, None).unwrap(), Some(3), false));
            assert!(drawing.columns.iter().all(|column| (leaving(column) - 1.0).abs() < 1e-12), "{design}");
            ends_as(&drawing, &matrix.column(3).into_owned(), 1e-12);
        }
    }

    #[test]
    fn what_leaves_attenuators_and_dumps_is_what_came() {
        for (rows, columns) in [(2, 5), (5, 2), (1, 1), (3, 3)] {
            let w = DMatrix::from_fn(rows, columns, |r, c| Complex64::new(0.3 * r as f64 - 0.2, 0.5 - 0.1 * c as f64));
            let program = MatrixProgram::new(&w, Form::Svd, topology("rectangular").unwrap()).unwrap();
            let optics = optics(&program, None).unwrap();
            let drawing = drawing(&program, &optics, Some(columns - 1), false);
            let matrix = program.matrix() / Complex64::from(program.gain());
            let last = ends_as(&drawing, &matrix.column(columns - 1).into_owned(), 1e-13);
            let ends = drawing.columns.iter().flat_map(|column| &column.parts);
            let dumped: f64 = ends.map(|part| if let Part::End { power, .. } = part { *power } else { 0.0 }).sum();
            assert!((dumped + leaving(last) - 1.0).abs() < 1e-13, "{rows}×{columns}");
        }
    }

    /// A README shows an image at most 830 px wide.
    #[test]
    fn every_text_of_a_mesh_of_eight_modes_has_nine_pixels_in_a_readme() {
        for modes in [2, 4, 8] {
            let u = haar_unitary(modes, &mut StreamKey::new(3, "draw").stream());
            let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular").unwrap()).unwrap();
            for input in [None, Some(0)] {
                let drawing = drawing(&program, &optics(&program, None).unwrap(), input, false);
                let (svg, scale) = (drawing.svg(&FigureStyle::default()), (830.0 / drawing.width()).min(1.0));
                let sizes =
                    svg.split("font-size=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok());
                let smallest = sizes.fold(f64::INFINITY, f64::min);
                assert!(scale * smallest >= 9.0, "{modes} modes: {:.2} px", scale * smallest);
                assert!(svg.contains(">φ<") && svg.contains(">θ<") && svg.contains("prefers-color-scheme"));
            }
        }
    }

    #[test]
    fn the_powers_of_a_chip_are_those_that_it_realises() {
        let u = haar_unitary(6, &mut StreamKey::new(2, "draw").stream());
        for design in MeshDesign::all().filter(|design| design.topology().capability().max_rows().is_none()) {
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
        let optics = optics(program, Some(&path)).unwrap();
        let realised = chip.matrix(program).unwrap();
        let drawing = drawing(program, &optics, Some(0), true);
        let Some(last) = drawing.columns.last() else { panic!("no column") };
        let expected: f64 = realised.column(0).norm_squared();
        let at_ports: f64 = last.parts.iter().take(6).map(power).sum();
        assert!((at_ports - expected).abs() < 1e-13, "{}", program.design());
    }
}
