//! The optical matrix product: modulate, multiply by the realised matrix, detect, convert, scale.
//!
//! Engine: measure before and after a change. Samples pass in blocks that share their streams of noise. A block is modulated
//! once for all tiles. Some tiles of a row then take it piece by piece: each tile multiplies and samples noise, one loop
//! detects the fields of all of them, and each tile converts its values. An ideal link needs none of this: see `tile_sum`.

use crate::chip::{Chip, ChipId};
use crate::error::HardwareError;
use crate::link::transmitter::{ModulatedBatch, Transmitter};
use crate::link::{Detection, Detector, Link, OutputFields, Receiver};
use crate::product::address::{LayerAddress, NoiseAddress};
use crate::product::core_spec::CoreUse;
use crate::product::layer_design::{LayerDesign, relative_error};
use crate::product::layer_program::{LayerProgram, TileProgram};
use crate::product::matrix_product::{Batch, MatrixProduct, ProductStatistics, Shot};
use crate::product::scales::Scales;
use crate::product::tile_engine::{
    ChipTile, DrivenChip, RealisedTile, StaticErrors, Surroundings, TileEngine, on_chips,
};
use crate::product::tile_sum::{SummedTiles, TileSum};
use crate::tile::Tile;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Fields;
use phaseloom_numerics::{NormalStream, Quadratures, Real, SparseFields};
use rand::rngs::ChaCha8Rng;
use std::sync::{Arc, Mutex, PoisonError};

/// Samples that share one random stream per purpose. Changing it changes every result.
const BLOCK: u64 = 256;
/// Samples that are computed together. Fields and noise of a tile, and inputs of a layer that is not too wide, then fit in
/// the cache of a core; with fewer samples the loops are too short.
const PIECE: usize = 64;
/// Fields of neighbouring tiles that are detected together: those of a piece and a tile of 64 rows. More would leave the
/// cache, and with fewer the loops of small tiles are too short.
const FIELDS: usize = 64 * PIECE;
/// Words of a stream that belong to one Poisson number: more than any of them uses.
const WORDS_PER_COUNT: u128 = 4096;

/// One layer on fabricated chips with its link.
///
/// `T` is the precision of fields and currents. Chips and gains are double, and so are inputs and outputs.
pub struct OpticalProduct<T = f64> {
    pub(super) program: Arc<LayerProgram>,
    design: Arc<LayerDesign>,
    pub(super) link: Link,
    pub(super) receiver: Receiver,
    /// Whether a backward pass counts that noise depends on the field.
    pub(super) differentiates_noise: bool,
    detector: Detector<T>,
    pub(super) transmitter: Transmitter<T>,
    address: LayerAddress,
    errors: StaticErrors,
    pub(super) optics: Optics<T>,
    /// The tiles as their chips realise them, for the backward pass; empty where none is asked for.
    pub(super) realised: Vec<Option<RealisedTile>>,
    /// Workspaces that no thread uses now.
    spare: Mutex<Vec<Workspace<T>>>,
}

/// Measured values of every tile before its converter (outputs × vectors, in units of the field or of its square); none of a tile
/// of zeros.
pub(super) type Readings = [Vec<f64>];

/// How light passes through the tiles.
pub(super) enum Optics<T> {
    /// Tile by tile, each with its receivers; `None` is a tile of zeros.
    Tiles(Vec<Option<TileEngine<T>>>),
    /// Through the sum of all tiles, which an ideal link cannot tell from them.
    Sum(SummedTiles),
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
    /// If the weights are complex, or `design` is that of another program with as many tiles, or was corrected with programs of
    /// another shape.
    pub fn new(
        program: &Arc<LayerProgram>,
        design: &Arc<LayerDesign>,
        link: &Link,
        scales: &Scales,
        core_use: CoreUse,
        address: LayerAddress,
    ) -> Result<Self, HardwareError> {
        Self::on_chips(program, design, link, (scales, core_use), address, None)
    }

