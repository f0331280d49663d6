//! Ranges on the embedded example: planted motifs are found as whole ranges on held-out proteins, nothing else is written,
//! and the scores are those that GFF3, labels and split give when they are counted anew.

use crate::{ROOT, run, skip};
use protsae::{
    annot::label::Label,
    cli::input::Source,
    score::{dictionary::Dictionary, metrics::Metrics},
    table::labels,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
    process::Command,
    sync::OnceLock,
};

/// Mean F1 that motifs of more than five residues must reach on held-out proteins.
const F1: f64 = 0.8;
/// Share of what is written at the default that must be right.
const PRECISION: f64 = 0.8;
/// Mean length, in residues, from which that is asked of a motif.
const LONG: f64 = 5.0;

/// A range as a line of GFF3, or both lines of a bond: places of its parts, and the probability that it is right.
#[derive(Clone, Debug, PartialEq)]
struct Range {
    protein: String,
    concept: String,
    parts: Vec<(u32, u32)>,
    probability: f64,
}

/// The run of all steps, made once.
pub(crate) fn results() -> &'static Path {
    static RESULTS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = RESULTS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make(folder.path());
        folder
    });
    folder.path()
}

pub(crate) fn tool(name: &str) -> Command {
    let encode = Path::new(env!("CARGO_BIN_EXE_protsae-encode"));
    Command::new(encode.with_file_name(name))
}

fn make(results: &Path) {
    let executables = Path::new(env!("CARGO_BIN_EXE_protsae-encode")).parent();
    run(Command::new(format!("{ROOT}/workflows/quickstart.sh"))
        .arg("--outdir")
        .arg(results)
        .env("PROTSAE_BIN", executables.expect("a folder")));
    let path = |name: &str| results.join(name);
    // more proteins for choosing than the quickstart has, so that every motif can be chosen by
    run(tool("protsae-split")
        .arg("--labels")
        .arg(path("labels.arrow"))
        .arg("--clusters")
        .arg(format!("{ROOT}/test_data/example/clusters.tsv"))
        .arg("--sequences")
        .arg(format!("{ROOT}/test_data/example/proteins.fasta"))
        .args(["--fractions", "0.5,0.3,0.2", "-o"])
        .arg(path("split.tsv")));
    run(tool("protsae-train")
        .arg("-i")
        .arg(path("activations.arrow"))
        .arg("--labels")
        .arg(path("labels.arrow"))
        .arg("--concepts")
        .arg(path("concepts.json"))
        .arg("--split")
        .arg(path("split.tsv"))
        .args([
            "--latents",
            "512",
            "--k",
            "32",
            "--epochs",
            "14",
            "--batch",
            "128",
            "-o",
        ])
        .arg(path("ranges_model")));
    let truth = |command: &mut Command| {
        command
            .arg("--labels")
            .arg(path("labels.arrow"))
            .arg("--split")
            .arg(path("split.tsv"))
            .arg("--concepts")
            .arg(path("concepts.json"))
            .arg("--clusters")
            .arg(format!("{ROOT}/test_data/example/clusters.tsv"));
    };
    let tables = |command: &mut Command| {
        command
            .arg("-i")
            .arg(path("activations.arrow"))
            .arg("-m")
            .arg(path("ranges_model"));
    };
    let mut interpret = tool("protsae-interpret");
    tables(&mut interpret);
    truth(&mut interpret);
    run(interpret
        .arg("-o")
        .arg(path("ranges.json"))
        .arg("--neighbours-out")
        .arg(path("neighbours.arrow")));
    let mut encode = tool("protsae-encode");
    tables(&mut encode);
    run(encode
        .arg("--dictionary")
        .arg(path("ranges.json"))
        .arg("-o")
        .arg(path("calibrated.arrow"))
        .arg("--proteins")
        .arg(path("called.arrow"))
        .arg("--neighbours")
        .arg(path("neighbours.arrow")));
    for (name, least) in [("written.gff3", "0.8"), ("all.gff3", "0")] {
        run(tool("protsae-annotate")
            .arg("-i")
            .arg(path("calibrated.arrow"))
            .arg("--dictionary")
            .arg(path("ranges.json"))
            .args(["--min-precision", least, "-o"])
            .arg(path(name)));
    }
    let mut evaluate = tool("protsae-evaluate");
    tables(&mut evaluate);
    truth(&mut evaluate);
    run(evaluate
        .args(["--suite", "ranges", "--dictionary"])
        .arg(path("ranges.json"))
        .arg("-o")
        .arg(path("ranges.metrics.json")));
}

