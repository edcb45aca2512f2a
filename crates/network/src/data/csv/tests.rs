use super::*;

fn columns(toml: &str) -> CsvColumns {
    toml::from_str(toml).unwrap()
}

fn both(text: &str, toml: &str) -> Result<(Batch, Vec<usize>)> {
    let path = Path::new("a.csv");
    let parts = Parts { labels: true, ..Parts::FEATURES };
    let Contents { features, labels, .. } = read(path, text.as_bytes(), &columns(toml), parts)?;
    Ok((features.to_batch(), labels.classes(path, None)?.0.into_iter().flatten().collect()))
}

#[test]
fn the_last_column_is_the_label_by_default() {
    let (x, y) = both("1,2,0\n3,4,1\n", "").unwrap();
    assert_eq!(x.as_slice(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!((x.shape(), y), ((2, 2), vec![0, 1]));
}

#[test]
fn metadata_lines_names_and_ranges() {
    let (x, y) = both("2,2,a,b\n1,2,0\n3,4,1\n", "skip_lines = 1").unwrap();
    assert_eq!((x.ncols(), y.len()), (2, 2));
    let text = "who,y,word,x1,x2\n7,1,heed,0.5,-1\n8,3,head,1.5,2\n";
    let (x, y) = both(text, "label = 'y'\nfeatures = ['x2', 'x1']").unwrap();
    assert_eq!((x.as_slice(), y), (&[-1.0, 0.5, 2.0, 1.5][..], vec![1, 3]));
    let (x, _) = both(text, "skip_lines = 1\nlabel = 1\nfeatures = { start = 3, end = 5 }").unwrap();
    assert_eq!(x.as_slice(), [0.5, -1.0, 1.5, 2.0]);
    let (x, _) = both("1;2;0\n", "separator = ';'\nfeatures = [-2]").unwrap();
    assert_eq!(x.as_slice(), [2.0]);
}

#[test]
fn errors_name_line_column_and_cure() {
    let cases = [
        ("", "", "no rows"),
        ("1,2,0\n1,2\n", "", "line 2: found 2 columns, expected 3"),
        ("1,2,0\n1,two,1\n", "", "line 2, column 1: found `two`"),
        ("1,nan,1\n", "", "line 1, column 1: found NaN"),
        ("1,2,0.5\n", "", "column 2: found `0.5`"),
        ("1,2,-2\n", "", "whole number"),
        ("1,2,\n", "", "column 2: found ``, expected a whole number or a name"),
        ("1,2,nan\n", "", "found `nan`, expected a whole number"),
        ("1,2,0\n1,2,a\n", "", "line 2, column 2: found `a`, expected labels that are all numbers or all names"),
        ("x,y\n1,0\n", "", "found `x`, expected a number; a header line needs a named column"),
        ("1,2,0\nNA,2,1\n", "", "line 2, column 0: found `NA`, expected a number: a value is missing here"),
        ("x;y\n1;0\n", "label = 'y'", "write `csv = { separator = \";\" }`"),
        ("1;0\n", "label = 0\nfeatures = [0]", "column 0, the label"),
        ("1\t0,1\n", "", "separator = \"\\t\""),
        ("x,y,y\n1,0,0\n", "label = 'y'", "the columns 1 and 2"),
        ("x,y,x\n1,0,0\n", "label = 'y'\nfeatures = ['x']", "the columns 0 and 2"),
        ("1,2,0\n", "features = [0, 0]", "column 0 twice"),
        ("1,2,0\n", "features = [0, -3]", "column 0 twice"),
        ("1,2,0\n", "features = [0, 2]", "column 2, the label"),
        ("1,2,0\n", "features = { start = 1, end = 3 }", "column 2, the label"),
        ("1,2,0\n", "label = [1, 1]", "column 1 twice"),
        ("1,2,0\n", "label = [1, 2]", "column 1: found `2`, expected one 1 and otherwise 0"),
        ("m\n1,x,1\n", "skip_lines = 1", "line 2, column 1"),
        ("a,b\n1,2\n", "label = 'c'", "a name of the header line: a, b"),
        ("1,2\n", "label = 5", "column 5"),
        ("1,2\n", "label = -3", "column -3"),
        ("1,2\n", "features = { start = 0, end = 9 }", "at most 2"),
        ("1,2\n", "features = { start = 1, end = 1 }", "at least one column"),
        ("1\n", "", "no columns"),
        ("1,2\n", "separator = 'é'", "one ASCII character"),
    ];
    for (text, toml, part) in cases {
        let error = both(text, toml).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
    let bad = read(Path::new("a.csv"), &[0xff, b',', 0xfe, b'\n'], &CsvColumns::default(), Parts::FEATURES);
    assert!(bad.is_err());
}

#[test]
fn files_of_pandas_and_of_spreadsheets_are_read() {
    let text = "\u{feff},\"f 0\",f1,label\r\n0,0.5,-1,1.0\r\n1,\"1.5\",2,0.0\r\n";
    let (x, y) = both(text, "label = 'label'").unwrap();
    assert_eq!((x.as_slice(), y), (&[0.5, -1.0, 1.5, 2.0][..], vec![1, 0]));
    let (x, y) = both("f0,kind\n1,setosa\n2,iris\n3,setosa\n", "label = 'kind'").unwrap();
    assert_eq!((x.as_slice(), y), (&[1.0, 2.0, 3.0][..], vec![1, 0, 1]));
    let (_, y) = both("1,-1\n2,+1\n", "").unwrap();
    assert_eq!(y, [0, 1]);
    let (x, y) = both("f0,a,b,c\n5,0,0,1\n6,1,0,0\n", "label = ['a', 'b', 'c']").unwrap();
    assert_eq!((x.as_slice(), y), (&[5.0, 6.0][..], vec![2, 0]));
    for (text, labels) in [("0,0,1\n1,0,0\n", [2, 0]), ("7,1\n8,0\n", [1, 0])] {
        let alone = read(Path::new("y.csv"), text.as_bytes(), &CsvColumns::default(), Parts::LABELS).unwrap();
        assert_eq!(alone.labels, StoredLabels::Numbers(labels.to_vec()));
    }
}

#[test]
fn unknown_keys_are_refused() {
    assert!(toml::from_str::<CsvColumns>("skiplines = 1").is_err());
    let error = toml::from_str::<CsvColumns>("features = 3").unwrap_err().to_string();
    assert!(error.contains("a list of names or indices"), "{error}");
}
