//! A matrix as settings: one mesh for a unitary, two meshes and a column of attenuators for any other.

use crate::cell::mzi::attenuator;
use crate::decompose::unitary::{Unitary, check_finite};
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::propagate::circuit::Circuit;
use crate::propagate::fields::Fields;
use crate::topology::Capability;
use crate::topology::mesh_design::MeshDesign;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::require_memory;
use phaseloom_numerics::canonical_svd;
use phaseloom_numerics::linalg::multiply;

/// How a matrix is laid on meshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One mesh if the matrix is unitary within tolerance, else `Svd`.
    Auto,
    /// One mesh; anything but a unitary is refused.
    Unitary,
    /// `W = g·M`: one mesh that is not unitary between its ports. What a direct topology makes of every matrix.
    Contraction,
    /// `W = g·U·Σ·V†`: light passes the mesh of V†, a column of attenuators and the mesh of U.
    Svd,
}

/// The settings of a whole matrix: `W = gain · (product of the stages)`.
///
/// Canonical: equal matrices have equal programs, and rounding in the matrix moves them by rounding only. Programs of meshes
/// that are fitted, not decomposed, are excepted, for a search amplifies rounding; and those of a fractal where blocks of the
/// matrix have equal singular values.
#[derive(Clone, Debug)]
pub struct MatrixProgram {
    pub(crate) design: MeshDesign,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) gain: f64,
    pub(crate) stages: Vec<Stage>,
}

impl MatrixProgram {
    /// Programs an M×N matrix in double precision; `Form::Auto` takes one mesh where `max|U†U−I| ≤ 1e-9`.
    ///
    /// The rebuilt matrix is within `1e-13·max(M,N)·‖W‖₂` (Frobenius) of the target, but for meshes that are not universal;
    /// what is a unitary to 1e-9 only is programmed on one mesh as nearly as it is one.
    /// O(max(M,N)³), but for meshes that are fitted.
    ///
    /// # Errors
    ///
    /// Empty or non-finite matrices, entries beyond 1e151, [`Form::Unitary`] of another matrix, too little memory, a
    /// failed decomposition.
    pub fn new(w: &DMatrix<Complex64>, form: Form, design: impl Into<MeshDesign>) -> Result<Self, MeshError> {
        Self::within(w, form, design.into(), Unitary::TOLERANCE)
    }

    /// Programs a matrix that was stored in single precision: what is unitary within 1e-5 is replaced by the nearest
    /// unitary.
    ///
    /// # Errors
    ///
    /// As [`MatrixProgram::new`].
    pub fn from_single(w: &DMatrix<Complex64>, form: Form, design: impl Into<MeshDesign>) -> Result<Self, MeshError> {
        Self::within(w, form, design.into(), 1e-5)
    }

    fn within(w: &DMatrix<Complex64>, form: Form, design: MeshDesign, tolerance: f64) -> Result<Self, MeshError> {
        check_finite(w)?;
        Self::check_memory(w, &design)?;
        let contraction = design.topology().capability() == Capability::AnyContraction;
        let unitary = match form {
            Form::Svd | Form::Contraction => None,
            Form::Unitary => Some(Unitary::new(w.clone(), tolerance)?),
            Form::Auto => Unitary::new(w.clone(), tolerance).ok(),
        };
        match unitary {
            Some(u) if tolerance > Unitary::TOLERANCE => Self::unitary(&Unitary::nearest(u.matrix())?, design),
            Some(u) => Self::unitary(&u, design),
            None if contraction => Self::contraction(w, None, design),
            None => Self::svd(w, None, design),
        }
    }

    fn check_memory(w: &DMatrix<Complex64>, design: &MeshDesign) -> Result<(), MeshError> {
        let (rows, columns) = w.shape();
        // Input, its scaled copy, U, V, work of the decomposition: about eight complex matrices of the larger side. A search
        // remembers 20 steps and 20 gradients, each of up to 3N² phases.
        let side = rows.max(columns) as f64;
        let search = if design.topology().capability() == Capability::Fitted { 1200.0 } else { 0.0 };
        Ok(require_memory((8.0 * 16.0 + search) * side * side, &format!("programming a {rows}×{columns} matrix"))?)
    }

