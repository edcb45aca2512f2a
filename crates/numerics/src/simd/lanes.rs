//! Vector registers of either precision: the operations that generic kernels use.
//!
//! Engine: measure before and after a change.

use pulp::Simd;

/// A precision with its vector registers. Implemented for `f32` and `f64` only.
pub trait Lanes: Copy + Default + 'static {
    /// A register.
    #[doc(hidden)]
    type Register<S: Simd>: Copy;

    /// Lanes of a register.
    #[doc(hidden)]
    fn count<S: Simd>() -> usize;

    /// Full registers, and the remainder.
    #[doc(hidden)]
    fn registers<S: Simd>(values: &[Self]) -> (&[Self::Register<S>], &[Self]);

    #[doc(hidden)]
    fn registers_mut<S: Simd>(values: &mut [Self]) -> (&mut [Self::Register<S>], &mut [Self]);

    /// Loads the first lanes; the others are zero.
    #[doc(hidden)]
    fn load_part<S: Simd>(simd: S, values: &[Self]) -> Self::Register<S>;

    #[doc(hidden)]
    fn store_part<S: Simd>(simd: S, values: &mut [Self], register: Self::Register<S>);

    #[doc(hidden)]
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Register<S>;

    /// a·b + c.
    #[doc(hidden)]
    fn multiply_add<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
        c: Self::Register<S>,
    ) -> Self::Register<S>;

    /// c − a·b.
    #[doc(hidden)]
    fn multiply_subtract<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
        c: Self::Register<S>,
    ) -> Self::Register<S>;
}

macro_rules! lanes {
    ($type:ty, $register:ident, $count:ident, $split:ident, $split_mut:ident, $load:ident, $store:ident, $splat:ident,
     $add:ident, $subtract:ident) => {
        impl Lanes for $type {
            type Register<S: Simd> = S::$register;

            #[inline(always)]
            fn count<S: Simd>() -> usize {
                S::$count
            }

            #[inline(always)]
            fn registers<S: Simd>(values: &[Self]) -> (&[S::$register], &[Self]) {
                S::$split(values)
            }

            #[inline(always)]
            fn registers_mut<S: Simd>(values: &mut [Self]) -> (&mut [S::$register], &mut [Self]) {
                S::$split_mut(values)
            }

            #[inline(always)]
            fn load_part<S: Simd>(simd: S, values: &[Self]) -> S::$register {
                simd.$load(values)
            }

            #[inline(always)]
            fn store_part<S: Simd>(simd: S, values: &mut [Self], register: S::$register) {
                simd.$store(values, register);
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$register {
                simd.$splat(x)
            }

            #[inline(always)]
            fn multiply_add<S: Simd>(simd: S, a: S::$register, b: S::$register, c: S::$register) -> S::$register {
                simd.$add(a, b, c)
            }

            #[inline(always)]
            fn multiply_subtract<S: Simd>(simd: S, a: S::$register, b: S::$register, c: S::$register) -> S::$register {
                simd.$subtract(a, b, c)
            }
        }
    };
}

lanes!(
    f32,
    f32s,
    F32_LANES,
    as_simd_f32s,
    as_mut_simd_f32s,
    partial_load_f32s,
    partial_store_f32s,
    splat_f32s,
    mul_add_e_f32s,
    negate_mul_add_e_f32s
);
lanes!(
    f64,
    f64s,
    F64_LANES,
    as_simd_f64s,
    as_mut_simd_f64s,
    partial_load_f64s,
    partial_store_f64s,
    splat_f64s,
    mul_add_e_f64s,
    negate_mul_add_e_f64s
);
