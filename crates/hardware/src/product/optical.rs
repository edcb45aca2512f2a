//! The optical matrix product: encode, multiply by what the chips really do, detect, convert, scale.
//!
//! Samples pass in pieces that stay in the cache, within blocks that share their streams of noise. A piece is encoded
//! once for all tiles; each of them then multiplies, draws, reads and converts, one plain loop over many vectors after
//! the other.

use crate::chip::{Chip, ChipId};
use crate::correction::{CorrectionPlan, Instruments, mended};
use crate::error::HardwareError;
use crate::link::readout::Readout;
use crate::link::transmitter::{Encoder, Sent};
use crate::link::{Detection, Detector, Light, Link, Receiver};
use crate::product::layer_program::{
    CoreSharing, Design, GainCalibration, LayerProgram, Scales, TileDesign, TileProgram, gain,
};
use crate::product::matrix_product::{Batch, MatrixProduct, Readings, Shot};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{Fields, Phases};
use phaseloom_numerics::{ComplexProduct, Normals, Real, StreamKey};
use rand::rngs::ChaCha8Rng;
use std::sync::{Arc, Mutex, PoisonError};

/// Samples that share one random stream of a purpose.
const BLOCK: u64 = 256;
/// Samples that are computed together: fields and draws of a tile, and light of a layer that is not too wide, then stay in
/// the cache of a core.
const PIECE: usize = 64;
/// Words of a stream that belong to one counted readout: more than any Poisson draw takes.
const WORDS_PER_COUNT: u128 = 4096;

/// One layer on sampled chips with its link: what networks multiply by. `T` is the precision of light and current;
/// chips and gains are double, and so are the numbers that go in and come out.
pub struct OpticalProduct<T = f64> {
    program: Arc<LayerProgram>,
    design: Arc<Design>,
    link: Link,
    receiver: Receiver,
    detector: Detector<T>,
    encoder: Encoder<T>,
    layer: u64,
    seed: u64,
    tiles: Vec<Option<TileEngine<T>>>,
    /// Memory that no thread works in now.
    spare: Mutex<Vec<Workspace<T>>>,
}

struct TileEngine<T> {
    /// Present where phases jitter: the matrix is then made anew while light passes.
    chip: Option<Set>,
    core: u64,
    /// The realised corner.
    matrix: ComplexProduct<T>,
    /// What the outputs do to their readings.
    readout: Readout<T>,
    /// ‖gŴ − W‖²_F, the part of it that the detectors read, and ‖W‖²_F.
    error_squared: f64,
    read_error_squared: f64,
    norm_squared: f64,
}

/// A chip with the phases that its heaters make, and the gain behind it.
struct Set {
    chip: Chip,
    driven: Vec<Phases>,
    gain: f64,
}

impl Set {
    fn new(design: &TileDesign, chip: Chip) -> Self {
        Self { chip, driven: design.driven.clone(), gain: design.gain }
    }

    /// The chip mended first. `reading` tells the noise of its readings from that of other tiles.
    fn corrected(
        tile: &TileProgram,
        design: &TileDesign,
        chip: Chip,
        plan: &CorrectionPlan,
        reading: ChipId,
    ) -> Result<Self, HardwareError> {
        let ChipId { seed, trial, core } = reading;
        let CorrectionPlan { method, noise, effort, stop } = *plan;
        let instruments = Instruments { noise, effort, seed, trial, core, stop };
        let (program, found, _) = mended(&chip, &tile.program, method, &instruments).map_err(|error| match error {
            HardwareError::Interrupted => error,
            other => HardwareError::Correction { method: method.key(), source: Box::new(other) },
        })?;
        let gain = if found.amplitude.is_some() { program.gain() } else { design.gain };
        Ok(Self { driven: chip.process().drive(&program), chip, gain })
    }
}

/// Which layer of which trial is made.
#[derive(Clone, Copy, Debug)]
pub struct LayerAddress {
    /// Seed of the run.
    pub seed: u64,
    /// Trial.
    pub trial: u64,
    /// Index of the photonic layer.
    pub layer: u64,
    /// Index of the first core of the layer (`cores = "each"`).
    pub first_core: u64,
}

