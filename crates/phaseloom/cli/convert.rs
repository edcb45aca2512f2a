//! The command `convert`: convert a program between phase conventions.

use super::Exit;
use super::terminal::{output, streams};
use clap::Args;
use phaseloom::files::{InvalidValue, Results, folded, significant, write_atomically};
use phaseloom::mesh::convention::{ConvertedProgram, convention, load};
use phaseloom::mesh::{MeshError, Netlist};
use std::path::PathBuf;

/// The key of the convention of program files.
const OURS: &str = "phaseloom";
/// The key of a netlist of components.
const SAX: &str = "sax";

/// Convert a program to the phase convention of another program or paper, or back, or to a netlist
///
/// Phases of a converted program lie in [0, 2π) rad. Matrix and attenuators do not change. `--to sax` writes a netlist of couplers and
/// phase shifters with their settings, as SAX reads it.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom convert program.json --to clements -o clements.json\n  \
    phaseloom convert clements.json --to bell_walmsley -o compact.json\n  \
    phaseloom convert compact.json --to phaseloom -o program.json\n  \
    phaseloom convert program.json --to sax -o netlist.json")]
pub struct Convert {
    /// A program, or a converted one (JSON)
    program: PathBuf,
    /// Key of the convention, see `phaseloom explain`; `phaseloom` converts back to a program; `sax`: a netlist
    #[arg(long, value_name = "KEY")]
    to: String,
    /// Where to write the result, `-` for standard output [default: only the summary is printed]
    #[arg(short, long, value_name = "OUT.json")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
}

impl Convert {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let known = |error| match error {
            MeshError::Unknown(unknown) => {
                let expected = unknown.expected.replacen("one of ", &format!("one of {OURS}, {SAX}, "), 1);
                MeshError::Unknown(InvalidValue { expected, ..unknown })
            }
            other => other,
        };
        if folded(&self.to) == SAX {
            return self.netlist();
        }
        let ours = folded(&self.to) == OURS;
        let to = if ours { None } else { Some(convention(&self.to).map_err(known)?) };
        if let Some(path) = &self.output {
            let formats = ["phaseloom-program", "phaseloom-converted"];
            output::check_json_path(path, &formats, &[("the program", Some(&self.program))])?;
        }
        let program = load(&streams::input(&self.program)?)?;
        let (rows, columns) = program.shape();
        let key = to.map_or(OURS, |convention| convention.key());
        let mut results = Results::default();
        results.value("rows", rows);
        results.value("columns", columns);
        results.value("convention", key);
        results.value("cells", program.interferometers());
        results.line(format!("{rows}×{columns}, {key}, {} MZIs", program.interferometers()));
        match to {
            None => {
                if let Some(path) = &self.output {
                    streams::save(path, |path| program.save(path))?;
                }
            }
            Some(convention) => {
                let converted = ConvertedProgram::new(&program, convention)?;
                let phases: usize = converted.meshes().iter().map(|mesh| mesh.screen.len()).sum();
                let error = (program.matrix() - converted.program().matrix()).norm();
                if let Some(path) = &self.output {
                    streams::save(path, |path| converted.save(path))?;
                }
                results.value("outer_phases", phases);
                results.value("absolute_error", error);
                results.line(format!("{phases} further phases outside the MZIs"));
                results.line(format!("‖Ŵ − W‖_F there and back {error:.1e}"));
            }
        }
        output::print_summary(&results, self.format, self.output.as_deref())?;
        Ok(Exit::Done)
    }

    fn netlist(&self) -> anyhow::Result<Exit> {
        if let Some(path) = &self.output {
            output::check_output_path(path, &["json"], &[("the program", Some(&self.program))])?;
        }
        let program = load(&streams::input(&self.program)?)?;
        let netlist = Netlist::new(&program);
        if let Some(path) = &self.output {
            let text = netlist.to_json();
            streams::save(path, |path| write_atomically(path, text.as_bytes()))?;
        }
        let count = |component| netlist.instances.values().filter(|i| i.component == component).count();
        let (couplers, shifters) = (count("coupler"), count("phase_shifter"));
        let mut results = Results::default();
        results.value("couplers", couplers);
        results.value("phase_shifters", shifters);
        results.value("ports", netlist.ports.len());
        results.value("gain", program.gain());
        results.line(format!(
            "netlist of {couplers} couplers and {shifters} phase shifters, {} ports",
            netlist.ports.len()
        ));
        if (program.gain() - 1.0).abs() > 0.0 {
            results
                .line(format!("the circuit realises the matrix divided by its gain {}", significant(program.gain())));
        }
        output::print_summary(&results, self.format, self.output.as_deref())?;
        Ok(Exit::Done)
    }
}
