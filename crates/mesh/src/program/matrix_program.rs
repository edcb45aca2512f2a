//! The phases of a whole matrix: one mesh for a unitary, or `W = gain·U·Σ·V†` as two meshes and a column of attenuators.
//!
//! ```text
//!  fields ── mesh of V† (N modes) ── attenuators σ/gain (min(M, N)) ── mesh of U (M modes) ── gain ── W·fields
//! ```

use crate::cell::mzi::attenuator;
use crate::decompose::unitary::{Unitary, check_finite};
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::stage::Stage;
use crate::propagate::circuit::Circuit;
use crate::propagate::fields::Fields;
use crate::topology::Capability;
use crate::topology::mesh_design::MeshDesign;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::require_memory;
use phaseloom_numerics::linalg::multiply;
use phaseloom_numerics::{CanonicalSvd, canonical_svd};

/// Arrangement of a matrix on meshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One mesh if the matrix is unitary within tolerance, else `Svd`.
    Auto,
    /// One mesh; other matrices than unitaries are refused.
    Unitary,
    /// `W = g·M`: one mesh with the contraction M between its ports. The form of every matrix on a topology with
    /// [`Capability::AnyContraction`].
    Contraction,
    /// `W = g·U·Σ·V†`: a mesh for V†, a column of attenuators, and a mesh for U.
    Svd,
}

impl Form {
    /// Its name in files.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Unitary => "unitary",
            Self::Contraction => "contraction",
            Self::Svd => "svd",
        }
    }
}

/// The phases of a whole matrix: `W = gain · (product of the stages)`.
///
/// The program is canonical: equal matrices have equal programs, and a change of the matrix by rounding changes the phases
/// by rounding. There are two exceptions. A fitted mesh is searched, which amplifies rounding. A fractal has no unique
/// phases if blocks of the matrix have equal singular values.
#[derive(Clone, Debug)]
pub struct MatrixProgram {
    pub(crate) design: MeshDesign,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) gain: f64,
    pub(crate) stages: Vec<Stage>,
}

impl MatrixProgram {
    /// Programs an M×N matrix in double precision. `Form::Auto` uses one mesh if `max|U†U−I| ≤ 1e-9`.
    ///
    /// The realised matrix is within `1e-13·max(M,N)·‖W‖₂` (Frobenius) of the target on a universal mesh. A matrix that is
    /// unitary only within the tolerance is programmed on one mesh, which adds `‖W†W − I‖_F/√2` (docs/physics.md 42).
    /// O(max(M,N)³), except for fitted meshes.
    ///
    /// # Errors
    ///
    /// As [`MatrixProgram::check`]; [`Form::Unitary`] of another matrix; a failed decomposition.
    pub fn new(w: &DMatrix<Complex64>, form: Form, design: impl Into<MeshDesign>) -> Result<Self, MeshError> {
        Self::with_tolerance(w, form, design.into(), Unitary::TOLERANCE)
    }

    /// Programs a matrix that was stored in single precision. A matrix that is unitary within 1e-5 is replaced by the
    /// nearest unitary.
    ///
    /// # Errors
    ///
    /// As [`MatrixProgram::new`].
    pub fn from_single(w: &DMatrix<Complex64>, form: Form, design: impl Into<MeshDesign>) -> Result<Self, MeshError> {
        Self::with_tolerance(w, form, design.into(), 1e-5)
    }

    fn with_tolerance(
        w: &DMatrix<Complex64>,
        form: Form,
        design: MeshDesign,
        tolerance: f64,
    ) -> Result<Self, MeshError> {
        Self::check(w, form, &design)?;
        if design.topology().capability() != Capability::AnyContraction {
            Self::check_supported(&design, w.nrows().min(w.ncols()), w.nrows(), w.ncols())?;
        }
        let unitary = match form {
            Form::Svd | Form::Contraction => None,
            Form::Unitary => Some(Unitary::new(w.clone(), tolerance)?),
            Form::Auto => Unitary::new(w.clone(), tolerance).ok(),
        };
        match unitary {
            Some(u) if tolerance > Unitary::TOLERANCE => Self::unitary(&Unitary::nearest(u.matrix())?, design),
            Some(u) => Self::unitary(&u, design),
            None => Self::from_svd(w, canonical_svd(w)?, 0.0, design),
        }
    }