    /// Programs a unitary on one mesh.
    ///
    /// # Errors
    ///
    /// Where the topology cannot realise it.
    pub fn unitary(u: &Unitary, design: impl Into<MeshDesign>) -> Result<Self, MeshError> {
        let n = u.modes();
        let design = design.into();
        Self::check_supported(&design, n, n, n)?;
        let stages = vec![design.program(u)?];
        Ok(Self { design, rows: n, columns: n, gain: 1.0, stages })
    }

    /// Programs a matrix as U Σ V† with a gain of at least its largest singular value, where several matrices are to
    /// share one gain. Larger gains attenuate more.
    ///
    /// # Errors
    ///
    /// As [`MatrixProgram::new`].
    pub fn with_gain(w: &DMatrix<Complex64>, gain: f64, design: impl Into<MeshDesign>) -> Result<Self, MeshError> {
        check_finite(w)?;
        let design = design.into();
        Self::check_memory(w, &design)?;
        let form =
            if design.topology().capability() == Capability::AnyContraction { Self::contraction } else { Self::svd };
        form(w, Some(gain), design)
    }

    /// One mesh with given phases (rad); what it does is what it is for.
    ///
    /// # Panics
    ///
    /// If the phases are not those of the mesh: two a cell and one a port.
    #[must_use]
    pub fn of_mesh(design: impl Into<MeshDesign>, ports: usize, settings: Phases) -> Self {
        let design = design.into();
        let stages = vec![Stage::mesh(design.layout(ports), settings)];
        Self { design, rows: ports, columns: ports, gain: 1.0, stages }
    }

    /// The shape of a program of two meshes and attenuators, all phases zero: what a chip is fabricated for before any
    /// matrix is known.
    #[must_use]
    pub fn blank(rows: usize, columns: usize, design: impl Into<MeshDesign>) -> Self {
        let design = design.into();
        if design.topology().capability() == Capability::AnyContraction {
            let stages = vec![design.blank(rows.max(columns))];
            return Self { design, rows, columns, gain: 1.0, stages };
        }
        let column = Stage::attenuators(Phases::zero(rows.min(columns), 0));
        let stages = vec![design.blank(columns), column, design.blank(rows)];
        Self { design, rows, columns, gain: 1.0, stages }
    }

    /// Refuses what a mesh for few rows cannot do: of a rows×columns matrix, `lines` singular values.
    ///
    /// # Errors
    ///
    /// [`MeshError::Topology`].
    pub fn check_supported(design: &MeshDesign, lines: usize, rows: usize, columns: usize) -> Result<(), MeshError> {
        match design.topology().capability().max_rows() {
            Some(most) if lines > most || rows > most => {
                Err(MeshError::Topology { topology: design.topology().key(), limit: "carries one row", rows, columns })
            }
            _ => Ok(()),
        }
    }

    fn contraction(w: &DMatrix<Complex64>, gain: Option<f64>, design: MeshDesign) -> Result<Self, MeshError> {
        let (rows, columns) = w.shape();
        check_magnitude(w)?;
        let gain = canonical_svd(w)?.sigma[0].max(gain.unwrap_or(0.0));
        let side = rows.max(columns);
        let mut square = DMatrix::zeros(side, side);
        if gain > 0.0 {
            square.view_mut((0, 0), (rows, columns)).copy_from(&w.map(|z| z / gain));
        }
        let stages = vec![design.program_contraction(&square)?];
        Ok(Self { design, rows, columns, gain, stages })
    }

