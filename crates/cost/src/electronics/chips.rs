//! Chips on the market at their rated power.

/// A chip on the market at its rated power. It is context, not like for like: a sum of parts is not a chip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedChip {
    /// Name, and which of its ratings these are.
    pub name: &'static str,
    /// Operations per second at 8 bits; a multiply-accumulate is two.
    pub operations_per_s: f64,
    /// Power (W).
    pub watt: f64,
    /// Area of the die (m²), if it is known.
    pub area_m2: Option<f64>,
    /// Where the ratings come from.
    pub source: &'static str,
}

impl NamedChip {
    /// Energy of a multiply-accumulate (J).
    #[must_use]
    pub fn joule_per_mac(&self) -> f64 {
        2.0 * self.watt / self.operations_per_s
    }
}

/// The named chips.
pub const NAMED_CHIPS: &[NamedChip] = &[
    NamedChip {
        name: "H100 SXM, peak",
        operations_per_s: 1978.9e12,
        watt: 700.0,
        area_m2: Some(814e-6),
        source: "found: two specification pages, and one for the area; dense, without sparsity",
    },
    NamedChip {
        name: "TPUv1, peak at rated power",
        operations_per_s: 92e12,
        watt: 75.0,
        area_m2: None,
        source: "found: abstract of Jouppi et al. 2017, and a summary of it",
    },
    NamedChip {
        name: "TPUv1, peak at busy power",
        operations_per_s: 92e12,
        watt: 40.0,
        area_m2: None,
        source: "found: abstract of Jouppi et al. 2017, and a summary of it",
    },
    NamedChip {
        name: "TPUv4i, peak at rated power",
        operations_per_s: 138e12,
        watt: 175.0,
        area_m2: None,
        source: "from memory; rated power found",
    },
    NamedChip {
        name: "Lightmatter 2025, photonic",
        operations_per_s: 65.5e12,
        watt: 79.6,
        area_m2: None,
        source: "found: 78 W electrical and 1.6 W optical, adaptive block floating point of 16 bits",
    },
];
