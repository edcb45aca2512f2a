//! The command `inspect`: what a model holds, and what of it goes to light.

use super::Exit;
use super::terminal::{output, streams, whole};
use clap::Args;
use phaseloom::experiment::{Config, Experiment};
use phaseloom::files::{Column, InputFiles, ResultTable, ResultValue, Results, TextTable, other_kind};
use phaseloom::hardware::{CoreSpec, Detection, LayerProgram, MAX_PORTS, Scales, Tile, WeightKind};
use phaseloom::nalgebra::DMatrix;
use phaseloom::network::network::{Operator, Place};
use phaseloom::network::{Network, PhotonicLayer};
use std::path::PathBuf;
use std::sync::Arc;

/// Show the operators of a model, and which go to light
///
/// Prints every linear operator of a model file (TOML) or an ONNX graph: its matrix, the vectors that one sample sends through
/// it, tiles, interferometers (MZIs) and multiplications (MACs), and why an operator stays electronic. An experiment gives
/// its model, the choice of operators and the size of the cores.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom inspect net.onnx --ports 16\n  \
    phaseloom inspect net.onnx --shape 3,224,224 --format json\n  \
    phaseloom inspect experiment.toml")]
pub struct Inspect {
    /// The model (TOML or ONNX), or an experiment (TOML)
    model: PathBuf,
    /// Ports of a core [default: those of the experiment, or 64]
    #[arg(long, value_name = "N", value_parser = whole(1_usize, MAX_PORTS))]
    ports: Option<usize>,
    /// Shape of one sample, where an ONNX file leaves it open
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', num_args = 1)]
    shape: Option<Vec<usize>>,
    /// Output of an ONNX file that has several
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    #[command(flatten)]
    format: output::Format,
}

/// Columns of the results.
const COLUMNS: [&str; 11] =
    ["name", "kind", "place", "reason", "outputs", "inputs", "vectors", "tiles", "zero_tiles", "mzis", "macs"];

/// Tiles of a matrix on cores.
struct Tiles {
    all: usize,
    zero: usize,
    /// Interferometers of the core of a tile.
    interferometers: usize,
}

impl Inspect {
    pub fn execute(self) -> anyhow::Result<Exit> {
        streams::refuse_stream("the model", &self.model)?;
        let (network, config) = self.network()?;
        let (mut core, detection) = (config.core, config.link.detection);
        core.ports = self.ports.unwrap_or(core.ports);
        let per_core = interferometers(&core, detection)?;
        let layers = network.photonic_layers();
        let mut photonic = layers.iter();
        let mut table = ResultTable::new("operators", &COLUMNS);
        let mut text = TextTable::new(
            0,
            [Column::left().min_width(20), Column::left().gap(2)]
                .into_iter()
                .chain([9, 8, 6, 9, 9].map(|width| Column::right().min_width(width).gap(1))),
        );
        text.row(["operator", "kind", "matrix", "vectors", "tiles", "MZIs", "MACs"]);
        let mut totals = [0.0; 2];
        let mut electronic: Vec<String> = Vec::new();
        for operator in network.operators() {
            let layer = photonic.as_slice().first().filter(|_| operator.place == Place::Photonic);
            let tiles = layer.map(|layer| tiles(&core, detection, layer, per_core)).transpose()?;
            if layer.is_some() {
                photonic.next();
            }
            totals[usize::from(layer.is_none())] += operator.macs;
            table.row(cells(&operator, tiles.as_ref()));
            let Operator { name, kind, place, shape, vectors, macs } = operator;
            match (place, tiles) {
                (Place::Electronic(reason), _) => {
                    electronic.push(format!("  {name} ({kind}, {} MACs): {reason}", short(macs)))
                }
                (Place::Photonic, tiles) => {
                    let (rows, columns) = shape.unwrap_or_default();
                    let programmed = tiles.as_ref().map_or(0, |tiles| tiles.all - tiles.zero);
                    let interferometers = tiles.map_or(0, |tiles| programmed * tiles.interferometers);
                    text.row([
                        shortened(&name, 24),
                        kind,
                        format!("{rows}×{columns}"),
                        vectors.to_string(),
                        programmed.to_string(),
                        short(interferometers as f64),
                        short(macs),
                    ]);
                }
            }
        }
        let mut results = Results::default();
        results.value("model", self.model.display().to_string());
        results.value("ports", core.ports);
        results.value("macs_photonic", totals[0]);
        results.value("macs_electronic", totals[1]);
        results.table(table);
        let shape = |shape: Vec<usize>| shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
        results.line(format!(
            "{}: input {}, output {}, cores of {} ports\n",
            self.model.display(),
            shape(network.input_shape()),
            shape(network.output_shape()),
            core.ports
        ));
        results.show(text);
        if !electronic.is_empty() {
            results.line("\nelectronic:");
            electronic.iter().for_each(|line| results.line(line));
        }
        let others = network.other_operators();
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            // Between complex layers, light computes activations.
            let place = if layers.iter().any(|layer| layer.kind.is_complex()) { "" } else { ", all electronic" };
            results.sentence(format!("\nother operators{place}: {}", others.join(", ")));
        }
        let all: f64 = totals.iter().sum();
        let share = if all > 0.0 { 100.0 * totals[1] / all } else { 0.0 };
        results.sentence(format!(
            "\none sample takes {} MACs; {share:.1} % of them stay electronic. Tiles of zeros are skipped.",
            short(all)
        ));
        output::print_results(&results, self.format)?;
        Ok(Exit::Done)
    }

    /// The network, and the experiment that it is in, or the defaults of one.
    fn network(&self) -> anyhow::Result<(Arc<dyn Network>, Config)> {
        let files = InputFiles::default();
        let is_experiment = other_kind(&files.read(&self.model)?.bytes, "").contains("an experiment");
        let (mut config, path) = if is_experiment {
            let experiment = Experiment::load(&self.model)?;
            let path = experiment.base().join(experiment.network()?.0);
            (experiment.config, path)
        } else {
            (Config::default(), self.model.clone())
        };
        if let Some(shape) = &self.shape {
            config.input.get_or_insert_default().shape = Some(shape.clone());
        }
        config.output = self.output.clone().or(config.output);
        Ok((config.open_network(&path, &files)?, config))
    }
}

