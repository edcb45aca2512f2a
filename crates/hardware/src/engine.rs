//! The optical matrix product: encode, multiply by what the chips really do, detect, convert, scale.

use crate::core::{Design, GainCalibration, LayerProgram, Scales, TileDesign, TileProgram, gain};
use crate::readout::Readout;
use crate::{Batch, Chip, Cores, Detection, HardwareError, Link, MatrixProduct, Readings, Receiver, Sample, Shot};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::linalg::multiply_batch;
use phaseloom_mesh::{Fields, StreamKey, standard_normal};
use rand::rngs::ChaCha8Rng;
use std::sync::Arc;

/// Samples that share one random stream of a purpose.
const BLOCK: u64 = 256;
/// Words of a stream that belong to one counted readout: more than any Poisson draw takes.
const WORDS_PER_COUNT: u128 = 4096;

/// One layer on sampled chips with its link: what networks multiply by.
pub struct OpticalProduct {
    program: Arc<LayerProgram>,
    design: Arc<Design>,
    link: Link,
    receiver: Receiver,
    scales: Scales,
    layer: u64,
    seed: u64,
    tiles: Vec<Option<TileEngine>>,
}

struct TileEngine {
    /// Present where phases jitter: the matrix is then made anew while light passes.
    chip: Option<Chip>,
    core: u64,
    /// Real form of the realised corner; empty where phases jitter.
    planes: DMatrix<f64>,
    /// What the outputs do to their readings.
    readout: Readout,
    /// ‖gŴ − W‖²_F, the part of it that the detectors read, and ‖W‖²_F.
    error_squared: f64,
    read_error_squared: f64,
    norm_squared: f64,
}

/// Which layer of which trial is made.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Seed of the run.
    pub seed: u64,
    /// Trial.
    pub trial: u64,
    /// Index of the photonic layer.
    pub layer: u64,
    /// Index of the first core of the layer (`cores = "each"`).
    pub first_core: u64,
}

