//! The derived process as TOML, with the whole derivation in comments.

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

impl Derived {
    /// The process file; `command` is what made it. What was not measured is absent, and so perfect.
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
             # T = P_cross/(P_bar + P_cross) has the maxima sin²(2η) = 4k(1 − k); a line through η tells k from 1 − k.\n\
             #   length/µm      k   line  residual/rad",
            place(spec),
            couplers.devices.len()
        );
        for (device, residual) in couplers.devices.iter().zip(&line.residuals) {
            let (k, fitted) = (device.angle_rad.sin().powi(2), line.at(device.length_um).sin().powi(2));
            let doubt = if couplers.is_doubtful(device) { "  the other side of 50:50 is possible" } else { "" };
            let _ = writeln!(out, "#   {:>9}  {k:.3}  {fitted:.3}  {residual:+.4}{doubt}", device.length_um);
        }
        let _ = writeln!(
            out,
            "# η = ({:.5} ± {:.5}) rad/µm · length + ({:.4} ± {:.4}) rad; 50:50 at {half:.2} ± {half_error:.2} µm.\n\
             # Spread of η about the line: s = {:.4} ± {:.4} rad, errors of the measurement included. η is the mean of two\n\
             # couplers; if they err independently, as in a simulated chip, the mean errs with σ/√2, so σ = √2·s.\n\
             [splitter_error]\n\
             sigma_rad = {sigma:.4} # measured: ± {error:.4} (standard error)",
            line.slope,
            line.slope_error(),
            line.intercept,
            line.error_at(0.0),
            line.deviation(),
            line.deviation_error(),
        );
    }

    fn insertion_loss(&self, out: &mut String) {
        let Some((loss, error)) = self.loss_db() else { return };
        let interferometer = &self.spec.interferometer;
        out.push('\n');
        if let (Some(cutback), Some(spec)) = (&self.splitter_loss, &self.spec.splitter_loss) {
            let loss = format!("{:.4} ± {:.4} dB each", cutback.loss_db(), cutback.standard_error_db());
            cut(out, "Splitters", spec, cutback, &loss);
        } else {
            let _ = writeln!(out, "# Loss of splitters was not measured: none.");
        }
        if let (Some(cutback), Some(spec)) = (&self.waveguide_loss, &self.spec.waveguide_loss) {
            let per_cm = 1e4; // µm in a cm
            let loss = format!("{:.3} ± {:.3} dB/cm", per_cm * cutback.loss_db(), per_cm * cutback.standard_error_db());
            cut(out, "Waveguide", spec, cutback, &loss);
        } else {
            let _ = writeln!(out, "# Loss of waveguides was not measured: none.");
        }
        let _ = writeln!(
            out,
            "# assumption: light passes {} such splitters (or couplers that lose as much) and {} µm of such waveguide in one\n\
             # interferometer of the mesh.\n\
             [insertion_loss]\n\
             loss_db = {loss:.4} # measured: ± {error:.4} (standard error), with the assumption above",
            interferometer.splitters, interferometer.waveguide_um
        );
    }
}

fn cut(out: &mut String, title: &str, spec: &SweepsSpec, cutback: &Cutback, loss: &str) {
    let points: Vec<String> =
        cutback.lengths.iter().zip(&cutback.power_dbm).map(|(x, p)| format!("{x}: {p:.2} dBm")).collect();
    let _ = writeln!(
        out,
        "# {title} ({}):\n# {loss}; at most {:.2} dB off the line.\n#   {}",
        place(spec),
        cutback.line.largest_residual(),
        points.join(", ")
    );
}
