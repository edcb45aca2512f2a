//! Processor time of each stage of the main job, on one thread.
//!
//! A stage with a call of its own in the library is timed directly. Encoding, product, converter and noise are one loop of
//! the engine. The time of each of these parts is the difference between the loop with and without the part.

use crate::cpu_time;
use crate::main_job::{Layers, MainJob, Product, noiseless, path};
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

/// Times every stage.
pub fn measure() -> Result<Vec<Stage>> {
    let (job, read) = timed(MainJob::load)?;
    let (programs, program) = timed(|| job.programs())?;
    let (designs, design) = timed(|| MainJob::designs(&programs, &job.config.process))?;
    let exact = cpu_time::measure(|| decide_exactly(&job)).1;
    let layers = Layers { programs: &programs, designs: &designs, scales: &job.scales };
    let [draw, make, encode, open, quiet, whole, rest, decide] = one_chip(&job, &layers)?;
    let folder = tempfile::tempdir()?;
    let small = small_experiment()?;
    let outcome = run_alone(&small, &folder.path().join("run"))?;
    let written = timed(|| append(&outcome, &small, &folder.path().join("units")))?.1 / outcome.records.len() as f64;
    let tables = timed(|| write_tables(&outcome, folder.path()))?.1;

    let points = job.experiment.points()?;
    let units = Plan::new(&points).units(job.experiment.config.trials);
    let rows = |row| units.iter().filter(|unit| unit.row == row).count();
    // The floating-point reference runs once for the agreement of all rows, and once as a row.
    let references = 1 + rows(Row::Exact);
    // The process of each point, and the perfect process.
    let processes = 1 + points.len();
    // Rows with the real link: chips and the perfect mesh.
    let chips = rows(Row::Chips) + rows(Row::PerfectReal);
    let all = [
        ("read and prepare model, data, scales", "timed", read, 1),
        ("decisions of the exact network", "timed", exact, references),
        ("program 28 tiles", "timed", program, 1),
        ("design: drive, gains, predicted errors", "timed", design, processes),
        ("draw the errors of 28 cores", "timed", draw, chips),
        ("realise 28 tiles", "making the products, less the draw", make - draw, chips),
        ("encode: DAC, modulator, tiles", "one row of it, no ADC, no noise: an upper bound", encode, chips),
        ("matrix product", "no ADC, no noise, less the encoding: a lower bound", open - encode, chips),
        ("ADC, gain, sum of tiles", "no noise, less the same without ADC", quiet - open, chips),
        ("noise and detection", "all, less the same without noise", whole - quiet, chips),
        ("rest of the network", "the network, less its optical products", rest, chips),
        ("decisions of a row", "timed", decide, chips),
        ("write a unit", "timed; the wait for the disk is no processor time", written, units.len()),
        ("tables and figures", "timed", tables, 1),
    ];
    Ok(all.map(|(name, how, each_s, calls)| Stage { name, how, each_s, calls }).into())
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

/// Processor time of one row of a chip (s), mean of [`TRIALS`]; all samples pass both layers. The times are: draw; draw and
/// realise; encode; encode and multiply; encode, multiply, convert; the same with noise; the rest of the network; decide.
fn one_chip(job: &MainJob, layers: &Layers) -> Result<[f64; 8]> {
    let config = &job.config;
    let quiet = noiseless(&config.link);
    let open = Link { adc: None, ..quiet.clone() };
    let (programs, scales) = one_row_layers(job)?;
    let designs = MainJob::designs(&programs, &config.process)?;
    let one_row = Layers { programs: &programs, designs: &designs, scales: &scales };
    let inputs = photonic_inputs(job);

    let mut means = [0.0; 8];
    for trial in 0..TRIALS {
        let pass = |layers: &Layers, link| -> Result<f64> {
            let products = layers.products(config, link, trial)?;
            Ok(cpu_time::measure(|| multiply(&products, &inputs, trial)).1)
        };
        let draw = timed(|| draw(job, layers, trial))?.1;
        let (products, make) = timed(|| layers.products(config, &config.link, trial))?;
        let (encode, open, quiet) = (pass(&one_row, &open)?, pass(layers, &open)?, pass(layers, &quiet)?);
        let whole = cpu_time::measure(|| multiply(&products, &inputs, trial)).1;
        let (outputs, rest) = network(job, &products, trial);
        let decide = cpu_time::measure(|| outputs.iter().map(|o| count_right(o, &job.labels)).sum::<usize>()).1;
        for (mean, time) in means.iter_mut().zip([draw, make, encode, open, quiet, whole, rest, decide]) {
            *mean += time / TRIALS as f64;
        }
    }
    Ok(means)
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
        png(&(figure.draw)(&summary)?, 1600)?;
    }
    Ok(())
}
