use super::posterior::{STEP, jacobian};
use super::*;
use crate::chip::ChipId;
use crate::process::{InsertionLoss, PhaseError, SplitterError};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{Form, topology};
use phaseloom_numerics::{NormalStream, StreamKey, haar_unitary};

/// Two programs of one chip, and what comes out of it for eight inputs: 64 powers.
struct Bench {
    programs: [MatrixProgram; 2],
    inputs: DMatrix<Complex64>,
}

impl Bench {
    fn new() -> Self {
        let mut stream = StreamKey::new(3, "test").stream();
        let mut program = || {
            let u = haar_unitary(4, &mut stream);
            MatrixProgram::new(&u, Form::Unitary, topology("triangular").unwrap()).unwrap()
        };
        let programs = [program(), program()];
        let mut normals = NormalStream::<f64>::new(&StreamKey::new(4, "test"));
        let inputs = DMatrix::from_fn(4, 8, |_, _| Complex64::new(normals.draw(), normals.draw()) / 8f64.sqrt());
        Self { programs, inputs }
    }

    fn powers(&self, chip: &Chip) -> Result<Vec<f64>, HardwareError> {
        let mut powers = Vec::new();
        for program in &self.programs {
            powers.extend((chip.matrix(program)? * &self.inputs).iter().map(|z| z.norm_sqr()));
        }
        Ok(powers)
    }
}

fn process(splitter: f64, phase: f64, imbalance: f64) -> Process {
    Process {
        splitter_error: Some(SplitterError { sigma_rad: Some(splitter), ..SplitterError::default() }),
        phase_error: Some(PhaseError::normal(phase)),
        insertion_loss: Some(InsertionLoss { imbalance_sigma_db: imbalance, ..InsertionLoss::default() }),
        ..Process::default()
    }
}

#[test]
fn slopes_do_not_depend_on_the_step() {
    let bench = Bench::new();
    let respond = |chip: &Chip| bench.powers(chip);
    let measured = vec![0.0; 64];
    let levels = [Level::Splitter, Level::Phase, Level::Imbalance];
    let fit = ProcessFit::new(&bench.programs[0], &levels, &measured, &respond).unwrap();
    assert_eq!(fit.groups.len(), 12 + 16 + 6);
    // Away from the perfect chip, where an imbalance has no kink.
    let errors: Vec<f64> = (0..34).map(|k| 0.05 * (1.0 + f64::from(k)).sin()).collect();
    let response = |errors: &[f64]| fit.predict(errors);
    let fine = jacobian(&response, &errors, STEP).unwrap();
    let coarse = jacobian(&response, &errors, 1e-3).unwrap();
    // The coarse one is off by step²/6 of a third derivative of order one.
    assert!((&fine - &coarse).amax() < 2e-6, "{:e}", (&fine - &coarse).amax());
    assert!(fine.column(12).amax() > 0.05 && fine.column(27).amax() < 1e-8, "output phases move no power");
}

#[test]
fn a_linear_response_has_the_density_of_a_gaussian() {
    // y = Jδ + b + noise: the covariance of y is J·diag(σ²)·Jᵀ + s²·I, and the flat bias adds ln(1ᵀV⁻¹1) and its fit.
    let (n, k, s) = (7, 3, 0.3);
    let slopes = DMatrix::from_fn(n, k, |r, c| ((3 * r + 5 * c) as f64).sin());
    let sigma = [0.5, 0.5, 1.5];
    let y: Vec<f64> = (0..n).map(|r| (r as f64 * 1.7).cos()).collect();
    let response = |errors: &[f64]| Ok((&slopes * DVector::from_column_slice(errors)).as_slice().to_vec());
    let found = posterior(&response, &y, &sigma, s, &DVector::zeros(k + 1)).unwrap();
    let diagonal = DMatrix::from_diagonal(&DVector::from_iterator(k, sigma.iter().map(|s| s * s)));
    let covariance = &slopes * diagonal * slopes.transpose() + DMatrix::identity(n, n) * (s * s);
    let inverse = covariance.clone().try_inverse().unwrap();
    let (ones, y) = (DVector::from_element(n, 1.0), DVector::from_vec(y));
    let weight = (ones.transpose() * &inverse * &ones)[0];
    let bias = (ones.transpose() * &inverse * &y)[0] / weight;
    let rest = y - ones * bias;
    let fitted = (rest.transpose() * &inverse * &rest)[0];
    let constant = n as f64 * std::f64::consts::TAU.ln();
    let expected = 0.5 * (fitted + covariance.determinant().ln() + weight.ln() + constant);
    assert!((found.surprise - expected).abs() < 1e-6, "{} and {expected}", found.surprise);
    assert!((found.state[k] - bias).abs() < 1e-5 && (found.bias_error - weight.powf(-0.5)).abs() < 1e-9);
}

