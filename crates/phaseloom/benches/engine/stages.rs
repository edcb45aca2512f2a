//! Processor time of each stage of the main job, on one thread.
//!
//! A stage with a call of its own in the library is timed directly. Encoding, product, converter and noise are one loop of
//! the engine. The time of each of these parts is the difference between the loop with and without the part.

use crate::cpu_time;
use crate::main_job::{Layers, MainJob, Product, path};
use phaseloom::experiment::store::Store;
use phaseloom::experiment::{Experiment, Options, Outcome, Plan, Row, Shard, Tables, run};
use phaseloom::hardware::correction::Interrupt;
use phaseloom::hardware::{Batch, Chip, ChipId, LayerProgram, Link, MatrixProduct, Readings, Scales, Shot};
use phaseloom::network::{ExactPass, predictions};
use phaseloom::report::{FIGURES, Table, png};
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Chips over which the times of one chip are averaged.
const TRIALS: u64 = 3;
/// Samples that pass the network together, as in a run.
const CHUNK: usize = 256;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One stage of the main job.
pub struct Stage {
    pub name: &'static str,
    /// How its time was measured.
    pub how: &'static str,
    /// Processor time of one call (s).
    pub each_s: f64,
    /// Calls in the main job.
    pub calls: usize,
}

impl Stage {
    pub fn total_s(&self) -> f64 {
        self.each_s * self.calls as f64
    }
}

/// The stages, and a small run of the same experiment as a check of their sum.
pub struct Stages {
    pub stages: Vec<Stage>,
    /// Processor time of one point and one trial, references included (s).
    pub small_run_s: f64,
    /// The sum of the stages of the small run (s).
    pub small_run_by_stages_s: f64,
}

impl Stages {
    pub fn total_s(&self) -> f64 {
        self.stages.iter().map(Stage::total_s).sum()
    }
}

/// The number of calls of a stage in a run.
#[derive(Clone, Copy)]
enum Calls {
    Once,
    /// The floating-point reference: once for the agreement of all rows, and once as a row.
    Exact,
    /// The process of each point, and the perfect process.
    Designs,
    /// Rows with the real link: chips and the perfect mesh.
    Chips,
    Units,
}

impl Calls {
    fn count(self, experiment: &Experiment) -> Result<usize> {
        let points = experiment.points()?;
        let units = Plan::new(&points).units(experiment.config.trials);
        let rows = |row| units.iter().filter(|unit| unit.row == row).count();
        Ok(match self {
            Self::Once => 1,
            Self::Exact => 1 + rows(Row::Exact),
            Self::Designs => 1 + points.len(),
            Self::Chips => rows(Row::Chips) + rows(Row::PerfectReal),
            Self::Units => units.len(),
        })
    }
}

/// Times every stage.
pub fn measure() -> Result<Stages> {
    let (job, read) = timed(MainJob::load)?;
    let (programs, program) = timed(|| job.programs())?;
    let (designs, design) = timed(|| MainJob::designs(&programs, &job.config.process))?;
    let exact = cpu_time::measure(|| decide_exactly(&job)).1;
    let chip = OneChip::measure(&job, &Layers { programs: &programs, designs: &designs, scales: &job.scales })?;
    let small = small_experiment()?;
    let folder = tempfile::tempdir()?;
    let (outcome, small_run_s) = timed(|| run_alone(&small, &folder.path().join("run")))?;
    let written = timed(|| append(&outcome, &small, &folder.path().join("units")))?.1 / outcome.records.len() as f64;
    let tables = timed(|| write_tables(&outcome, folder.path()))?.1;

    let all = [
        ("read and prepare model, data, scales", "timed", read, Calls::Once),
        ("decisions of the exact network", "timed", exact, Calls::Exact),
        ("program 28 tiles", "timed", program, Calls::Once),
        ("design: drive, gains, predicted errors", "timed", design, Calls::Designs),
        ("draw the errors of 28 cores", "timed", chip.draw, Calls::Chips),
        ("realise 28 tiles", "making the products, less the draw", chip.make - chip.draw, Calls::Chips),
        ("encode: DAC, modulator, tiles", "one row of it, no ADC, no noise: an upper bound", chip.encode, Calls::Chips),
        ("matrix product", "no ADC, no noise, less the encoding: a lower bound", chip.open - chip.encode, Calls::Chips),
        ("ADC, gain, sum of tiles", "no noise, less the same without ADC", chip.quiet - chip.open, Calls::Chips),
        ("noise and detection", "all, less the same without noise", chip.whole - chip.quiet, Calls::Chips),
        ("rest of the network", "the network, less its optical products", chip.rest, Calls::Chips),
        ("decisions of a row", "timed", chip.decide, Calls::Chips),
        ("write a unit", "timed; the wait for the disk is no processor time", written, Calls::Units),
        ("tables and figures", "timed", tables, Calls::Once),
    ];
    let mut stages = Vec::new();
    let mut small_run_by_stages_s = 0.0;
    for (name, how, each_s, calls) in all {
        stages.push(Stage { name, how, each_s, calls: calls.count(&job.experiment)? });
        // Tables are written after a run.
        if name != "tables and figures" {
            small_run_by_stages_s += each_s * calls.count(&small)? as f64;
        }
    }
    Ok(Stages { stages, small_run_s, small_run_by_stages_s })
}

