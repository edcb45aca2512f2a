//! Processor time of each stage of the main job, on one thread.
//!
//! A stage with a call of its own in the library is timed directly. Product, converter and noise are one loop of the engine. The time of each of these parts is the difference between the loop with and without the part.

use crate::cpu_time;
use crate::main_job::{MainJob, Product, noiseless, path};
use phaseloom::experiment::store::Store;
use phaseloom::experiment::{Experiment, NetworkProgram, Options, Outcome, Plan, Row, Tables, run};
use phaseloom::hardware::{Batch, Chip, ChipId, LayerDesign, Link, MatrixProduct, ProductStatistics, Shot};
use phaseloom::network::{ExactPass, Network, PassAddress, predictions};
use phaseloom::report::{FIGURES, FigureStyle, Table, png};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

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
    let (network, program) = timed(|| job.program())?;
    let (designs, design) = timed(|| Ok(network.designs(&job.config.process, None)?))?;
    let exact = cpu_time::measure(|| decide_exactly(&job)).1;
    let [draw, make, open, quiet, whole, forward, decide] = one_chip(&job, &network, &designs)?;
    let folder = tempfile::tempdir()?;
    let small = small_experiment()?;
    let outcome = run_alone(&small, &folder.path().join("run"))?;
    let written = timed(|| append(&outcome, &small, &folder.path().join("units")))?.1 / outcome.records.len() as f64;
    let tables = timed(|| write_tables(&outcome))?.1;

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
        ("read and prepare model and data", "timed", read, 1),
        ("decisions of the floating-point reference", "timed", exact, references),
        ("read scales, program 28 tiles", "timed", program, 1),
        ("design: drive, gains, predicted errors", "timed", design, processes),
        ("draw the errors of 28 cores", "timed", draw, chips),
        ("realise 28 tiles", "making the products, less the draw", make - draw, chips),
        ("encoding (DAC, modulator, tiles) and matrix product", "no ADC, no noise", open, chips),
        ("ADC, gain, sum of tiles", "no noise, less the same without ADC", quiet - open, chips),
        ("noise and detection", "all, less the same without noise", whole - quiet, chips),
        ("rest of the network", "the network, less its optical products", forward - whole, chips),
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
/// realise; encode and multiply; encode, multiply, convert; the same with noise; the network; decide.
fn one_chip(job: &MainJob, program: &NetworkProgram, designs: &[Arc<LayerDesign>]) -> Result<[f64; 7]> {
    let link = &job.config.link;
    let quiet = noiseless(link);
    let open = Link { adc: None, ..quiet.clone() };
    let inputs = photonic_inputs(job);
    let mut means = [0.0; 7];
    for trial in 0..TRIALS {
        let pass = |products: &[Product]| cpu_time::measure(|| multiply(products, &inputs, trial)).1;
        let draw = timed(|| draw(job, program, trial))?.1;
        let (products, make) = timed(|| job.products(program, designs, link, trial))?;
        let open = pass(&job.products(program, designs, &open, trial)?);
        let quiet = pass(&job.products(program, designs, &quiet, trial)?);
        let whole = pass(&products);
        let (outputs, forward) = network(job, &products, trial)?;
        let decide = cpu_time::measure(|| outputs.iter().map(|o| count_right(o, &job.labels)).sum::<usize>()).1;
        for (mean, time) in means.iter_mut().zip([draw, make, open, quiet, whole, forward, decide]) {
            *mean += time / TRIALS as f64;
        }
    }
    Ok(means)
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

fn draw(job: &MainJob, program: &NetworkProgram, trial: u64) -> Result<Vec<Chip>> {
    let tiles = program.layers.iter().flat_map(|layer| layer.tiles().iter().flatten());
    tiles
        .enumerate()
        .map(|(core, tile)| {
            let sample = ChipId { seed: job.config.seed, trial, core: core as u64 };
            Ok(Chip::fabricate(&job.config.process, &tile.program, sample)?)
        })
        .collect()
}

/// All samples through every product.
fn multiply(products: &[Product], inputs: &[Vec<(u64, Batch)>], trial: u64) -> Vec<ProductStatistics> {
    let all =
        products.iter().zip(inputs).flat_map(|(product, chunks)| chunks.iter().map(move |chunk| (product, chunk)));
    all.map(|(product, &(first_sample, ref chunk))| {
        product.multiply(chunk, Shot { trial, index: 0, first_vector: first_sample }).1
    })
    .collect()
}

/// Sends all samples through the network. Returns its outputs and its time (s).
fn network(job: &MainJob, products: &[Product], trial: u64) -> Result<(Vec<Batch>, f64)> {
    let products: Vec<&dyn MatrixProduct> = products.iter().map(|product| &**product).collect();
    // As in a run, the floating-point product of the first layer is shared by all chips.
    let known: Vec<_> = chunks(&job.inputs)
        .map(|(first_sample, chunk)| {
            Ok((PassAddress { trial, repetition: 0, first_sample }, job.model.exact_pass(chunk)?))
        })
        .collect::<Result<_>>()?;
    let forward = |(address, exact): &(PassAddress, ExactPass)| {
        Ok(job.model.forward(exact, &products, *address, &mut |_, _| {})?.0)
    };
    timed(|| known.iter().map(forward).collect())
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
    Ok(run(experiment, folder, &Options { threads: 1, ..Options::default() })?)
}

fn append(outcome: &Outcome, experiment: &Experiment, folder: &Path) -> Result<()> {
    let store = Store::open(folder, &outcome.identity, &experiment.config, None)?;
    outcome.records.values().try_for_each(|record| Ok(store.append(record)?))
}

fn write_tables(outcome: &Outcome) -> Result<()> {
    let tables = Tables::new(outcome).ok_or("the run misses units")?;
    tables.write()?;
    let summary = Table::parse(&tables.summary_table().csv())?;
    // The first figure suits every run.
    for figure in &FIGURES[..1] {
        png(&(figure.draw)(&summary, &FigureStyle::default())?, 1600)?;
    }
    Ok(())
}
