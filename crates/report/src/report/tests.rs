use super::*;
use crate::plot::scheme::dark;
use std::collections::BTreeSet;

const COMMAND: &str = "phaseloom report out";
const SUMMARY: &str = "row,point,process.splitter_error.sigma_rad,chips,accuracy_mean,accuracy_q10,accuracy_q50,accuracy_q90\n\
    exact,0,0,1,0.98,0.98,0.98,0.98\n\
    chips,0,0,20,0.975,0.974,0.976,0.977\n\
    chips,1,0.01,20,0.97,0.96,0.971,0.975\n\
    chips,2,0.1,20,0.80,0.70,0.81,0.90\n";
const YIELD: &str = "point,process.splitter_error.sigma_rad,criterion,limit,chips,passes,yield,yield_low,yield_high\n\
    0,0,drop,0.01,40,40,1,0.91,1\n1,0.1,drop,0.01,40,4,0.1,0.04,0.23\n";
const TOLERANCE: &str =
    "point,yield,chips,tolerance,low,high,share,fail_all,pass_all\n0,0.9,100,0.0123,0.011,0.0136,0.9,0,0\n";
const CRITICAL: &str = "point,trial,critical,censored\n0,0,0.01,false\n0,1,0.02,false\n";
const BUDGET: &str = "quantity,source,alone,alone_se,left_out,left_out_se,shapley,shapley_se\n\
    loss,phase_error,0.1,0.01,0.2,0.01,0.15,0.01\nloss,splitter_error,0.01,0.01,0.02,0.01,0.015,0.01\n\
    loss,all,0.17,0.01,,,,\nloss,none,0.005,0,,,,\n";
const SENSITIVITY: &str = "layer,tile,stage,component,column,mode,number,sensitivity,chips_sensitivity,chips_sensitivity_se,share\n\
    0,0,0,theta,0,0,0,8,,,0.5\n0,0,0,splitter,0,0,1,1,,,0.1\n0,0,0,phi,1,1,0,1,,,0.1\n0,0,0,phi,2,1,0,0.1,,,0.1\n";
const ENERGY: &str = "side,part,key,joule,share\nlight,laser,laser,1e-9,1\nsystolic,products,mac,2e-9,1\n";
const ELECTRONICS: &str = "array,precision,bits,energy_per_mac_j,latency_s,area_m2,ratio,q05,q50,q95\n\
    systolic,equal_bits,3.2,5e-13,2e-7,5e-6,1.103,0.905,1.05,1.222\ntree,equal_bits,3.2,5e-13,2e-7,5e-6,0.602,0.5,0.6,0.7\n";
const COST: &str = "point,link.laser_power_w,score_mean,energy_j,pareto\n0,0.01,0.9,1e-9,true\n1,0.1,0.95,2e-9,true\n";
const BREAK_EVEN: &str =
    "quantity,unit,value,own,systolic,tree\nhold_pi_w,W,0.01,0.1,2,1\nhold_pi_w,W,0.2,0.1,0.5,0.2\n";

fn study(folder: &str, tables: &[(&str, &str)]) -> Study {
    let mut study = Study::new(folder);
    study.metadata.push(("name".to_owned(), format!("the <chips> of {folder} & co")));
    for (key, csv) in tables {
        study.add_table(key, csv).unwrap();
    }
    study
}

fn whole() -> Study {
    study(
        "out",
        &[
            ("summary", SUMMARY),
            ("yield", YIELD),
            ("tolerance", TOLERANCE),
            ("critical", CRITICAL),
            ("budget", BUDGET),
            ("sensitivity", SENSITIVITY),
            ("energy", ENERGY),
            ("electronics", ELECTRONICS),
            ("cost", COST),
            ("break-even", BREAK_EVEN),
        ],
    )
}

fn page(studies: &[Study]) -> String {
    Report::new(studies, COMMAND).unwrap().html(None).unwrap()
}

/// The positions of texts in a page, which must be there in this order.
fn assert_order(page: &str, parts: &[&str]) {
    let places: Vec<usize> = parts.iter().map(|part| page.find(part).unwrap_or_else(|| panic!("no {part}"))).collect();
    assert!(places.is_sorted(), "{parts:?}: {places:?}");
}

