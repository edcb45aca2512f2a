//! The optical matrix product: modulate, multiply by the realised matrix, detect, convert, scale.
//!
//! Engine: measure before and after a change. Samples pass in pieces that fit in the cache, within blocks that share their
//! streams of noise. A piece is modulated once for all tiles. Each tile then multiplies, samples noise, detects and
//! converts it, in one plain loop over many vectors after the other.

use crate::chip::{Chip, ChipId};
use crate::error::HardwareError;
use crate::link::readout::Accumulate;
use crate::link::transmitter::{ModulatedBatch, Transmitter};
use crate::link::{Detection, Detector, Link, OutputFields, Receiver};
use crate::product::address::{LayerAddress, NoiseAddress};
use crate::product::core_spec::{CoreSharing, CoreUse};
use crate::product::layer_design::{LayerDesign, relative_error};
use crate::product::layer_program::LayerProgram;
use crate::product::matrix_product::{Batch, MatrixProduct, ProductStatistics, Shot};
use crate::product::scales::Scales;
use crate::product::tile_engine::{DrivenChip, Surroundings, TileEngine};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Fields;
use phaseloom_numerics::{NormalStream, Quadratures, Real};
use rand::rngs::ChaCha8Rng;
use std::sync::{Arc, Mutex, PoisonError};

/// Samples that share one random stream per purpose. Changing it changes every result.
const BLOCK: u64 = 256;
/// Samples that are computed together. Fields and noise of a tile, and inputs of a layer that is not too wide, then fit in
/// the cache of a core; with fewer samples the loops are too short.
const PIECE: usize = 64;
/// Words of a stream that belong to one Poisson number: more than any of them uses.
const WORDS_PER_COUNT: u128 = 4096;

/// One layer on fabricated chips with its link.
///
/// `T` is the precision of fields and currents. Chips and gains are double, and so are inputs and outputs.
pub struct OpticalProduct<T = f64> {
    program: Arc<LayerProgram>,
    design: Arc<LayerDesign>,
    link: Link,
    receiver: Receiver,
    detector: Detector<T>,
    transmitter: Transmitter<T>,
    address: LayerAddress,
    tiles: Vec<Option<TileEngine<T>>>,
    /// Workspaces that no thread uses now.
    spare: Mutex<Vec<Workspace<T>>>,
}

impl<T: Real> OpticalProduct<T> {
    /// Fabricates the chips of a layer and realises its matrix.
    ///
    /// # Errors
    ///
    /// Impossible processes and links, corrections that fail.
    ///
    /// [`HardwareError::Unfit`] for scales or a design of another program.
    ///
    /// # Panics
    ///
    /// If `design` is that of another program with as many tiles, or was corrected with programs of another shape.
    pub fn new(
        program: &Arc<LayerProgram>,
        design: &Arc<LayerDesign>,
        link: &Link,
        scales: &Scales,
        core_use: CoreUse,
        address: LayerAddress,
    ) -> Result<Self, HardwareError> {
        scales.check(program.tiles().len())?;
        if design.tiles.len() != program.tiles().len() {
            let expected = format!("those of the program, {}", program.tiles().len());
            return Err(HardwareError::unfit("tiles of the design (number of)", design.tiles.len(), expected));
        }
        let receiver = link.receiver(program.ports())?;
        let transmitter = Transmitter::new(link, scales.input, program.plan());
        let around = Surroundings {
            link,
            calibration: core_use.calibration,
            leakage: transmitter.leakage(),
            quadratures: Quadratures { sent: transmitter.quadrature(), read: receiver.needs_imaginary_part() },
            input_scale: scales.input,
        };
        let mut shared: Option<Chip> = None;
        let mut tiles = Vec::with_capacity(program.tiles().len());
        for (t, (tile, tile_design)) in program.tiles().iter().zip(&design.tiles).enumerate() {
            let (Some(tile), Some(tile_design)) = (tile, tile_design) else {
                tiles.push(None);
                continue;
            };
            let own = address.chip(t);
            let id = if core_use.sharing == CoreSharing::Shared { ChipId { core: 0, ..own } } else { own };
            let chip = match &shared {
                Some(chip) => chip.clone(),
                None => Chip::fabricate(&design.process, &tile.program, id)?,
            };
            if core_use.sharing == CoreSharing::Shared {
                shared = Some(chip.clone());
            }
            let chip = match &design.correction {
                Some(plan) => DrivenChip::corrected(tile, tile_design, chip, plan, own)?,
                None => DrivenChip::new(tile_design, chip),
            };
            let full_scale = scales.full_scale[t];
            tiles.push(Some(TileEngine::new(tile, tile_design, (chip, id.core), &around, full_scale)?));
        }
        Ok(Self {
            program: program.clone(),
            design: design.clone(),
            link: link.clone(),
            detector: receiver.detector(),
            receiver,
            transmitter,
            address,
            tiles,
            spare: Mutex::default(),
        })
    }