/// Tiles of the matrix of a layer. A core has `per_core` interferometers; a unitary layer has one mesh of its own size.
fn tiles(core: &CoreSpec, detection: Detection, layer: &PhotonicLayer<'_>, per_core: usize) -> anyhow::Result<Tiles> {
    let (outputs, inputs) = layer.shape();
    let plan = core.plan(outputs, inputs, detection)?;
    // The imaginary part of a complex weight is below its real part.
    let is_zero = |tile: &Tile| tile.block(layer.weight).iter().all(|&w| w == 0.0);
    let zero = plan.tiles().iter().filter(|tile| {
        is_zero(tile) && (!layer.kind.is_complex() || is_zero(&Tile { row: tile.row + outputs, ..**tile }))
    });
    let zero = zero.count();
    let interferometers = match layer.kind {
        WeightKind::Unitary => {
            let identity = DMatrix::identity(2 * outputs, outputs);
            let program = LayerProgram::complex(&identity, layer.kind, core, &core.design()?)?;
            program.tiles().iter().flatten().map(|tile| tile.program.interferometers()).sum()
        }
        _ => per_core,
    };
    Ok(Tiles { all: plan.tiles().len(), zero, interferometers })
}

/// Interferometers of a core.
fn interferometers(core: &CoreSpec, detection: Detection) -> anyhow::Result<usize> {
    // A matrix of full rank that fills one tile.
    let weight =
        DMatrix::from_fn(core.ports, core.column_block(detection), |i, j| ((1 + i * core.ports + j) as f64).sin());
    let scales = Scales { input: 1.0, full_scale: vec![1.0] };
    let program = LayerProgram::with_design(&weight, core, &core.design()?, detection, &scales)?;
    Ok(program.tiles().iter().flatten().map(|tile| tile.program.interferometers()).sum())
}

/// The cells of an operator, in the order of [`COLUMNS`].
fn cells(operator: &Operator, tiles: Option<&Tiles>) -> Vec<ResultValue> {
    let Operator { name, kind, place, shape, vectors, macs } = operator;
    let (place, reason) = match place {
        Place::Photonic => ("photonic", ""),
        Place::Electronic(reason) => ("electronic", reason.as_str()),
    };
    let (rows, columns) = shape.unwrap_or_default();
    let (all, zero, each) = tiles.map_or((0, 0, 0), |tiles| (tiles.all, tiles.zero, tiles.interferometers));
    let texts: [ResultValue; 4] =
        [name.clone().into(), kind.clone().into(), place.to_owned().into(), reason.to_owned().into()];
    let counts = [rows, columns, *vectors, all, zero, (all - zero) * each].map(ResultValue::from);
    texts.into_iter().chain(counts).chain([(*macs).into()]).collect()
}

/// A count with three digits and a prefix of thousands.
fn short(count: f64) -> String {
    for (unit, size) in [("G", 1e9), ("M", 1e6), ("k", 1e3)] {
        if count >= size {
            let value = count / size;
            let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
            return format!("{value:.decimals$} {unit}");
        }
    }
    format!("{count}")
}

/// A name cut at the front, whose end says most.
fn shortened(name: &str, length: usize) -> String {
    let count = name.chars().count();
    if count <= length {
        return name.to_owned();
    }
    "…".chars().chain(name.chars().skip(count + 1 - length)).collect()
}
