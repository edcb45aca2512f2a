//! Scratch.
fn main() {
    for path in std::env::args().skip(1) {
        let svg = phaseloom_report::accuracy_figure(&std::fs::read_to_string(&path).unwrap()).unwrap();
        std::fs::write(path.replace(".csv", ".svg"), &svg).unwrap();
        std::fs::write(path.replace(".csv", ".png"), phaseloom_report::png(&svg, 1200).unwrap()).unwrap();
    }
}
