use super::*;
use crate::cell::mzi::{Transfer, ideal, null_from_left, null_from_right};
use crate::decompose::fuse::{Chain, join_known};
use crate::propagate::chains::Support;
use phaseloom_numerics::{StreamKey, standard_normal};
use pulp::Scalar;

fn random(lines: usize) -> Vec<[f64; TILE_ROW]> {
    let mut stream = StreamKey::new(lines as u64, "test").stream();
    (0..lines).map(|_| std::array::from_fn(|_| standard_normal(&mut stream))).collect()
}

fn entry(line: &[f64; TILE_ROW], k: usize) -> Complex64 {
    Complex64::new(line[k], line[TILE_WIDTH + k])
}

/// Cells one by one, as the rules of [`crate::cell::mzi`] tell them, applied to all 16 vectors.
fn slow(tile: &mut [[f64; TILE_ROW]], rising: bool, way: &Way) -> Vec<(f64, f64)> {
    let mut line = way.line;
    let mut cells = Vec::new();
    if way.carry == Carry::Turned {
        let turn = entry(&tile[line], way.vector).conj() / entry(&tile[line], way.vector).norm();
        for k in 0..TILE_WIDTH {
            let turned = entry(&tile[line], k) * turn;
            (tile[line][k], tile[line][TILE_WIDTH + k]) = (turned.re, turned.im);
        }
    }
    for _ in 0..way.count {
        let met = if rising { line + 1 } else { line - 1 };
        let (carried, other) = (entry(&tile[line], way.vector), entry(&tile[met], way.vector));
        let (theta, phi) = match way.carry {
            Carry::First => null_from_right(carried.conj(), other.conj()),
            Carry::Second => null_from_left(other, carried),
            Carry::Real | Carry::Turned => (2.0 * other.norm().atan2(carried.norm()), other.arg()),
        };
        let t: Transfer = if matches!(way.carry, Carry::First | Carry::Second) {
            ideal(theta, phi)
        } else {
            let norm = carried.norm().hypot(other.norm());
            let (a, b) = (other / norm, carried / norm);
            [[a.conj(), b.conj()], [-b, a]]
        };
        for k in 0..TILE_WIDTH {
            let (x, y) = (entry(&tile[line], k), entry(&tile[met], k));
            let (first, second) = if way.carry == Carry::First { (x, y) } else { (y, x) };
            let made = t.map(|row| row[0] * first + row[1] * second);
            let (left, on) = if way.carry == Carry::First { (made[0], made[1]) } else { (made[1], made[0]) };
            (tile[line][k], tile[line][TILE_WIDTH + k]) = (left.re, left.im);
            (tile[met][k], tile[met][TILE_WIDTH + k]) = (on.re, on.im);
        }
        cells.push((theta, phi));
        line = met;
    }
    cells
}

fn ways(lines: usize, rising: bool, carry: Carry) -> Vec<Way> {
    // Chains become shorter at the end that is done, as rows of a triangle do, or longer, as sweeps do.
    (0..TILE_WIDTH.min(lines - 1))
        .map(|k| {
            let count = if rising { lines - 1 - k } else { lines - TILE_WIDTH.min(lines - 1) + k };
            Way {
                vector: if rising { TILE_WIDTH - 1 - k } else { k },
                line: if rising { 0 } else { count },
                count,
                carry,
            }
        })
        .collect()
}

fn check(lines: usize, rising: bool, carry: Carry) {
    let ways = ways(lines, rising, carry);
    // With the widest registers that there are, with narrower ones, and without any.
    let mut tile = random(lines);
    check_found(lines, rising, &ways, project(&mut tile, rising, &ways));
    let mut tile = random(lines);
    let plain = Scalar.vectorize(Project { tile: &mut tile, rising, ways: &ways });
    check_found(lines, rising, &ways, plain);
    #[cfg(target_arch = "x86_64")]
    if let Some(narrow) = pulp::x86::V3::try_new() {
        let mut tile = random(lines);
        let found = Simd::vectorize(narrow, Project { tile: &mut tile, rising, ways: &ways });
        check_found(lines, rising, &ways, found);
    }
}