#[test]
fn parts_are_in_order_and_absent_without_their_tables() {
    let ids = ["scores", "yield", "tolerance", "budget", "sensitivity", "cost", "tables", "again"]
        .map(|id| format!("<section id=\"{id}\""));
    let full = page(&[whole()]);
    let parts: Vec<&str> = std::iter::once("class=\"verdicts\"").chain(ids.iter().map(String::as_str)).collect();
    assert_order(&full, &parts);
    let run = page(&[study("out", &[("summary", SUMMARY)])]);
    let there: Vec<bool> = ids.iter().map(|id| run.contains(id)).collect();
    assert_eq!(there, [true, false, false, false, false, false, true, true]);
    // Names of the user are text, and the numbers end no element.
    assert!(full.contains("the &lt;chips&gt; of out &amp; co") && !full.contains("<chips>"));
}

#[test]
fn verdicts_name_number_and_interval() {
    let of = |key: &str, csv: &str| {
        let report = Report::new(&[study("out", &[("summary", SUMMARY), (key, csv)])], COMMAND).unwrap();
        let verdict = &report.page.verdicts[0].verdict;
        (verdict.number.clone(), verdict.interval.clone(), verdict.sentence.clone())
    };
    let (number, interval, sentence) = of("summary", SUMMARY);
    assert_eq!(number, "97.10 %");
    assert_eq!(interval, "median at splitter error σ = 0.01 rad; 10–90 % of the chips: 96.00–97.50 %");
    assert_eq!(
        sentence,
        "Up to splitter error σ = 0.01 rad, the median of 20 chips loses at most one percentage point of test accuracy. At \
         splitter error σ = 0.1 rad it is 81.00 % (10–90 %: 70.00–90.00 %). The floating-point reference has 98.00 %."
    );
    let (number, interval, sentence) = of("yield", YIELD);
    assert_eq!((number.as_str(), interval.as_str()), ("100.0 %", "yield, 95 % interval 91.0–100.0 %"));
    assert_eq!(
        sentence,
        "40 of 40 chips pass at splitter error σ = 0 rad: they lose at most 1 percentage point of test accuracy. The yield \
         is lowest at splitter error σ = 0.1 rad: 4 of 40 chips pass, 10.0 %."
    );
    let head = YIELD.lines().next().unwrap();
    let row =
        |point: usize, share: f64| format!("\n{point},{point},drop,0.01,40,{},{share},0.1,0.9", (40.0 * share).round());
    let ties = |shares: &[f64]| {
        let rows: String = shares.iter().enumerate().map(|(point, share)| row(point, *share)).collect();
        of("yield", &format!("{head}{rows}\n")).2
    };
    let several = ties(&[0.5, 0.5, 0.5, 0.25, 0.25]);
    assert!(
        several.contains("accuracy. The yield is as high at 2 other settings. The yield is lowest at"),
        "{several}"
    );
    assert!(several.ends_with("25.0 %. The yield is as low at one other setting."), "{several}");
    assert!(ties(&[0.5, 0.5, 0.5]).ends_with("test accuracy. The yield is the same at all 3 settings."));
    let (_, _, sentence) = of("budget", &BUDGET.replace("0.015,0.01", "0.15,0.01"));
    assert!(
        sentence.starts_with("Phase error costs most") && sentence.contains(" Splitter error costs as much. All"),
        "{sentence}"
    );
    let (number, interval, _) = of("tolerance", TOLERANCE);
    assert_eq!((number.as_str(), interval.as_str()), ("0.0123", "95 % interval 0.011 to 0.0136"));
    let (number, _, sentence) = of("budget", BUDGET);
    assert_eq!(number, "15.00 ± 1.00");
    assert_eq!(
        sentence,
        "Phase error costs most: 15.00 percentage points of loss of test accuracy on the average over orders. All sources \
         together cost 16.50 percentage points."
    );
    let (number, interval, sentence) = of("electronics", ELECTRONICS);
    assert_eq!(number, "1.1");
    assert_eq!(interval, "energy of a systolic array over that of light, 90 % interval 0.905–1.22");
    assert!(
        sentence.contains("the interval contains 1, so the comparison is open. An adder tree takes 0.602"),
        "{sentence}"
    );
}

