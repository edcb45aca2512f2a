//! Register widths agree on undone blocks: fields, adjoints and overlaps.

use super::*;
use crate::cell::mzi::CellErrors;
use crate::layout::phases::Phases;
use crate::layout::stage::Stage;
use crate::layout::{CellPosition, Layout};
use crate::topology::mesh_design::MeshDesign;
use crate::topology::topologies;
use nalgebra::DMatrix;
use phaseloom_numerics::{StreamKey, standard_normal};
use std::f64::consts::PI;

/// Undoes with the widest registers of the processor, with narrower ones, and without vector instructions.
fn with_each(undo: impl Fn(&dyn Fn(Undo<'_>)) -> Outcome) -> Vec<Outcome> {
    let mut outcomes = vec![undo(&|work| Arch::new().dispatch(work)), undo(&|work| Scalar.vectorize(work))];
    #[cfg(target_arch = "x86_64")]
    if let Some(narrow) = pulp::x86::V3::try_new() {
        outcomes.push(undo(&|work| Simd::vectorize(narrow, work)));
    }
    outcomes
}

/// Fields and adjoint, and the sums of the cells in the order of the layout.
struct Outcome {
    fields: Vec<Fields>,
    /// Whether a scale factor was applied on the way.
    scaled: bool,
    sums: Vec<(usize, [Complex64; 2])>,
}

fn check(name: &str, stage: &Stage, errors: &[CellErrors], batch: usize) -> bool {
    let layout = stage.layout();
    let mut stream = StreamKey::new(1, "test").stream();
    let mut random_fields = || {
        let mut normal = || Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream));
        Fields::from_matrix(&DMatrix::from_fn(layout.modes, batch, |_, _| normal()))
    };
    let (fields, adjoint) = (random_fields(), random_fields());
    let outcomes = with_each(|run| {
        let (mut fields, mut adjoint) = (fields.clone(), adjoint.clone());
        let (mut block, mut backward) = (ColumnBlock::default(), BackwardEngine::new(layout.modes, 0));
        let (mut sums, mut scaled) = (Vec::new(), false);
        // Two blocks, so that factors pass from one to the next.
        let middle = layout.columns / 2;
        for columns in [middle..layout.columns, 0..middle].into_iter().filter(|columns| !columns.is_empty()) {
            block.set(stage, stage.phases(), errors, columns);
            let cells = CellBatch::Block(&block);
            run(Undo { backward: &mut backward, cells, fields: &mut fields, adjoint: &mut adjoint });
            scaled |= backward.ops.iter().any(|op| matches!(op, UndoOp::Scale { .. }));
            sums.extend(backward.cells.iter().map(|undone| (undone.cell, undone.sums)));
        }
        backward.apply_pending(Some(&mut fields), &mut adjoint);
        sums.sort_by_key(|(cell, _)| *cell);
        Outcome { fields: vec![fields, adjoint], scaled, sums }
    });
    let [first, others @ ..] = &outcomes[..] else { panic!("one outcome at least") };
    assert_eq!(first.sums.len(), layout.positions.len());
    let largest = first.sums.iter().flat_map(|(_, sums)| sums).map(|z| z.norm()).fold(0.0, f64::max);
    for other in others {
        for (a, b) in first.fields.iter().zip(&other.fields) {
            let (a, b) = (a.to_matrix(), b.to_matrix());
            assert!((&a - &b).norm() <= 1e-13 * layout.columns as f64 * a.norm(), "{name}");
        }
        for ((cell, a), (_, b)) in first.sums.iter().zip(&other.sums) {
            let off = (a[0] - b[0]).norm().max((a[1] - b[1]).norm());
            assert!(off <= 1e-13 * layout.columns as f64 * largest, "{name}, cell {cell}: {off:e} of {largest:e}");
        }
    }
    first.scaled
}

/// Irregular phases; with `bar`, two of three cells are in the bar state. Their scale factors become so small that they
/// are applied at once, in some lanes of a register and not in others.
fn stage(layout: Layout, bar: bool) -> Stage {
    let mut phases = Phases::blank(&layout);
    let cells = layout.positions.len();
    phases.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = 3.0 * (k as f64 * 0.7).sin());
    for cell in (0..cells).filter(|cell| bar && cell % 3 > 0) {
        phases.values_mut()[cell] = PI;
    }
    Stage::mesh(layout, phases)
}

#[test]
fn every_register_width_agrees() {
    for topology in topologies() {
        let layout = MeshDesign::from(&topology).layout(21);
        if layout.has_crossings() {
            continue;
        }
        for bar in [false, true] {
            let stage = stage(layout.clone(), bar);
            let errors = |k: usize| CellErrors {
                beta: if bar { 0.0 } else { 0.05 * (k as f64).sin() },
                upper_transmission: if bar { 1.0 } else { 0.98 },
                ..CellErrors::NONE
            };
            let errors: Vec<CellErrors> = (0..stage.layout().positions.len()).map(errors).collect();
            for batch in [1, 19] {
                let scaled = check(&format!("{} bar {bar} ×{batch}", topology.key()), &stage, &errors, batch);
                assert_eq!(scaled, bar && stage.layout().cell.is_interferometer(), "{}", topology.key());
            }
        }
    }
}

/// Columns with gaps: cells more than two modes apart.
#[test]
fn columns_with_gaps() {
    let positions = [(0, 0), (0, 5), (0, 7), (1, 1), (1, 3), (2, 0), (2, 2), (2, 6), (4, 7), (4, 1), (4, 4)];
    let layout = Layout::new(9, positions.map(|(column, mode)| CellPosition { column, mode }).to_vec());
    let stage = stage(layout, false);
    check("gaps", &stage, &vec![CellErrors::NONE; positions.len()], 3);
}
