//! Vector instructions: the only folder that names pulp, apart from the two engines of the mesh.
//!
//! [`lanes`] and [`real`] abstract registers and scalars of both precisions. The other files are kernels: elementary
//! functions, normal deviates, and products of complex matrices.

pub mod aligned;
pub(crate) mod box_muller;
pub mod complex_product;
pub mod exponential;
pub mod gram;
pub mod lanes;
pub mod real;
pub mod splitter_products;
pub mod trigonometry;

pub use box_muller::BoxMuller;

/// Runs a kernel compiled for the widest vector registers of this processor.
///
/// The closure must be `#[inline(always)]`: a closure that is called rather than inlined keeps the instructions of the
/// oldest supported processor. Results have the same bits on every processor, since nothing is fused or reordered.
///
/// ```
/// use phaseloom_numerics::simd::vectorised;
/// let mut x = [1.0, 2.0, 3.0];
/// let scaled = &mut x;
/// vectorised(
///     #[inline(always)]
///     move || scaled.iter_mut().for_each(|x| *x *= 2.0),
/// );
/// assert_eq!(x, [2.0, 4.0, 6.0]);
/// ```
#[inline(always)]
pub fn vectorised<R>(kernel: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(kernel)
}