/// The ranges of a GFF3 file.
fn gff3(path: &Path) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let text = fs::read_to_string(path).expect("GFF3");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let attributes: HashMap<&str, &str> = columns[8]
            .split(';')
            .filter_map(|attribute| attribute.split_once('='))
            .collect();
        let part = (
            columns[3].parse().expect("a start"),
            columns[4].parse().expect("an end"),
        );
        let at = *by_id.entry(attributes["ID"].into()).or_insert(ranges.len());
        if let Some(range) = ranges.get_mut(at) {
            range.parts.push(part);
            continue;
        }
        ranges.push(Range {
            protein: columns[0].to_owned(),
            concept: attributes["concept"]
                .replace("%2B", "+")
                .replace("%20", " "),
            parts: vec![part],
            probability: attributes["probability"].parse().expect("a probability"),
        });
    }
    ranges
}

/// Places of the distinct instances of each protein and concept: ranges, or both ends of a bond.
type Truths = BTreeMap<(String, String), BTreeSet<Vec<(u32, u32)>>>;

fn test_proteins(results: &Path) -> BTreeSet<String> {
    let split = fs::read_to_string(results.join("split.tsv")).expect("a split");
    (split.lines())
        .filter_map(|line| line.strip_suffix("\ttest"))
        .map(ToOwned::to_owned)
        .collect()
}

fn truths(results: &Path) -> Truths {
    let wanted = test_proteins(results);
    let source = Source::File(results.join("labels.arrow"));
    let mut instances: BTreeMap<(String, String, u32), Vec<(u32, u32)>> = BTreeMap::new();
    labels::read(source.open_table().expect("a table"), |label: Label| {
        if let (Some(start), Some(end), true) =
            (label.start, label.end, wanted.contains(&label.protein))
        {
            let key = (label.protein, label.concept, label.instance);
            instances.entry(key).or_default().push((start, end));
        }
        Ok::<_, protsae::table::TableError>(())
    })
    .expect("labels");
    let mut truths = Truths::new();
    for ((protein, concept, _), mut parts) in instances {
        parts.sort_unstable();
        let own = truths.entry((protein, concept.clone())).or_default();
        if concept.starts_with("DISULFID") {
            own.insert(parts);
        } else {
            own.extend(parts.into_iter().map(|part| vec![part]));
        }
    }
    truths
}

/// Intersection over union of single ranges; of bonds, all or nothing.
fn overlap(a: &[(u32, u32)], b: &[(u32, u32)]) -> f64 {
    let ([a], [b]) = (a, b) else {
        return f64::from(u8::from(a == b));
    };
    let residues = |(start, end): (u32, u32)| (start..=end).collect::<BTreeSet<_>>();
    let (a, b) = (residues(*a), residues(*b));
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

/// Ranges, those that are right, and instances.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    ranges: u64,
    right: u64,
    truths: u64,
}

impl Counts {
    fn f1(self) -> f64 {
        2.0 * self.right as f64 / (self.ranges + self.truths).max(1) as f64
    }
}

/// Counts by concept: pairs in order of falling overlap, then of places, each used once, right from one half on.
fn count(results: &Path, name: &str, truths: &Truths) -> BTreeMap<String, Counts> {
    let ranges = gff3(&results.join(name));
    let proteins = test_proteins(results);
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    let mut of: BTreeMap<(String, String), Vec<&Range>> = BTreeMap::new();
    for range in ranges.iter().filter(|r| proteins.contains(&r.protein)) {
        counts.entry(range.concept.clone()).or_default().ranges += 1;
        let key = (range.protein.clone(), range.concept.clone());
        of.entry(key).or_default().push(range);
    }
    for (key, instances) in truths {
        let own = counts.entry(key.1.clone()).or_default();
        own.truths += instances.len() as u64;
        let mut pairs = Vec::new();
        for range in of.get(key).into_iter().flatten() {
            for truth in instances {
                let share = overlap(&range.parts, truth);
                if share > 0.0 {
                    pairs.push((share, range.parts.clone(), truth.clone()));
                }
            }
        }
        pairs.sort_by(|a, b| {
            b.0.total_cmp(&a.0)
                .then_with(|| (&a.1, &a.2).cmp(&(&b.1, &b.2)))
        });
        let (mut used, mut found) = (BTreeSet::new(), BTreeSet::new());
        for (share, range, truth) in pairs {
            if !used.contains(&range) && !found.contains(&truth) {
                own.right += u64::from(share >= 0.5);
                used.insert(range);
                found.insert(truth);
            }
        }
    }
    counts
}