    /// Checks a matrix before it is decomposed: shape, finite entries, magnitude, memory.
    ///
    /// # Errors
    ///
    /// [`MeshError::Empty`], [`MeshError::NotFinite`], [`MeshError::Magnitude`] for entries beyond 1e151, or
    /// [`MeshError::File`] if the memory does not suffice.
    pub fn check(w: &DMatrix<Complex64>, form: Form, design: &MeshDesign) -> Result<(), MeshError> {
        check_finite(w)?;
        let largest = w.iter().map(|z| z.re.abs().max(z.im.abs())).fold(0.0, f64::max);
        // Large entries of a matrix that has to be unitary are refused as such.
        if largest > 1e151 && form != Form::Unitary {
            return Err(MeshError::Magnitude { largest });
        }
        let (rows, columns) = w.shape();
        // Input, its scaled copy, U, V, workspace of the decomposition: about eight complex matrices of the larger side.
        // A search keeps 20 steps and 20 gradients, each of up to 3N² phases.
        let search = if design.topology().capability() == Capability::Fitted { 1200.0 } else { 0.0 };
        let bytes = (8.0 * 16.0 + search) * (rows.max(columns) as f64).powi(2);
        Ok(require_memory(bytes, &format!("programming a {rows}×{columns} matrix"))?)
    }

    /// Programs a unitary on one mesh.
    ///
    /// # Errors
    ///
    /// A topology that cannot realise the unitary.
    pub fn unitary(u: &Unitary, design: impl Into<MeshDesign>) -> Result<Self, MeshError> {
        let n = u.modes();
        let design = design.into();
        Self::check_supported(&design, n, n, n)?;
        let stages = vec![design.program(u)?];
        Ok(Self { design, rows: n, columns: n, gain: 1.0, stages })
    }

    /// Programs a matrix that has passed [`MatrixProgram::check`] from its [canonical](canonical_svd) decomposition `svd`,
    /// with a gain of at least `min_gain`, so that several matrices can share one gain. A larger gain attenuates more.
    ///
    /// # Errors
    ///
    /// A topology that cannot realise the matrix; a failed decomposition.
    ///
    /// # Panics
    ///
    /// If the decomposition is that of a matrix of another shape, a singular value or `min_gain` is no finite number ≥ 0,
    /// or the matrix is empty.
    pub fn from_svd(
        w: &DMatrix<Complex64>,
        svd: CanonicalSvd,
        min_gain: f64,
        design: impl Into<MeshDesign>,
    ) -> Result<Self, MeshError> {
        let (design, (rows, columns)) = (design.into(), w.shape());
        let squares = [svd.u.shape(), svd.v.shape(), (svd.sigma.len(), svd.sigma.len())];
        assert_eq!(squares, [rows, columns, rows.min(columns)].map(|n| (n, n)), "decomposition of the matrix");
        assert!(svd.sigma.iter().all(|s| s.is_finite() && *s >= 0.0), "singular values");
        assert!(min_gain.is_finite() && min_gain >= 0.0, "a minimum gain of {min_gain}");
        let gain = svd.sigma[0].max(min_gain);
        let capability = design.topology().capability();
        if capability == Capability::AnyContraction {
            let side = rows.max(columns);
            let mut contraction = DMatrix::zeros(side, side);
            if gain > 0.0 {
                contraction.view_mut((0, 0), (rows, columns)).copy_from(&w.map(|z| z / gain));
            }
            let stages = vec![design.program_contraction(&contraction)?];
            return Ok(Self { design, rows, columns, gain, stages });
        }
        Self::check_supported(&design, rows.min(columns), rows, columns)?;
        let mut attenuators = Phases::zero(svd.sigma.len(), 0);
        for (j, sigma) in svd.sigma.iter().enumerate() {
            let (theta, phi) = attenuator(if gain > 0.0 { sigma / gain } else { 0.0 });
            attenuators.set_cell(j, theta, phi);
        }
        let mesh = |u: DMatrix<Complex64>| design.program(&Unitary::trusted(u));
        let stages = vec![mesh(svd.v.adjoint())?, Stage::attenuators(attenuators), mesh(svd.u)?];
        let mut program = Self { design, rows, columns, gain, stages };
        if capability == Capability::Fitted {
            // Both meshes are approximations. The gain that minimises ‖gain·M − W‖ is Re⟨M, W⟩/‖M‖².
            let optics = program.optics();
            program.gain = (optics.dotc(w).re / optics.norm_squared().max(f64::MIN_POSITIVE)).max(0.0);
        }
        Ok(program)
    }

    /// One mesh with given phases (rad); the matrix is the one that they realise.
    ///
    /// # Panics
    ///
    /// If the phases are not those of the layout, or there are no ports.
    #[must_use]
    pub fn from_phases(design: impl Into<MeshDesign>, ports: usize, phases: Phases) -> Self {
        assert!(ports > 0, "a mesh needs ports");
        let design = design.into();
        let stages = vec![Stage::mesh(design.layout(ports), phases)];
        Self { design, rows: ports, columns: ports, gain: 1.0, stages }
    }