impl OpticalProduct {
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
        (cores, calibration): (Cores, GainCalibration),
        place: Place,
    ) -> Result<Self, HardwareError> {
        assert_eq!(scales.full_scale.len(), program.plan.tiles().len(), "one full scale a tile");
        let receiver = link.receiver(program.ports)?;
        let mut shared: Option<Chip> = None;
        let mut tiles = Vec::with_capacity(program.tiles.len());
        for (t, (tile, tile_design)) in program.tiles.iter().zip(&design.tiles).enumerate() {
            let (Some(tile), Some(tile_design)) = (tile, tile_design) else {
                tiles.push(None);
                continue;
            };
            let core = if cores == Cores::Shared { 0 } else { place.first_core + t as u64 };
            let sample = Sample { seed: place.seed, trial: place.trial, core };
            let chip = match &shared {
                Some(chip) => chip.clone(),
                None => Chip::fabricate(&design.process, &tile.program, sample)?,
            };
            if cores == Cores::Shared {
                shared = Some(chip.clone());
            }
            let jitter = design.process.phase_jitter.is_some();
            let scale = (scales.input, scales.full_scale[t]);
            let engine = TileEngine::new(tile, tile_design, chip, core, jitter, &receiver, link, calibration, scale)?;
            tiles.push(Some(engine));
        }
        Ok(Self {
            program: program.clone(),
            design: design.clone(),
            link: link.clone(),
            receiver,
            scales: scales.clone(),
            layer: place.layer,
            seed: place.seed,
            tiles,
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

    fn relative(&self, error_squared: fn(&TileEngine) -> f64) -> f64 {
        let tiles = self.tiles.iter().flatten();
        let (error, norm) = tiles.fold((0.0, 0.0), |(e, n), t| (e + error_squared(t), n + t.norm_squared));
        if norm > 0.0 { (error / norm).sqrt() } else { 0.0 }
    }

    /// Fields of a batch in units of √P_port: in phase, and in quadrature where there is any; clipped inputs.
    fn encode(&self, input: &Batch) -> (DMatrix<f64>, Option<DMatrix<f64>>, u64) {
        let mut clipped = 0;
        let mut in_phase = input / self.scales.input;
        if !self.link.is_ideal() {
            let codes = self.link.dac.map(|dac| dac.signed());
            for x in in_phase.iter_mut() {
                clipped += u64::from(x.abs() > 1.0);
                *x = x.clamp(-1.0, 1.0);
                if let Some(codes) = &codes {
                    *x = codes.round(*x);
                }
            }
        }
        let quadrature = self.link.modulator.map(|modulator| {
            let field = modulator.field();
            let mut quadrature = DMatrix::zeros(input.nrows(), input.ncols());
            for (x, q) in in_phase.iter_mut().zip(quadrature.iter_mut()) {
                (*x, *q) = field(*x);
            }
            quadrature
        });
        (in_phase, quadrature, clipped)
    }

    fn stream(&self, purpose: &str, shot: Shot, tile: usize, core: u64, block: u64) -> ChaCha8Rng {
        let repeated = if shot.index == 0 { purpose.to_owned() } else { format!("{purpose}/{}", shot.index) };
        StreamKey::new(self.seed, &repeated)
            .trial(shot.trial)
            .core(core)
            .layer(self.layer)
            .tile(tile as u64)
            .block(block)
            .stream()
    }

    /// Fields at the outputs of a tile (2r × batch, or r where only the real part counts).
    fn propagate(&self, t: usize, engine: &TileEngine, stacked: &DMatrix<f64>, shot: Shot) -> DMatrix<f64> {
        let (Some(chip), Some(tile), Some(design)) = (&engine.chip, &self.program.tiles[t], &self.design.tiles[t])
        else {
            return multiply_batch(&engine.planes, stacked);
        };
        // Jitter: the phases hold for a number of vectors, counted from the first sample of the data.
        let hold = self.design.process.phase_jitter.as_ref().map_or(1, |j| j.hold(self.link.symbol_rate_hz));
        let (rows, inputs) = tile.target.shape();
        let mut out = DMatrix::zeros(2 * rows, stacked.ncols());
        let mut start = 0;
        while start < stacked.ncols() {
            let segment = (shot.first_sample + start as u64) / hold;
            let left = (segment + 1).saturating_mul(hold) - shot.first_sample - start as u64;
            let end = stacked.ncols().min(start.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
            let fields = DMatrix::from_fn(tile.program.shape().1, end - start, |i, j| {
                let im = if stacked.nrows() > inputs && i < inputs { stacked[(inputs + i, start + j)] } else { 0.0 };
                if i < inputs { Complex64::new(stacked[(i, start + j)], im) } else { Complex64::new(0.0, 0.0) }
            });
            let mut fields = Fields::from_matrix(&fields);
            let mut stream = self.stream("phase_jitter/fluctuate", shot, t, engine.core, segment);
            chip.send(&tile.program, &design.driven, Some(&mut stream), &mut fields);
            let made = fields.to_matrix();
            for j in start..end {
                for i in 0..rows {
                    out[(i, j)] = made[(i, j - start)].re;
                    out[(rows + i, j)] = made[(i, j - start)].im;
                }
            }
            start = end;
        }
        out
    }

    /// Reads a tile's fields into `out` (rows of the tile), and counts.
    fn detect(&self, t: usize, engine: &TileEngine, fields: &DMatrix<f64>, shot: Shot, out: &mut Batch) -> Readings {
        let tile = self.program.plan.tiles()[t];
        let rows = tile.rows;
        let dark = vec![0.0; rows];
        let (mut shot_draws, mut thermal_draws, mut values) = (dark.clone(), dark.clone(), dark.clone());
        let mut readings = Readings { outputs: (rows * fields.ncols()) as u64, ..Readings::default() };
        let mut intensity = 0.0;
        let mut sample = 0;
        while sample < fields.ncols() {
            let absolute = shot.first_sample + sample as u64;
            let skip = (absolute % BLOCK) as usize;
            let count = fields.ncols().min(sample + BLOCK as usize - skip) - sample;
            let mut streams = self.open(t, engine.core, absolute / BLOCK, skip, rows, shot);
            for j in sample..sample + count {
                let (re, im) = fields.as_slice()[j * fields.nrows()..][..fields.nrows()].split_at(rows);
                let im = if im.is_empty() { &dark } else { im };
                fill(&mut streams.shot, &mut shot_draws);
                fill(&mut streams.thermal, &mut thermal_draws);
                let laser = streams.laser.as_mut().map_or(0.0, standard_normal);
                self.receiver.read(re, im, (&shot_draws, &thermal_draws, laser), &mut values);
                if let Some(stream) = &mut streams.counts {
                    let first = (skip + j - sample) * rows;
                    for (i, value) in values.iter_mut().enumerate() {
                        stream.set_word_pos((first + i) as u128 * WORDS_PER_COUNT);
                        self.receiver.read_counted(re[i], im[i], (thermal_draws[i], laser), stream, value);
                    }
                }
                intensity += re.iter().zip(im).map(|(re, im)| re * re + im * im).sum::<f64>();
                let total = out.nrows();
                let sums = &mut out.as_mut_slice()[j * total + tile.row..][..rows];
                readings.outputs_clipped += engine.readout.add(&values, sums);
            }
            sample += count;
        }
        readings.signal_photoelectrons = self.receiver.photoelectrons(intensity);
        readings
    }

    /// The noise streams of a block, at the place of its sample `skip`.
    fn open(&self, t: usize, core: u64, block: u64, skip: usize, rows: usize, shot: Shot) -> Streams {
        let (shot_noise, thermal, laser) = self.receiver.uses();
        let at = |wanted: bool, purpose, each: usize| {
            wanted.then(|| {
                let mut stream = self.stream(purpose, shot, t, core, block);
                (0..skip * each).for_each(|_| {
                    standard_normal(&mut stream);
                });
                stream
            })
        };
        Streams {
            shot: at(shot_noise, "shot_noise/detect", rows),
            thermal: at(thermal, "thermal_noise/detect", rows),
            laser: at(laser, "intensity_noise/detect", 1),
            counts: self.receiver.may_count().then(|| self.stream("shot_noise/count", shot, t, core, block)),
        }
    }
}

/// The random numbers of one block of samples; `None` where a source is off.
struct Streams {
    shot: Option<ChaCha8Rng>,
    thermal: Option<ChaCha8Rng>,
    laser: Option<ChaCha8Rng>,
    counts: Option<ChaCha8Rng>,
}

fn fill(stream: &mut Option<ChaCha8Rng>, draws: &mut [f64]) {
    if let Some(stream) = stream {
        draws.iter_mut().for_each(|z| *z = standard_normal(stream));
    }
}

impl TileEngine {
    #[expect(clippy::too_many_arguments, reason = "one caller, which has each of them at hand")]
    fn new(
        tile: &TileProgram,
        design: &TileDesign,
        chip: Chip,
        core: u64,
        jitter: bool,
        receiver: &Receiver,
        link: &Link,
        calibration: GainCalibration,
        (input_scale, full_scale): (f64, f64),
    ) -> Result<Self, HardwareError> {
        let realised = chip.realise_driven(&tile.program, &design.driven)?;
        let corner = realised.view((0, 0), tile.target.shape()).clone_owned();
        let (rows, inputs) = corner.shape();
        // A row of zeros, or a matrix that the chip turned around, has nothing to be scaled by.
        let usable = |g: f64| if g.is_finite() && g > 0.0 { g } else { design.gain };
        let gains: Vec<f64> = match calibration {
            GainCalibration::None => vec![design.gain; rows],
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
        let quadrature_in = link.modulator.is_some();
        let out = if receiver.needs_both_quadratures() { 2 * rows } else { rows };
        let planes = DMatrix::from_fn(out, if quadrature_in { 2 * inputs } else { inputs }, |i, j| {
            let z = corner[(i % rows, j % inputs)];
            match (i < rows, j < inputs) {
                (true, true) | (false, false) => z.re,
                (true, false) => -z.im,
                (false, true) => z.im,
            }
        });
        let offset = match link.detection {
            Detection::Offset => tile.target[(0, inputs - 1)].re / design.gain,
            Detection::Homodyne | Detection::Direct => 0.0,
        };
        let trims = gains.iter().map(|g| g / design.gain).collect();
        let readout = Readout::new(link, design.gain * input_scale, trims, full_scale, offset);
        Ok(Self {
            chip: jitter.then_some(chip),
            core,
            planes: if jitter { DMatrix::zeros(0, 0) } else { planes },
            readout,
            error_squared,
            read_error_squared,
            norm_squared: target.norm_squared(),
        })
    }
}

impl MatrixProduct for OpticalProduct {
    fn shape(&self) -> (usize, usize) {
        self.program.plan.shape()
    }

    fn ideal_reading(&self, product: f64) -> f64 {
        if self.link.detection == Detection::Direct { product.abs() } else { product }
    }

    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, Readings) {
        let (rows, columns) = self.shape();
        assert_eq!(input.nrows(), columns, "one row of the batch for each input of the layer");
        let (in_phase, quadrature, inputs_clipped) = self.encode(input);
        let mut out = DMatrix::zeros(rows, input.ncols());
        let mut readings = Readings { inputs: input.len() as u64, inputs_clipped, ..Readings::default() };
        let constant = usize::from(self.link.detection == Detection::Offset);
        for (t, engine) in self.tiles.iter().enumerate() {
            let Some(engine) = engine else { continue };
            let tile = self.program.plan.tiles()[t];
            let inputs = tile.columns + constant;
            let planes = if quadrature.is_some() { 2 } else { 1 };
            let mut stacked = DMatrix::zeros(planes * inputs, input.ncols());
            stacked.rows_mut(0, tile.columns).copy_from(&in_phase.rows(tile.column, tile.columns));
            if constant == 1 {
                stacked.row_mut(tile.columns).fill(1.0);
            }
            if let Some(quadrature) = &quadrature {
                stacked.rows_mut(inputs, tile.columns).copy_from(&quadrature.rows(tile.column, tile.columns));
            }
            let fields = self.propagate(t, engine, &stacked, shot);
            readings.add(&self.detect(t, engine, &fields, shot, &mut out));
        }
        (out, readings)
    }
}
