//! Random tables: each claim of the sentence is read from its text and compared with the table.

use super::*;
use phaseloom_numerics::StreamKey;
use rand::RngExt;
use rand::seq::SliceRandom;

/// Samples of the test set: two make one percentage point.
const SAMPLES: i32 = 200;

/// One row of a table: what is swept, and how many samples the reference and the median chip decide rightly.
#[derive(Clone, Debug)]
struct Row {
    value: String,
    number: Option<f64>,
    exact: i32,
    median: i32,
}

impl Row {
    fn is_kept(&self) -> bool {
        self.exact - self.median <= SAMPLES / 100
    }

    fn percent(&self) -> String {
        format!("{:.2} %", 100.0 * f64::from(self.median) / f64::from(SAMPLES))
    }
}

fn conclusion(rows: &[Row], chips: usize) -> Conclusion {
    let share = |count: i32| f64::from(count) / f64::from(SAMPLES);
    let point = |row: &Row| PointScore {
        keys: "x = ".into(),
        values: row.value.clone(),
        number: row.number,
        exact: share(row.exact),
        quantiles: [share(row.median); 3],
        tolerance: 0.01,
    };
    Conclusion::new(rows.iter().map(point).collect(), chips, Score::ACCURACY)
}

/// The first row that the text after a phrase names, with the accuracy in brackets checked. If there are several, they are all
/// rows of this accuracy.
fn named<'a>(rows: &'a [Row], text: &str, phrase: &str) -> Option<&'a Row> {
    let (_, after) = text.split_once(phrase)?;
    let after = after.strip_prefix("x = ").unwrap_or(after);
    let (values, after) = after.split_once(" (").expect("a value and its accuracy");
    let places: Vec<&str> = values.split(" and ").flat_map(|part| part.split(", ")).collect();
    let (others, places): (Vec<&str>, Vec<&str>) = places.into_iter().partition(|place| place.ends_with(" others"));
    let find = |value: &str| rows.iter().find(|row| row.value == value).unwrap_or_else(|| panic!("{value} in {text}"));
    let named: Vec<&Row> = places.into_iter().map(find).collect();
    assert!(named.iter().all(|row| after.starts_with(&row.percent())), "{text}");
    let counted: usize = others.iter().map(|others| others.trim_end_matches(" others").parse::<usize>().unwrap()).sum();
    if phrase.ends_with("est at ") {
        assert_eq!(named.len() + counted, rows.iter().filter(|row| row.median == named[0].median).count(), "{text}");
    }
    Some(named[0])
}