fn timed<R>(work: impl FnOnce() -> Result<R>) -> Result<(R, f64)> {
    let (result, seconds) = cpu_time::measure(work);
    Ok((result?, seconds))
}

/// Samples in the chunks in which they pass the network.
fn chunks(batch: &Batch) -> impl Iterator<Item = (u64, Batch)> + '_ {
    let starts = (0..batch.ncols()).step_by(CHUNK);
    starts.map(|start| (start as u64, batch.columns(start, CHUNK.min(batch.ncols() - start)).clone_owned()))
}

fn decide_exactly(job: &MainJob) -> Vec<usize> {
    chunks(&job.inputs).flat_map(|(_, chunk)| predictions(&job.model.forward_exact(&chunk))).collect()
}

/// Processor time of the stages of one row of a chip (s), mean of [`TRIALS`]; all samples pass both layers.
#[derive(Default)]
struct OneChip {
    draw: f64,
    /// Draw and realise.
    make: f64,
    encode: f64,
    /// Encode and multiply.
    open: f64,
    /// Encode, multiply, convert.
    quiet: f64,
    /// The same with noise.
    whole: f64,
    rest: f64,
    decide: f64,
}

impl OneChip {
    fn measure(job: &MainJob, layers: &Layers) -> Result<Self> {
        let config = &job.config;
        let quiet = Link { shot_noise: false, thermal_noise: None, intensity_noise: None, ..config.link.clone() };
        let open = Link { adc: None, ..quiet.clone() };
        let (programs, scales) = one_row_layers(job)?;
        let designs = MainJob::designs(&programs, &config.process)?;
        let one_row = Layers { programs: &programs, designs: &designs, scales: &scales };
        let inputs = photonic_inputs(job);

        let mut sum = Self::default();
        for trial in 0..TRIALS {
            let pass = |layers: &Layers, link| -> Result<f64> {
                let products = layers.products(config, link, trial)?;
                Ok(cpu_time::measure(|| multiply(&products, &inputs, trial)).1)
            };
            sum.draw += timed(|| draw(job, layers, trial))?.1;
            let (products, make) = timed(|| layers.products(config, &config.link, trial))?;
            sum.make += make;
            sum.encode += pass(&one_row, &open)?;
            sum.open += pass(layers, &open)?;
            sum.quiet += pass(layers, &quiet)?;
            sum.whole += cpu_time::measure(|| multiply(&products, &inputs, trial)).1;
            let (outputs, rest) = network(job, &products, trial);
            sum.rest += rest;
            sum.decide += cpu_time::measure(|| outputs.iter().map(|o| count_right(o, &job.labels)).sum::<usize>()).1;
        }
        let mean = |total: f64| total / TRIALS as f64;
        Ok(Self {
            draw: mean(sum.draw),
            make: mean(sum.make),
            encode: mean(sum.encode),
            open: mean(sum.open),
            quiet: mean(sum.quiet),
            whole: mean(sum.whole),
            rest: mean(sum.rest),
            decide: mean(sum.decide),
        })
    }
}

/// The first row of each layer: all of its encoding, and almost no product.
fn one_row_layers(job: &MainJob) -> Result<(Vec<Arc<LayerProgram>>, Vec<Scales>)> {
    let (core, detection) = (&job.config.core, job.config.link.detection);
    let (mut programs, mut all) = (Vec::new(), Vec::new());
    for (view, scales) in job.model.photonic_layers().into_iter().zip(&job.scales) {
        let tiles = core.plan(1, view.weight.ncols(), detection)?.tiles().len();
        let scales = Scales { input: scales.input, full_scale: scales.full_scale[..tiles].to_vec() };
        programs.push(Arc::new(LayerProgram::new(&view.weight.rows(0, 1).into_owned(), core, detection, &scales)?));
        all.push(scales);
    }
    Ok((programs, all))
}

