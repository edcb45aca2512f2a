//! Tables of cells and tables of components give the same chip; what they cannot mean is refused with its line.

use super::*;
use crate::{Chip, ChipId};
use phaseloom_mesh::MeshDesign;

fn program(rows: usize, columns: usize, one_mesh: bool) -> MatrixProgram {
    let design = MeshDesign::from_keys("rectangular", None).unwrap();
    if one_mesh {
        let phases = phaseloom_mesh::Phases::blank(&design.layout(rows));
        return MatrixProgram::from_phases(design, rows, phases);
    }
    MatrixProgram::blank(rows, columns, design)
}

fn read(text: &str, process: &str, program: &MatrixProgram) -> Result<ChipTable, HardwareError> {
    let process: Process = toml::from_str(process).unwrap();
    ChipTable::parse(Path::new("m.csv"), text.as_bytes(), &process, program)
}

#[test]
fn rows_of_cells_and_rows_of_components_are_the_same_chip() {
    let program = program(4, 4, true);
    let wide = "column,mode,splitter1_cross,splitter2_angle_rad,theta_offset_rad,phi_offset_rad,loss_db,phi_fixed_rad\n\
                0,0,0.512,0.79,0.021,-0.034,0.1,\n2,2,0.48,0.8,,,0.3,0\n";
    let long = "component,cell,column,mode,cross,angle_rad,offset_rad,loss_db,fixed_rad\n\
                splitter1,0,,,0.512,,,,\nsplitter2,0,,,,0.79,,,\ntheta,,0,0,,,0.021,,\nphi,,0,0,,,-0.034,,\ncell,0,,,,,,0.1,\n\
                splitter1,4,,,0.48,,,,\nsplitter2,4,,,,0.8,,,\nupper,,2,2,,,,0.3,\nlower,,2,2,,,,0.3,\nphi,4,,,,,,,0\n";
    let [wide, long] = [wide, long].map(|text| read(text, "", &program).unwrap());
    assert_eq!((wide.cells, long.cells), (2, 2));
    assert_eq!(wide.chip, long.chip);
    let errors = &wide.chip.stages()[0];
    let cell = errors.cell_errors[0];
    // cross power = sin²(π/4 + α).
    assert!(((FRAC_PI_4 + cell.alpha).sin().powi(2) - 0.512).abs() < 1e-15);
    assert!((FRAC_PI_4 + cell.beta - 0.79).abs() < 1e-15);
    assert!((cell.upper_transmission - 10f64.powf(-0.005)).abs() < 1e-15);
    assert!((errors.offsets.theta()[0] - 0.021).abs() < 1e-15 && (errors.offsets.phi()[0] + 0.034).abs() < 1e-15);
    let limit = &wide.chip.process().heater_limits.as_ref().unwrap().heaters[0];
    assert_eq!((limit.column, limit.mode, limit.fixed_rad), (Some(2), 2, Some(0.0)));
}

/// A cell with the extinction of a table has that ratio of powers at its bar port.
#[test]
fn extinction_is_that_of_the_bar_port() {
    let program = program(2, 2, true);
    let chip = read("cell,extinction_db\n0,25\n", "", &program).unwrap().chip;
    let power = |theta: f64| {
        let mut phases = program.stages()[0].phases().clone();
        phases.set_cell(0, theta, 0.0);
        chip.matrix(&program.with_phases(vec![phases])).unwrap()[(0, 0)].norm_sqr()
    };
    let ratio_db = 10.0 * (power(std::f64::consts::PI) / power(0.0)).log10();
    assert!((ratio_db - 25.0).abs() < 1e-9, "{ratio_db}");
}

#[test]
fn all_stages_outputs_and_the_design_of_the_process_are_kept() {
    let program = program(3, 4, false);
    let text = "stage;component;column;mode;cross;offset_rad;max_rad\nleft;splitter2;0;0;0,47;;\n\
                attenuators;theta;0;1;;0,5;\nright;output;;3;;0,25;\nleft;output;;0;;;5,5\n";
    let process = "insertion_loss.loss_db = 0.2\nsplitter_error.sigma_rad = 0.1\nthermal_crosstalk.coefficient = 0.01";
    let chip = read(text, process, &program).unwrap().chip;
    let nominal = Chip::nominal(chip.process(), &program).unwrap();
    let mut expected = nominal.stages().to_vec();
    expected[2].cell_errors[0].beta = splitter_error_from_power(0.47 - 0.5);
    expected[1].offsets.set_cell(1, 0.5, 0.0);
    expected[0].offsets.set_output(3, 0.25);
    assert_eq!(chip.stages(), expected);
    assert!(chip.process().heater_limits.is_some() && chip.process().thermal_crosstalk.is_some());
    // The file holds all of it, without a seed.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chip.json");
    chip.save(&path).unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains("\"seed\""));
    assert_eq!(Chip::load(&path).unwrap(), chip);
    // A run on it takes it for every core.
    let id = ChipId { seed: 3, trial: 1, core: 2 };
    assert_eq!(Chip::fabricate(&Process::from_chip(&chip), &program, id).unwrap().stages(), chip.stages());
    let other = self::program(4, 3, false);
    let refused = Chip::fabricate(&Process::from_chip(&chip), &other, id).unwrap_err().to_string();
    assert!(refused.contains("3×4"), "{refused}");
}

#[test]
fn what_a_table_cannot_mean_is_refused_with_its_line() {
    let one = program(4, 4, true);
    for (text, expected) in [
        ("column,mode,cros\n0,0,0.5\n", "did you mean `cross`?"),
        ("column,mode\n0,0\n", "no column of values"),
        ("column,mode,cross\n0,0,0.5\n", "line 2, column `cross`: found 0.5, expected no value here"),
        ("column,mode,splitter1_cross\n0,1,0.5\n", "line 2: found column 0, mode 1"),
        ("column,mode,splitter1_cross\n0,0,1.5\n", "a share of power from 0 to 1"),
        ("column,mode,splitter3_cross\n0,0,0.5\n", "has 2 splitters"),
        ("column,mode,splitter1_cross\n0,0,0.5\n0,0,0.4\n", "line 3, column `splitter1_cross`: found a second value"),
        ("column,mode,loss_db,upper_loss_db\n0,0,1,1\n", "a second value"),
        ("column,mode,theta_fixed_rad,theta_max_rad\n0,0,1,1\n", "a second value"),
        ("column,mode,splitter1_cross\n0,0,\n", "line 2: found no value"),
        ("column,splitter1_cross\n0,0.5\n", "no place"),
        ("cell,column,mode,splitter1_cross\n0,0,0,0.5\n", "only one of them"),
        ("cell,splitter1_cross\n6,0.5\n", "a cell from 0 to 5"),
        ("stage,cell,splitter1_cross\nleft,0,0.5\n", "the only mesh"),
        ("component,cell,cross\nspliter,0,0.5\n", "one of cell, splitter1"),
        ("component,mode,offset_rad\noutput,4,0.5\n", "the place of a phase shifter"),
        ("component,cell,loss_db\nsplitter1,0,0.5\n", "no such quantity"),
        ("cell,loss_db\n0,-1\n", "a loss from 0 to 300 dB"),
        ("cell,splitter1_cross\n0,nan\n", "a finite number"),
    ] {
        let refused = read(text, "", &one).unwrap_err().to_string();
        assert!(refused.starts_with("m.csv: CSV, line") && refused.contains(expected), "{text}: {refused}");
    }
    let refused = read("cell,splitter1_cross\n0,0.5\n", "", &program(4, 4, false)).unwrap_err().to_string();
    assert!(refused.contains("three stages"), "{refused}");
}
