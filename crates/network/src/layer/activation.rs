//! Activations `y = f(x)` without settings: each output depends on one input. A new one is an entry here and in `layers!`.

use serde::{Deserialize, Serialize};

use super::Activation;

/// Declares activations by the output y of x, and by the gradient with respect to x from that with respect to y.
macro_rules! activations {
    ($($(#[doc = $about:literal])* $name:ident, |$x:ident| $value:expr, |$g:ident, $of:ident, $y:ident| $gradient:expr;)*) => {
        $($(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {}

        impl Activation for $name {
            fn value(&self, $x: f64) -> f64 {
                $value
            }

            fn backward(&self, $g: f64, $of: f64, $y: f64) -> f64 {
                $gradient
            }
        })*
    };
}

activations! {
    /// Modulus: `y = |x|`, the field amplitude at a direct detector. The slope at 0 is 0.
    Modulus, |x| x.abs(), |gradient, x, _y| gradient * f64::from(i8::from(x > 0.0) - i8::from(x < 0.0));
    /// Rectifier: `y = max(x, 0)`. The slope at 0 is 0. It needs the sign of x, so homodyne or offset detection.
    Relu, |x| x.max(0.0), |gradient, x, _y| if x > 0.0 { gradient } else { 0.0 };
    /// Logistic function: `y = 1 / (1 + exp(−x))` with the slope `y (1 − y)`.
    Sigmoid,
        |x| if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) },
        |gradient, _x, y| gradient * y * (1.0 - y);
    /// Squared modulus: `y = x²`, the power at a direct detector. The slope is `2 x`.
    SquaredModulus, |x| x * x, |gradient, x, _y| 2.0 * gradient * x;
}