    /// ‖gŴ − W‖_F/‖W‖_F over all tiles, static errors alone.
    #[must_use]
    pub fn matrix_error(&self) -> f64 {
        relative_error(self.tiles.iter().flatten().map(|tile| (tile.error_squared, tile.norm_squared)))
    }

    /// The part of [`Self::matrix_error`] that reaches the measured values: for real weights homodyne measures Re gŴ alone.
    /// A splitter error of a real program is mostly in quadrature, a phase error is not.
    #[must_use]
    pub fn measured_error(&self) -> f64 {
        relative_error(self.tiles.iter().flatten().map(|tile| (tile.measured_error_squared, tile.norm_squared)))
    }

    /// Address of the noise of a tile in a block.
    fn noise(&self, tile: usize, core: u64, shot: Shot, block: u64) -> NoiseAddress {
        let chip = ChipId { seed: self.address.seed, trial: shot.trial, core };
        NoiseAddress { chip, layer: self.address.layer, tile, block, repetition: shot.index }
    }

    /// The streams of noise of a block of a tile with a number of rows, from its sample `skip` on.
    fn streams(&self, noise: NoiseAddress, skip: usize, rows: usize) -> Streams {
        let sources = self.receiver.noise;
        let stream = |on: bool, purpose, per_sample: usize| {
            on.then(|| {
                let mut stream = noise.open(purpose, NormalStream::new);
                stream.advance(skip * per_sample);
                stream
            })
        };
        Streams {
            shot: stream(sources.shot, "shot_noise/detect", rows),
            thermal: stream(sources.thermal, "thermal_noise/detect", rows),
            laser: stream(sources.laser, "intensity_noise/detect", 1),
            counts: self.receiver.may_need_poisson().then(|| noise.open("shot_noise/count", |key| key.stream())),
        }
    }

    /// Propagates a piece through a tile whose phases jitter. Phases hold for a number of vectors, counted from the first
    /// sample of the data.
    fn propagate_with_jitter(&self, t: usize, chip: &DrivenChip, shot: Shot, piece: &Piece, work: &mut Workspace<T>) {
        let (Some(tile), Some(engine)) = (&self.program.tiles()[t], &self.tiles[t]) else { return };
        let hold = self.design.process.phase_jitter.as_ref().map_or(1, |j| j.hold(&self.link));
        let (rows, inputs) = tile.target.shape();
        let sent = self.transmitter.fields(&work.sent, t % self.program.plan().column_blocks());
        let leakage = self.transmitter.leakage();
        let mut start = 0;
        while start < piece.count {
            let sample = piece.absolute + start as u64;
            let remainder = (sample / hold + 1).saturating_mul(hold) - sample;
            let end = piece.count.min(start.saturating_add(usize::try_from(remainder).unwrap_or(usize::MAX)));
            let fields = DMatrix::from_fn(tile.program.shape().1, end - start, |i, j| {
                if i >= inputs {
                    return Complex64::default();
                }
                let k = (start + j) * inputs + i;
                let q = if self.transmitter.quadrature() { sent.q[k].to_f64() } else { 0.0 };
                Complex64::new(sent.x[k].to_f64(), q) + leakage
            });
            let mut draws =
                self.noise(t, engine.core, shot, sample / hold).open("phase_jitter/fluctuate", NormalStream::new);
            let fields =
                chip.chip.propagate(&tile.program, &chip.driven, Some(&mut draws), || Fields::from_matrix(&fields));
            for (j, vector) in (start..end).zip(fields.to_matrix().column_iter()) {
                for i in 0..rows {
                    work.re[j * rows + i] = T::from_f64(vector[i].re);
                    work.im[j * rows + i] = T::from_f64(vector[i].im);
                }
            }
            start = end;
        }
    }