impl<T: Real> OpticalProduct<T> {
    /// Fabricates the chips of a layer and realises its matrix.
    ///
    /// # Errors
    ///
    /// Impossible processes and links.
    ///
    /// # Panics
    ///
    /// If the scales are not one a tile.
    pub fn new(
        program: &Arc<LayerProgram>,
        design: &Arc<Design>,
        link: &Link,
        scales: &Scales,
        (cores, calibration): (CoreSharing, GainCalibration),
        place: LayerAddress,
    ) -> Result<Self, HardwareError> {
        assert_eq!(scales.full_scale.len(), program.plan.tiles().len(), "one full scale a tile");
        let receiver = link.receiver(program.ports)?;
        // Offset detection takes one more port of each tile, for its constant field.
        let constant = usize::from(link.detection == Detection::Offset);
        let encoder = Encoder::new(link, scales.input, &program.plan, constant);
        let mut shared: Option<Chip> = None;
        let mut tiles = Vec::with_capacity(program.tiles.len());
        for (t, (tile, tile_design)) in program.tiles.iter().zip(&design.tiles).enumerate() {
            let (Some(tile), Some(tile_design)) = (tile, tile_design) else {
                tiles.push(None);
                continue;
            };
            let core = if cores == CoreSharing::Shared { 0 } else { place.first_core + t as u64 };
            let sample = ChipId { seed: place.seed, trial: place.trial, core };
            let chip = match &shared {
                Some(chip) => chip.clone(),
                None => Chip::fabricate(&design.process, &tile.program, sample)?,
            };
            if cores == CoreSharing::Shared {
                shared = Some(chip.clone());
            }
            let jitter = design.process.phase_jitter.is_some();
            let scale = (scales.input, scales.full_scale[t]);
            let set = match &design.correction {
                Some(plan) => {
                    let reading = ChipId { core: place.first_core + t as u64, ..sample };
                    Set::corrected(tile, tile_design, chip, plan, reading)?
                }
                None => Set::new(tile_design, chip),
            };
            let light = (encoder.dark(), (encoder.quadrature(), receiver.needs_both_quadratures()));
            let engine = TileEngine::new(tile, tile_design, set, core, jitter, light, link, calibration, scale)?;
            tiles.push(Some(engine));
        }
        Ok(Self {
            program: program.clone(),
            design: design.clone(),
            link: link.clone(),
            detector: receiver.detector(),
            receiver,
            encoder,
            layer: place.layer,
            seed: place.seed,
            tiles,
            spare: Mutex::default(),
        })
    }

    /// ‖gŴ − W‖_F/‖W‖_F over all tiles, static errors alone.
    #[must_use]
    pub fn matrix_error(&self) -> f64 {
        self.relative(|tile| tile.error_squared)
    }

    /// The part of it that reaches a reading: of real weights homodyne reads Re gŴ alone. A splitter error turns a cell
    /// of a real program mostly into quadrature, so this is much less than the whole; a phase error does not.
    #[must_use]
    pub fn read_error(&self) -> f64 {
        self.relative(|tile| tile.read_error_squared)
    }

    fn relative(&self, error_squared: fn(&TileEngine<T>) -> f64) -> f64 {
        let tiles = self.tiles.iter().flatten();
        let (error, norm) = tiles.fold((0.0, 0.0), |(e, n), t| (e + error_squared(t), n + t.norm_squared));
        if norm > 0.0 { (error / norm).sqrt() } else { 0.0 }
    }