    fn svd(w: &DMatrix<Complex64>, gain: Option<f64>, design: MeshDesign) -> Result<Self, MeshError> {
        let (rows, columns) = w.shape();
        check_magnitude(w)?;
        Self::check_supported(&design, rows.min(columns), rows, columns)?;
        let svd = canonical_svd(w)?;
        let gain = svd.sigma[0].max(gain.unwrap_or(0.0));
        let mut column = Phases::zero(svd.sigma.len(), 0);
        for (j, sigma) in svd.sigma.iter().enumerate() {
            let (theta, phi) = attenuator(if gain > 0.0 { sigma / gain } else { 0.0 });
            column.set_cell(j, theta, phi);
        }
        let mesh = |u: DMatrix<Complex64>| design.program(&Unitary::trusted(u));
        let stages = vec![mesh(svd.v.adjoint())?, Stage::attenuators(column), mesh(svd.u)?];
        let fitted = design.topology().capability() == Capability::Fitted;
        let mut program = Self { design, rows, columns, gain, stages };
        if fitted {
            // Both meshes are approximations: the gain that brings their product nearest, Re⟨M, W⟩/‖M‖².
            let made = program.optics();
            program.gain = (made.dotc(w).re / made.norm_squared().max(f64::MIN_POSITIVE)).max(0.0);
        }
        Ok(program)
    }

    /// One unitary mesh, one direct mesh, or two meshes with attenuators.
    #[must_use]
    pub fn form(&self) -> Form {
        match self.stages.len() {
            1 if self.design.topology().capability() == Capability::AnyContraction => Form::Contraction,
            1 => Form::Unitary,
            _ => Form::Svd,
        }
    }

    /// How the cells of its meshes are joined, and what they are.
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

    /// The sections in the order in which light meets them.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The same program with other phases, one [`Phases`] a section.
    ///
    /// # Panics
    ///
    /// If the settings are not those of the sections.
    #[must_use]
    pub fn with_settings(&self, settings: Vec<Phases>) -> Self {
        assert_eq!(settings.len(), self.stages.len(), "settings of each section");
        let mut program = self.clone();
        for (stage, settings) in program.stages.iter_mut().zip(settings) {
            stage.set(settings);
        }
        program
    }

    /// The same optics with another gain behind them.
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

    /// Number of columns of interferometers that light passes.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.stages.iter().map(|s| s.layout().columns).sum()
    }

    /// Sends a batch of fields (columns × batch) through the ideal optics, without the gain: rows × batch.
    ///
    /// Of more than 3N + 128 fields the matrix is made first. Sending a field through one mesh costs about 1.5 times a
    /// product with its matrix, and making the matrix 1 to 1.5 times a product of N fields, more for small N: what is saved
    /// on 3N fields pays for it (fitted on one machine, one mesh of N = 64…512, then fixed). The last digits of a field
    /// therefore depend on which side of that number its batch is.
    ///
    /// # Panics
    ///
    /// If the fields are not one a column of the matrix.
    #[must_use]
    pub fn propagate(&self, fields: &DMatrix<Complex64>) -> DMatrix<Complex64> {
        assert_eq!(fields.nrows(), self.columns, "one field a column of the matrix");
        if fields.ncols() > 3 * self.rows.max(self.columns) + 128 {
            return multiply(&self.optics(), fields);
        }
        let mut fields = Fields::from_matrix(fields);
        for stage in &self.stages {
            Circuit::ideal(stage).propagate(&mut fields);
        }
        fields.resize(self.rows);
        fields.to_matrix()
    }

    /// The matrix that the ideal optics and the gain multiply by, rows × columns.
    #[must_use]
    pub fn matrix(&self) -> DMatrix<Complex64> {
        self.optics() * Complex64::new(self.gain, 0.0)
    }

    fn optics(&self) -> DMatrix<Complex64> {
        let mut fields = Fields::identity(self.columns);
        for stage in &self.stages {
            Circuit::ideal(stage).propagate(&mut fields);
        }
        fields.resize(self.rows);
        fields.to_matrix()
    }

    pub(crate) fn stage(&self, kind: StageKind, last: bool) -> Option<&Stage> {
        let mut found = self.stages.iter().filter(|s| s.kind() == kind);
        if last { found.next_back() } else { found.next() }
    }
}

fn check_magnitude(w: &DMatrix<Complex64>) -> Result<(), MeshError> {
    let largest = w.iter().map(|z| z.re.abs().max(z.im.abs())).fold(0.0, f64::max);
    if largest > 1e151 { Err(MeshError::Magnitude { largest }) } else { Ok(()) }
}
