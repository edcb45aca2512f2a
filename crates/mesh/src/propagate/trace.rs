//! Fields of one vector at every column of a stage, and between the splitters of every cell.
//!
//! ```text
//!  input ──[crossings]──┬──[boundary phases]──┬─ cell ─ arms ─ cell ──┬── … ──[crossings]──[output phases]── output
//!                 column.input           cell.input  cell.arms  cell.output
//! ```
//!
//! A trace serves drawings and reports. It applies the parts of [`crate::reference`] one after another, so it is slower
//! than [`Circuit`](crate::Circuit), which propagates a batch and keeps nothing.

use crate::cell::kind::{Cell, CellPart};
use crate::cell::mzi::CellErrors;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::reference;
use nalgebra::Vector2;
use num_complex::Complex64;

/// Fields of one vector on its way through a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTrace {
    /// The columns in the direction of propagation.
    pub columns: Vec<ColumnTrace>,
    /// Fields of all modes after the stage; modes beyond the ports are absorbed there.
    pub output: Vec<Complex64>,
}

/// Fields of one vector at one column of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnTrace {
    /// Fields of all modes before the column, after the crossings in front of it.
    pub input: Vec<Complex64>,
    /// Fields inside the cells of the column, in the order of the layout.
    pub cells: Vec<CellTrace>,
}

/// Fields of the two waveguides of a cell, upper and lower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellTrace {
    /// Before φ and the first splitter; after the additional splitter of a cell with three.
    pub input: [Complex64; 2],
    /// After the first splitter, before the phases and the loss of the arms. In a coupler, after both.
    pub arms: [Complex64; 2],
    /// After the last splitter; before the crossing of a cell that has one.
    pub output: [Complex64; 2],
}

impl StageTrace {
    /// Propagates `input` through a stage with these phases (rad) and cell errors, and keeps the fields. O(cells).
    ///
    /// Modes that `input` lacks get no light; fields beyond the modes are dropped, as between the meshes of a program. The
    /// lower input of an attenuator is idle, its lower output absorbed.
    ///
    /// ```
    /// use phaseloom_mesh::{Form, MatrixProgram, StageTrace, topology};
    /// use phaseloom_mesh::cell::CellErrors;
    /// use phaseloom_numerics::{StreamKey, haar_unitary};
    ///
    /// let u = haar_unitary(4, &mut StreamKey::new(1, "example").stream());
    /// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
    /// let stage = &program.stages()[0];
    /// let errors = vec![CellErrors::NONE; stage.layout().positions.len()];
    /// let trace = StageTrace::new(stage, stage.phases(), &errors, &[1.0.into()]);
    /// // Power is conserved at every column; the output is the first column of the matrix.
    /// for column in &trace.columns {
    ///     let power: f64 = column.input.iter().map(|field| field.norm_sqr()).sum();
    ///     assert!((power - 1.0).abs() < 1e-14);
    /// }
    /// assert!((trace.output[2] - u[(2, 0)]).norm() < 1e-14);
    /// # Ok::<(), phaseloom_mesh::MeshError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `errors` does not have one entry per cell, or `phases` are not those of the stage.
    #[must_use]
    pub fn new(stage: &Stage, phases: &Phases, errors: &[CellErrors], input: &[Complex64]) -> Self {
        let layout = stage.layout();
        assert_eq!(layout.positions.len(), errors.len(), "one state per cell");
        assert_eq!(phases.shape(), stage.phases().shape(), "phases of the stage");
        let mut fields = input.to_vec();
        fields.resize(layout.modes, Complex64::ZERO);
        let mut columns = Vec::with_capacity(layout.columns);
        for column in 0..layout.columns {
            layout.permute(column, &mut fields);
            let input = fields.clone();
            for (k, shifter) in layout.boundary_shifters_before(layout.column(column)) {
                let mode = layout.positions[shifter.cell].mode + usize::from(shifter.lower);
                fields[mode] *= Complex64::cis(phases.boundary()[k]);
            }
            let mut cells = Vec::new();
            for k in layout.column(column) {
                let mode = layout.positions[k].mode;
                let joins_two = stage.kind() == StageKind::Mesh;
                let pair = [fields[mode], if joins_two { fields[mode + 1] } else { Complex64::ZERO }];
                let (cell, output) = CellTrace::new(layout.cell, phases.theta()[k], phases.phi()[k], errors[k], pair);
                fields[mode] = output[0];
                if joins_two {
                    fields[mode + 1] = output[1];
                }
                cells.push(cell);
            }
            columns.push(ColumnTrace { input, cells });
        }
        layout.permute(layout.columns, &mut fields);
        for (field, &phase) in fields.iter_mut().zip(phases.output()) {
            *field *= Complex64::cis(phase);
        }
        Self { columns, output: fields }
    }
}

impl CellTrace {
    /// The fields inside a cell, and those at its outputs.
    fn new(kind: Cell, theta: f64, phi: f64, errors: CellErrors, input: [Complex64; 2]) -> (Self, [Complex64; 2]) {
        let mut trace = Self { input, arms: input, output: input };
        let mut fields = Vector2::from(input);
        for &part in kind.parts() {
            fields = reference::part(part, theta, phi, errors) * fields;
            let pair = [fields.x, fields.y];
            match (part, kind.is_interferometer()) {
                (CellPart::InputSplitter, _) => trace.input = pair,
                (CellPart::FirstSplitter, true) | (CellPart::Arms, false) => trace.arms = pair,
                (CellPart::FirstSplitter, false) | (CellPart::SecondSplitter, _) => trace.output = pair,
                _ => {}
            }
        }
        (trace, [fields.x, fields.y])
    }
}
