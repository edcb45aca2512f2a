//! Work and reference in turn.

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom::mesh::cell::CellErrors;
use phaseloom::mesh::{Form, MatrixProgram, MeshDesign, Phases, Stage, topology};
use phaseloom::numerics::{StreamKey, haar_unitary, standard_normal};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Faer's own routines, on matrices that are there.
pub mod reference {
    use faer::linalg::matmul::matmul;
    use faer::{Accum, Mat, MatRef, Par};
    use nalgebra::DMatrix;
    use num_complex::Complex64;

    fn view(matrix: &DMatrix<Complex64>) -> MatRef<'_, Complex64> {
        MatRef::from_column_major_slice(matrix.as_slice(), matrix.nrows(), matrix.ncols())
    }

    pub fn product(a: &DMatrix<Complex64>, b: &DMatrix<Complex64>) -> Mat<Complex64> {
        let mut c = Mat::zeros(a.nrows(), b.ncols());
        matmul(c.as_mut(), Accum::Replace, view(a), view(b), Complex64::new(1.0, 0.0), Par::Seq);
        c
    }

    pub fn qr(a: &DMatrix<Complex64>) -> faer::linalg::solvers::Qr<Complex64> {
        view(a).qr()
    }
}

pub fn header() {
    faer::set_global_parallelism(faer::Par::Seq);
    println!("{:<30}{:>5}{:>13}{:>13}{:>8}{:>9}", "work", "N", "ours", "reference", "ratio", "at most");
}

/// Several inputs, so that nothing is learnt from one to the next, and that one which takes another way (few of the unitaries
/// of 500 modes are programmed twice) does not stand for all.
pub fn inputs<T>(make: impl Fn(u64) -> T) -> Vec<T> {
    (0..4).map(make).collect()
}

pub fn gaussian(rows: usize, columns: usize, seed: u64) -> DMatrix<Complex64> {
    let mut stream = StreamKey::new(seed, "benchmark/gaussian").stream();
    DMatrix::from_fn(rows, columns, |_, _| Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream)))
}

pub fn random_program(n: usize, seed: u64) -> MatrixProgram {
    let u = haar_unitary(n, &mut StreamKey::new(seed, "benchmark/program").stream());
    MatrixProgram::new(&u, Form::Unitary, topology("rectangular").expect("is there")).expect("a unitary")
}

pub fn haar(n: usize, seed: u64) -> DMatrix<Complex64> {
    haar_unitary(n, &mut StreamKey::new(seed, "benchmark").stream())
}

/// A mesh of any design with phases of no order, and the state of its cells with errors of .01 and equal loss.
pub fn random_phases(design: &MeshDesign, n: usize, seed: u64) -> (Stage, Vec<CellErrors>) {
    let layout = design.layout(n);
    let mut stream = StreamKey::new(seed, "benchmark/phases").stream();
    let mut settings = Phases::blank(&layout);
    settings.values_mut().iter_mut().for_each(|phase| *phase = 3.0 * standard_normal(&mut stream));
    let mut draw = || 0.01 * standard_normal(&mut stream);
    let errors = layout
        .positions
        .iter()
        .map(|_| CellErrors {
            alpha: draw(),
            beta: draw(),
            gamma: draw(),
            upper_transmission: 0.99,
            lower_transmission: 0.99,
        })
        .collect();
    (Stage::mesh(layout, settings), errors)
}

/// A program of random phases, and the state of its cells with errors of .01.
pub fn chip(n: usize, seed: u64) -> (MatrixProgram, Vec<CellErrors>) {
    let program = random_program(n, seed);
    let mut stream = StreamKey::new(seed, "benchmark/chip").stream();
    let mut draw = || 0.01 * standard_normal(&mut stream);
    let errors = (0..program.interferometers())
        .map(|_| CellErrors {
            alpha: draw(),
            beta: draw(),
            gamma: 0.0,
            upper_transmission: 0.99 + 0.1 * draw(),
            lower_transmission: 0.99,
        })
        .collect();
    (program, errors)
}

pub struct Pair<'a> {
    pub work: &'a str,
    pub n: usize,
    pub at_most: f64,
    pub reference: &'a str,
}

impl Pair<'_> {
    /// Runs ours and the reference in turn on the inputs, and prints the line of the target.
    pub fn run<T, A, B>(self, inputs: &[T], ours: impl Fn(&T) -> A, reference: impl Fn(&T) -> B) {
        let (first, second) = (Cell::new(0), Cell::new(0));
        let next = |counter: &Cell<usize>| &inputs[counter.replace(counter.get() + 1) % inputs.len()];
        let times = in_turn(2000, || ours(black_box(next(&first))), || reference(black_box(next(&second))));
        line(self.work, self.n, times, self.at_most, self.reference);
    }
}

/// What two pieces of work took that ran in turn.
#[derive(Clone, Copy)]
pub struct Times {
    /// Medians (s).
    pub ours: f64,
    pub reference: f64,
    /// The median of the ratios of each turn: the clock of a machine that others use may change from turn to turn.
    pub ratio: f64,
}

/// Times of two pieces of work that run in turn: at least five times each, then for a second and a half or up to `most`
/// times.
pub fn in_turn<A, B>(most: usize, ours: impl Fn() -> A, reference: impl Fn() -> B) -> Times {
    let time = |f: &dyn Fn()| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let start = Instant::now();
    for k in 0.. {
        let first = time(&|| drop(black_box(ours())));
        let second = time(&|| drop(black_box(reference())));
        // The first pair warms caches and the clock.
        if k > 0 {
            a.push(first);
            b.push(second);
        }
        if k >= 5 && (start.elapsed() > Duration::from_millis(1500) || k >= most) {
            break;
        }
    }
    let ratio = median(a.iter().zip(&b).map(|(a, b)| a / b).collect());
    Times { ours: median(a), reference: median(b), ratio }
}

/// Prints the line of a target.
pub fn line(work: &str, n: usize, times: Times, at_most: f64, reference: &str) {
    let Times { ours, reference: theirs, ratio } = times;
    let verdict = if ratio <= at_most { "ok" } else { "over" };
    let (ours, theirs) = (seconds(ours), seconds(theirs));
    println!("{work:<30}{n:>5}{ours:>13}{theirs:>13}{ratio:>8.2}{at_most:>9.2}  {verdict:<4}  ({reference})");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn seconds(s: f64) -> String {
    if s < 0.0 {
        // A difference of two measurements, below their noise.
        format!("−{}", seconds(-s))
    } else if s < 1e-6 {
        format!("{:.2} ns", s * 1e9)
    } else if s < 1e-3 {
        format!("{:.1} µs", s * 1e6)
    } else if s < 1.0 {
        format!("{:.2} ms", s * 1e3)
    } else {
        format!("{s:.2} s")
    }
}
