//! The claims: one file each, and one line in the list. Claims of one group stand together.

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
pub mod measured_chip;
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

/// Every claim, in the order of the table.
pub const CLAIMS: &[&Claim] = &[
    // Transfer matrices and decompositions.
    &cell::CLAIM,
    &decomposition::CLAIM,
    &test_vectors::CLAIM,
    &haar_statistics::CLAIM,
    // Static errors.
    &splitter_error::CLAIM,
    &phase_error::CLAIM,
    &fidelity::CLAIM,
    &fang::CLAIM,
    &butterfly::CLAIM,
    &loss::CLAIM,
    &diamond::CLAIM,
    &loss_order::CLAIM,
    &crosstalk::CLAIM,
    &quantization::CLAIM,
    &extinction::CLAIM,
    &svd_error::CLAIM,
    // Correction.
    &local_correction::CLAIM,
    &corrected_error::CLAIM,
    &fault_tolerance::CLAIM,
    &burgwal::CLAIM,
    // Dynamic noise and detection.
    &jitter::CLAIM,
    &shot_noise::CLAIM,
    &detection::CLAIM,
    &electronic_noise::CLAIM,
    // Gradients and training.
    &adjoint::CLAIM,
    &three_measurements::CLAIM,
    &parameter_shift::CLAIM,
    &initialisation::CLAIM,
    // Measured.
    &measured_network::CLAIM,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_says_what_it_is_and_keys_are_unique() {
        for (index, claim) in CLAIMS.iter().enumerate() {
            assert!(
                claim.key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
                "{}",
                claim.key
            );
            assert!(claim.key.len() <= 20, "{}: `phaseloom list` sets 20 characters", claim.key);
            for text in [claim.sentence, claim.source, claim.method, claim.criterion] {
                assert!(text.len() > 10 && !text.contains('\n') && !text.contains('|'), "{}: {text}", claim.key);
            }
            assert!(CLAIMS[..index].iter().all(|other| other.key != claim.key), "{} stands twice", claim.key);
        }
    }
}
