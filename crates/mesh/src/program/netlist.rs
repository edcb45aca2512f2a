//! A program as a netlist of splitters and phase shifters with their settings, for circuit simulators such as SAX.
//!
//! ```text
//! instances:    name → component and settings      coupler: ports in0, in1, out0, out1; setting `angle` (rad)
//! connections:  "a,out0" → "b,in0"                  phase_shifter: ports in0, out0; setting `phase` (rad)
//! ports:        in0 … and out0 …
//! ```
//!
//! A coupler has `S(η) = [[cos η, i sin η], [i sin η, cos η]]` from its inputs to its outputs, a phase shifter `e^{iφ}`. Crossings are
//! connections alone. Ports of attenuators and of further modes that no light leaves by are not connected. The gain of the program is
//! electronic and no part of the circuit.

use crate::cell::kind::CellPart;
use crate::layout::stage::{Stage, StageKind};
use crate::program::matrix_program::MatrixProgram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::f64::consts::FRAC_PI_4;

/// A component with its settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Instance {
    /// `coupler` or `phase_shifter`.
    pub component: &'static str,
    /// Its settings (rad).
    pub settings: BTreeMap<&'static str, f64>,
}

/// A netlist.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Netlist {
    /// The components by their names.
    pub instances: BTreeMap<String, Instance>,
    /// Ports that are joined: of an earlier component, of the next one.
    pub connections: BTreeMap<String, String>,
    /// The ports of the circuit.
    pub ports: BTreeMap<String, String>,
}

/// The end of the waveguide of a mode so far: a port of a component, an input of the circuit, or nothing.
#[derive(Clone, Debug)]
enum End {
    Port(String),
    Input(usize),
    Dark,
}

impl Netlist {
    /// The netlist of a program on a perfect chip.
    #[must_use]
    pub fn new(program: &MatrixProgram) -> Self {
        let mut netlist = Self::default();
        let (rows, columns) = program.shape();
        let mut ends: Vec<End> = (0..columns).map(End::Input).collect();
        let names = ["right", "attenuators", "left"];
        for (stage, name) in program.stages().iter().zip(names) {
            match stage.kind() {
                StageKind::Mesh => netlist.mesh(stage, name, &mut ends),
                StageKind::Attenuators => netlist.attenuators(stage, name, &mut ends),
            }
        }
        ends.resize(rows, End::Dark);
        for (mode, end) in ends.into_iter().enumerate() {
            if let End::Port(port) = end {
                netlist.ports.insert(format!("out{mode}"), port);
            }
        }
        netlist
    }