/// A sweep that improves, one whose good range is in the middle, one of words, and one point.
#[test]
fn verdicts_suit_the_sweep() {
    let sentence = |key: &str, rows: &[(&str, f64)]| {
        let rows: String = rows.iter().map(|(x, q)| format!("chips,0,{x},20,{q},{q},{q},{q}\n")).collect();
        let head = format!("row,point,{key},chips,accuracy_mean,accuracy_q10,accuracy_q50,accuracy_q90\n");
        let csv = format!("{head}exact,0,,1,0.98,0.98,0.98,0.98\n{rows}");
        Report::new(&[study("out", &[("summary", &csv)])], COMMAND).unwrap().sentences().remove(0)
    };
    assert!(
        sentence("link.adc.bits", &[("4", 0.5), ("6", 0.975), ("8", 0.98)])
            .starts_with("From ADC resolution = 6 bits on,")
    );
    assert!(
        sentence("link.adc.bits", &[("4", 0.98), ("6", 0.975)]).starts_with("At every level, the median of 20 chips")
    );
    let never = sentence("link.adc.bits", &[("4", 0.5), ("6", 0.6)]);
    assert!(
        never.starts_with(
            "At every level, the median of 20 chips loses more than one percentage point of test accuracy. It is highest at \
             ADC resolution = 6 bits: 60.00 %"
        ),
        "{never}"
    );
    // A sweep from no error on, whose first error is too large.
    let already = sentence("process.splitter_error.sigma_rad", &[("0", 0.98), ("0.01", 0.9), ("0.02", 0.5)]);
    assert!(
        already.starts_with(
            "Already at splitter error σ = 0.01 rad, the median of 20 chips loses more than one percentage point of test \
             accuracy: it is 90.00 % (10–90 %: 90.00–90.00 %). At splitter error σ = 0 rad it is 98.00 %"
        ),
        "{already}"
    );
    let tied = sentence("correction", &[("none", 0.5), ("local", 0.975), ("spsa", 0.975)]);
    assert!(tied.contains("97.50–97.50 %). The median is as high at one other setting. It is lowest"), "{tied}");
    let middle = sentence("link.adc.bits", &[("4", 0.5), ("6", 0.975), ("8", 0.6)]);
    assert!(
        middle.starts_with("The median test accuracy of 20 chips is highest at ADC resolution = 6 bits: 97.50 %"),
        "{middle}"
    );
    let words = sentence("correction", &[("none", 0.5), ("local", 0.975)]);
    assert!(words.contains("highest at local correction, errors known: 97.50 %"), "{words}");
    assert!(sentence("link.adc.bits", &[("4", 0.5)]).starts_with("The median test accuracy of 20 chips is 50.00 %"));
}

#[test]
fn every_grey_has_a_twin_on_a_dark_page_and_no_more_than_the_hues_have_none() {
    let report = Report::new(&[whole()], COMMAND).unwrap();
    let drawings: String = report.page.sections.iter().flat_map(Section::drawings).collect();
    let mut without = BTreeSet::new();
    for attribute in ["fill=\"#", "stroke=\"#"] {
        for digits in drawings.split(attribute).skip(1).filter_map(|rest| rest.get(..6)) {
            let channel = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            let rule = format!("[{}{digits}\"]", attribute);
            let has_rule = report.page.style.contains(&rule);
            assert_eq!(has_rule, dark((channel(0), channel(2), channel(4))).is_some(), "{digits}");
            if !has_rule {
                without.insert(digits.to_owned());
            }
        }
    }
    // The hues of series, which contrast with both pages: see the test of `plot/scheme.rs`.
    let series: BTreeSet<String> =
        crate::plot::palette::SERIES.iter().map(|colour| crate::plot::scheme::hex(*colour)[1..].to_owned()).collect();
    assert!(without.is_subset(&series), "{without:?}");
    assert!(report.page.style.contains("@media screen and (prefers-color-scheme: dark)"));
}

