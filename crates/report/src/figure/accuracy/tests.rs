use crate::figure::FIGURES;
use crate::table::Table;
use crate::{FigureStyle, accuracy_figure, png};

const COLUMNS: &str = "chips,accuracy_mean,accuracy_sd,accuracy_se,accuracy_q10,accuracy_q50,accuracy_q90,test_se";
const ABOUT: &str = "# phaseloom: 0.1.0\n# identity: 3fa94be2aa0177c3\n# seed: 1\n# name: MNIST on 64-port cores\n";
const SIGMA: &str = "process.splitter_error.sigma_rad";

/// A chips row with its median at the given share and a band around it.
fn chips(levels: &str, median: f64) -> String {
    let (low, high) = ((median - 0.06).max(0.0), (median + 0.04).min(1.0));
    format!("chips,0,{levels},20,{median},0.01,0.002,{low},{median},{high},0.003\n")
}

/// A reference row, with its levels or as many empty cells.
fn reference(kind: &str, levels: &str, mean: f64) -> String {
    format!("{kind},,{levels},,{mean},,,,,,0.003\n")
}

fn summary(keys: &str, rows: &[String]) -> String {
    format!("{ABOUT}row,point,{keys},{COLUMNS}\n{}", rows.concat())
}

fn six_levels() -> String {
    let levels = [(0.0, 0.979), (0.002, 0.974), (0.005, 0.95), (0.01, 0.84), (0.02, 0.47), (0.05, 0.15)];
    let mut rows = vec![reference("exact", "", 0.98), reference("perfect_ideal", "", 0.98)];
    for (sigma, median) in levels {
        rows.push(reference("perfect_real", &sigma.to_string(), 0.977));
        rows.push(chips(&sigma.to_string(), median));
    }
    summary(SIGMA, &rows)
}

fn two_keys() -> String {
    let mut rows = vec![reference("exact", ",", 0.98)];
    for (bits, drop) in [(4, 0.3), (6, 0.1), (8, 0.0)] {
        rows.push(reference("perfect_real", &format!(",{bits}"), 0.97 - 0.1 * drop));
        for sigma in [0.0, 0.005, 0.01, 0.02] {
            rows.push(chips(&format!("{sigma},{bits}"), 0.96 - drop - 20.0 * sigma));
        }
    }
    summary(&format!("{SIGMA},link.adc_bits"), &rows)
}

fn words() -> String {
    let rows = [("none", 0.5), ("local", 0.8), ("self-configuration", 0.95)].map(|(word, median)| chips(word, median));
    summary("process.correction", &rows)
}

fn single() -> String {
    let rows = [
        reference("exact", "", 0.98),
        reference("perfect_real", "", 0.97),
        reference("digital", "", 0.975),
        chips("0.01", 0.9),
    ];
    summary(SIGMA, &rows)
}