    /// A program with all phases zero, in the form of a general matrix. A chip can be fabricated for it before any matrix is
    /// known.
    ///
    /// # Panics
    ///
    /// If a size is zero.
    #[must_use]
    pub fn blank(rows: usize, columns: usize, design: impl Into<MeshDesign>) -> Self {
        assert!(rows > 0 && columns > 0, "a matrix needs rows and columns");
        let design = design.into();
        if design.topology().capability() == Capability::AnyContraction {
            let stages = vec![design.blank(rows.max(columns))];
            return Self { design, rows, columns, gain: 1.0, stages };
        }
        let column = Stage::attenuators(Phases::zero(rows.min(columns), 0));
        let stages = vec![design.blank(columns), column, design.blank(rows)];
        Self { design, rows, columns, gain: 1.0, stages }
    }

    /// Checks that the topology realises a rows×columns matrix with `rank` singular values.
    ///
    /// # Errors
    ///
    /// [`MeshError::Topology`].
    pub fn check_supported(design: &MeshDesign, rank: usize, rows: usize, columns: usize) -> Result<(), MeshError> {
        match design.topology().capability().max_rows() {
            Some(max) if rank > max || rows > max => {
                Err(MeshError::Topology { topology: design.topology().key(), limit: "carries one row", rows, columns })
            }
            _ => Ok(()),
        }
    }

    /// The form: never [`Form::Auto`].
    #[must_use]
    pub fn form(&self) -> Form {
        match self.stages.len() {
            1 if self.design.topology().capability() == Capability::AnyContraction => Form::Contraction,
            1 => Form::Unitary,
            _ => Form::Svd,
        }
    }

    /// Topology and cell of its meshes.
    #[must_use]
    pub fn design(&self) -> &MeshDesign {
        &self.design
    }

    /// (rows, columns) of the matrix.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The factor between the passive optics and the matrix: ‖W‖₂, or 1 for a unitary.
    #[must_use]
    pub fn gain(&self) -> f64 {
        self.gain
    }

    /// The stages in the order of propagation.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The same program with other phases, one [`Phases`] per stage.
    ///
    /// # Panics
    ///
    /// If the phases are not those of the stages.
    #[must_use]
    pub fn with_phases(&self, phases: Vec<Phases>) -> Self {
        assert_eq!(phases.len(), self.stages.len(), "phases of each stage");
        let mut program = self.clone();
        for (stage, phases) in program.stages.iter_mut().zip(phases) {
            stage.set(phases);
        }
        program
    }

    /// Shares the memory of layouts with the stages of another program whose layouts are equal. The layouts of many cores then
    /// take the memory of one, and stay in the caches of the processor.
    pub fn share_layouts(&mut self, other: &Self) {
        self.stages.iter_mut().for_each(|stage| stage.share_layout(&other.stages));
    }

    /// The same optics with another electronic gain.
    ///
    /// # Panics
    ///
    /// If the gain is no finite number ≥ 0.
    #[must_use]
    pub fn with_electronic_gain(mut self, gain: f64) -> Self {
        assert!(gain.is_finite() && gain >= 0.0, "a gain of {gain}");
        self.gain = gain;
        self
    }

    /// Number of interferometers, attenuators included.
    #[must_use]
    pub fn interferometers(&self) -> usize {
        self.stages.iter().map(|s| s.layout().positions.len()).sum()
    }

    /// Number of columns of interferometers in series.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.stages.iter().map(|s| s.layout().columns).sum()
    }

    /// Sends a batch of fields (columns × batch) through the ideal optics, without the gain: rows × batch.
    ///
    /// A batch of more than 3N + 128 fields is multiplied by the realised matrix; a smaller one propagates cell by cell.
    /// A product is cheaper per field, but the matrix has to be realised first. Both ways differ by rounding.
    ///
    /// # Panics
    ///
    /// If the number of fields is not the number of columns of the matrix.
    #[must_use]
    pub fn propagate(&self, fields: &DMatrix<Complex64>) -> DMatrix<Complex64> {
        assert_eq!(fields.nrows(), self.columns, "one field per column of the matrix");
        if fields.ncols() > 3 * self.rows.max(self.columns) + 128 {
            return multiply(&self.optics(), fields);
        }
        self.propagate_through(Fields::from_matrix(fields))
    }

    /// The realised matrix of the ideal optics with the gain, rows × columns.
    #[must_use]
    pub fn matrix(&self) -> DMatrix<Complex64> {
        self.optics() * Complex64::new(self.gain, 0.0)
    }

    fn optics(&self) -> DMatrix<Complex64> {
        self.propagate_through(Fields::identity(self.columns))
    }

    /// The fields after every stage, cell by cell.
    fn propagate_through(&self, mut fields: Fields) -> DMatrix<Complex64> {
        for stage in &self.stages {
            Circuit::ideal(stage).propagate(&mut fields);
        }
        fields.resize(self.rows);
        fields.to_matrix()
    }
}
