//! Keys that are said to have no effect have none, and every key has an effect somewhere.

use super::*;
use phaseloom_numerics::StreamKey;
use rand::RngExt;
use std::fs;

const TOP: &str = "model = 'model.toml'\n";
const DATA: &str = "[data]\ninputs = 'x.csv'\n";
const LASER: &str = "laser_power_w = 1e-4\n";
const NOISE: &str = "laser_power_w = 1e-4\nshot_noise = true\n";

fn experiment(text: &str) -> Experiment {
    let folder = tempfile::tempdir().unwrap().keep();
    for (name, text) in [("x.csv", "1,2,0\n3,4,1\n5,6,1\n"), ("y.csv", "0\n1\n1\n"), ("experiment.toml", text)] {
        fs::write(folder.join(name), text).unwrap();
    }
    let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }\n";
    let labels = [0_i64, 1, 1].iter().flat_map(|label| label.to_le_bytes());
    let length = (header.len() as u16).to_le_bytes();
    let npy = b"\x93NUMPY\x01\x00".iter().copied().chain(length).chain(header.bytes()).chain(labels);
    fs::write(folder.join("y.npy"), npy.collect::<Vec<u8>>()).unwrap();
    Experiment::load(&folder.join("experiment.toml")).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn effects(text: &str) -> Result<Effects, ExperimentError> {
    let experiment = experiment(text);
    experiment.effects(&experiment.points().unwrap())
}

/// An experiment of keys of the top, the core, the link and the process.
fn text(top: &str, core: &str, link: &str, process: &str) -> String {
    format!("{TOP}{top}\n{DATA}[core]\nports = 4\n{core}\n[link]\n{link}\n{process}\n")
}