    /// Propagates a piece through a tile, adds its outputs to the sums and returns the |ã|² at its detectors.
    fn pass(&self, t: usize, streams: &mut Streams, shot: Shot, piece: &Piece, work: &mut Workspace<T>) -> f64 {
        let (tile, Some(engine)) = (self.program.plan().tiles()[t], &self.tiles[t]) else { return 0.0 };
        let (rows, column) = (tile.rows, t % self.program.plan().column_blocks());
        let all = rows * piece.count;
        match &engine.jittering {
            Some(chip) => self.propagate_with_jitter(t, chip, shot, piece, work),
            None => {
                let sent = self.transmitter.fields(&work.sent, column);
                engine.matrix.multiply(sent, &mut work.re[..all], &mut work.im[..all]);
            }
        }
        fill(&mut streams.shot, &mut work.shot[..all]);
        fill(&mut streams.thermal, &mut work.thermal[..all]);
        fill(&mut streams.laser, &mut work.laser[..piece.count]);
        let fields = OutputFields {
            rows,
            re: &work.re[..all],
            im: if self.receiver.needs_imaginary_part() { &work.im[..all] } else { &work.zeros[..all] },
            shot: &work.shot[..all],
            thermal: &work.thermal[..all],
            laser: &work.laser[..piece.count],
        };
        let intensity = &mut work.intensity[..rows];
        intensity.fill(T::ZERO);
        self.detector.detect(&fields, &mut work.values[..all], intensity);
        if let Some(stream) = &mut streams.counts {
            self.count_photons(stream, &fields, piece.in_block() * rows, &mut work.values[..all]);
        }
        let outputs = self.program.plan().shape().0;
        let sums = &mut work.sums[piece.in_call * outputs..][..piece.count * outputs];
        let to = Accumulate { sums, outputs, rows: tile.row..tile.row + rows, clipped: &mut work.clipped };
        engine.readout.accumulate(&work.values[..all], to);
        intensity.iter().map(|square| square.to_f64()).sum()
    }

    /// Replaces the values with few photons by Poisson numbers. The first value is number `first` of its block.
    fn count_photons(&self, stream: &mut ChaCha8Rng, fields: &OutputFields<'_, T>, first: usize, values: &mut [T]) {
        for (k, value) in values.iter_mut().enumerate() {
            stream.set_word_pos((first + k) as u128 * WORDS_PER_COUNT);
            let field = Complex64::new(fields.re[k].to_f64(), fields.im[k].to_f64());
            let (thermal, laser) = (f64::from(fields.thermal[k]), f64::from(fields.laser[k / fields.rows]));
            if let Some(counted) = self.receiver.count_photons(field, thermal, laser, stream) {
                *value = T::from_f64(counted);
            }
        }
    }
}

/// Samples of one block that are computed together.
struct Piece {
    /// Index of the first sample in the data set.
    absolute: u64,
    /// Index of the first sample among those of this block in the call.
    in_call: usize,
    count: usize,
}

impl Piece {
    /// Index of the first sample in its block.
    fn in_block(&self) -> usize {
        (self.absolute % BLOCK) as usize
    }
}

/// The random streams of one tile and block; `None` if a source is off.
struct Streams {
    shot: Option<NormalStream<f32>>,
    thermal: Option<NormalStream<f32>>,
    laser: Option<NormalStream<f32>>,
    counts: Option<ChaCha8Rng>,
}