fn check_found(lines: usize, rising: bool, ways: &[Way], found: Option<Projections>) {
    let found = found.expect("generic vectors");
    let mut expected = random(lines);
    let turn = |a: f64, b: f64| (Complex64::cis(a) - Complex64::cis(b)).norm();
    for (w, way) in ways.iter().enumerate() {
        let before = expected.clone();
        let cells = slow(&mut expected, rising, way);
        assert_eq!(found.angles[w].len(), cells.len());
        let first = entry(&before[way.line], way.vector).arg();
        assert!(turn(found.phases[w][0], first) < 1e-11, "{lines} lines, chain {w}: the phase of the first entry");
        for (a, b) in found.angles[w].iter().zip(&cells) {
            let off = turn(a.0, b.0).max(turn(a.1, b.1));
            assert!(off < 1e-11, "{lines} lines, chain {w}: {a:?} and {b:?}");
            assert!((0.0..=PI).contains(&a.0) && (-1e-9..TAU).contains(&a.1), "{a:?}");
        }
        let end = if rising { way.line + way.count } else { way.line - way.count };
        let off = turn(found.phases[w][1], entry(&expected[end], way.vector).arg());
        assert!(off < 1e-11, "{lines} lines, chain {w}: the phase that is left");
    }
    // Other vectors pass the cells as they do one by one.
    let chains: Vec<Chain<[f64; 4]>> = ways
        .iter()
        .zip(found.elements)
        .enumerate()
        .map(|(w, (way, elements))| Chain { line: way.line, column: if rising { 2 * w } else { 0 }, elements })
        .collect();
    let mut passed = random(lines);
    join_known(rising, &chains, &found.factors).apply(passed.as_flattened_mut(), |_| Support::Full);
    for (line, (a, b)) in passed.iter().zip(&expected).enumerate() {
        for k in 0..TILE_WIDTH {
            let off = (entry(a, k) - entry(b, k)).norm();
            assert!(off < 1e-11, "{lines} lines, line {line}, vector {k}: off by {off:e}");
        }
    }
}

#[test]
fn are_the_cells_of_one_rotation_after_another() {
    for lines in [2, 3, 4, 8, 9, 16, 17, 18, 40] {
        for carry in [Carry::First, Carry::Second, Carry::Real, Carry::Turned] {
            check(lines, false, carry);
            check(lines, true, carry);
        }
    }
}

#[test]
fn a_chain_of_no_cells_leaves_its_entry() {
    let mut tile = random(3);
    let phase = entry(&tile[0], 5).arg();
    let found =
        project(&mut tile, true, &[Way { vector: 5, line: 0, count: 0, carry: Carry::First }]).expect("generic");
    assert!((found.phases[0][1] - phase).abs() < 1e-15 && found.angles[0].is_empty());
    assert!(found.factors.iter().all(|factor| (factor - 1.0).norm() < 1e-15));
}

/// Two lines, and vectors that are nearly one another: each chain leaves both lines with weights of 1e-24 of what they were.
#[test]
fn factors_keep_their_range() {
    let mut tile = random(2);
    for k in 0..TILE_WIDTH {
        (tile[0][k], tile[0][TILE_WIDTH + k], tile[1][k], tile[1][TILE_WIDTH + k]) =
            (1e-12 * (k + 1) as f64, 0.0, 1.0, 0.0);
    }
    let ways: Vec<Way> = (0..TILE_WIDTH).map(|vector| Way { vector, line: 0, count: 1, carry: Carry::First }).collect();
    assert!(project(&mut tile.clone(), true, &ways[..2]).is_some());
    assert!(project(&mut tile, true, &ways).is_none());
}

#[test]
fn what_is_not_generic_has_none() {
    for bad in [0.0, 1e-14, f64::NAN, f64::INFINITY] {
        for line in [0, 4, 8] {
            let mut tile = random(9);
            (tile[line][3], tile[line][TILE_WIDTH + 3]) = (bad, bad);
            let way = Way { vector: 3, line: 8, count: 8, carry: Carry::Second };
            assert!(project(&mut tile, false, &[way]).is_none(), "{bad} on line {line}");
        }
    }
}
