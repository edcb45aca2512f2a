//! The devices of the library, with one field for each entry.
//!
//! All types are generic: `Devices<Entry>` is a library, `Devices<Option<Entry>>` a file that overrides some entries,
//! and `Devices<f64>` one set of values, with which costs are computed.

use super::laws::Laws;
use serde::{Deserialize, Serialize};

/// Declares one device: its fields, and the unit of each.
macro_rules! device {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $unit:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default, bound(deserialize = "T: Deserialize<'de> + Default"))]
        pub struct $name<T> {
            $($(#[$field_doc])* pub $field: T,)*
        }

        impl<T> $name<T> {
            fn try_map<U, E>(
                &self,
                table: &str,
                f: &mut impl FnMut(&str, &'static str, &T) -> Result<U, E>,
            ) -> Result<$name<U>, E> {
                Ok($name { $($field: f(&format!("{table}.{}", stringify!($field)), $unit, &self.$field)?,)* })
            }

            fn get_mut(&mut self, field: &str) -> Option<&mut T> {
                match field {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

device! {
    /// A fast converter of inputs or measured values.
    ConverterDevice {
        /// Power at full rate.
        power_w: "W",
        /// Samples per second at that power.
        rate_hz: "Hz",
        /// Nominal bits at that power. Nominal bits set the energy.
        bits: "bit",
        /// Effective number of bits (ENOB) at those nominal bits. Effective bits set the precision.
        enob: "bit",
        /// Area.
        area_m2: "m2",
        /// Time from input to output.
        latency_s: "s",
    }
}

device! {
    /// Numbers that all converters share.
    Converters {
        /// Full scale over the root mean square of the converted values.
        crest: "1",
        /// Power of an idle converter, modulator or logic unit, relative to its power at full rate.
        idle: "1",
        /// Energy of serialisers between logic and converters.
        serialiser_j_per_bit: "J/bit",
    }
}

device! {
    /// A modulator at an input port.
    ModulatorDevice {
        /// Energy of one symbol, at any number of bits.
        symbol_j: "J",
        /// Static power of its bias.
        bias_w: "W",
        /// Insertion loss at full drive.
        loss_db: "dB",
        /// Area.
        area_m2: "m2",
        /// Time from input to output.
        latency_s: "s",
    }
}

device! {
    /// The transimpedance amplifier of a receiver.
    Amplifier {
        /// Power.
        power_w: "W",
        /// Input-referred current noise.
        noise_a_per_sqrt_hz: "A/sqrt(Hz)",
        /// Minimum detected power, for the rule of sensitivity alone.
        sensitivity_dbm: "dBm",
        /// Area.
        area_m2: "m2",
        /// Time from input to output.
        latency_s: "s",
    }
}

device! {
    /// One photodiode.
    DetectorDevice {
        /// Power.
        power_w: "W",
        /// Responsivity.
        responsivity_a_per_w: "A/W",
        /// Common-mode rejection of a balanced pair.
        rejection_db: "dB",
        /// Area.
        area_m2: "m2",
    }
}

device! {
    /// The laser of one core.
    LaserDevice {
        /// Optical power over electrical power.
        efficiency: "W/W",
        /// Loss between laser and chip.
        coupling_loss_db: "dB",
        /// Relative intensity noise.
        rin_db_per_hz: "dB/Hz",
        /// Vacuum wavelength.
        wavelength_m: "m",
        /// Area.
        area_m2: "m2",
    }
}

device! {
    /// The tree of splitters from the laser to the ports.
    Splitter {
        /// Excess loss of a stage.
        stage_loss_db: "dB",
    }
}

device! {
    /// A cell of a mesh, without its phase shifters.
    CellDevice {
        /// Area.
        area_m2: "m2",
        /// Length along the propagation.
        length_m: "m",
        /// Group index.
        group_index: "1",
    }
}

device! {
    /// A kind of phase shifter.
    Shifter {
        /// Power that holds a phase of π.
        hold_pi_w: "W",
        /// Time constant of the response.
        settle_s: "s",
        /// Energy of a change by π.
        switch_j: "J",
        /// Loss of a cell with such shifters.
        cell_loss_db: "dB",
    }
}

device! {
    /// The slow converter of a phase shifter.
    SlowDac {
        /// Energy of a new code.
        update_j: "J",
        /// Power while it holds a phase.
        static_w: "W",
        /// Area.
        area_m2: "m2",
    }
}

device! {
    /// Memory on the chip.
    Sram {
        /// Energy of an access.
        j_per_bit: "J/bit",
        /// Area.
        m2_per_bit: "m2/bit",
        /// Time of an access.
        latency_s: "s",
    }
}

device! {
    /// A memory that costs energy, but no area.
    MemoryDevice {
        /// Energy of an access.
        j_per_bit: "J/bit",
    }
}

device! {
    /// Digital logic.
    Logic {
        /// Energy of an 8-bit product in the reference technology.
        multiply8_j: "J",
        /// Energy of a 32-bit sum in the reference technology.
        add32_j: "J",
        /// Energy in the technology in use, relative to the reference.
        energy_factor: "1",
        /// Clock.
        clock_hz: "Hz",
        /// Area of an 8-bit multiplier in the reference technology.
        multiply8_m2: "m2",
        /// Area of a 32-bit adder in the reference technology.
        add32_m2: "m2",
        /// Area in the technology in use, relative to the reference.
        area_factor: "1",
    }
}

/// Declares the tables of the library.
macro_rules! devices {
    ($($(#[$doc:meta])* $table:ident: $device:ident,)*) => {
        /// All devices.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default, bound(deserialize = "T: Deserialize<'de> + Default"))]
        pub struct Devices<T> {
            /// How the energy of a converter depends on its bits.
            pub laws: Laws,
            $($(#[$doc])* pub $table: $device<T>,)*
        }

        impl<T> Devices<T> {
            /// Maps every entry. The function gets the key (`dac.power_w`), the unit and the entry.
            ///
            /// # Errors
            ///
            /// The first error of the function.
            pub fn try_map<U, E>(
                &self,
                mut f: impl FnMut(&str, &'static str, &T) -> Result<U, E>,
            ) -> Result<Devices<U>, E> {
                Ok(Devices {
                    laws: self.laws,
                    $($table: self.$table.try_map(stringify!($table), &mut f)?,)*
                })
            }

            /// The entry of a key such as `dac.power_w`.
            pub fn get_mut(&mut self, key: &str) -> Option<&mut T> {
                let (table, field) = key.split_once('.')?;
                match table {
                    $(stringify!($table) => self.$table.get_mut(field),)*
                    _ => None,
                }
            }
        }
    };
}

devices! {
    /// Converters of the inputs.
    dac: ConverterDevice,
    /// Converters of the measured values.
    adc: ConverterDevice,
    /// Numbers that both kinds share.
    converters: Converters,
    /// Modulators.
    modulator: ModulatorDevice,
    /// Transimpedance amplifiers.
    amplifier: Amplifier,
    /// Photodiodes.
    detector: DetectorDevice,
    /// Lasers.
    laser: LaserDevice,
    /// Splitters from the laser to the ports.
    splitter: Splitter,
    /// Cells of the meshes.
    cell: CellDevice,
    /// Thermo-optic phase shifters.
    heater: Shifter,
    /// Electrostatic phase shifters.
    mems: Shifter,
    /// Slow converters that hold the phases.
    slow_dac: SlowDac,
    /// Memory on the chip.
    sram: Sram,
    /// Registers.
    register: MemoryDevice,
    /// Memory outside the chip.
    dram: MemoryDevice,
    /// Digital logic.
    logic: Logic,
}

impl<T> Devices<T> {
    /// Maps every entry with its key.
    #[must_use]
    pub fn map<U>(&self, mut f: impl FnMut(&str, &T) -> U) -> Devices<U> {
        let mapped = self.try_map(|key, _, entry| Ok::<U, std::convert::Infallible>(f(key, entry)));
        match mapped {
            Ok(devices) => devices,
            Err(never) => match never {},
        }
    }

    /// Visits every entry with its key.
    pub fn for_each(&self, mut f: impl FnMut(&str, &T)) {
        let Devices { .. } = self.map(|key, entry| f(key, entry));
    }
}