/// 100 chips of known levels. Of the deviances at the truth 68.3 % lie below 1 and 95 % below 3.84 where the profile
/// intervals are right. Tolerance, written beforehand: three binomial standard errors (14 and 6.5 of 100) and 3 of 100
/// for levels that are known from 12 draws only: 51…85 and at least 85.
#[test]
fn profile_intervals_cover_the_truth() {
    const CHIPS: usize = 100;
    let truth = [0.02, 0.03, 0.003];
    let bench = Bench::new();
    let process = process(truth[0], truth[1], 0.0);
    let deviances = |trial: usize| -> [f64; 3] {
        let sample = ChipId { seed: 1, trial: trial as u64, core: 0 };
        let chip = Chip::fabricate(&process, &bench.programs[0], sample).unwrap();
        let mut noise = NormalStream::<f64>::new(&StreamKey::new(1, "test/measure").trial(trial as u64));
        let measured: Vec<f64> =
            bench.powers(&chip).unwrap().iter().map(|p| p + 0.01 + truth[2] * noise.draw()).collect();
        let respond = |chip: &Chip| bench.powers(chip);
        let levels = [Level::Splitter, Level::Phase];
        let fit = ProcessFit::new(&bench.programs[0], &levels, &measured, &respond).unwrap();
        let best = fit.best().unwrap();
        [0, 1, 2].map(|k| fit.deviance(&best, k, truth[k]).unwrap())
    };
    let all: Vec<[f64; 3]> = std::thread::scope(|scope| {
        let deviances = &deviances;
        let halves = [0, 1]
            .map(|half| scope.spawn(move || (0..CHIPS).filter(|k| k % 2 == half).map(deviances).collect::<Vec<_>>()));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let mut counts = Vec::new();
    for (k, name) in ["splitter", "phase", "noise"].iter().enumerate() {
        let within = |limit: f64| all.iter().filter(|d| d[k] <= limit).count();
        counts.push((name, within(1.0), within(3.8415)));
    }
    for (name, inner, outer) in &counts {
        assert!((51..=85).contains(inner) && *outer >= 85, "{name}: {inner} and {outer} of {CHIPS}; all: {counts:?}");
    }
    eprintln!("covered of {CHIPS} at 68.3 % and 95 %: {counts:?}");
}

#[test]
fn a_profile_holds_its_level_and_a_chip_of_the_fit_explains_the_measurements() {
    let bench = Bench::new();
    let process = process(0.02, 0.03, 0.3);
    let sample = ChipId { seed: 2, trial: 0, core: 0 };
    let chip = Chip::fabricate(&process, &bench.programs[0], sample).unwrap();
    // Noise of 0.001: without any, the evidence grows without bound as the level of the noise goes to zero.
    let mut noise = NormalStream::<f64>::new(&StreamKey::new(2, "test/measure"));
    let measured: Vec<f64> = bench.powers(&chip).unwrap().iter().map(|p| p + 0.02 + 0.001 * noise.draw()).collect();
    let respond = |chip: &Chip| bench.powers(chip);
    let fit =
        ProcessFit::new(&bench.programs[0], &[Level::Imbalance, Level::Splitter, Level::Phase], &measured, &respond)
            .unwrap();
    let best = fit.best().unwrap();
    let predicted = bench.powers(&best.chip).unwrap();
    let squares = predicted.iter().zip(&measured).map(|(f, y)| (f + best.bias - y).powi(2)).sum::<f64>();
    // Errors of 0.02 move powers of order one by 0.02; what is left is noise.
    assert!((squares / 64.0).sqrt() < 0.002, "{}", (squares / 64.0).sqrt());
    let profile = fit.profile(&best, 1).unwrap();
    let (inner, outer) = (profile.bounds_68, profile.bounds_95);
    assert!(outer.0 <= inner.0 && inner.0 < best.levels[1] && best.levels[1] < inner.1 && inner.1 <= outer.1);
    // At a bound of 95 % the deviance is 3.84, to what interpolation and search leave.
    assert!((fit.deviance(&best, 1, outer.1).unwrap() - 3.84).abs() < 0.4);
}

#[test]
fn what_does_not_fit_is_refused() {
    let bench = Bench::new();
    let respond = |chip: &Chip| bench.powers(chip);
    let program = &bench.programs[0];
    let refused = |levels: &[Level], measured: &[f64]| ProcessFit::new(program, levels, measured, &respond).is_err();
    assert!(refused(&[], &[0.0; 64]) && refused(&[Level::Phase, Level::Phase], &[0.0; 64]));
    assert!(
        refused(&[Level::Phase], &[0.0; 63])
            && refused(&[Level::Phase], &[f64::NAN; 64])
            && refused(&[Level::Phase], &[])
    );
    let chip = Chip::nominal(&Process::default(), program).unwrap();
    let build = |stages: Vec<StageErrors>| Chip::from_stages(&Process::default(), program, stages);
    assert_eq!(build(chip.stages().to_vec()).unwrap().stages(), chip.stages());
    assert!(build(Vec::new()).is_err());
    let changed = |change: &dyn Fn(&mut StageErrors)| {
        let mut stages = chip.stages().to_vec();
        change(&mut stages[0]);
        build(stages).is_err()
    };
    assert!(changed(&|s| s.cell_errors.truncate(5)) && changed(&|s| s.cell_errors[3].upper_transmission = 1.1));
    assert!(changed(&|s| s.cell_errors[0].alpha = f64::NAN) && changed(&|s| s.offsets.values_mut()[0] = f64::INFINITY));
}