#[test]
fn marks_hold_values_and_the_page_asks_for_nothing() {
    let page = page(&[whole()]);
    assert!(page.contains("aria-label=\"splitter error σ = 0.1 rad: median 81.00 %, 10–90 %: 70.00–90.00 %\""));
    assert!(page.contains("aria-label=\"light, laser: 1 nJ\""));
    let figures = page.matches("<figure>").count();
    assert_eq!((page.matches("<svg ").count(), page.matches("aria-live=\"polite\"").count()), (2 * figures, figures));
    // One mark of each variant is in the order of the keyboard.
    assert_eq!(page.matches("tabindex=\"0\" role=\"img\"").count(), 2 * figures);
    assert!(SCRIPT.len() < 2000, "{} bytes", SCRIPT.len());
    for address in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(address), "{address}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// A sweep of many points is no slower and no longer than a browser bears, and the page says how many points have a value.
#[test]
fn a_long_sweep_has_values_at_equal_steps() {
    let rows: String = (0..60_000).map(|i| format!("chips,{i},{i},20,0.9,0.8,0.9,0.95\n")).collect();
    let head = SUMMARY.lines().next().unwrap();
    let start = std::time::Instant::now();
    let page = page(&[study("out", &[("summary", &format!("{head}\n{rows}"))])]);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    assert!(page.contains("Of 60000 points, 500 at equal steps have one; the table has all."), "no hint");
    assert!(page.len() < 8_000_000, "{} bytes", page.len());
}

#[test]
fn the_data_are_the_tables_once() {
    let report = Report::new(&[whole()], COMMAND).unwrap();
    let data: serde_json::Value = serde_json::from_str(report.json()).unwrap();
    let page = report.html(None).unwrap();
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let inside: serde_json::Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(inside, data);
    let tables = data["studies"][0]["tables"].as_array().unwrap();
    let summary = tables.iter().find(|table| table["key"] == "summary").unwrap();
    assert_eq!(summary["rows"][2], serde_json::json!(["chips", 1, 0.01, 20, 0.97, 0.96, 0.971, 0.975]));
    assert_eq!(summary["columns"][2]["key"], "process.splitter_error.sigma_rad");
    let budget = tables.iter().find(|table| table["key"] == "budget").unwrap();
    assert_eq!(budget["rows"][2][4], serde_json::Value::Null);
    // The folder is no part of the numbers.
    let mut moved = whole();
    moved.folder = "elsewhere".to_owned();
    assert_eq!(Report::new(&[moved], COMMAND).unwrap().json(), report.json());
}

#[test]
fn tables_have_words_and_long_ones_are_cut() {
    let page = page(&[whole()]);
    for words in [
        "<button type=\"button\">test accuracy, median (%)</button>",
        "imperfect chips",
        "internal phase θ",
        "systolic array",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let shown = page.split_once("<script type=\"application/json\"").unwrap().0;
    for key in ["splitter_error.sigma_rad", "accuracy_q50", "equal_bits", "phase_error<"] {
        assert!(!shown.contains(key), "{key}");
    }
    let rows: String =
        (0..MAX_ROWS + 20).map(|i| format!("0,0,0,theta,{i},0,0,{},,,0\n", 1.0 / (i + 1) as f64)).collect();
    let long = format!(
        "layer,tile,stage,component,column,mode,number,sensitivity,chips_sensitivity,chips_sensitivity_se,share\n{rows}"
    );
    let page = self::page(&[study("out", &[("sensitivity", &long)])]);
    assert!(page.contains("the first 300 of 320 rows"));
    // The download is not taken for the whole file.
    assert!(page.contains("download=\"sensitivity-first-300.csv\""));
    assert!(page.contains("The file sensitivity.csv in the folder of the results has all 320 rows."));
}

#[test]
fn chips_are_before_references_and_limits_have_their_unit() {
    let page = page(&[whole()]);
    let (_, rows) = page.split_once("<table id=\"summary-0\"").unwrap();
    assert_order(
        rows,
        &["<tr data-r=\"1\"><th scope=\"row\">imperfect chips", "<tr data-r=\"3\">", "<tr data-r=\"0\">"],
    );
    assert!(page.contains("limit of the criterion (points)"), "{page}");
    let (_, rows) = page.split_once("<table id=\"yield-0\"").unwrap();
    assert!(rows.contains("<td class=\"n\">1.00</td>"), "{rows}");
}

#[test]
fn runs_with_the_same_swept_keys_share_a_figure() {
    let other = SUMMARY.replace("sigma_rad", "mean_rad");
    let studies =
        [study("a", &[("summary", SUMMARY)]), study("b", &[("summary", SUMMARY)]), study("c", &[("summary", &other)])];
    assert_eq!(shared::groups(&studies), [vec![0, 1], vec![2]]);
    let page = page(&studies);
    assert_eq!(page.matches("<figure>").count(), 2);
    assert!(page.contains("run = the &lt;chips> of a &amp; co, splitter error σ = "), "no run in the values");
    // Folders distinguish two runs of the same name; a name that is a number is no place on an axis.
    let named = |folder: &str, name: &str| {
        let mut study = Study::new(folder);
        study.metadata.push(("name".to_owned(), name.to_owned()));
        study
    };
    let labels = shared::labels(&[named("x/a", "same"), named("x/b/", "same"), named("y", "5")]);
    assert_eq!(labels, ["same (a)", "same (b)", "run 5"]);
}

#[test]
fn templates_of_users_are_filled_and_checked() {
    let report = Report::new(&[whole()], COMMAND).unwrap();
    let own = "<h1>{{ title }}</h1>{% for section in sections %}{{ section.id }} {% endfor %}";
    let page = report.html(Some(own)).unwrap();
    assert!(page.starts_with("<h1>the &lt;chips&gt; of out &amp; co</h1>scores yield tolerance budget"), "{page}");
    for (template, line, part) in [
        ("<p>\n{{ titel.name }}", 2, "undefined"),
        ("{% for section in sections %}", 1, "end"),
        ("\n\n{{ title|nonsense }}", 3, "nonsense"),
    ] {
        let error = report.html(Some(template)).unwrap_err();
        let ReportError::Template { line: found, problem } = &error else { panic!("{error}") };
        assert!(*found == line && problem.contains(part), "{template}: {error}");
    }
}

#[test]
fn a_study_without_tables_is_refused() {
    // Single chips and designs are no results by themselves.
    let parts = study("part", &[("table", "row,point,trial\nchips,0,0\n"), ("design", "layer\n0\n")]);
    for (folder, part) in [("empty", study("empty", &[])), ("part", parts)] {
        let error = Report::new(&[whole(), part], COMMAND).err().unwrap();
        assert!(error.to_string().starts_with(&format!("{folder}: found no table of results")), "{error}");
    }
    // Merged shards of a budget, which `phaseloom budget` has not seen yet, are scores over sets of sources.
    let sets = SUMMARY.replace("process.splitter_error.sigma_rad", "sources");
    assert!(Report::new(&[study("merged", &[("summary", &sets)])], COMMAND).is_ok());
    assert!(matches!(Report::new(&[], COMMAND), Err(ReportError::NoStudy { .. })));
    let error = Study::new("out").add_table("summary", "a,a\n1,2\n").unwrap_err();
    assert_eq!(error.to_string(), "out/summary.csv: the table has two columns `a`");
    for key in ["summary", "yield", "tolerance", "budget", "table"] {
        let error = Study::new("out").add_table(key, "row,point\n").unwrap_err();
        assert_eq!(error.to_string(), format!("out/{key}.csv: the table has a header but no rows"));
        assert_eq!(error.code(), ReportError::NoRows.code());
    }
    Study::new("out").add_table("turning", "array,quantity\n").unwrap();
}

/// Every kind of column: an error names folder, file, line and column.
#[test]
fn damaged_cells_are_refused_with_their_file() {
    let added = |key: &str, csv: &str, old: &str, new: &str| {
        assert!(csv.contains(old), "{old}");
        Study::new("a/b").add_table(key, &csv.replacen(old, new, 1)).unwrap_err().to_string()
    };
    for (key, csv, old, new, end) in [
        (
            "yield",
            YIELD,
            "0,0,drop,0.01,40",
            "0,0,drop,0.01,-40",
            "line 2: column `chips` holds `-40`, not a whole number from 0",
        ),
        ("yield", YIELD, ",0.1,0.04", ",1.1,0.04", "line 3: column `yield` holds 1.1, outside 0…1"),
        (
            "yield",
            YIELD,
            "1,0.1,drop",
            "1,NaN,drop",
            "line 3: column `process.splitter_error.sigma_rad` holds `NaN`, not a finite number",
        ),
        ("yield", YIELD, "0,0,drop,0.01", "0,0,drop,x", "line 2: column `limit` holds `x`, not a finite number"),
        (
            "summary",
            SUMMARY,
            "0.01,20",
            "inf,20",
            "line 4: column `process.splitter_error.sigma_rad` holds `inf`, not a finite number",
        ),
        ("summary", SUMMARY, "0.01,20", "0.01,2.5", "line 4: column `chips` holds `2.5`, not a whole number from 0"),
        ("summary", SUMMARY, "0.971", "", ""),
        ("tolerance", TOLERANCE, "0.9,100", "9,100", "line 2: column `yield` holds 9, outside 0…1"),
        ("budget", BUDGET, "0.15", "nan", "line 2: column `shapley` holds `nan`, not a finite number"),
        (
            "sensitivity",
            SENSITIVITY,
            "0,0,0,theta",
            "0,-1,0,theta",
            "line 2: column `tile` holds `-1`, not a whole number from 0",
        ),
        ("electronics", ELECTRONICS, "1.103", "?", "line 2: column `ratio` holds `?`, not a finite number"),
    ] {
        if !end.is_empty() {
            assert_eq!(added(key, csv, old, new), format!("a/b/{key}.csv: {end}"));
            continue;
        }
        // What the verdict reads.
        let study = study("a/b", &[(key, &csv.replacen(old, new, 1))]);
        let error = Report::new(&[whole(), study], COMMAND).err().unwrap().to_string();
        assert_eq!(error, "a/b/summary.csv: line 4: column `accuracy_q50` holds ``, not a finite number");
    }
    // Single chips, of several runs too, which share a table.
    let few = SUMMARY.replace(",20,", ",2,");
    let chips = "row,point,process.splitter_error.sigma_rad,trial,accuracy\nchips,0,0,0,0.9\nchips,0,0,1,9\n";
    let studies = [study("a", &[("summary", &few)]), study("b", &[("summary", &few), ("table", chips)])];
    let error = Report::new(&studies, COMMAND).err().unwrap().to_string();
    assert_eq!(error, "b/table.csv: line 3: column `accuracy` holds 9, outside 0…1");
}

#[test]
fn the_page_ends_with_the_commands_that_make_it() {
    let mut first = whole();
    let session = |command: &str| Session { command: command.to_owned(), text: "1 s".to_owned() };
    first.sessions = vec![session("phaseloom run a.toml"), session("phaseloom run a.toml")];
    let mut second = whole();
    second.sessions = vec![session("phaseloom run b.toml")];
    let again = |studies: &[Study]| {
        let page = page(studies);
        let (_, end) = page.split_once("<section id=\"again\"").unwrap();
        end.split("<pre")
            .skip(1)
            .map(|part| part.split_once('>').unwrap().1.split("</pre>").next().unwrap().trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(again(&[first.clone()]), [format!("phaseloom run a.toml\n{COMMAND}")]);
    assert_eq!(again(&[first, second]), ["phaseloom run a.toml", "phaseloom run b.toml", COMMAND]);
    // Without records there is only the command of the page.
    assert_eq!(again(&[whole()]), [COMMAND]);
    assert_eq!(again(&[whole(), whole()]), [COMMAND]);
}

#[test]
fn settings_are_in_words() {
    for (name, value, words) in [
        ("normalise", "tile", "scale of the weights: for each tile by itself"),
        (
            "gain calibration",
            "scalar (64 probe vectors a core, noiseless)",
            "gain calibration: one gain per tile (64 probe vectors a core, noiseless)",
        ),
        ("modulator", "push_pull", "modulators: push-pull"),
        ("modulator", "swept", "modulators: swept"),
        ("detection", "homodyne", "detection: homodyne detection"),
        ("input normalisation", "not folded", "normalisation of the inputs: not folded into the weights"),
        ("some_thing", "two_words", "some thing: two words"),
    ] {
        let (name, value) = words::setting(name, value);
        assert_eq!(format!("{name}: {value}"), words);
    }
}