    /// Adds a component on some waveguides.
    fn add(
        &mut self,
        name: String,
        component: &'static str,
        setting: (&'static str, f64),
        ends: [Option<&mut End>; 2],
    ) {
        for (at, end) in ends.into_iter().flatten().enumerate() {
            let input = format!("{name},in{at}");
            match std::mem::replace(end, End::Port(format!("{name},out{at}"))) {
                End::Port(port) => drop(self.connections.insert(port, input)),
                End::Input(mode) => drop(self.ports.insert(format!("in{mode}"), input)),
                End::Dark => (),
            }
        }
        self.instances.insert(name, Instance { component, settings: BTreeMap::from([setting]) });
    }

    fn phase(&mut self, name: String, phase: f64, end: &mut End) {
        self.add(name, "phase_shifter", ("phase", phase), [Some(end), None]);
    }

    /// Adds the parts of a cell on two waveguides.
    fn cell(&mut self, stage: &Stage, k: usize, name: &str, upper: &mut End, lower: &mut End) {
        let (theta, phi) = (stage.phases().theta()[k], stage.phases().phi()[k]);
        let coupler = ("angle", FRAC_PI_4);
        for part in stage.layout().cell.parts() {
            match part {
                CellPart::Theta => self.phase(format!("{name}_theta"), theta, upper),
                CellPart::Phi => self.phase(format!("{name}_phi"), phi, upper),
                CellPart::LowerPhi => self.phase(format!("{name}_phi"), phi, lower),
                CellPart::InputSplitter => {
                    self.add(format!("{name}_splitter3"), "coupler", coupler, [Some(upper), Some(lower)]);
                }
                CellPart::FirstSplitter => {
                    self.add(format!("{name}_splitter1"), "coupler", coupler, [Some(upper), Some(lower)]);
                }
                CellPart::SecondSplitter => {
                    self.add(format!("{name}_splitter2"), "coupler", coupler, [Some(upper), Some(lower)]);
                }
                CellPart::Arms => (),
                CellPart::Crossing => std::mem::swap(upper, lower),
            }
        }
    }

    fn mesh(&mut self, stage: &Stage, name: &str, ends: &mut Vec<End>) {
        let (layout, phases) = (stage.layout(), stage.phases());
        ends.resize(layout.modes, End::Dark);
        for column in 0..=layout.columns {
            if let Some(order) = layout.permutation_before(column) {
                *ends = order.iter().map(|&mode| ends[mode].clone()).collect();
            }
            if column == layout.columns {
                break;
            }
            for k in layout.column(column) {
                let mode = layout.positions[k].mode;
                for (at, shifter) in layout.boundary_shifters_before(k..k + 1) {
                    let mode = mode + usize::from(shifter.lower);
                    self.phase(format!("{name}_{column}_{mode}_boundary"), phases.boundary()[at], &mut ends[mode]);
                }
                let (above, below) = ends.split_at_mut(mode + 1);
                self.cell(stage, k, &format!("{name}_{column}_{mode}"), &mut above[mode], &mut below[0]);
            }
        }
        ends.truncate(layout.ports);
        for (mode, (end, phase)) in ends.iter_mut().zip(phases.output()).enumerate() {
            self.phase(format!("{name}_output_{mode}"), *phase, end);
        }
    }

    fn attenuators(&mut self, stage: &Stage, name: &str, ends: &mut Vec<End>) {
        ends.resize(stage.layout().positions.len(), End::Dark);
        for (k, end) in ends.iter_mut().enumerate() {
            self.cell(stage, k, &format!("{name}_{k}"), end, &mut End::Dark);
        }
    }

    /// The netlist as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        phaseloom_files::to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::matrix_program::Form;
    use nalgebra::DMatrix;
    use num_complex::Complex64;

    /// Follows light through a netlist, component by component, until all have been passed.
    fn matrix(netlist: &Netlist, (rows, columns): (usize, usize)) -> DMatrix<Complex64> {
        DMatrix::from_columns(
            &(0..columns)
                .map(|input| {
                    let mut fields: BTreeMap<String, Complex64> = BTreeMap::new();
                    for (name, port) in netlist.ports.iter().filter(|(name, _)| name.starts_with("in")) {
                        fields.insert(port.clone(), f64::from(u8::from(*name == format!("in{input}"))).into());
                    }
                    let from: BTreeMap<&String, &String> = netlist.connections.iter().map(|(a, b)| (b, a)).collect();
                    let mut rest: Vec<&String> = netlist.instances.keys().collect();
                    while !rest.is_empty() {
                        let before = rest.len();
                        rest.retain(|name| {
                            let Instance { component, settings } = &netlist.instances[*name];
                            let field = |at: usize, fields: &BTreeMap<String, Complex64>| {
                                let port = format!("{name},in{at}");
                                match from.get(&port) {
                                    Some(source) => fields.get(*source).copied(),
                                    None => Some(fields.get(&port).copied().unwrap_or(Complex64::ZERO)),
                                }
                            };
                            if *component == "phase_shifter" {
                                let Some(a) = field(0, &fields) else { return true };
                                fields.insert(format!("{name},out0"), a * Complex64::cis(settings["phase"]));
                                return false;
                            }
                            let (Some(a), Some(b)) = (field(0, &fields), field(1, &fields)) else { return true };
                            let (s, c) = settings["angle"].sin_cos();
                            let i = Complex64::i();
                            fields.insert(format!("{name},out0"), a * c + i * b * s);
                            fields.insert(format!("{name},out1"), i * a * s + b * c);
                            false
                        });
                        assert!(rest.len() < before, "a loop");
                    }
                    nalgebra::DVector::from_fn(rows, |row, _| {
                        netlist.ports.get(&format!("out{row}")).map_or(Complex64::ZERO, |port| fields[port])
                    })
                })
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn the_circuit_is_the_program_for_every_design() {
        for design in crate::MeshDesign::all() {
            let rows = design.topology().capability().max_rows().unwrap_or(3);
            let w =
                DMatrix::from_fn(rows, 4, |i, j| Complex64::new(((1 + i + 3 * j) as f64).sin(), (i * j) as f64 / 5.0));
            let program = MatrixProgram::new(&w, Form::Auto, &design).unwrap();
            let netlist = Netlist::new(&program);
            let realised = matrix(&netlist, program.shape()) * Complex64::from(program.gain());
            assert!((realised - program.matrix()).norm() < 1e-12 * program.gain(), "{design}");
        }
    }

    #[test]
    fn a_mesh_has_its_components() {
        let design = crate::MeshDesign::from_keys("rectangular", None).unwrap();
        let u = DMatrix::<Complex64>::identity(4, 4);
        let netlist = Netlist::new(&MatrixProgram::new(&u, Form::Unitary, design).unwrap());
        let count = |component| netlist.instances.values().filter(|i| i.component == component).count();
        assert_eq!((count("coupler"), count("phase_shifter"), netlist.ports.len()), (12, 16, 8));
        assert!(netlist.to_json().contains("\"right_0_0_theta\""));
    }
}