/// Checks every claim of a sentence about two rows or more.
fn check(rows: &[Row], text: &str) {
    let kept: Vec<&Row> = rows.iter().filter(|row| row.is_kept()).collect();
    let ordered = rows.iter().all(|row| row.number.is_some());
    let (lowest, highest) =
        (rows.iter().map(|row| row.median).min().unwrap(), rows.iter().map(|row| row.median).max().unwrap());
    let claims_at = |accept: &dyn Fn(&Row) -> bool| {
        assert!(rows.iter().all(|row| row.is_kept() == accept(row)), "{text}\n{rows:?}");
    };
    // The numbers are multiples of ¼.
    let number = |row: &Row| (4.0 * row.number.expect("an ordered axis")).round() as i64;
    let least_of = |kept: bool, largest: bool| {
        let numbers = rows.iter().filter(|row| row.is_kept() == kept).map(number);
        if largest { numbers.max().unwrap() } else { numbers.min().unwrap() }
    };
    let mut claims = 0;
    if text.contains("at every point") {
        claims += 1;
        let all = text.contains("at most one percentage point at every point");
        assert!(all || text.contains("more than one percentage point at every point"), "{text}");
        claims_at(&|_| all);
    }
    if let Some(last) = named(rows, text, "one percentage point up to ") {
        claims += 1;
        claims_at(&|row| number(row) <= number(last));
        let next = named(rows, text, "and more from ").expect("the next point");
        assert!(number(next) == least_of(false, false) && text.contains(") on;"), "{text}");
    }
    if let Some(first) = named(rows, text, "one percentage point from ") {
        claims += 1;
        claims_at(&|row| number(row) >= number(first));
        let before = named(rows, text, "and more up to ").expect("the point before");
        assert!(number(before) == least_of(false, true) && text.contains(") on, and more"), "{text}");
    }
    if let Some(first) = named(rows, text, "only from ") {
        claims += 1;
        let last = named(rows, text, ") to ").expect("the end of the range");
        claims_at(&|row| (number(first)..=number(last)).contains(&number(row)));
    }
    if let Some(only) = named(rows, text, "only at ") {
        claims += 1;
        claims_at(&|row| number(row) == number(only));
    }
    if text.contains(&format!(" of {} points", rows.len())) {
        claims += 1;
        assert!(text.contains(&format!("at {} of {} points", kept.len(), rows.len())), "{text}");
        if let Some((_, list)) = text.split_once("no single range (x = ") {
            let list = list.split(");").next().unwrap();
            for row in &kept {
                assert!(list.contains(&format!("{} ({}", row.value, row.percent())), "{text}");
            }
            assert_eq!(list.matches('%').count(), kept.len(), "{text}");
        }
        if ordered {
            let inside = |row: &Row| (least_of(true, false)..=least_of(true, true)).contains(&number(row));
            assert!(text.contains("no single range") && rows.iter().any(|row| inside(row) && !row.is_kept()), "{text}");
        }
    }
    assert_eq!(claims, 1, "one claim of what is kept: {text}");
    for (phrase, median) in [("lowest at ", lowest), ("highest at ", highest)] {
        if let Some(row) = named(rows, text, phrase) {
            assert_eq!(row.median, median, "{text}");
        }
    }
    if let Some((_, each)) = text.split_once("at every point (") {
        assert!(lowest == highest && each.starts_with(&format!("{} at each).", rows[0].percent())), "{text}");
    } else {
        let worst = named(rows, text, "lowest at ").expect("the lowest point");
        assert_eq!(text.contains("less than half of the reference"), 2 * worst.median < worst.exact, "{text}");
    }
}

#[test]
fn every_claim_of_the_sentence_is_in_the_table() {
    let mut random = StreamKey::new(1, "conclusion").stream();
    let mut seen = std::collections::BTreeSet::new();
    for case in 0..20_000 {
        let count = random.random_range(2..9);
        let ordered = random.random_bool(0.7);
        // Few different accuracies around the criterion, so that every branch occurs.
        let spread = [1, 4, 60, 190][random.random_range(0..4)];
        let same_reference = random.random_bool(0.8);
        let mut rows: Vec<Row> = (0..count)
            .map(|i| Row {
                value: if ordered { format!("{}", 0.25 * f64::from(i)) } else { format!("key{i}") },
                number: ordered.then_some(0.25 * f64::from(i)),
                exact: if same_reference { 192 } else { random.random_range(150..200) },
                median: 195 - random.random_range(0..spread),
            })
            .collect();
        // Monotonic in the value, as most quantities are: more is better, or less is.
        if case % 2 == 0 {
            let mut medians: Vec<i32> = rows.iter().map(|row| row.median).collect();
            medians.sort_unstable();
            if case % 4 == 0 {
                medians.reverse();
            }
            rows.iter_mut().zip(medians).for_each(|(row, median)| row.median = median);
        }
        match case % 3 {
            0 => rows.reverse(),
            1 => rows.shuffle(&mut random),
            _ => {}
        }
        let conclusion = conclusion(&rows, 20);
        let text = conclusion.to_string();
        check(&rows, &text);
        seen.insert(format!("{:?}", std::mem::discriminant(&conclusion.kept())));
        assert!(text.starts_with("Floating-point accuracy ") && text.ends_with('.') && !text.contains(".."), "{text}");
    }
    assert_eq!(seen.len(), 6, "every branch occurs");
}

