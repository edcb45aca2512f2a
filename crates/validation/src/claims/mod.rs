//! The claims: one file each, and one line in the list.

mod adjoint;
mod burgwal;
mod butterfly;
mod cell;
mod corrected_error;
mod crosstalk;
mod decomposition;
mod detection;
mod diamond;
mod electronic_noise;
mod extinction;
mod fang;
mod fault_tolerance;
mod fidelity;
mod haar_statistics;
mod initialisation;
mod jitter;
mod local_correction;
mod loss;
mod loss_order;
mod matrix_error;
mod measured_chip;
mod measured_network;
mod parameter_shift;
mod phase_error;
mod quantization;
mod shot_noise;
mod splitter_error;
mod svd_error;
mod test_vectors;
mod three_measurements;

use crate::claim::Claim;

/// The types that every claim uses.
mod prelude {
    pub(super) use crate::check::{Check, Row};
    pub(super) use crate::claim::{Claim, Rows};
    pub(super) use crate::error::ValidationError;
    pub(super) use crate::layer::Layer;
    pub(super) use crate::setting::Setting;
    pub(super) use crate::simulation::{
        Matrix, Mesh, TOPOLOGIES, error_squared, largest, process, programmed, unitary,
    };
    pub(super) use crate::statistics::{Estimate, Mean, kolmogorov_smirnov, median, slope};
    pub(super) use nalgebra::DMatrix;
    pub(super) use num_complex::Complex64;
    pub(super) use phaseloom_hardware::correction::{Instruments, correct, correction};
    pub(super) use phaseloom_mesh::{Circuit, Fields, Form, MatrixProgram, MeshDesign, Phases, gradient, topology};
    pub(super) use phaseloom_numerics::fidelity;
}

/// Makes the list of claims from their modules, and one test for each: its rows pass in the quick setting.
macro_rules! claims {
    ($($module:ident),* $(,)?) => {
        /// Every claim, in the order of the table.
        pub const CLAIMS: &[&Claim] = &[$(&$module::CLAIM),*];

        #[cfg(test)]
        mod passes {
            $(#[test]
            fn $module() {
                super::tests::check(&super::$module::CLAIM);
            })*
        }
    };
}

claims! {
    // Transfer matrices and decompositions.
    cell,
    decomposition,
    test_vectors,
    haar_statistics,
    // Static errors.
    splitter_error,
    phase_error,
    fidelity,
    fang,
    butterfly,
    loss,
    diamond,
    loss_order,
    crosstalk,
    quantization,
    extinction,
    svd_error,
    // Correction.
    local_correction,
    corrected_error,
    fault_tolerance,
    burgwal,
    // Dynamic noise and detection.
    jitter,
    shot_noise,
    detection,
    electronic_noise,
    // Gradients and training.
    adjoint,
    three_measurements,
    parameter_shift,
    initialisation,
    // Measured.
    measured_network,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;
    use crate::setting::{SEED, Setting};
    use phaseloom_hardware::correction::Interrupt;

    /// Computes the rows of a claim in the quick setting. None may fail.
    pub(super) fn check(claim: &Claim) {
        let setting = Setting { seed: SEED, quick: true, interrupt: &Interrupt::new() };
        let rows = (claim.rows)(&setting).unwrap();
        let failed: Vec<_> = rows.iter().filter(|row| matches!(row.verdict, Verdict::Fail(_))).collect();
        assert!(!rows.is_empty() && failed.is_empty(), "{}: {failed:#?}", claim.key);
    }

    #[test]
    fn every_claim_is_described_and_has_its_own_key() {
        for (index, claim) in CLAIMS.iter().enumerate() {
            assert!(
                claim.key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
                "{}",
                claim.key
            );
            assert!(claim.key.len() <= 20, "{}: `phaseloom explain` has room for 20 characters", claim.key);
            for text in [claim.sentence, claim.source, claim.method, claim.criterion] {
                assert!(text.len() > 10 && !text.contains('\n') && !text.contains('|'), "{}: {text}", claim.key);
            }
            assert!(CLAIMS[..index].iter().all(|other| other.key != claim.key), "{} occurs twice", claim.key);
        }
    }
}
