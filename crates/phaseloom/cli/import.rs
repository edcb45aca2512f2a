//! The command `import`: a model file from a weights file.

use super::Exit;
use super::terminal::{output, streams};
use anyhow::Context;
use clap::{Args, ValueEnum};
use phaseloom::files::{WIDTH, wrap, write_atomically};
use phaseloom::network::Tensors;
use phaseloom::network::import::{ImportSettings, ImportedModel, WeightLayout};
use std::path::{Component, Path, PathBuf};

/// Write the model file of a weights file, to be edited
///
/// Infers the chain of layers from names and shapes of the tensors, says what it guessed, and names the tensors that it
/// does not use. A file that allows more than one chain is refused. Without -o the model file is printed.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom import weights.safetensors -o model.toml\n  \
    phaseloom import weights.npz --activation tanh --layout in-out -o model.toml\n  \
    phaseloom import cnn.npz --input-shape 1,28,28 -o model.toml\n  \
    phaseloom import autoencoder.npz --layers enc.weight,dec.weight -o model.toml")]
pub struct Import {
    /// The weights (.safetensors, .npz)
    weights: PathBuf,
    /// Activation after each layer but the last: a kind of layer, see `phaseloom explain layer`
    #[arg(long, value_name = "KEY", default_value = "relu")]
    activation: String,
    /// How weights are stored [default: inferred from names and shapes]
    #[arg(long, value_name = "LAYOUT", ignore_case = true)]
    layout: Option<Layout>,
    /// Names of the weights in their order [default: inferred from names and shapes]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    layers: Vec<String>,
    /// Lengths of the axes of a sample, channels first, which convolutions need
    #[arg(long, value_name = "LENGTH,…", value_delimiter = ',')]
    input_shape: Vec<usize>,
    /// Where to write the model file
    #[arg(short, long, value_name = "MODEL.toml")]
    output: Option<PathBuf>,
}

/// How a weights file stores the weight of a layer.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layout {
    /// Outputs × inputs, as PyTorch
    OutIn,
    /// Inputs × outputs, as Keras
    InOut,
}

impl Import {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(path) = &self.output {
            output::check_output_path(path, &["toml"], &[("the weights", Some(&self.weights))])?;
            // A model file is edited by hand, and edits must not be lost.
            anyhow::ensure!(
                !path.is_file(),
                "-o: found {}, a file that exists, expected a new one: name another file, or remove this one",
                path.display()
            );
        }
        streams::refuse_stream_because("the weights", &self.weights, "the model file names it")?;
        let tensors = Tensors::load(&self.weights)?;
        let layout = self.layout.map(|layout| match layout {
            Layout::OutIn => WeightLayout::OutIn,
            Layout::InOut => WeightLayout::InOut,
        });
        let input_shape = (!self.input_shape.is_empty()).then_some(self.input_shape);
        let settings = ImportSettings { activation: self.activation, layout, layers: self.layers, input_shape };
        let model = ImportedModel::new(&tensors, &settings)?;
        let name = self.weights.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = self.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let weights = relative(&self.weights, folder).with_context(|| self.weights.display().to_string())?;
        let text = model.toml(&name, &weights.to_string_lossy());
        let Some(path) = self.output.as_deref().filter(|path| !streams::is_stream(path)) else {
            output::print(&text)?;
            return Ok(Exit::Done);
        };
        write_atomically(path, text.as_bytes())?;
        let sizes = model.layers.iter().map(|layer| layer.outputs.to_string());
        let sizes: Vec<String> = std::iter::once(model.layers[0].inputs.to_string()).chain(sizes).collect();
        let mut summary = format!("{} with {}; guessed:\n", sizes.join("-"), model.activation);
        for guess in &model.guesses {
            summary += &format!("  {guess}\n");
        }
        if !model.unused.is_empty() {
            summary += &format!("not used, so the network computes without them: {}\n", model.unused.join(", "));
        }
        summary += "check that the row of the floating-point network has the accuracy that your framework gives\n";
        output::print(&(wrap(&summary, WIDTH, 2) + "\n"))?;
        output::status(&format!("wrote {}", path.display()));
        Ok(Exit::Done)
    }
}

/// The path of a file as seen from a folder.
fn relative(file: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    let file = file.canonicalize()?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.canonicalize()?;
    let common = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    // Different drives have nothing in common.
    if common == 0 {
        return Ok(file);
    }
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    Ok(up.chain(file.components().skip(common)).collect())
}