#[test]
fn the_sentence_is_the_same_in_any_order_of_the_file() {
    let row = |number: f64, median| Row { value: number.to_string(), number: Some(number), exact: 196, median };
    let rising = [row(0.01, 196), row(0.1, 194), row(0.3, 180), row(1.0, 60)];
    let falling: Vec<Row> = rising.iter().rev().cloned().collect();
    let text = "Floating-point accuracy 98.00 %; the median of 6 chips loses at most one percentage point up to x = 0.1 (97.00 %), \
                and more from 0.3 (90.00 %) on; it is lowest at 1 (30.00 %, less than half of the reference).";
    for rows in [&rising[..], &falling] {
        assert_eq!(conclusion(rows, 6).to_string(), text);
    }
    assert_eq!(conclusion(&rising, 6).kept(), Kept::UpTo(1));
    let bits = [row(2.0, 30), row(4.0, 150), row(6.0, 195), row(8.0, 196)];
    assert!(
        conclusion(&bits, 1)
            .to_string()
            .contains("one chip loses at most one percentage point from x = 6 (97.50 %) on")
    );
}

#[test]
fn points_of_equal_score_are_all_named() {
    let row = |number: f64, median| Row { value: number.to_string(), number: Some(number), exact: 196, median };
    let text = conclusion(&[row(0.0, 190), row(0.01, 188), row(0.02, 188)], 6).to_string();
    assert!(text.ends_with("it is highest at x = 0 (95.00 %) and lowest at 0.01 and 0.02 (94.00 %)."), "{text}");
    let many: Vec<Row> = (0..8).map(|k| row(f64::from(k), if k == 0 { 196 } else { 180 })).collect();
    assert!(conclusion(&many, 6).to_string().ends_with("it is lowest at 1, 2 and 5 others (90.00 %)."));
}

#[test]
fn one_point_has_its_quantiles() {
    let point = PointScore {
        keys: String::new(),
        values: String::new(),
        number: None,
        exact: 0.98,
        quantiles: [0.9, 0.95, 0.97],
        tolerance: 0.01,
    };
    let many = Conclusion::new(vec![point.clone()], 20, Score::ACCURACY).to_string();
    assert_eq!(
        many,
        "Floating-point accuracy 98.00 %; the median of 20 chips is 95.00 % (10–90 %: 90.00 % to 97.00 %)."
    );
    assert_eq!(
        Conclusion::new(vec![point], 1, Score::ACCURACY).to_string(),
        "Floating-point accuracy 98.00 %; one chip has 95.00 %."
    );
}

#[test]
fn the_lowest_errors_are_best() {
    let point = |number: f64, median: f64, exact: f64, tolerance: f64| PointScore {
        keys: "x = ".into(),
        values: number.to_string(),
        number: Some(number),
        exact,
        quantiles: [median; 3],
        tolerance,
    };
    let points: Vec<PointScore> =
        [(0.3, 0.25), (0.1, 0.104), (0.01, 0.1)].map(|(x, median)| point(x, median, 0.1, 0.005)).to_vec();
    let conclusion = Conclusion::new(points, 6, Score::RMS_ERROR);
    assert_eq!(
        conclusion.to_string(),
        "Floating-point rms error 0.1000; the median of 6 chips exceeds it by at most 1 % of the standard deviation of the targets up \
         to x = 0.1 (0.1040), and more from 0.3 (0.2500) on; it is highest at 0.3 (0.2500, more than twice the reference)."
    );
    let (best, worst) = conclusion.best_and_worst().unwrap();
    assert_eq!((best.values.as_str(), worst.values.as_str()), ("0.01", "0.3"));
    let points = [(1.0, 0.004), (2.0, 0.032)].map(|(x, median)| point(x, median, 0.0, 0.01)).to_vec();
    assert_eq!(
        Conclusion::new(points, 1, Score::OUTPUT_DIFFERENCE).to_string(),
        "Relative rms difference from the outputs of the floating-point reference (without labels): one chip is at most 1 % up \
         to x = 1 (0.40 %), and more from 2 (3.20 %) on; it is highest at 2 (3.20 %)."
    );
}
