//! How strongly the errors of all components change the matrix of a program, to first order.
//!
//! A component at a cut through two modes of a mesh changes `W = A·B` by `∂W = A·G·B`: B are the fields at the cut for unit
//! fields at the input, A sends fields from the cut to the output, and G is iX for a splitter, `i·e·e†` for a phase shifter
//! and `−e·e†` for the logarithm of an arm's amplitude. So
//!
//! ```text
//! ‖∂W‖² = tr(G†·K·G·L),   ⟨W, ∂W⟩ = tr(G·P),   K = A†A,  L = BB†,  P = BW†A,
//! ```
//!
//! and only the 2×2 blocks of K, L and P of the two modes count (derived). The fields at the cuts are those at the end of the
//! mesh, undone cell by cell. That is exact, because cells without errors are unitary. O(N) per cell.
//!
//! A mesh of a unitary has K = L = I. In `U·Σ·V†`, the mesh of V† has L = I and P = K, the mesh of U has K = I and P = L.

use crate::cell::kind::CellPart;
use crate::cell::mzi::{CellErrors, transfer};
use crate::gradient::conjugate_transpose;
use crate::layout::stage::Stage;
use crate::program::matrix_program::{Form, MatrixProgram};
use crate::propagate::circuit::Circuit;
use crate::propagate::fields::Fields;
use crate::reference::part;
use nalgebra::{DMatrix, Matrix2};
use num_complex::Complex64;

type Pair = Matrix2<Complex64>;

/// The first-order effect of independent errors of unit variance on a matrix W, relative to ‖W‖².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sensitivity {
    /// `Σ‖∂W‖²`: the matrix error squared.
    pub error: f64,
    /// `Σ‖∂W⊥‖²`, without the part that is a factor of W: the infidelity.
    pub infidelity: f64,
}

/// The [`Sensitivity`] of a program to the errors of its components, each kind summed over the program.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sensitivities {
    /// To the angles of all splitters (1/rad²).
    pub splitters: Sensitivity,
    /// To all phases (1/rad²).
    pub phases: Sensitivity,
    /// To the logarithm of the amplitude of the upper arms, of the lower arms, and of both: the variances of the two arms
    /// and their covariance multiply these three.
    pub arms: [Sensitivity; 3],
}

impl MatrixProgram {
    /// The sensitivities of the program. O(max(M,N)³), about as long as ten chips; quick for a unitary.
    ///
    /// ```
    /// use phaseloom_mesh::{Form, MatrixProgram, topology};
    /// use phaseloom_numerics::{StreamKey, haar_unitary};
    ///
    /// let u = haar_unitary(6, &mut StreamKey::new(1, "example").stream());
    /// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
    /// // Each of N(N−1) splitters has 2/N, each of N² phases 1/N.
    /// let sensitivities = program.sensitivities();
    /// assert!((sensitivities.splitters.error - 10.0).abs() < 1e-12);
    /// assert!((sensitivities.phases.error - 6.0).abs() < 1e-12);
    /// # Ok::<(), phaseloom_mesh::MeshError>(())
    /// ```
    #[must_use]
    pub fn sensitivities(&self) -> Sensitivities {
        let (stages, (rows, columns)) = (self.stages(), self.shape());
        let mut sums = Sums::default();
        if self.form() == Form::Svd {
            let transmissions: Vec<Complex64> = amplitudes(&stages[1]).collect();
            let diagonal = |modes: usize, factor: fn(&Complex64) -> Complex64| {
                let entry = |i, j| if i == j { factor(&transmissions[j]) } else { Complex64::ZERO };
                Some(DMatrix::from_fn(modes, transmissions.len(), entry))
            };
            let modes = |k: usize| stages[k].layout().modes;
            sums.mesh(&stages[0], identity(columns, modes(0)), diagonal(modes(0), Complex64::conj));
            sums.attenuators(&stages[1]);
            sums.mesh(&stages[2], diagonal(modes(2), |&z| z), identity(rows, modes(2)));
        } else {
            let modes = stages[0].layout().modes;
            sums.mesh(&stages[0], identity(columns, modes), identity(rows, modes));
        }
        sums.relative()
    }
}

/// Unit fields on the first of all modes; `None` if these are all.
fn identity(size: usize, modes: usize) -> Option<DMatrix<Complex64>> {
    (size < modes).then(|| DMatrix::identity(modes, size))
}