fn metrics(results: &Path) -> protsae::score::range_metrics::RangeMetrics {
    let text = fs::read(results.join("ranges.metrics.json")).expect("metrics");
    let metrics: Metrics = serde_json::from_slice(&text).expect("metrics");
    metrics.ranges.expect("ranges")
}

#[test]
fn planted_motifs_are_whole_ranges_on_held_out_proteins_and_nothing_else_is_written() {
    let results = results();
    let truths = truths(results);
    let all = count(results, "all.gff3", &truths);
    let written = count(results, "written.gff3", &truths);
    let mut lengths: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for ((_, concept), instances) in &truths {
        let own = lengths.entry(concept.as_str()).or_default();
        let length = |parts: &Vec<(u32, u32)>| f64::from(parts[0].1 - parts[0].0 + 1);
        own.extend(instances.iter().map(length));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut long = Vec::new();
    for (concept, counts) in &all {
        let own = written.get(concept).copied().unwrap_or_default();
        println!(
            "{concept}: {counts:?}, F1 {:.2}; written {own:?}",
            counts.f1()
        );
        if lengths
            .get(concept.as_str())
            .is_some_and(|l| mean(l) > LONG)
        {
            long.push(counts.f1());
        }
    }
    println!(
        "motifs of more than five residues: mean F1 {:.3}",
        mean(&long)
    );
    assert!(long.len() >= 8 && mean(&long) >= F1, "{long:?}");
    let sum = |f: fn(&Counts) -> u64| written.values().map(f).sum::<u64>();
    let (ranges, right) = (sum(|c| c.ranges), sum(|c| c.right));
    println!("written: {right} of {ranges} are right");
    assert!(
        ranges > 50 && right as f64 >= PRECISION * ranges as f64,
        "{right} of {ranges}"
    );
}

#[test]
fn counting_anew_gives_the_scores_of_evaluate_and_of_the_dictionary() {
    let results = results();
    let truths = truths(results);
    let told = metrics(results);
    let dictionary = fs::read(results.join("ranges.json")).expect("a dictionary");
    let dictionary = Dictionary::read(dictionary.as_slice()).expect("a dictionary");
    let written = count(results, "written.gff3", &truths);
    let all = count(results, "all.gff3", &truths);
    let mut compared = 0;
    for concept in &told.concepts {
        let of = |counts: &BTreeMap<String, Counts>| {
            counts.get(&concept.id).copied().unwrap_or_default()
        };
        if concept.unusable.is_some() {
            assert_eq!(
                (of(&all).ranges, of(&written).ranges),
                (0, 0),
                "{}",
                concept.id
            );
            continue;
        }
        for (counted, told) in [
            (of(&all), &concept.scores),
            (of(&written), &concept.written),
        ] {
            let told = (told.predicted, told.right, told.truths);
            assert_eq!(
                (counted.ranges, counted.right, counted.truths),
                told,
                "{}",
                concept.id
            );
        }
        let entry = dictionary.concepts().iter().find(|e| e.id == concept.id);
        let reading = entry.and_then(|e| e.ranges.as_ref()).expect("it is usable");
        assert_eq!(reading.test.f1, concept.scores.f1);
        compared += 1;
    }
    assert!(compared >= 8, "{compared}");
    let sum = |f: fn(&Counts) -> u64| written.values().map(f).sum::<u64>();
    assert_eq!(
        (sum(|c| c.ranges), sum(|c| c.right)),
        (told.written.ranges, told.written.right)
    );
}

/// Bonds, which are two lines of one id, are left to the count above.
#[test]
fn a_script_that_is_not_ours_counts_the_same() {
    let python = Path::new(ROOT).join("target/venv/bin/python");
    if !python.is_file() {
        crate::skip::skipped("no Python environment in target/venv; tests/run.sh makes it");
        return;
    }
    let results = results();
    let output = Command::new(python)
        .arg(format!("{ROOT}/tests/example/recount.py"))
        .args(["all.gff3", "labels.arrow", "split.tsv", "concepts.json"])
        .current_dir(results)
        .output()
        .expect("Python");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let counted: BTreeMap<String, (u64, u64)> =
        serde_json::from_slice(&output.stdout).expect("counts");
    let mut compared = 0;
    for concept in metrics(results).concepts {
        if !concept.id.starts_with("DISULFID") {
            let counted = counted.get(&concept.id).copied().unwrap_or_default();
            let told = (concept.scores.predicted, concept.scores.right);
            assert_eq!(counted, told, "{}", concept.id);
            compared += u64::from(told.0 > 0);
        }
    }
    assert!(compared >= 8, "{compared}");
}

#[test]
fn labels_of_other_proteins_give_nothing_to_write() {
    let shuffled = metrics(results()).shuffled_labels.expect("a control");
    assert_eq!(shuffled.ranges, 0, "{shuffled:?}");
}

#[test]
fn asking_for_more_only_takes_ranges_away() {
    let all = gff3(&results().join("all.gff3"));
    let written = gff3(&results().join("written.gff3"));
    let kept: Vec<&Range> = all.iter().filter(|r| r.probability >= 0.8).collect();
    assert!(!written.is_empty() && kept == written.iter().collect::<Vec<_>>());
}

#[test]
fn what_labels_lack_is_what_overlaps_none_of_them() {
    let results = results();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("missing.gff3");
    run(tool("protsae-annotate")
        .arg("-i")
        .arg(results.join("calibrated.arrow"))
        .arg("--dictionary")
        .arg(results.join("ranges.json"))
        .args(["--min-precision", "0", "--missing-from"])
        .arg(results.join("labels.arrow"))
        .arg("-o")
        .arg(&missing));
    let mut labelled: BTreeMap<(String, String), Vec<(u32, u32)>> = BTreeMap::new();
    let source = Source::File(results.join("labels.arrow"));
    labels::read(source.open_table().expect("a table"), |label: Label| {
        if let (Some(start), Some(end)) = (label.start, label.end) {
            let key = (label.protein, label.concept);
            labelled.entry(key).or_default().push((start, end));
        }
        Ok::<_, protsae::table::TableError>(())
    })
    .expect("labels");
    let is_known = |range: &Range| {
        let places = labelled.get(&(range.protein.clone(), range.concept.clone()));
        let touches = |&(a, b): &(u32, u32)| {
            let mut places = places.into_iter().flatten();
            places.any(|&(start, end)| start <= b && a <= end)
        };
        range.parts.iter().any(touches)
    };
    let all = gff3(&results.join("all.gff3"));
    let expected: Vec<&Range> = all.iter().filter(|range| !is_known(range)).collect();
    assert!(!expected.is_empty() && expected.len() < all.len());
    assert_eq!(gff3(&missing).iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_pipe_and_shards_give_the_bytes_of_the_steps() {
    use std::process::Stdio;
    if cfg!(not(unix)) {
        skip::skipped("no pipes");
        return;
    }
    let results = results();
    let path = |name: &str| results.join(name);
    let mut encode = tool("protsae-encode")
        .arg("-i")
        .arg(path("activations.arrow"))
        .arg("-m")
        .arg(path("ranges_model"))
        .arg("--dictionary")
        .arg(path("ranges.json"))
        .args(["-o", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let annotate = tool("protsae-annotate")
        .args(["-i", "-", "--format", "gff3", "-o", "-", "--dictionary"])
        .arg(path("ranges.json"))
        .stdin(encode.stdout.take().expect("a pipe"))
        .output()
        .expect("it runs");
    assert!(encode.wait().expect("it ends").success() && annotate.status.success());
    let steps = fs::read(path("written.gff3")).expect("GFF3");
    assert!(annotate.stdout == steps);
}
