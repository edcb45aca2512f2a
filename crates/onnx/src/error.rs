//! Errors of tract as errors of this workspace.

use std::path::Path;

use phaseloom_files::FileError;
use phaseloom_network::NetworkError;
use tract_onnx::prelude::TractError;

/// A problem of a graph that has its own remedy.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct Refusal {
    pub problem: String,
    pub remedy: &'static str,
}

/// An error of tract about the file `path`, with its chain of causes in one line.
pub(crate) fn graph_error(path: &Path, doing: &str, error: TractError, remedy: &'static str) -> NetworkError {
    let error = match error.downcast::<FileError>() {
        Ok(file) => return file.into(),
        Err(other) => other,
    };
    if let Some(Refusal { problem, remedy }) = error.downcast_ref() {
        return NetworkError::graph(path, problem.clone(), remedy);
    }
    let causes: Vec<String> = error.chain().map(|cause| one_line(&cause.to_string())).collect();
    NetworkError::graph(path, format!("{doing}: {}", causes.join(": ")), remedy)
}

/// The first line of a message, cut at 200 characters.
fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(200).collect();
    if short.len() < line.len() { short + "…" } else { short }
}