    /// Hands the key of a stream to `open`.
    fn key<S>(&self, purpose: &str, shot: Shot, of: (usize, u64), block: u64, open: impl Fn(&StreamKey<'_>) -> S) -> S {
        let (tile, core) = of;
        let repeated = if shot.index == 0 { purpose.to_owned() } else { format!("{purpose}/{}", shot.index) };
        let key = StreamKey::new(self.seed, &repeated).trial(shot.trial).core(core);
        open(&key.layer(self.layer).tile(tile as u64).block(block))
    }

    /// The streams of noise of a tile and block, from its sample `skip` on.
    fn open(&self, tile: usize, core: u64, shot: Shot, block: u64, (skip, rows): (usize, usize)) -> Streams {
        let (shot_noise, thermal, laser) = self.receiver.uses();
        let at = |wanted: bool, purpose, each: usize| {
            wanted.then(|| {
                let mut draws = self.key(purpose, shot, (tile, core), block, Normals::new);
                draws.skip(skip * each);
                draws
            })
        };
        Streams {
            shot: at(shot_noise, "shot_noise/detect", rows),
            thermal: at(thermal, "thermal_noise/detect", rows),
            laser: at(laser, "intensity_noise/detect", 1),
            counts: (self.receiver.may_count())
                .then(|| self.key("shot_noise/count", shot, (tile, core), block, |key| key.stream())),
        }
    }

    /// Fields at the outputs of a tile whose phases jitter: they hold for a number of vectors, counted from the first
    /// sample of the data.
    fn jitter(&self, t: usize, (set, core): (&Set, u64), shot: Shot, piece: &Piece, work: &mut Workspace<T>) {
        let Some(tile) = &self.program.tiles[t] else { return };
        let hold = self.design.process.phase_jitter.as_ref().map_or(1, |j| j.hold(self.link.symbol_rate_hz));
        let (rows, inputs) = tile.target.shape();
        let light = self.encoder.light(&work.sent, t % self.program.plan.column_blocks());
        let dark = self.encoder.dark();
        let mut start = 0;
        while start < piece.count {
            let at = piece.absolute + start as u64;
            let left = (at / hold + 1).saturating_mul(hold) - at;
            let end = piece.count.min(start.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
            let fields = DMatrix::from_fn(tile.program.shape().1, end - start, |i, j| {
                if i >= inputs {
                    return Complex64::default();
                }
                let at = (start + j) * inputs + i;
                let q = if self.encoder.quadrature() { light.q[at].to_f64() } else { 0.0 };
                Complex64::new(light.x[at].to_f64(), q) + dark
            });
            let mut draws = self.key("phase_jitter/fluctuate", shot, (t, core), at / hold, Normals::new);
            let light = || Fields::from_matrix(&fields);
            let fields = set.chip.propagate(&tile.program, &set.driven, Some(&mut draws), light);
            for (j, made) in (start..end).zip(fields.to_matrix().column_iter()) {
                for i in 0..rows {
                    work.re[j * rows + i] = T::from_f64(made[i].re);
                    work.im[j * rows + i] = T::from_f64(made[i].im);
                }
            }
            start = end;
        }
    }

    /// Sends a piece through a tile and adds what is read of it to the sums; returns the light at its detectors.
    fn read(&self, t: usize, streams: &mut Streams, shot: Shot, piece: &Piece, work: &mut Workspace<T>) -> f64 {
        let (tile, Some(engine)) = (self.program.plan.tiles()[t], &self.tiles[t]) else { return 0.0 };
        let (rows, column) = (tile.rows, t % self.program.plan.column_blocks());
        let all = rows * piece.count;
        match &engine.chip {
            Some(set) => self.jitter(t, (set, engine.core), shot, piece, work),
            None => {
                let light = self.encoder.light(&work.sent, column);
                engine.matrix.multiply(light, &mut work.re[..all], &mut work.im[..all]);
            }
        }
        fill(&mut streams.shot, &mut work.shot[..all]);
        fill(&mut streams.thermal, &mut work.thermal[..all]);
        fill(&mut streams.laser, &mut work.laser[..piece.count]);
        let light = Light {
            rows,
            re: &work.re[..all],
            im: if self.receiver.needs_both_quadratures() { &work.im[..all] } else { &work.zeros[..all] },
            shot: &work.shot[..all],
            thermal: &work.thermal[..all],
            laser: &work.laser[..piece.count],
        };
        let intensity = &mut work.intensity[..rows];
        intensity.fill(T::ZERO);
        self.detector.read(&light, &mut work.readings[..all], intensity);
        if let Some(stream) = &mut streams.counts {
            self.count(stream, &light, piece.in_block() * rows, &mut work.readings[..all]);
        }
        let total = self.program.plan.shape().0;
        let sums = &mut work.sums[piece.in_call * total..][..piece.count * total];
        engine.readout.add(&work.readings[..all], sums, (tile.row, total), &mut work.clipped);
        intensity.iter().map(|square| square.to_f64()).sum()
    }

    /// Counts photons one by one where they are few; the light of the first of `readings` is number `first` of a block.
    fn count(&self, stream: &mut ChaCha8Rng, light: &Light<'_, T>, first: usize, readings: &mut [T]) {
        for (k, reading) in readings.iter_mut().enumerate() {
            stream.set_word_pos((first + k) as u128 * WORDS_PER_COUNT);
            let draws = (f64::from(light.thermal[k]), f64::from(light.laser[k / light.rows]));
            let counted = self.receiver.read_counted(light.re[k].to_f64(), light.im[k].to_f64(), draws, stream);
            if let Some(counted) = counted {
                *reading = T::from_f64(counted);
            }
        }
    }
}

/// Samples that are computed together, all of one block.
struct Piece {
    /// Index of the first of them in the data, and in the samples of this block that are asked for.
    absolute: u64,
    in_call: usize,
    count: usize,
}

impl Piece {
    /// Index of its first sample in the block.
    fn in_block(&self) -> usize {
        (self.absolute % BLOCK) as usize
    }
}

/// The random numbers of one tile and block of samples; `None` where a source is off.
struct Streams {
    shot: Option<Normals<f32>>,
    thermal: Option<Normals<f32>>,
    laser: Option<Normals<f32>>,
    counts: Option<ChaCha8Rng>,
}

fn fill(stream: &mut Option<Normals<f32>>, draws: &mut [f32]) {
    if let Some(stream) = stream {
        stream.fill(draws);
    }
}

/// Memory for one piece of samples and the largest tile. What a source that is off would write stays zero, so that it
/// serves one product alone.
struct Workspace<T> {
    sent: Sent<T>,
    re: Vec<T>,
    im: Vec<T>,
    zeros: Vec<T>,
    shot: Vec<f32>,
    thermal: Vec<f32>,
    laser: Vec<f32>,
    readings: Vec<T>,
    /// Light at each row of a tile, and readings that saturated there.
    intensity: Vec<T>,
    clipped: Vec<u32>,
    /// Outputs of the layer for a block of samples.
    sums: Vec<T>,
}

impl<T: Real> Workspace<T> {
    fn new(outputs: usize, rows: usize, encoder: &Encoder<T>) -> Self {
        // Of a length that is no power of two: arrays at equal places of their pages would drive each other out of the
        // cache, and make loads wait for stores that have nothing to do with them.
        let values = |each: usize| vec![T::ZERO; each * PIECE + 5 * 16];
        let draws = |each: usize| vec![0.0; each * PIECE + 5 * 16];
        Self {
            sent: encoder.memory(PIECE),
            re: values(rows),
            im: values(rows),
            zeros: values(rows),
            shot: draws(rows),
            thermal: draws(rows),
            laser: draws(1),
            readings: values(rows),
            intensity: vec![T::ZERO; rows],
            clipped: vec![0; rows],
            sums: vec![T::ZERO; outputs * BLOCK as usize],
        }
    }
}

impl<T: Real> TileEngine<T> {
    #[expect(clippy::too_many_arguments, reason = "one caller, which has each of them at hand")]
    fn new(
        tile: &TileProgram,
        design: &TileDesign,
        set: Set,
        core: u64,
        jitter: bool,
        (dark, quadratures): (Complex64, (bool, bool)),
        link: &Link,
        calibration: GainCalibration,
        (input_scale, full_scale): (f64, f64),
    ) -> Result<Self, HardwareError> {
        let realised = set.chip.matrix_from_driven(&tile.program, &set.driven)?;
        let corner = realised.view((0, 0), tile.target.shape()).clone_owned();
        let (rows, inputs) = corner.shape();
        // A row of zeros, or a matrix that the chip turned around, has nothing to be scaled by.
        let usable = |g: f64| if g.is_finite() && g > 0.0 { g } else { set.gain };
        let gains: Vec<f64> = match calibration {
            GainCalibration::None => vec![set.gain; rows],
            GainCalibration::Scalar => vec![usable(gain(&tile.target, &corner)); rows],
            GainCalibration::PerOutput => (0..rows)
                .map(|i| usable(gain(&tile.target.rows(i, 1).clone_owned(), &corner.rows(i, 1).clone_owned())))
                .collect(),
        };
        // The constant field of offset detection is no part of the matrix.
        let columns = tile.tile.columns;
        let target = tile.target.columns(0, columns);
        let mut error_squared = 0.0;
        let mut read_error_squared = 0.0;
        for (i, &g) in gains.iter().enumerate() {
            for j in 0..columns {
                let error = corner[(i, j)] * g - target[(i, j)];
                error_squared += error.norm_sqr();
                let homodyne = link.detection == Detection::Homodyne;
                read_error_squared += if homodyne { error.re * error.re } else { error.norm_sqr() };
            }
        }
        let offset = match link.detection {
            Detection::Offset => tile.target[(0, inputs - 1)].re / set.gain,
            Detection::Homodyne | Detection::Direct => 0.0,
        };
        let trims: Vec<f64> = gains.iter().map(|g| g / design.gain).collect();
        let readout = Readout::new(link, design.gain * input_scale, &trims, full_scale, offset);
        let matrix = ComplexProduct::new(&corner, dark, quadratures);
        Ok(Self {
            chip: jitter.then_some(set),
            core,
            matrix,
            readout,
            error_squared,
            read_error_squared,
            norm_squared: target.norm_squared(),
        })
    }
}

impl<T: Real> MatrixProduct for OpticalProduct<T> {
    fn shape(&self) -> (usize, usize) {
        self.program.plan.shape()
    }

    fn loses_sign(&self) -> bool {
        self.link.detection == Detection::Direct
    }

    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, Readings) {
        let (outputs, inputs) = self.shape();
        assert_eq!(input.nrows(), inputs, "one row of the batch for each input of the layer");
        let plan = &self.program.plan;
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let rows = || plan.tiles().iter().map(|tile| tile.rows).max().unwrap_or(0);
        let mut work = spare.unwrap_or_else(|| Workspace::new(outputs, rows(), &self.encoder));
        work.clipped.fill(0);
        let mut out = Vec::with_capacity(outputs * input.ncols());
        let mut readings = Readings { inputs: input.len() as u64, ..Readings::default() };
        let mut intensity = 0.0;
        let mut start = 0;
        while start < input.ncols() {
            let absolute = shot.first_sample + start as u64;
            let (block, skip) = (absolute / BLOCK, (absolute % BLOCK) as usize);
            let count = (input.ncols() - start).min(BLOCK as usize - skip);
            work.sums[..outputs * count].fill(T::ZERO);
            let mut programmed: Vec<(usize, Streams)> = (0..plan.tiles().len())
                .filter_map(|t| {
                    let core = self.tiles[t].as_ref()?.core;
                    Some((t, self.open(t, core, shot, block, (skip, plan.tiles()[t].rows))))
                })
                .collect();
            for in_call in (0..count).step_by(PIECE) {
                let piece = Piece { absolute: absolute + in_call as u64, in_call, count: PIECE.min(count - in_call) };
                let samples = input.columns(start + in_call, piece.count);
                readings.inputs_clipped += self.encoder.encode(&samples, &mut work.sent);
                for (t, streams) in &mut programmed {
                    intensity += self.read(*t, streams, shot, &piece, &mut work);
                    readings.outputs += (plan.tiles()[*t].rows * piece.count) as u64;
                }
            }
            out.extend(work.sums[..outputs * count].iter().map(|sum| sum.to_f64()));
            start += count;
        }
        readings.outputs_clipped = work.clipped.iter().map(|&count| u64::from(count)).sum();
        readings.signal_photoelectrons = self.receiver.photoelectrons(intensity);
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(work);
        (DMatrix::from_vec(outputs, input.ncols(), out), readings)
    }
}
