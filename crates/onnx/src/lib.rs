//! ONNX graphs on photonic hardware. The graph is executed by tract, which this crate alone names. Every linear operator with
//! constant weights becomes a matrix product that the caller of a forward pass supplies; all else stays electronic.
//!
//! ```text
//! net.onnx ── load ──▶ graph of tract ── lower ──▶ sites (matrix, gather, scatter) + electronic operators
//! sample ──▶ node ──▶ … gather columns ──▶ [ W x of the caller ] ──▶ scatter, bias ──▶ … node ──▶ outputs
//! ```
//!
//! A graph is planned for one sample. Several samples pass it node by node, so that a site sees the vectors of all of them
//! at once, sample by sample. The place of a vector then depends on its sample alone, and no axis has to be known as that of
//! the batch.

mod conv;
mod einsum;
mod error;
mod graph;
mod gru;
mod guard;
mod load;
mod lower;
mod names;
mod program;
mod site;
mod tensors;

pub use graph::Graph;
pub use guard::executes_graph;
