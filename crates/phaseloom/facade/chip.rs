use super::program::{Kind, assembled};
use super::{Error, Process, Product, Program, Seed};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{ChipId, Link};
use phaseloom_mesh::MatrixProgram;

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
        let positions: Vec<u64> = match &program.kind {
            Kind::Weights { layer, .. } => {
                (0u64..).zip(layer.tiles()).filter(|(_, tile)| tile.is_some()).map(|(core, _)| core).collect()
            }
            Kind::Complex { .. } => vec![0],
        };
        let process = self.process.settings();
        let id = |core| ChipId { seed: self.seed.0, trial: 0, core };
        let cores = positions.into_iter().zip(program.core_programs());
        cores.map(|(core, program)| Ok(phaseloom_hardware::Chip::fabricate(process, program, id(core))?)).collect()
    }

    /// The realised matrix (outputs × inputs): what the chip multiplies by, with its static errors and with the electronic
    /// gain of the program. The gain that undoes the nominal loss is part of [`Chip::product`], not of this matrix.
    ///
    /// # Errors
    ///
    /// The chip was fabricated for a program of another shape.
    pub fn matrix(&self, program: &Program) -> Result<DMatrix<Complex64>, Error> {
        let cores = self.cores(program)?;
        let realised = |(core, program): (&phaseloom_hardware::Chip, &MatrixProgram)| {
            Ok(core.matrix(program)? * Complex64::from(program.gain()))
        };
        let mut realised =
            cores.iter().zip(program.core_programs()).map(realised).collect::<Result<Vec<_>, Error>>()?;
        match &program.kind {
            Kind::Weights { layer, .. } => Ok(assembled(layer, realised.into_iter())),
            Kind::Complex { .. } => Ok(realised.swap_remove(0)),
        }
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
