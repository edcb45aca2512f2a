//! The command line from outside: the binary is started, its exit code, its words and its files are looked at.
//!
//! Each module says what belongs in it. Laws of the physics are tested in the crates; a number is tested here only
//! where files on disk are what counts (`matrix`).

mod cli {
    mod convolutions;
    mod corrections;
    mod costs;
    mod extremes;
    mod figures;
    mod lab;
    mod matrix;
    mod meshes;
    mod onnx;
    mod options;
    mod output;
    mod pages;
    mod processes;
    mod programs;
    mod refusals;
    mod reports;
    mod runs;
    mod start;
    mod support;
    mod validate;
    mod yields;
}