/// Amplitude transmissions of a column of attenuators.
fn amplitudes(stage: &Stage) -> impl Iterator<Item = Complex64> {
    let phases = stage.phases();
    phases.theta().iter().zip(phases.phi()).map(|(&theta, &phi)| transfer(theta, phi, CellErrors::NONE)[0][0])
}

/// `‖∂W‖²` and `|⟨W, ∂W⟩|²` of components of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    change: f64,
    overlap: f64,
}

impl Sum {
    fn add(&mut self, (change, overlap): (f64, f64)) {
        self.change += change;
        self.overlap += overlap;
    }
}

/// The sums over a program, and the `‖W‖²` that they refer to.
#[derive(Default)]
struct Sums {
    splitters: Sum,
    phases: Sum,
    arms: [Sum; 3],
    norm_squared: f64,
}

/// Fields at a cut through a mesh: B, A† and A†W. An identity has no fields.
struct Cut {
    before: Option<Fields>,
    after: Option<Fields>,
    projected: Option<Fields>,
}

/// The blocks of K, L and P of two modes.
struct Blocks {
    k: Pair,
    l: Pair,
    p: Pair,
}

impl Cut {
    fn each(&mut self, change: impl Fn(&mut Fields)) {
        [&mut self.before, &mut self.after, &mut self.projected].into_iter().flatten().for_each(change);
    }

    /// The blocks of a pair of modes, which may be twice the same.
    fn blocks(&self, modes: [usize; 2]) -> Blocks {
        let block = |a: &Fields, b: &Fields| Pair::from_fn(|i, j| Fields::overlap((b, modes[j]), (a, modes[i])));
        let own = |fields: &Option<Fields>| fields.as_ref().map_or_else(Pair::identity, |fields| block(fields, fields));
        let (k, l) = (own(&self.after), own(&self.before));
        let p = match (&self.before, &self.after, &self.projected) {
            (Some(before), _, Some(projected)) => block(before, projected),
            (None, ..) => k,
            _ => l,
        };
        Blocks { k, l, p }
    }
}

impl Blocks {
    /// The blocks at a cut after a unitary.
    fn after(&self, x: &Pair) -> Self {
        let [k, l, p] = [self.k, self.l, self.p].map(|block| x * block * x.adjoint());
        Self { k, l, p }
    }

    /// `‖∂W‖²` and `|⟨W, ∂W⟩|²` for an error with the generator G.
    fn effect(&self, g: &Pair) -> (f64, f64) {
        ((g.adjoint() * self.k * g * self.l).trace().re, (g * self.p).trace().norm_sqr())
    }
}

impl Sums {
    /// Adds a mesh. `input` are the fields before it (B), `output` is A† after it.
    fn mesh(&mut self, stage: &Stage, input: Option<DMatrix<Complex64>>, output: Option<DMatrix<Complex64>>) {
        let (layout, phases) = (stage.layout(), stage.phases());
        let before = input.map(|input| {
            let mut fields = Fields::from_matrix(&input);
            Circuit::ideal(stage).propagate(&mut fields);
            fields
        });
        // ‖W‖² is that of the fields at either end, if the other end is an identity.
        let norm = |fields: &Fields| fields.to_matrix().norm_squared();
        let mut projected = None;
        self.norm_squared = match (&before, &output) {
            (None, None) => layout.modes as f64,
            (Some(before), None) => norm(before),
            (None, Some(output)) => output.norm_squared(),
            (Some(before), Some(output)) => {
                let w = output.adjoint() * before.to_matrix();
                projected = Some(Fields::from_matrix(&(output * &w)));
                w.norm_squared()
            }
        };
        let mut cut = Cut { before, after: output.as_ref().map(Fields::from_matrix), projected };
        let upper = Pair::new(Complex64::I, Complex64::ZERO, Complex64::ZERO, Complex64::ZERO);
        for mode in 0..phases.output().len() {
            self.phases.add(cut.blocks([mode; 2]).effect(&upper));
        }
        let undone = |mode: usize| phases.output().get(mode).map_or(Complex64::ONE, |&phase| Complex64::cis(-phase));
        cut.each(|fields| fields.scale(undone));
        let errors = vec![CellErrors::NONE; layout.positions.len()];
        let uncross = |cut: &mut Cut, column: usize| {
            if let Some(order) = layout.permutation_before(column) {
                cut.each(|fields| fields.unpermute(order));
            }
        };
        uncross(&mut cut, layout.columns);
        for column in (0..layout.columns).rev() {
            let cells = layout.column(column);
            for (cell, transfer) in cells.clone().zip(layout.transfers(cells, phases, &errors)) {
                let mode = layout.positions[cell].mode;
                let undo = conjugate_transpose(&transfer);
                cut.each(|fields| fields.mix(mode, &undo));
                self.cell(stage, cell, &cut.blocks([mode, mode + 1]));
            }
            uncross(&mut cut, column);
        }
    }

