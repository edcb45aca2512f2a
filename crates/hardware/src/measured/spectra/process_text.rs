//! The derived process as a TOML file with the derivation in comments.

use super::{Cutback, Derived, SweepsSpec};
use std::fmt::Write;

/// The file without its folder, and the window.
fn place(spec: &SweepsSpec) -> String {
    let file = spec.file.file_name().unwrap_or_default().to_string_lossy().replace(char::is_control, "?");
    format!(
        "{file}, `{}…`, {}–{} nm",
        spec.devices.replace(char::is_control, "?"),
        spec.window_nm[0],
        spec.window_nm[1]
    )
}

/// A number with `decimals` decimals, or in scientific notation if fewer than `digits` significant digits would remain.
fn fine(value: f64, decimals: usize, digits: i32) -> String {
    let leading = value.abs().log10().floor();
    if value == 0.0 || !leading.is_finite() || f64::from(digits) - leading <= decimals as f64 + 1.0 {
        return format!("{value:.decimals$}");
    }
    format!("{value:.0$e}", digits as usize - 1)
}

/// `value ± error` with at least three digits of the value and two of the error.
fn with_error(value: f64, error: f64, decimals: usize) -> String {
    format!("{} ± {}", fine(value, decimals, 3), fine(error, decimals, 2))
}

impl Derived {
    /// The process file; `command` is the command that made it. Quantities that were not measured are absent.
    #[must_use]
    pub fn process_toml(&self, command: &str) -> String {
        let mut out = String::new();
        let command = command.replace(char::is_control, "?");
        let _ = writeln!(out, "# Derived from measured spectra; what was not measured is absent, and so perfect.");
        let _ = writeln!(out, "# Made by: {command}");
        for line in self.spec.source.lines() {
            let _ = writeln!(out, "# {}", line.replace(char::is_control, "?").trim());
        }
        self.splitter_error(&mut out);
        self.insertion_loss(&mut out);
        out
    }

    fn splitter_error(&self, out: &mut String) {
        let (Some(couplers), Some(spec)) = (&self.couplers, &self.spec.couplers) else { return };
        let line = &couplers.line;
        let (sigma, error) = couplers.sigma_rad();
        let (half, half_error) = couplers.half_length_um();
        let _ = writeln!(
            out,
            "\n# Couplers ({}):\n\
             # {} interferometers, each of two couplers of angle η, which send k = sin²η across.\n\
             # T = P_cross/(P_bar + P_cross) has the maxima sin²(2η) = 4k(1 − k); a line through η separates k from 1 − k.\n\
             #   length/µm      k   line  residual/rad",
            place(spec),
            couplers.devices.len()
        );
        for (device, residual) in couplers.devices.iter().zip(&line.residuals) {
            let (k, fitted) = (device.angle_rad.sin().powi(2), line.at(device.length_um).sin().powi(2));
            let sign = if residual.is_sign_negative() { "" } else { "+" };
            let doubt = if couplers.is_doubtful(device) { "  the other side of 50:50 is possible" } else { "" };
            let _ = writeln!(
                out,
                "#   {:>9}  {k:.3}  {fitted:.3}  {sign}{}{doubt}",
                device.length_um,
                fine(*residual, 4, 1)
            );
        }
        let _ = writeln!(
            out,
            "# η = ({}) rad/µm · length + ({}) rad; 50:50 at {} ± {} µm.\n\
             # Spread of η about the line: s = {} rad, errors of the measurement included. η is the mean of two\n\
             # couplers; if they err independently, as in a simulated chip, the mean errs with σ/√2, so σ = √2·s.\n\
             [splitter_error]\n\
             sigma_rad = {} # measured: ± {} (standard error)",
            with_error(line.slope, line.slope_error(), 5),
            with_error(line.intercept, line.error_at(0.0), 4),
            fine(half, 2, 3),
            fine(half_error, 2, 1),
            with_error(line.deviation(), line.deviation_error(), 4),
            fine(sigma, 4, 3),
            fine(error, 4, 2),
        );
    }

    fn insertion_loss(&self, out: &mut String) {
        let Some((loss, error)) = self.loss_db() else { return };
        let interferometer = &self.spec.interferometer;
        out.push('\n');
        if let (Some(cutback), Some(spec)) = (&self.splitter_loss, &self.spec.splitter_loss) {
            let loss = format!("{} dB each", with_error(cutback.loss_db(), cutback.standard_error_db(), 4));
            cut(out, "Splitters", spec, cutback, &loss);
        } else {
            let _ = writeln!(out, "# Loss of splitters was not measured: none.");
        }
        if let (Some(cutback), Some(spec)) = (&self.waveguide_loss, &self.spec.waveguide_loss) {
            let per_cm = 1e4; // µm in a cm
            let loss = with_error(per_cm * cutback.loss_db(), per_cm * cutback.standard_error_db(), 3);
            let loss = format!("{loss} dB/cm");
            cut(out, "Waveguide", spec, cutback, &loss);
        } else {
            let _ = writeln!(out, "# Loss of waveguides was not measured: none.");
        }
        let _ = writeln!(
            out,
            "# assumption: light passes {} such splitters (or couplers that lose as much) and {} µm of such waveguide in one\n\
             # interferometer of the mesh.\n\
             [insertion_loss]\n\
             loss_db = {} # measured: ± {} (standard error), with the assumption above",
            interferometer.splitters,
            interferometer.waveguide_um,
            fine(loss, 4, 3),
            fine(error, 4, 2),
        );
    }
}

fn cut(out: &mut String, title: &str, spec: &SweepsSpec, cutback: &Cutback, loss: &str) {
    let unit = spec.unit().decibels();
    let points: Vec<String> =
        cutback.lengths.iter().zip(&cutback.power_db).map(|(x, p)| format!("{x}: {p:.2} {unit}")).collect();
    let _ = writeln!(
        out,
        "# {title} ({}):\n# {loss}; at most {} dB off the line.\n#   {}",
        place(spec),
        fine(cutback.line.largest_residual(), 2, 1),
        points.join(", ")
    );
}