/// The inputs of each photonic layer in the floating-point reference, cut into chunks outside the timed loop.
fn photonic_inputs(job: &MainJob) -> Vec<Vec<(u64, Batch)>> {
    let photonic: Vec<usize> = job.model.photonic_layers().iter().map(|view| view.index).collect();
    let mut x = job.inputs.clone();
    let mut inputs = Vec::new();
    for (i, layer) in job.model.layers().iter().enumerate() {
        let output = layer.forward(&x);
        if photonic.contains(&i) {
            inputs.push(chunks(&x).collect());
        }
        x = output;
    }
    inputs
}

fn draw(job: &MainJob, layers: &Layers, trial: u64) -> Result<Vec<Chip>> {
    let tiles = layers.programs.iter().flat_map(|program| program.tiles().iter().flatten());
    tiles
        .enumerate()
        .map(|(core, tile)| {
            let sample = ChipId { seed: job.config.seed, trial, core: core as u64 };
            Ok(Chip::fabricate(&job.config.process, &tile.program, sample)?)
        })
        .collect()
}

/// All samples through every product.
fn multiply(products: &[Product], inputs: &[Vec<(u64, Batch)>], trial: u64) -> Vec<Readings> {
    let all =
        products.iter().zip(inputs).flat_map(|(product, chunks)| chunks.iter().map(move |chunk| (product, chunk)));
    all.map(|(product, &(first_sample, ref chunk))| product.multiply(chunk, Shot { trial, index: 0, first_sample }).1)
        .collect()
}

/// A product that measures the time spent in it.
struct Watched<'a> {
    product: &'a Product,
    spent_s: &'a Mutex<f64>,
}

impl MatrixProduct for Watched<'_> {
    fn shape(&self) -> (usize, usize) {
        self.product.shape()
    }

    fn loses_sign(&self) -> bool {
        self.product.loses_sign()
    }

    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, Readings) {
        let (result, seconds) = cpu_time::measure(|| self.product.multiply(input, shot));
        *self.spent_s.lock().unwrap_or_else(PoisonError::into_inner) += seconds;
        result
    }
}

/// Sends all samples through the network. Returns its outputs and its time without the products (s).
fn network(job: &MainJob, products: &[Product], trial: u64) -> (Vec<Batch>, f64) {
    let spent_s = Mutex::new(0.0);
    let watched: Vec<Watched> = products.iter().map(|product| Watched { product, spent_s: &spent_s }).collect();
    let watched: Vec<&dyn MatrixProduct> = watched.iter().map(|product| product as &dyn MatrixProduct).collect();
    // As in a run, the floating-point product of the first layer is shared by all chips.
    let known: Vec<_> = chunks(&job.inputs)
        .map(|(first_sample, chunk)| (Shot { trial, index: 0, first_sample }, job.model.exact_pass(chunk)))
        .collect();
    let forward = |(shot, exact): &(Shot, ExactPass)| job.model.forward(exact, &watched, *shot).0;
    let (outputs, whole) = cpu_time::measure(|| known.iter().map(forward).collect());
    let spent = *spent_s.lock().unwrap_or_else(PoisonError::into_inner);
    (outputs, whole - spent)
}

fn count_right(outputs: &Batch, labels: &[usize]) -> usize {
    predictions(outputs).iter().zip(labels).filter(|(decision, label)| decision == label).count()
}

/// The experiment with one point and one trial.
fn small_experiment() -> Result<Experiment> {
    let mut small = Experiment::load(&path())?;
    small.config.trials = 1;
    small.config.sweep.iter_mut().for_each(|axis| axis.values = vec![axis.values[2].clone()]);
    Ok(small)
}

fn run_alone(experiment: &Experiment, folder: &Path) -> Result<Outcome> {
    let interrupt = Interrupt::new();
    let options = Options { threads: 1, shard: Shard::WHOLE, interrupt, progress: &|_, _| (), outputs: None };
    Ok(run(experiment, folder, &options)?)
}

fn append(outcome: &Outcome, experiment: &Experiment, folder: &Path) -> Result<()> {
    let store = Store::open(folder, &outcome.identity, &experiment.config, None)?;
    outcome.records.values().try_for_each(|record| Ok(store.append(record)?))
}

fn write_tables(outcome: &Outcome, folder: &Path) -> Result<()> {
    let tables = Tables::new(outcome).ok_or("the run misses units")?;
    tables.write(folder)?;
    let summary = Table::parse(&tables.summary_csv())?;
    for figure in FIGURES {
        png(&figure.draw(&summary)?, 1600)?;
    }
    Ok(())
}