/// A block of settings of a page of the reference.
fn settings(page: &str, index: usize) -> String {
    let path = format!("{}/../../docs/reference/keys/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let after = text.split("```toml\n").nth(index + 1).unwrap();
    after.split("```").next().unwrap().to_owned()
}

/// The dotted keys of the first block of a page.
fn block(page: &str, prefix: &str) -> Vec<String> {
    let table: toml::Table = settings(page, 0).parse().unwrap();
    let mut keys = Vec::new();
    leaves(&table, prefix, &mut keys);
    keys
}

#[test]
fn every_documented_key_is_read_by_some_experiment() {
    let process = "[process.thermal_crosstalk]\ncoefficient = 0.01\n[process.phase_error]\nsigma_rad = 0.01\n\
        [process.heater_limits]\nmax_rad = 6.0\n[process.splitter_error]\nsigma_rad = 0.01\nmean_rad = 0.01\n[process.phase_quantization]\nbits = 8\nuniform_in = 'phase'\n\
        [process.insertion_loss]\nloss_db = 0.1\nimbalance_db = 0.1\nimbalance_sigma_db = 0.1\ncrossing_db = 0.1\n\
        [process.phase_jitter]\nsigma_rad = 0.01\ncorrelation_s = 1e-9\n";
    let link = format!(
        "detection = 'homodyne'\nsymbol_rate_hz = 1e9\nbandwidth_hz = 5e8\nwavelength_m = 1.55e-6\ncoupling_loss_db = 0.0\n\
         lo_fraction = 0.5\nresponsivity_a_per_w = 1.0\n{NOISE}dac = {{ bits = 8 }}\n\
         modulator = {{ kind = 'push_pull', extinction_db = 25, loss_db = 0.0 }}\n\
         intensity_noise = {{ rin_db_per_hz = -145, cmrr_db = 30 }}\nadc = {{ bits = 8, full_scale = 'bound' }}\n"
    );
    let core =
        "topology = 'rectangular'\ncell = 'crossing'\ncores = 'shared'\nnormalise = 'layer'\ncalibration = 'scalar'";
    let top = "name = 'a'\nseed = 2\ntrials = 3\nshots = 2\nprecision = 'double'\ncorrection = 'spsa'\n\
        correction_noise = 0.01\ncorrection_effort = 0.1\nbase = '.'\nthreshold = 0.5\n";
    let resistor = format!("{link}thermal_noise = {{ feedback_ohm = 5000, temperature_k = 300 }}\n");
    let current = format!("{link}thermal_noise = {{ noise_a_per_sqrt_hz = 2e-12 }}\n");
    let other = process
        .replace("coefficient", "distance_factor")
        .replace("[process.splitter_error]\nsigma_rad", "[process.splitter_error]\nsigma_power");
    let third = process.replace("[process.splitter_error]\nsigma_rad", "[process.splitter_error]\nsigma_amplitude");
    let calibration = "[calibration]\nquantile = 1.0\n[calibration.data]\ninputs = 'x.csv'\n";
    let csv = "csv = { skip_lines = 0, label = 2, features = [0, 1], separator = ',' }\nsamples = 1\nclasses = [0, 1]\n\
        rows = '0..3'\nclass_names = ['a', 'b']\nsplit = { part = 'train', test = 0.0, validation = 0.0, seed = 1 }\n\
        every = { modulus = 5, remainder = [0] }\n";
    let (mut written, mut read) = (BTreeSet::new(), BTreeSet::new());
    for text in [
        text(top, core, &resistor, &format!("{process}{calibration}")).replace(DATA, &format!("{DATA}{csv}")),
        text(top, core, &current, &other)
            .replace(DATA, &format!("{DATA}labels = 'y.csv'\nevery = {{ modulus = 5, except = [1] }}\n")),
        text(top, core, &current, &third),
    ] {
        let unread = effects(&text).unwrap().unread;
        let keys = experiment(&text).written_keys();
        read.extend(keys.iter().filter(|key| !unread.contains(key)).cloned());
        written.extend(keys);
    }
    assert_eq!(written.difference(&read).collect::<Vec<_>>(), Vec::<&String>::new(), "read nowhere");
    // A power has no effect on light, and the sweep is not a key of a point.
    let known = |key: &String| key == "process.phase_shifter.power_pi_w" || key == "sweep" || key == "process";
    let tables = [("experiment", ""), ("process", "process."), ("link", "link."), ("data", "data.")];
    for key in tables.iter().flat_map(|(name, prefix)| block(name, prefix)).filter(|key| !known(key)) {
        assert!(read.contains(&key), "`{key}` is documented and not tried here");
    }
    let defaults: toml::Table = toml::Table::try_from(phaseloom_hardware::CoreSpec::default()).unwrap();
    assert!(defaults.keys().all(|key| read.contains(&format!("core.{key}"))));
}

#[test]
fn keys_without_effect_are_found() {
    let direct = format!("detection = 'direct'\n{NOISE}");
    let rin = "intensity_noise = { rin_db_per_hz = -145 }\n";
    let current = format!("{LASER}thermal_noise = {{ noise_a_per_sqrt_hz = 1e-12 }}\n");
    let modulator = "modulator = { kind = 'absorptive', extinction_db = 20 }\n";
    let splitters = "[process.splitter_error]\nsigma_rad = 0.01\n";
    let jitter = "[process.phase_jitter]\nsigma_rad = 0.01\n";
    let loss = "[process.insertion_loss]\nloss_db = 0.1\n";
    // Top, link, process, the key without effect, two values.
    for (top, link, process, key, values) in [
        ("", "", splitters, "link.wavelength_m", "1.5e-6, 1.6e-6"),
        ("", "", splitters, "link.coupling_loss_db", "1.0, 2.0"),
        ("", "", splitters, "link.lo_fraction", "0.1, 0.2"),
        ("", "", splitters, "link.responsivity_a_per_w", "0.8, 0.9"),
        ("", "", splitters, "link.symbol_rate_hz", "1e8, 1e10"),
        ("", "", splitters, "link.bandwidth_hz", "1e8, 1e10"),
        ("", LASER, splitters, "link.bandwidth_hz", "1e8, 1e10"),
        ("", &direct, splitters, "link.lo_fraction", "0.1, 0.2"),
        ("", &format!("{direct}{rin}"), splitters, "link.intensity_noise.cmrr_db", "20, 30"),
        ("", &current, splitters, "link.thermal_noise.temperature_k", "4, 300"),
        ("", modulator, splitters, "link.modulator.loss_db", "1, 2"),
        ("", "", splitters, "correction_noise", "0.1, 0.2"),
        ("", "", splitters, "correction_effort", "0.1, 0.2"),
        ("correction = 'local'", "", splitters, "correction_noise", "0.1, 0.2"),
        ("correction = 'crosstalk'", "", splitters, "correction_effort", "0.1, 0.2"),
        ("", "dac = { bits = 4 }", splitters, "shots", "2, 3"),
        ("", "", splitters, "precision", "'single', 'double'"),
        ("", "", jitter, "link.symbol_rate_hz", "1e8, 1e10"),
        ("", "", loss, "process.insertion_loss.crossing_db", "0.1, 0.2"),
        ("", "", splitters, "process.phase_shifter.power_pi_w", "0.01, 0.02"),
        ("", "", "", "seed", "2, 3"),
        ("", "", "", "trials", "2, 3"),
    ] {
        let base = text(top, "", link, process);
        let set = |value: &str| {
            let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
            let mut document: toml::Table = base.parse().unwrap();
            let mut at = &mut document;
            for part in table.split('.').filter(|part| !part.is_empty()) {
                at = at.entry(part).or_insert(toml::Table::new().into()).as_table_mut().unwrap();
            }
            let value: toml::Table = format!("x = {value}").parse().unwrap();
            at.insert(name.into(), value["x"].clone());
            document.to_string()
        };
        let (one, two) = values.split_once(", ").unwrap();
        assert_eq!(effects(&set(one)).unwrap().unread, [key], "{base}");
        let records = |text: &str| experiment(text).compute_tiny(&experiment(text).config, false).unwrap();
        if key != "shots" {
            assert_eq!(records(&set(one)), records(&set(two)), "{key}");
        }
        if !["seed", "trials"].contains(&key) {
            let swept = format!("{base}[[sweep]]\nkeys = ['{key}']\nvalues = [{values}]\n");
            let error = effects(&swept).unwrap_err().to_string();
            assert!(
                error.contains(&format!("line {}: sweep key `{key}` has no effect", swept.lines().count() - 1)),
                "{error}"
            );
        }
    }
    let calibration = format!("{}[calibration.data]\ninputs = 'x.csv'\n", text("", "", "", splitters));
    assert_eq!(effects(&calibration).unwrap().unread, ["calibration.data.inputs"]);
}

#[test]
fn a_key_counts_if_one_point_reads_it() {
    let sweep = "[[sweep]]\nkeys = ['link.detection']\nvalues = ['direct', 'homodyne']\n\
                 [[sweep]]\nkeys = ['link.lo_fraction']\nvalues = [0.1, 0.2]\n";
    let found = effects(&text("", "", NOISE, sweep)).unwrap();
    assert_eq!(found, Effects::default());
    // Photons are counted, and no noise depends on them.
    let sweep = "[[sweep]]\nkeys = ['link.laser_power_w']\nvalues = [1e-3, 1e-2]\n";
    assert_eq!(effects(&text("", "", "", sweep)).unwrap().reported, ["link.laser_power_w"]);
    assert_eq!(effects(&text("", "", "shot_noise = true\nlaser_power_w = 1.0", sweep)).unwrap(), Effects::default());
}

#[test]
fn what_is_not_read_changes_no_number() {
    let mut random = StreamKey::new(1, "effects").stream();
    let keys = [
        ("bandwidth_hz", "2e8", "3e9"),
        ("symbol_rate_hz", "1e8", "2e9"),
        ("wavelength_m", "1.3e-6", "1.6e-6"),
        ("coupling_loss_db", "0.5", "3.0"),
        ("lo_fraction", "0.2", "0.7"),
        ("responsivity_a_per_w", "0.5", "0.9"),
    ];
    let (mut unread, mut reported) = (0, 0);
    for _ in 0..60 {
        let mut link = format!("detection = '{}'\n", ["homodyne", "direct", "offset"][random.random_range(0..3)]);
        for part in [
            "dac.bits = 5\n",
            "adc.bits = 6\n",
            "modulator = { kind = 'push_pull', extinction_db = 20, loss_db = 1 }\n",
            LASER,
        ] {
            link += if random.random_bool(0.5) { part } else { "" };
        }
        if link.contains(LASER) {
            for noise in
                ["shot_noise = true\n", "thermal_noise.feedback_ohm = 5e3\n", "intensity_noise.rin_db_per_hz = -130\n"]
            {
                link += if random.random_bool(0.4) { noise } else { "" };
            }
        }
        let jitter =
            ["", "[process.phase_jitter]\nsigma_rad = 0.01\ncorrelation_s = 2e-9\n"][random.random_range(0..2)];
        for (key, one, two) in keys {
            let records = |value: &str| {
                let experiment = experiment(&text("", "", &format!("{key} = {value}\n{link}"), jitter));
                let (records, keys) = usage::record(|| experiment.compute_tiny(&experiment.config, false));
                (records.unwrap(), keys)
            };
            let ((mut one, read), (mut two, _)) = (records(one), records(two));
            let key = format!("link.{key}");
            if !read.uses(&key) {
                // Reported numbers alone may differ.
                let outputs = |records: &mut Vec<Record>| {
                    records.remove(0);
                    records.iter_mut().flat_map(|r| &mut r.layers).for_each(|layer| layer.photoelectrons = 0.0);
                };
                if read.reads(&key) {
                    reported += 1;
                    [&mut one, &mut two].into_iter().for_each(outputs);
                } else {
                    unread += 1;
                }
                assert_eq!(one, two, "{key}\n{link}");
            }
        }
    }
    assert!(unread > 50 && reported > 50, "{unread} {reported}");
}

#[test]
fn a_tiny_core_has_all_kinds_of_parts() {
    for design in phaseloom_mesh::MeshDesign::all().filter(|d| d.topology().capability().max_rows().is_none()) {
        let has_crossings = |ports: usize| design.layout(ports).crossing_count() + design.cell().crossings() > 0;
        assert_eq!(has_crossings(MAX_TINY_PORTS), has_crossings(64), "{design}");
    }
}

#[test]
fn the_documented_keys_of_an_experiment_without_a_network_are_read() {
    let text = settings("experiment", 2).replace("process.toml", "preset:ideal");
    assert_eq!(effects(&text).unwrap(), Effects::default());
    // Every source acts, also where only one form has it.
    let process = "[process.phase_quantization]\nbits = 6\nuniform_in = 'voltage'\n[process.phase_error]\nsigma_rad = 0.01\n\
        [process.thermal_crosstalk]\ncoefficient = 0.01\n[process.phase_shifter]\npower_pi_w = 0.01\n\
        [process.insertion_loss]\nloss_db = 0.1\nimbalance_db = 0.1\nimbalance_sigma_db = 0.1\ncrossing_db = 0.1\n\
        [process.phase_jitter]\nsigma_rad = 0.01\n";
    let top =
        "matrix = 'u.npy'\nseed = 2\ncorrection = 'spsa'\ncorrection_noise = 0.1\ncorrection_effort = 0.5\nshots = 2\n";
    for form in ["unitary", "svd"] {
        let unread =
            effects(&format!("{top}form = '{form}'\n[core]\nports = 4\ncell = 'crossing'\n{process}")).unwrap().unread;
        // Fluctuations, shots and the size of a core belong to networks.
        assert_eq!(
            unread.into_iter().collect::<BTreeSet<_>>(),
            ["core.ports", "process.phase_jitter.sigma_rad", "shots"].map(str::to_owned).into()
        );
    }
}
