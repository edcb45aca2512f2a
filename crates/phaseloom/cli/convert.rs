//! The command `convert`: convert a program between phase conventions.

use super::Exit;
use super::terminal::output;
use clap::Args;
use phaseloom::files::{InvalidValue, folded};
use phaseloom::mesh::MeshError;
use phaseloom::mesh::convention::{ConvertedProgram, convention, load};
use std::path::PathBuf;

/// The key of the convention of program files.
const OURS: &str = "phaseloom";

/// Convert a program to the phase convention of another program or paper, or back
///
/// Phases of a converted program lie in [0, 2π) rad. Matrix and attenuators do not change.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom convert program.json --to clements -o clements.json\n  \
    phaseloom convert clements.json --to bell_walmsley -o compact.json\n  \
    phaseloom convert compact.json --to phaseloom -o program.json")]
pub struct Convert {
    /// A program, or a converted one (JSON)
    program: PathBuf,
    /// Key of the convention, see `phaseloom explain`; `phaseloom` converts back to a program
    #[arg(long, value_name = "KEY")]
    to: String,
    /// Where to write the result
    #[arg(short, long, value_name = "OUT.json")]
    output: PathBuf,
}

impl Convert {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let known = |error| match error {
            MeshError::Unknown(unknown) => {
                let expected = unknown.expected.replacen("one of ", &format!("one of {OURS}, "), 1);
                MeshError::Unknown(InvalidValue { expected, ..unknown })
            }
            other => other,
        };
        let ours = folded(&self.to) == OURS;
        let to = if ours { None } else { Some(convention(&self.to).map_err(known)?) };
        output::check_json_path(
            &self.output,
            &["phaseloom-program", "phaseloom-converted"],
            &[("the program", Some(&self.program))],
        )?;
        let program = load(&self.program)?;
        let (rows, columns) = program.shape();
        let key = to.map_or(OURS, |convention| convention.key());
        let mut text = format!("{rows}×{columns}, {key}, {} interferometers\n", program.interferometers());
        match to {
            None => program.save(&self.output)?,
            Some(convention) => {
                let converted = ConvertedProgram::new(&program, convention)?;
                let phases: usize = converted.meshes().iter().map(|mesh| mesh.screen.len()).sum();
                let error = (program.matrix() - converted.program().matrix()).norm();
                converted.save(&self.output)?;
                text += &format!("{phases} phases outside of them\n‖Ŵ − W‖_F there and back {error:.1e}\n");
            }
        }
        output::print(&text)?;
        Ok(Exit::Done)
    }
}