    /// The same on given chips, one for each tile that is not zero, with all that a backward pass needs.
    pub(super) fn on_chips(
        program: &Arc<LayerProgram>,
        design: &Arc<LayerDesign>,
        link: &Link,
        (scales, core_use): (&Scales, CoreUse),
        address: LayerAddress,
        chips: Option<&[Option<Chip>]>,
    ) -> Result<Self, HardwareError> {
        assert!(!program.kind().is_complex(), "a field product for complex weights");
        scales.check(program.tiles().len())?;
        let receiver = link.receiver(program.ports())?;
        let transmitter = Transmitter::new(link, scales.input, program.plan());
        let around = Surroundings {
            link,
            leakage: transmitter.leakage(),
            quadratures: Quadratures { sent: transmitter.quadrature(), read: receiver.needs_imaginary_part() },
            input_scale: scales.input,
        };
        let mut errors = StaticErrors::default();
        // A jittering matrix differs from vector to vector. Tiles of zeros, as in groups of a convolution, cost nothing alone.
        let is_linear = link.is_ideal()
            && link.detection == Detection::Homodyne
            && !design.process.fluctuates()
            && program.tiles().iter().all(Option::is_some);
        let mut sum = is_linear.then(|| TileSum::new(program.plan().shape()));
        let count = program.tiles().len();
        let mut tiles: Vec<_> = (0..count).map(|_| None).collect();
        let mut kept = vec![None; if chips.is_some() { count } else { 0 }];
        let in_phase = link.detection == Detection::Homodyne;
        on_chips((program, design), core_use.sharing, address, chips, &mut |of: ChipTile<'_>| {
            let realised = RealisedTile::new(of.program, of.chip, core_use.calibration, in_phase)?;
            errors.add(&realised.errors);
            if chips.is_some() {
                kept[of.index] = Some(realised.clone());
            }
            match &mut sum {
                Some(sum) => sum.add(&of.program.tile, &realised),
                None => {
                    let (realised, full_scale) = ((realised, of.core), scales.full_scale[of.index]);
                    tiles[of.index] = Some(TileEngine::new(of.program, of.design, realised, &around, full_scale));
                }
            }
            Ok(())
        })?;
        Ok(Self {
            program: program.clone(),
            design: design.clone(),
            link: link.clone(),
            detector: receiver.detector(),
            receiver,
            differentiates_noise: false,
            transmitter,
            address,
            errors,
            optics: sum.map_or_else(|| Optics::Tiles(tiles), |sum| Optics::Sum(sum.finish())),
            realised: kept,
            spare: Mutex::default(),
        })
    }

    /// ‖gŴ − W‖_F/‖W‖_F over all tiles, static errors alone.
    #[must_use]
    pub fn matrix_error(&self) -> f64 {
        relative_error([(self.errors.error_squared, self.errors.norm_squared)].into_iter())
    }

    /// The part of [`Self::matrix_error`] that reaches the measured values: for real weights homodyne measures Re gŴ alone.
    /// A splitter error of a real program is mostly in quadrature, a phase error is not.
    #[must_use]
    pub fn measured_error(&self) -> f64 {
        relative_error([(self.errors.measured_squared, self.errors.norm_squared)].into_iter())
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

    /// Propagates a piece through a tile whose phases jitter: `re` and `im`, outputs × vectors. Phases hold for a number of
    /// vectors, counted from the first sample of the data.
    fn propagate_with_jitter(
        &self,
        tile: &NoisyTile<'_, T>,
        chip: &DrivenChip,
        sent: SparseFields<'_, T>,
        piece: &Piece,
        [re, im]: [&mut [T]; 2],
    ) {
        let hold = self.design.process.phase_jitter.as_ref().map_or(1, |j| j.hold(&self.link));
        let (rows, inputs) = tile.program.target.shape();
        let leakage = self.transmitter.leakage();
        let mut start = 0;
        while start < piece.count {
            let sample = piece.absolute + start as u64;
            let remainder = (sample / hold + 1).saturating_mul(hold) - sample;
            let end = piece.count.min(start.saturating_add(usize::try_from(remainder).unwrap_or(usize::MAX)));
            let fields = DMatrix::from_fn(tile.program.program.shape().1, end - start, |i, j| {
                if i >= inputs {
                    return Complex64::default();
                }
                let k = (start + j) * inputs + i;
                let q = if self.transmitter.quadrature() { sent.q[k].to_f64() } else { 0.0 };
                Complex64::new(sent.x[k].to_f64(), q) + leakage
            });
            let noise = NoiseAddress { block: sample / hold, ..tile.noise };
            let mut draws = noise.open("phase_jitter/fluctuate", NormalStream::new);
            let program = &tile.program.program;
            let fields = chip.chip.propagate(program, &chip.driven, Some(&mut draws), || Fields::from_matrix(&fields));
            for (j, vector) in (start..end).zip(fields.to_matrix().column_iter()) {
                for i in 0..rows {
                    re[j * rows + i] = T::from_f64(vector[i].re);
                    im[j * rows + i] = T::from_f64(vector[i].im);
                }
            }
            start = end;
        }
    }

    /// Propagates a piece through some tiles of one row of tiles, adds their outputs to the sums, and returns the |ã|² at
    /// their detectors. The tiles follow each other in memory, so that one loop detects all of them.
    fn pass(
        &self,
        tiles: &mut [NoisyTile<'_, T>],
        piece: &Piece,
        work: &mut Workspace<T>,
        record: &mut Option<&mut Readings>,
    ) -> f64 {
        let Some(rows) = tiles.first().map(|tile| tile.program.tile.rows) else { return 0.0 };
        let (each, all) = (rows * piece.count, rows * piece.count * tiles.len());
        let of_tile = |k: usize| k * each..(k + 1) * each;
        for (k, tile) in tiles.iter_mut().enumerate() {
            let sent = self.transmitter.fields(&work.sent, tile.column, piece.in_call..piece.in_call + piece.count);
            let (re, im) = (&mut work.re[of_tile(k)], &mut work.im[of_tile(k)]);
            match &tile.engine.jittering {
                Some(chip) => self.propagate_with_jitter(tile, chip, sent, piece, [re, im]),
                None => tile.engine.matrix.multiply(sent, re, im),
            }
            fill(&mut tile.streams.shot, &mut work.shot[of_tile(k)]);
            fill(&mut tile.streams.thermal, &mut work.thermal[of_tile(k)]);
            if let Some(stream) = &mut tile.streams.laser {
                let mut draws = [0.0; PIECE];
                stream.fill(&mut draws[..piece.count]);
                let vectors = work.laser[of_tile(k)].chunks_exact_mut(rows);
                vectors.zip(draws).for_each(|(vector, draw)| vector.fill(draw));
            }
        }
        let fields = OutputFields {
            re: &work.re[..all],
            im: if self.receiver.needs_imaginary_part() { &work.im[..all] } else { &work.zeros[..all] },
            shot: &work.shot[..all],
            thermal: &work.thermal[..all],
            laser: &work.laser[..all],
        };
        let intensity = self.detector.detect(&fields, &mut work.values[..all]);
        for (k, tile) in tiles.iter_mut().enumerate() {
            if let Some(stream) = &mut tile.streams.counts {
                let first = piece.in_block() * rows;
                self.count_photons(stream, &fields.part(of_tile(k)), first, &mut work.values[of_tile(k)]);
            }
            if let Some(record) = record {
                record[tile.noise.tile].extend(work.values[of_tile(k)].iter().map(|value| value.to_f64()));
            }
            let sums = &mut work.sums[piece.in_call * rows..][..each];
            work.clipped += tile.engine.readout.accumulate(&work.values[of_tile(k)], sums);
        }
        intensity
    }

    /// Replaces the values with few photons by Poisson numbers. The first value is number `first` of its block.
    fn count_photons(&self, stream: &mut ChaCha8Rng, fields: &OutputFields<'_, T>, first: usize, values: &mut [T]) {
        for (k, value) in values.iter_mut().enumerate() {
            stream.set_word_pos((first + k) as u128 * WORDS_PER_COUNT);
            let field = Complex64::new(fields.re[k].to_f64(), fields.im[k].to_f64());
            let (thermal, laser) = (f64::from(fields.thermal[k]), f64::from(fields.laser[k]));
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

/// A tile that computes a block of samples.
struct NoisyTile<'a, T> {
    program: &'a TileProgram,
    engine: &'a TileEngine<T>,
    /// Its column of tiles.
    column: usize,
    noise: NoiseAddress,
    streams: Streams,
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

/// Memory for the fields of a block of samples, and for one piece of some tiles.
///
/// Buffers of disabled noise sources stay zero, so a workspace must not be shared between products.
struct Workspace<T> {
    sent: ModulatedBatch<T>,
    re: Vec<T>,
    im: Vec<T>,
    zeros: Vec<T>,
    shot: Vec<f32>,
    thermal: Vec<f32>,
    /// The draw of a vector, once for each of its outputs.
    laser: Vec<f32>,
    values: Vec<T>,
    /// Outputs of a row of tiles for a block of samples, vector after vector.
    sums: Vec<T>,
    /// Number of saturated values.
    clipped: u64,
}

impl<T: Real> Workspace<T> {
    /// Memory for tiles of at most `rows` rows.
    fn new(rows: usize, transmitter: &Transmitter<T>) -> Self {
        // No length is a power of two: arrays at equal offsets in their pages would evict each other from the cache, and
        // make loads wait for unrelated stores.
        let fields = FIELDS.max(rows * PIECE) + 5 * 16;
        Self {
            sent: transmitter.memory(BLOCK as usize),
            re: vec![T::ZERO; fields],
            im: vec![T::ZERO; fields],
            zeros: vec![T::ZERO; fields],
            shot: vec![0.0; fields],
            thermal: vec![0.0; fields],
            laser: vec![0.0; fields],
            values: vec![T::ZERO; fields],
            sums: vec![T::ZERO; rows * BLOCK as usize],
            clipped: 0,
        }
    }
}

impl<T: Real> OpticalProduct<T> {
    /// Sends the vectors through the tiles, one row of tiles after the other.
    fn multiply_by_tiles(
        &self,
        engines: &[Option<TileEngine<T>>],
        (input, shot): (&Batch, Shot),
        out: &mut Batch,
        statistics: &mut ProductStatistics,
        mut record: Option<&mut Readings>,
    ) {
        let columns = self.program.plan().column_blocks();
        let rows = self.program.plan().tiles()[0].rows;
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut work = spare.unwrap_or_else(|| Workspace::new(rows, &self.transmitter));
        work.clipped = 0;
        let mut intensity = 0.0;
        let mut start = 0;
        while start < input.ncols() {
            let absolute = shot.first_vector + start as u64;
            let (block, skip) = (absolute / BLOCK, (absolute % BLOCK) as usize);
            let count = (input.ncols() - start).min(BLOCK as usize - skip);
            statistics.inputs_clipped += self.transmitter.modulate(&input.columns(start, count), &mut work.sent);
            let programs = self.program.tiles().chunks(columns).zip(engines.chunks(columns));
            for (row, (programs, engines)) in programs.enumerate() {
                let Tile { row: first, rows, .. } = self.program.plan().tiles()[row * columns];
                work.sums[..rows * count].fill(T::ZERO);
                let tiles = programs.iter().zip(engines).enumerate().filter_map(|(column, (program, engine))| {
                    let (program, engine) = (program.as_ref()?, engine.as_ref()?);
                    let noise = self.noise(row * columns + column, engine.core, shot, block);
                    Some(NoisyTile { program, engine, column, noise, streams: self.streams(noise, skip, rows) })
                });
                let mut tiles = tiles.peekable();
                let together = (FIELDS / (rows * PIECE)).max(1);
                let mut some = Vec::with_capacity(together);
                while tiles.peek().is_some() {
                    some.clear();
                    some.extend(tiles.by_ref().take(together));
                    for in_call in (0..count).step_by(PIECE) {
                        let piece =
                            Piece { absolute: absolute + in_call as u64, in_call, count: PIECE.min(count - in_call) };
                        intensity += self.pass(&mut some, &piece, &mut work, &mut record);
                    }
                    statistics.outputs += (rows * count * some.len()) as u64;
                }
                let mut outputs = out.view_mut((first, start), (rows, count));
                for (mut output, sums) in outputs.column_iter_mut().zip(work.sums.chunks_exact(rows)) {
                    output.iter_mut().zip(sums).for_each(|(y, sum)| *y = sum.to_f64());
                }
            }
            start += count;
        }
        statistics.outputs_clipped = work.clipped;
        statistics.signal_photoelectrons = self.receiver.photoelectrons(intensity);
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }
}

impl<T: Real> OpticalProduct<T> {
    /// The product, and the values that the detectors measure if they are to be recorded. An ideal link needs none.
    pub(super) fn multiply_recorded(
        &self,
        input: &Batch,
        shot: Shot,
        record: Option<&mut Readings>,
    ) -> (Batch, ProductStatistics) {
        let (outputs, inputs) = self.program.plan().shape();
        assert_eq!(input.nrows(), inputs, "one row of the batch per input of the layer");
        let mut out = DMatrix::zeros(outputs, input.ncols());
        let mut statistics = ProductStatistics { inputs: input.len() as u64, ..ProductStatistics::default() };
        match &self.optics {
            Optics::Tiles(tiles) => self.multiply_by_tiles(tiles, (input, shot), &mut out, &mut statistics, record),
            Optics::Sum(tiles) => {
                tiles.multiply(input, &mut out);
                let readouts: usize = self.program.tiles().iter().flatten().map(|tile| tile.tile.rows).sum();
                statistics.outputs = (readouts * input.ncols()) as u64;
            }
        }
        (out, statistics)
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
        self.multiply_recorded(input, shot, None)
    }
}