fn fill(stream: &mut Option<NormalStream<f32>>, numbers: &mut [f32]) {
    if let Some(stream) = stream {
        stream.fill(numbers);
    }
}

/// Memory for one piece of samples and the largest tile.
///
/// Buffers of disabled noise sources stay zero, so a workspace must not be shared between products.
struct Workspace<T> {
    sent: ModulatedBatch<T>,
    re: Vec<T>,
    im: Vec<T>,
    zeros: Vec<T>,
    shot: Vec<f32>,
    thermal: Vec<f32>,
    laser: Vec<f32>,
    values: Vec<T>,
    /// Σ|ã|² and the number of saturated values of each row of a tile.
    intensity: Vec<T>,
    clipped: Vec<u32>,
    /// Outputs of the layer for a block of samples.
    sums: Vec<T>,
}

impl<T: Real> Workspace<T> {
    fn new(outputs: usize, rows: usize, transmitter: &Transmitter<T>) -> Self {
        // No length is a power of two: arrays at equal offsets in their pages would evict each other from the cache, and
        // make loads wait for unrelated stores.
        let values = |each: usize| vec![T::ZERO; each * PIECE + 5 * 16];
        let normals = |each: usize| vec![0.0; each * PIECE + 5 * 16];
        Self {
            sent: transmitter.memory(PIECE),
            re: values(rows),
            im: values(rows),
            zeros: values(rows),
            shot: normals(rows),
            thermal: normals(rows),
            laser: normals(1),
            values: values(rows),
            intensity: vec![T::ZERO; rows],
            clipped: vec![0; rows],
            sums: vec![T::ZERO; outputs * BLOCK as usize],
        }
    }
}

impl<T: Real> MatrixProduct for OpticalProduct<T> {
    fn shape(&self) -> (usize, usize) {
        self.program.plan().shape()
    }

    fn loses_sign(&self) -> bool {
        self.link.detection == Detection::Direct
    }

    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, ProductStatistics) {
        let (outputs, inputs) = self.shape();
        assert_eq!(input.nrows(), inputs, "one row of the batch per input of the layer");
        let tiles = self.program.plan().tiles();
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let rows = || tiles.iter().map(|tile| tile.rows).max().unwrap_or(0);
        let mut work = spare.unwrap_or_else(|| Workspace::new(outputs, rows(), &self.transmitter));
        work.clipped.fill(0);
        let mut out = Vec::with_capacity(outputs * input.ncols());
        let mut statistics = ProductStatistics { inputs: input.len() as u64, ..ProductStatistics::default() };
        let mut intensity = 0.0;
        let mut start = 0;
        while start < input.ncols() {
            let absolute = shot.first_vector + start as u64;
            let (block, skip) = (absolute / BLOCK, (absolute % BLOCK) as usize);
            let count = (input.ncols() - start).min(BLOCK as usize - skip);
            work.sums[..outputs * count].fill(T::ZERO);
            let mut programmed: Vec<(usize, Streams)> = (0..tiles.len())
                .filter_map(|t| {
                    let noise = self.noise(t, self.tiles[t].as_ref()?.core, shot, block);
                    Some((t, self.streams(noise, skip, tiles[t].rows)))
                })
                .collect();
            for in_call in (0..count).step_by(PIECE) {
                let piece = Piece { absolute: absolute + in_call as u64, in_call, count: PIECE.min(count - in_call) };
                let samples = input.columns(start + in_call, piece.count);
                statistics.inputs_clipped += self.transmitter.modulate(&samples, &mut work.sent);
                for (t, streams) in &mut programmed {
                    intensity += self.pass(*t, streams, shot, &piece, &mut work);
                    statistics.outputs += (tiles[*t].rows * piece.count) as u64;
                }
            }
            out.extend(work.sums[..outputs * count].iter().map(|sum| sum.to_f64()));
            start += count;
        }
        statistics.outputs_clipped = work.clipped.iter().map(|&count| u64::from(count)).sum();
        statistics.signal_photoelectrons = self.receiver.photoelectrons(intensity);
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(work);
        (DMatrix::from_vec(outputs, input.ncols(), out), statistics)
    }
}