fn count(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

/// Texts of a drawing in its order.
fn texts(svg: &str) -> Vec<&str> {
    svg.split("<text")
        .skip(1)
        .filter_map(|rest| rest.split_once(">\n")?.1.split_once("\n</text>"))
        .map(|(t, _)| t)
        .collect()
}

#[test]
fn one_key_gives_one_band_one_line_and_its_references() {
    let svg = accuracy_figure(&six_levels()).unwrap();
    let texts = texts(&svg);
    for text in [
        "MNIST on 64-port cores",
        "splitter error σ (rad)",
        "test accuracy (%)",
        "median of 20 chips, 10–90 % band",
        "floating-point reference; perfect mesh, real link: 97.7–98 %",
        "phaseloom 0.1.0 · identity 3fa94be2aa01… · seed 1 · points are paired: the same draws at every level",
    ] {
        assert_eq!(texts.iter().filter(|found| **found == text).count(), 1, "{text}: {texts:?}");
    }
    assert!(!texts.contains(&"perfect mesh, ideal link"), "it is the line of the floating-point reference");
    assert_eq!(count(&svg, "<circle"), 2 * (6 + 1), "six points and the legend's, each with a rim");
    assert_eq!(count(&svg, "<polygon opacity=\"0.18\""), 2, "one band and the legend's");
    assert_eq!(count(&svg, "stroke=\"#0072B2\""), 2, "one line and the legend's");
}

#[test]
fn a_grid_gives_a_line_and_a_band_for_each_level_of_the_other_key() {
    let svg = accuracy_figure(&two_keys()).unwrap();
    assert!(texts(&svg).contains(&"median of 20 chips, 10–90 % band; ADC resolution:"));
    for bits in ["4 bits", "6 bits", "8 bits"] {
        assert!(texts(&svg).contains(&bits));
    }
    assert_eq!(count(&svg, "<polygon opacity=\"0.18\""), 3, "the names are at the lines, without a legend");
}

#[test]
fn many_lines_repeat_colours_with_dashes() {
    let rows: Vec<String> =
        (0..10).flat_map(|k| [0.0, 0.01].map(|sigma| chips(&format!("{sigma},k{k}"), 0.9 - 0.05 * k as f64))).collect();
    let svg = accuracy_figure(&summary(&format!("{SIGMA},kind"), &rows)).unwrap();
    assert_eq!(count(&svg, "<polygon opacity=\"0.18\""), 2 * 10);
    assert!(texts(&svg).contains(&"k9"));
}

/// A table of three methods on few chips. The first two differ by 0.2 points.
fn methods(chips: u32) -> Table {
    let mut rows = Vec::new();
    for (word, share) in [("none", 0.5), ("loss", 0.502), ("local", 0.8)] {
        for (point, sigma) in [0.05, 0.1].into_iter().enumerate() {
            rows.push(format!("chips,{point},{sigma},{word},{chips},{share},,,{share},{share},0.81,\n"));
        }
    }
    Table::parse(&summary(&format!("{SIGMA},correction"), &rows)).unwrap()
}

#[test]
fn lines_that_coincide_are_drawn_once_with_a_joined_name() {
    let svg = (FIGURES[0].draw)(&methods(20), &FigureStyle::default()).unwrap();
    let names = texts(&svg);
    assert!(names.contains(&"uncorrected ≈ loss corrected (within 0.2 points)"), "{names:?}");
    assert!(
        names.contains(&"local correction, errors known")
            && names.contains(&"median of 20 chips, 10–90 % band; correction:")
    );
    assert_eq!(count(&svg, "<polygon opacity=\"0.18\""), 2 * 2, "two bands and the legend's");
}

#[test]
fn fewer_than_five_chips_are_points_instead_of_a_band() {
    let chip = |point: usize, trial: usize, value: f64| format!("chips,{point},{trial},0,{value}\n");
    let chips = (0..2).flat_map(|point| (0..3).map(move |trial| chip(point, trial, 0.2 + 0.1 * trial as f64)));
    let chips = Table::parse(&format!("row,point,trial,shot,accuracy\n{}", chips.collect::<String>())).unwrap();
    let circles = |table: &Table| count(&(FIGURES[0].draw)(table, &FigureStyle::default()).unwrap(), "<circle");
    let alone = methods(3);
    let svg = (FIGURES[0].draw)(&alone, &FigureStyle::default()).unwrap();
    assert!(texts(&svg).contains(&"median of 3 chips; correction:") && count(&svg, "opacity=\"0.18\"") == 0);
    // Three small circles, each with a rim, at both points of the first line.
    let with_chips = alone.clone().with_chips(chips);
    assert_eq!(circles(&with_chips), circles(&alone) + 2 * 3 * 2);
    let five = methods(5).with_chips(alone);
    assert_eq!(count(&(FIGURES[0].draw)(&five, &FigureStyle::default()).unwrap(), "opacity=\"0.18\""), 4);
}

#[test]
fn every_figure_follows_the_scheme_of_its_reader_and_the_chosen_width() {
    let column = FigureStyle { width: "86mm".parse().ok(), title: false, footer: false, ..FigureStyle::default() };
    for text in [six_levels(), two_keys(), words(), single()] {
        let table = Table::parse(&text).unwrap();
        let [wide, narrow] = [FigureStyle::default(), column].map(|style| (FIGURES[0].draw)(&table, &style).unwrap());
        for svg in [&wide, &narrow] {
            assert!(svg.contains("@media (prefers-color-scheme: dark)") && svg.contains("[fill=\"#FFFFFF\"]"));
            let (head, rest) = svg.split_once("<style>").unwrap();
            let light = format!("{head}{}", rest.split_once("</style>").unwrap().1);
            assert_eq!(png(svg, 300).unwrap(), png(&light, 300).unwrap(), "an image is light");
        }
        assert!(narrow.contains("width=\"86mm\"") && !narrow.contains("phaseloom 0.1.0") && !narrow.contains("MNIST"));
        assert!(wide.contains("phaseloom 0.1.0") && wide.contains("MNIST"));
    }
}

#[test]
fn words_have_slots_with_bars_and_no_line_between() {
    let svg = accuracy_figure(&words()).unwrap();
    assert!(texts(&svg).contains(&"self-configuration"));
    assert!(texts(&svg).contains(&"median of 20 chips, 10–90 % bars"));
    assert_eq!(count(&svg, "<polygon opacity=\"0.18\""), 0);
}

#[test]
fn a_single_point_has_a_slot_for_each_kind_of_row() {
    let svg = accuracy_figure(&single()).unwrap();
    let texts = texts(&svg);
    for text in ["98 %", "97 %", "97.5 %", "90 %", "splitter error σ 0.01 rad"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert!(!texts.iter().any(|text| text.contains("paired")), "there is one point");
}

#[test]
fn one_chip_has_no_band_and_equal_accuracies_are_drawn() {
    let rows = [0.0, 0.01].map(|sigma| format!("chips,0,{sigma},1,0.9,,,0.9,0.9,0.9,0.01\n"));
    let svg = accuracy_figure(&summary(SIGMA, &rows)).unwrap();
    assert!(texts(&svg).contains(&"one chip"));
    assert_eq!(count(&svg, "opacity=\"0.18\""), 0);
    assert!(texts(&svg).contains(&"90") && !svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn guessing_is_shown_if_the_table_knows_it() {
    assert!(!accuracy_figure(&six_levels()).unwrap().contains("guessing"));
    assert!(accuracy_figure(&format!("# chance: 0.1\n{}", six_levels())).unwrap().contains("guessing, 10 %"));
}

/// The image of an escaped title is that of the same characters as numeric references.
#[test]
fn titles_are_escaped_in_both_formats() {
    let svg = accuracy_figure(&six_levels().replace("MNIST on", "<script>&\"x\"</script>")).unwrap();
    assert!(
        texts(&svg).contains(&"&lt;script&gt;&amp;&quot;x&quot;&lt;/script&gt; 64-port cores")
            && !svg.contains("<script")
    );
    let numeric = svg.replace("&lt;", "&#60;").replace("&gt;", "&#62;").replace("&amp;", "&#38;");
    assert_eq!(png(&svg, 200).unwrap(), png(&numeric, 200).unwrap());
    assert_ne!(png(&svg, 200).unwrap(), png(&svg.replace("&amp;", ""), 200).unwrap());
}

#[test]
fn the_same_table_gives_the_same_bytes_on_the_sheet_and_an_image_of_the_asked_width() {
    for text in [six_levels(), two_keys(), words(), single()] {
        let svg = accuracy_figure(&text).unwrap();
        assert_eq!(svg, accuracy_figure(&text).unwrap());
        let image = png(&svg, 400).unwrap();
        assert_eq!(image, png(&svg, 400).unwrap());
        let size = |at: usize| u32::from_be_bytes([image[at], image[at + 1], image[at + 2], image[at + 3]]);
        let height: f64 = svg.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        assert_eq!((size(16), size(20)), (400, (height / 2.0).round() as u32));
        for polyline in svg.split("points=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            for point in polyline.split_whitespace() {
                let (x, y) = point.split_once(',').unwrap();
                assert!(
                    (0..=3200).contains(&x.parse::<i32>().unwrap()) && (0..=2400).contains(&y.parse::<i32>().unwrap())
                );
            }
        }
    }
}

#[test]
fn every_figure_refuses_tables_that_it_cannot_draw() {
    for figure in FIGURES {
        let table = Table::parse("something\nelse\n").unwrap();
        assert_eq!(
            (figure.draw)(&table, &FigureStyle::default()).unwrap_err().to_string(),
            "the table has no column `row`"
        );
    }
    assert_eq!(accuracy_figure("").unwrap_err().to_string(), "the table is empty: it has no header");
    let header = six_levels().lines().take(5).collect::<Vec<_>>().join("\n");
    assert_eq!(accuracy_figure(&header).unwrap_err().to_string(), "the table has a header but no rows");
    let bad = six_levels().replace("0.84,0.01", "nan,0.01");
    let message = accuracy_figure(&bad).unwrap_err().to_string();
    assert_eq!(message, "line 15: column `accuracy_mean` holds `nan`, not a finite number");
}

#[test]
fn references_without_chips_and_tables_without_a_sweep_are_drawn() {
    let rows = [4, 6, 8].map(|bits| reference("digital", &bits.to_string(), 0.7 + 0.03 * f64::from(bits)));
    let svg = accuracy_figure(&summary("link.adc_bits", &rows)).unwrap();
    assert!(texts(&svg).contains(&"digital network, same bits") && !svg.contains("median"));

    let text = format!("row,point,{COLUMNS}\nexact,,,0.9,,,,,,\nchips,0,1,0.8,,,0.8,0.8,0.8,\n");
    let svg = accuracy_figure(&text).unwrap();
    assert!(texts(&svg).contains(&"Accuracy") && texts(&svg).contains(&"80 %"));
    assert!(!svg.contains("NaN") && !svg.contains("inf\""));
}