    /// Adds the components of a cell with the blocks at its inputs.
    fn cell(&mut self, stage: &Stage, cell: usize, blocks: &Blocks) {
        let (layout, phases) = (stage.layout(), stage.phases());
        let only = |mode: usize, factor: Complex64| {
            let entries = [0, 1].map(|k| if k == mode { factor } else { Complex64::ZERO });
            Pair::new(entries[0], Complex64::ZERO, Complex64::ZERO, entries[1])
        };
        let mut x = Pair::identity();
        for (k, shifter) in layout.boundary_shifters_before(cell..cell + 1) {
            let mode = usize::from(shifter.lower);
            self.phases.add(blocks.effect(&only(mode, Complex64::I)));
            x *= only(mode, Complex64::cis(phases.boundary()[k])) + only(1 - mode, Complex64::ONE);
        }
        let (theta, phi) = (phases.theta()[cell], phases.phi()[cell]);
        for &kind in layout.cell.parts() {
            x = part(kind, theta, phi, CellErrors::NONE) * x;
            let blocks = blocks.after(&x);
            let (sum, generator) = match kind {
                CellPart::InputSplitter | CellPart::FirstSplitter | CellPart::SecondSplitter => {
                    (&mut self.splitters, Pair::new(Complex64::ZERO, Complex64::I, Complex64::I, Complex64::ZERO))
                }
                CellPart::Phi | CellPart::Theta => (&mut self.phases, only(0, Complex64::I)),
                CellPart::LowerPhi => (&mut self.phases, only(1, Complex64::I)),
                CellPart::Arms => {
                    let [upper, lower] = [0, 1].map(|mode| blocks.effect(&only(mode, -Complex64::ONE)));
                    self.arms[0].add(upper);
                    self.arms[1].add(lower);
                    let change = 2.0 * (blocks.k[(0, 1)] * blocks.l[(1, 0)]).re;
                    self.arms[2].add((change, 2.0 * (blocks.p[(0, 0)].conj() * blocks.p[(1, 1)]).re));
                    continue;
                }
                CellPart::Crossing => continue,
            };
            sum.add(blocks.effect(&generator));
        }
    }

    /// Adds attenuators between unitary meshes. The derivative of an amplitude t changes W by itself, and overlaps with W
    /// by t* times itself. Without errors `t = (e^{iθ} − 1)/2·e^{iφ}`.
    fn attenuators(&mut self, stage: &Stage) {
        for ((&theta, &phi), t) in stage.phases().theta().iter().zip(stage.phases().phi()).zip(amplitudes(stage)) {
            let (u, e) = (Complex64::cis(theta), Complex64::cis(phi) / 2.0);
            let (upper, lower) = (-u * e, e);
            let splitter = e + u * e;
            let effect = |change: Complex64| (change.norm_sqr(), (t.conj() * change).norm_sqr());
            [t, upper].into_iter().for_each(|change| self.phases.add(effect(change)));
            [splitter; 2].into_iter().for_each(|change| self.splitters.add(effect(change)));
            self.arms[0].add(effect(upper));
            self.arms[1].add(effect(lower));
            let both = 2.0 * (upper.conj() * lower).re;
            self.arms[2].add((both, t.norm_sqr() * both));
        }
    }

    fn relative(self) -> Sensitivities {
        let norm = self.norm_squared.max(f64::MIN_POSITIVE);
        let relative = |sum: Sum| {
            let error = sum.change / norm;
            Sensitivity { error, infidelity: error - sum.overlap / (norm * norm) }
        };
        Sensitivities {
            splitters: relative(self.splitters),
            phases: relative(self.phases),
            arms: self.arms.map(relative),
        }
    }
}

#[cfg(test)]
mod tests;
