//! Activations `y = f(x)`: each output depends on one input. A new one is an entry here and in `layers!`.
//!
//! All are electronic. Definitions and defaults are those of PyTorch (`torch.nn`). At a kink, the slope is that of PyTorch.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use serde::{Deserialize, Serialize};

use super::Activation;

/// Declares activations without settings by the output y of x, and by the gradient with respect to x from that with
/// respect to y.
macro_rules! activations {
    ($($(#[doc = $about:literal])* $name:ident, |$x:ident| $value:expr, |$g:ident, $of:ident, $y:ident| $gradient:expr;)*) => {
        $($(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        |x| logistic(x),
        |gradient, _x, y| gradient * y * (1.0 - y);
    /// Squared modulus: `y = x²`, the power at a direct detector. The slope is `2 x`.
    SquaredModulus, |x| x * x, |gradient, x, _y| 2.0 * gradient * x;
    /// Hyperbolic tangent, with the slope `1 − y²`.
    Tanh, |x| x.tanh(), |gradient, _x, y| gradient * (1.0 - y * y);
    /// Gaussian error linear unit: `y = x·Φ(x)`, Φ the normal distribution by the error function.
    Gelu,
        |x| x * normal_distribution(x),
        |gradient, x, _y| gradient * (normal_distribution(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt());
    /// Gaussian error linear unit with a hyperbolic tangent in place of the error function:
    /// `y = x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2`.
    GeluTanh,
        |x| 0.5 * x * (1.0 + gelu_argument(x).tanh()),
        |gradient, x, _y| {
            let t = gelu_argument(x).tanh();
            // 1 − t² is 0 before x² overflows.
            let inner = if t.abs() < 1.0 { (2.0 / PI).sqrt() * (1.0 + 3.0 * GELU_CUBIC * x * x) } else { 0.0 };
            gradient * 0.5 * (1.0 + t + x * (1.0 - t * t) * inner)
        };
    /// Sigmoid linear unit: `y = x / (1 + exp(−x))`.
    Silu,
        |x| x * logistic(x),
        |gradient, x, y| { let s = logistic(x); gradient * (s + y * (1.0 - s)) };
    /// Mish: `y = x·tanh(ln(1 + exp(x)))`.
    Mish,
        |x| x * softplus(x).tanh(),
        |gradient, x, _y| {
            let t = softplus(x).tanh();
            gradient * (t + x * (1.0 - t * t) * logistic(x))
        };
    /// Smooth rectifier: `y = ln(1 + exp(x))`, with the logistic function as slope.
    Softplus, |x| softplus(x), |gradient, x, _y| gradient * logistic(x);
    /// `y = x / (1 + |x|)`.
    Softsign, |x| x / (1.0 + x.abs()), |gradient, x, _y| gradient / ((1.0 + x.abs()) * (1.0 + x.abs()));
    /// Rectifier up to 6: `y = min(max(x, 0), 6)`. The slope at 0 and at 6 is 0.
    Relu6, |x| x.clamp(0.0, 6.0), |gradient, x, _y| if x > 0.0 && x < 6.0 { gradient } else { 0.0 };
    /// Piecewise linear tangent: `y = min(max(x, −1), 1)`. The slope at −1 and at 1 is 0.
    HardTanh, |x| x.clamp(-1.0, 1.0), |gradient, x, _y| if x > -1.0 && x < 1.0 { gradient } else { 0.0 };
    /// Piecewise linear logistic function: `y = min(max(x/6 + 1/2, 0), 1)`. The slope at −3 and at 3 is 0.
    HardSigmoid, |x| hard_logistic(x), |gradient, x, _y| if x > -3.0 && x < 3.0 { gradient / 6.0 } else { 0.0 };
    /// Piecewise quadratic sigmoid linear unit: `y = x·min(max(x/6 + 1/2, 0), 1)`.
    HardSwish,
        |x| x * hard_logistic(x),
        |gradient, x, _y| match x {
            _ if x <= -3.0 => 0.0,
            _ if x < 3.0 => gradient * (x / 3.0 + 0.5),
            _ => gradient,
        };
    /// Scaled exponential linear unit: `y = λ·x` above 0, `λ·α·(exp(x) − 1)` below, with the constants of Klambauer et al.
    /// 2017.
    Selu,
        |x| SELU_SCALE * elu(x, SELU_ALPHA),
        |gradient, x, _y| gradient * SELU_SCALE * if x > 0.0 { 1.0 } else { SELU_ALPHA * x.exp() };
}

/// Leaky rectifier: `y = x` above 0, `slope·x` below. The slope at 0 is that of below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LeakyRelu {
    /// Slope below 0, a finite number.
    #[serde(default = "default_slope")]
    pub slope: f64,
}

impl Activation for LeakyRelu {
    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { self.slope * x }
    }

    fn backward(&self, gradient: f64, x: f64, _y: f64) -> f64 {
        if x > 0.0 { gradient } else { self.slope * gradient }
    }

    fn setting(&self) -> Option<(&'static str, f64)> {
        Some(("slope", self.slope))
    }
}

/// Amplifier: `y = factor·x`, of values or fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Gain of the amplitude, a finite number.
    pub factor: f64,
}

impl Activation for Scale {
    fn value(&self, x: f64) -> f64 {
        self.factor * x
    }

    fn backward(&self, gradient: f64, _x: f64, _y: f64) -> f64 {
        self.factor * gradient
    }

    fn setting(&self) -> Option<(&'static str, f64)> {
        Some(("factor", self.factor))
    }
}

/// Exponential linear unit: `y = x` above 0, `alpha·(exp(x) − 1)` below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Elu {
    /// Minus the limit at −∞, a finite number.
    #[serde(default = "default_alpha")]
    pub alpha: f64,
}

impl Activation for Elu {
    fn value(&self, x: f64) -> f64 {
        elu(x, self.alpha)
    }

    fn backward(&self, gradient: f64, x: f64, _y: f64) -> f64 {
        if x > 0.0 { gradient } else { gradient * self.alpha * x.exp() }
    }

    fn setting(&self) -> Option<(&'static str, f64)> {
        Some(("alpha", self.alpha))
    }
}

/// Coefficient of x³ in the approximate GELU.
const GELU_CUBIC: f64 = 0.044715;

/// λ of the scaled exponential linear unit.
const SELU_SCALE: f64 = 1.0507009873554805;

/// α of the scaled exponential linear unit.
const SELU_ALPHA: f64 = 1.6732632423543772;

fn default_slope() -> f64 {
    0.01
}

fn default_alpha() -> f64 {
    1.0
}

/// `1 / (1 + exp(−x))`, without overflow.
fn logistic(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// `ln(1 + exp(x))`, without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `min(max(x/6 + 1/2, 0), 1)`.
fn hard_logistic(x: f64) -> f64 {
    (x / 6.0 + 0.5).clamp(0.0, 1.0)
}

/// `x` above 0, `alpha·(exp(x) − 1)` below.
fn elu(x: f64, alpha: f64) -> f64 {
    if x > 0.0 { x } else { alpha * x.exp_m1() }
}

/// Φ(x), the distribution function of the standard normal distribution, with full relative precision in the lower tail.
fn normal_distribution(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// `√(2/π)·(x + 0.044715·x³)`.
fn gelu_argument(x: f64) -> f64 {
    (2.0 / PI).sqrt() * (x + GELU_CUBIC * x * x * x)
}
