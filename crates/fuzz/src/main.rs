#![doc = include_str!("../README.md")]
#![allow(clippy::print_stdout)]

mod mutate;
mod target;

use crate::mutate::mutated;
use crate::target::{TARGETS, Target};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// An input that takes longer has found a hang.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Numbers of one session of one reader.
#[derive(Default)]
struct Count {
    executions: u64,
    accepted: u64,
    failures: Vec<PathBuf>,
}

fn main() -> ExitCode {
    // A panic of the library for ONNX graphs is an error of the graph, which nothing has to report.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !phaseloom_experiment::executes_graph() {
            report(panic);
        }
    }));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (seconds, rest) = match &arguments[..] {
        [flag, seconds, rest @ ..] if flag == "--seconds" => (seconds.parse().ok(), rest),
        rest => (Some(5.0), rest),
    };
    let chosen = |name: &String| TARGETS.iter().find(|target| target.name == name);
    let (Some(seconds), Some(targets)) = (seconds, rest.iter().map(chosen).collect::<Option<Vec<_>>>()) else {
        return match rest {
            [name, file] if chosen(name).is_some() => repeat(chosen(name), Path::new(file)),
            _ => usage(),
        };
    };
    let targets = if targets.is_empty() { TARGETS.iter().collect() } else { targets };
    let mut failed = false;
    println!("{:12} {:>10} {:>9} {:>9}", "reader", "inputs", "accepted", "failures");
    for target in targets {
        let count = fuzz(target, Duration::from_secs_f64(seconds));
        println!("{:12} {:>10} {:>9} {:>9}", target.name, count.executions, count.accepted, count.failures.len());
        failed |= !count.failures.is_empty();
        count.failures.iter().for_each(|path| println!("  {}", path.display()));
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn usage() -> ExitCode {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    println!("phaseloom-fuzz [--seconds N] [READER …]\nphaseloom-fuzz READER FILE\n\nreaders: {}", names.join(", "));
    ExitCode::from(2)
}

/// Runs one input again, with its panic.
fn repeat(target: Option<&Target>, file: &Path) -> ExitCode {
    let (Some(target), Ok(bytes)) = (target, fs::read(file)) else { return usage() };
    let folder = tempfile::tempdir().expect("a temporary folder");
    (target.seeds)(folder.path());
    let path = folder.path().join(target.file);
    fs::write(&path, bytes).expect("a temporary file");
    println!("{:?}", (target.check)(&path));
    ExitCode::SUCCESS
}

/// Damaged inputs of one reader, for `time`. Stops after ten failures.
fn fuzz(target: &Target, time: Duration) -> Count {
    let folder = Path::new("target/fuzz").join(target.name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("target/fuzz can be written");
    let seeds = (target.seeds)(&folder);
    let path = folder.join(target.file);
    // The seed differs from session to session, so that sessions add up; the input itself is kept.
    let mut random =
        ChaCha8Rng::seed_from_u64(std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64));
    let mut count = Count::default();
    let start = Instant::now();
    let mut next = seeds.iter().cloned();
    while start.elapsed() < time && count.failures.len() < 10 {
        let seed = next.next();
        let undamaged = seed.is_some();
        let bytes = seed.unwrap_or_else(|| mutated(&seeds, &mut random));
        fs::write(&path, &bytes).expect("target/fuzz can be written");
        let begin = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| (target.check)(&path)));
        count.executions += 1;
        let problem = match result {
            Err(_) => Some("panic".to_owned()),
            Ok(Err(property)) => Some(property),
            Ok(Ok(_)) if begin.elapsed() > MAX_TIME => Some(format!("{:.0?}", begin.elapsed())),
            Ok(Ok(accepted)) => {
                count.accepted += u64::from(accepted);
                (undamaged && !accepted && target.name != "spectra").then(|| "a seed was refused".to_owned())
            }
        };
        if let Some(problem) = problem {
            let kept = folder.join(format!("failure-{}", count.failures.len()));
            fs::write(&kept, &bytes).expect("target/fuzz can be written");
            println!("  {}: {problem}", target.name);
            count.failures.push(kept);
        }
    }
    count
}
