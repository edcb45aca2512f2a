//! Codes of errors: a number for each variant of an error enum, stable, explained in `crates/ERRORS.md`.

/// Gives each variant of an error enum a code. Variants that only wrap another error have the code of that error.
///
/// A variant without a code does not compile, also in enums that are `non_exhaustive` for other crates.
///
/// ```
/// enum Inner { Cold }
/// enum Outer { Empty, Inner(Inner) }
/// phaseloom_files::error_codes! { Inner { Cold = 7 } }
/// phaseloom_files::error_codes! { Outer { Empty = 8 } wraps { Outer::Inner(error) => error } }
/// assert_eq!(Outer::Inner(Inner::Cold).code(), 7);
/// assert_eq!((Outer::Empty.code(), Outer::CODES), (8, &[8][..]));
/// ```
#[macro_export]
macro_rules! error_codes {
    ($error:ident { $($variant:ident = $code:literal),* $(,)? } $(wraps { $($pattern:pat => $inner:expr),* $(,)? })?) => {
        impl $error {
            /// The codes of this enum itself.
            pub const CODES: &'static [u16] = &[$($code),*];

            /// The code of this error, or of the error that it wraps. `crates/ERRORS.md` explains it.
            #[must_use]
            pub fn code(&self) -> u16 {
                match self {
                    $(Self::$variant { .. } => $code,)*
                    $($($pattern => $inner.code(),)*)?
                }
            }
        }
    };
}
