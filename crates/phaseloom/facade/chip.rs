use super::program::Kind;
use super::{Error, Process, Product, Program, Seed};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::correction::{Instruments, correct, correction};
use phaseloom_hardware::{ChipId, CoreSharing, Link};
use std::sync::Arc;

/// One fabricated chip: all cores of a program with their frozen errors.
///
/// The errors follow from process and seed alone, so a chip is stored as these two. It runs every program of the shape
/// that it was fabricated for.
#[derive(Clone, Debug)]
pub struct Chip {
    process: Process,
    seed: Seed,
    shape: String,
}

/// What two programs must share to run on the same chip: the shapes of all their cores.
fn shape(program: &Program) -> String {
    let shapes: Vec<String> =
        program.core_programs().map(|core| phaseloom_hardware::ProgramShape::from_program(core).to_string()).collect();
    match &shapes[..] {
        [] => "no cores".to_owned(),
        [first, ..] if shapes.iter().all(|other| other == first) => format!("{} × ({first})", shapes.len()),
        _ => shapes.join(", "),
    }
}

/// The number of each core of a program: the index of its tile, tiles of zeros included.
fn positions(program: &Program) -> Vec<u64> {
    match &program.kind {
        Kind::Weights { layer, .. } => {
            (0u64..).zip(layer.tiles()).filter(|(_, tile)| tile.is_some()).map(|(core, _)| core).collect()
        }
        Kind::Complex { .. } => vec![0],
    }
}

impl Chip {
    pub(super) fn new(process: &Process, program: &Program, seed: Seed) -> Result<Self, Error> {
        process.settings().check()?;
        Ok(Self { process: process.clone(), seed, shape: shape(program) })
    }

    /// The process that the chip was sampled from.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The seed of the chip.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// Whether a program has the shape that the chip was fabricated for.
    #[must_use]
    pub fn runs(&self, program: &Program) -> bool {
        shape(program) == self.shape
    }

    fn check(&self, program: &Program) -> Result<(), Error> {
        let needed = shape(program);
        if needed == self.shape {
            Ok(())
        } else {
            Err(Error::ProgramShape { chip: self.shape.clone(), program: needed })
        }
    }

    /// The cores of the chip with their frozen errors, in the order of the tiles of a program.
    ///
    /// # Errors
    ///
    /// The chip was fabricated for a program of another shape.
    pub fn cores(&self, program: &Program) -> Result<Vec<phaseloom_hardware::Chip>, Error> {
        self.check(program)?;
        let shared = matches!(&program.kind, Kind::Weights { core, .. } if core.cores == CoreSharing::Shared);
        let id = |core: u64| ChipId { seed: self.seed.0, trial: 0, core: if shared { 0 } else { core } };
        let process = self.process.settings();
        let cores = positions(program).into_iter().zip(program.core_programs());
        cores.map(|(core, program)| Ok(phaseloom_hardware::Chip::fabricate(process, program, id(core))?)).collect()
    }

    /// Corrects a program for this chip: other phases for the same matrix, on every core. `method` is a key of the
    /// corrections that `phaseloom explain` prints. Every core has measurement noise of its own.
    ///
    /// The result runs on the chip in place of `program`. A correction always starts from the phases for chips without
    /// errors, also if `program` is corrected already.
    ///
    /// ```
    /// use phaseloom::prelude::*;
    ///
    /// let w = DMatrix::from_fn(6, 4, |i, j| (i as f64 - 2.0 * j as f64).cos());
    /// let program = Core::new(4).program(&w)?;
    /// let process = Process::from_toml("splitter_error.sigma_rad = 0.01\nphase_error.sigma_rad = 0.02")?;
    /// let chip = process.fabricate(&program, Seed(1))?;
    /// let instruments = Instruments { effort: 2.0, ..Instruments::default() };
    /// let corrected = chip.correct(&program, "local", &instruments)?;
    ///
    /// assert!(chip.matrix_error(&corrected)? < 0.2 * chip.matrix_error(&program)?);
    /// assert!(corrected.corrections().iter().all(|core| core.after.error < core.before.error));
    /// let error = |program| Ok::<_, Error>(chip.product(program, &Link::default())?.matrix_error());
    /// assert!(error(&corrected)? < 0.2 * error(&program)?);
    ///
    /// // Another thread may stop a long correction.
    /// instruments.interrupt.request();
    /// let stopped = chip.correct(&program, "adjoint", &instruments).unwrap_err();
    /// assert!(matches!(stopped, Error::Hardware(phaseloom::hardware::HardwareError::Interrupted)));
    /// # Ok::<(), phaseloom::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An unknown method, a chip that was fabricated for a program of another shape, a method that cannot work on this chip,
    /// an interruption.
    pub fn correct(&self, program: &Program, method: &str, instruments: &Instruments) -> Result<Program, Error> {
        let method = correction(method)?;
        let mut corrected = Vec::with_capacity(program.cores());
        for ((chip, target), core) in self.cores(program)?.iter().zip(program.uncorrected()).zip(positions(program)) {
            let draws = ChipId { core, ..instruments.draws };
            corrected.push(correct(chip, target, method, &Instruments { draws, ..instruments.clone() })?);
        }
        Ok(Program { corrected: Some(Arc::new(corrected)), ..program.clone() })
    }

    /// The realised matrix (outputs × inputs): what the chip multiplies by, with its static errors and with the electronic
    /// gain of the program. The gain that undoes the nominal loss is part of [`Chip::product`], not of this matrix.
    ///
    /// # Errors
    ///
    /// The chip was fabricated for a program of another shape.
    pub fn matrix(&self, program: &Program) -> Result<DMatrix<Complex64>, Error> {
        let cores = self.cores(program)?;
        let mut realised = Vec::with_capacity(cores.len());
        for (core, program) in cores.iter().zip(program.core_programs()) {
            realised.push(core.matrix(program)? * Complex64::from(program.gain()));
        }
        Ok(program.assembled(realised.into_iter()))
    }

    /// The relative error ‖Ŵ − W‖_F/‖W‖_F of the [realised matrix](Chip::matrix) Ŵ.
    ///
    /// # Errors
    ///
    /// The chip was fabricated for a program of another shape.
    pub fn matrix_error(&self, program: &Program) -> Result<f64, Error> {
        Ok(phaseloom_numerics::relative_error(&program.target(), &self.matrix(program)?))
    }

    /// The chip with its optical link (laser, modulators, detectors, converters): a matrix that multiplies vectors.
    ///
    /// # Errors
    ///
    /// The chip was fabricated for a program of another shape, the program is complex, the detection of the link is not
    /// that of the program, the link has an impossible value, or the chip lets no light through.
    pub fn product(&self, program: &Program, link: &Link) -> Result<Product, Error> {
        self.check(program)?;
        Product::new(&self.process, self.seed, program, link)
    }
}
