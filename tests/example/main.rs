//! The embedded example: its files are what its script makes, and the motifs that are planted in
//! its proteins are found on proteins that training has not seen.

mod calls;
mod metrics;
mod ranges;
#[path = "../support/skip.rs"]
mod skip;

use protsae::{
    annot::concept::ConceptsFile, cli::input::Source, score::metrics::Metrics,
    table::features::FeatureReader,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Mean over motifs that the predictor's probability must exceed, on held-out proteins.
const MEAN_AUROC_OF_PROBABILITY: f64 = 0.85;
/// Mean over motifs that the defined latent's activation must exceed, on held-out proteins.
const MEAN_AUROC_OF_ACTIVATION: f64 = 0.8;
/// What half of the motifs must exceed, by probability.
const AUROC_OF_HALF: f64 = 0.9;
/// How far metrics.json may be from the AUROC found here: scores are rounded to `f32` in tables.
const SAME_AUROC: f64 = 1e-4;
/// Bytes of the example, without the language model.
const MOST_BYTES: u64 = 1_000_000;

fn example(name: &str) -> PathBuf {
    Path::new(ROOT).join("test_data/example").join(name)
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

#[test]
fn the_files_are_what_the_script_makes() {
    if Command::new("python3").arg("--version").output().is_err() {
        crate::skip::skipped("python3 is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let script = format!("{ROOT}/test_data/make_example.py");
    run(Command::new("python3").arg(script).arg(dir.path()));
    assert_eq!(names(dir.path()), names(&example("")));
    let mut bytes = 0;
    for name in names(dir.path()) {
        let made = fs::read(dir.path().join(&name)).expect("it was just made");
        let kept = fs::read(example(&name)).expect("it is in the repository");
        assert!(
            made == kept,
            "test_data/example/{name}: run test_data/make_example.py"
        );
        bytes += kept.len() as u64;
    }
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
}

/// Proteins and positions of each concept's planted ranges.
fn truth() -> BTreeMap<String, BTreeSet<(String, u32)>> {
    let mut truth: BTreeMap<String, BTreeSet<(String, u32)>> = BTreeMap::new();
    let text = fs::read_to_string(example("truth.tsv")).expect("the truth");
    for line in text.lines().skip(1) {
        let fields: Vec<_> = line.split('\t').collect();
        let [protein, start, end, concept] = fields[..] else {
            panic!("{line}")
        };
        let number = |text: &str| text.parse::<u32>().expect("a position");
        let residues = truth.entry(concept.to_owned()).or_default();
        residues
            .extend((number(start)..=number(end)).map(|position| (protein.to_owned(), position)));
    }
    truth
}

/// Area under the ROC curve: the share of pairs of a positive and a negative that the score puts
/// in order, ties at half weight.
fn auroc(scores: &[f32], positive: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let positives = positive.iter().filter(|&&p| p).count();
    let pairs = positives * (positive.len() - positives);
    assert!(
        pairs > 0,
        "held-out proteins hold no positive, or no negative residue"
    );
    let (mut below, mut in_order) = (0_usize, 0.0);
    for tie in order.chunk_by(|&a, &b| scores[a].total_cmp(&scores[b]).is_eq()) {
        let hits = tie.iter().filter(|&&row| positive[row]).count();
        in_order += hits as f64 * (below as f64 + 0.5 * (tie.len() - hits) as f64);
        below += tie.len() - hits;
    }
    in_order / pairs as f64
}

#[test]
fn auroc_counts_pairs() {
    let positive = [false, true, false, true];
    assert!((auroc(&[0.1, 0.9, 0.2, 0.8], &positive) - 1.0).abs() < 1e-12);
    assert!((auroc(&[0.5; 4], &positive) - 0.5).abs() < 1e-12);
    assert!((auroc(&[0.1, 0.2, 0.2, 0.0], &positive) - 0.375).abs() < 1e-12);
}

/// Scores of every held-out residue by concept: probability, and activation of the defined latent.
struct Scores {
    residues: Vec<(String, u32)>,
    probability: Vec<Vec<f32>>,
    activation: Vec<Vec<f32>>,
}

fn held_out_scores(features: &Path, split: &Path, concepts: usize) -> Scores {
    let split = fs::read_to_string(split).expect("a split");
    let held_out: BTreeSet<&str> = split
        .lines()
        .filter_map(|line| line.strip_suffix("\ttest"))
        .collect();
    let mut scores = Scores {
        residues: Vec::new(),
        probability: vec![Vec::new(); concepts],
        activation: vec![Vec::new(); concepts],
    };
    let source = Source::File(features.to_path_buf());
    let reader = FeatureReader::new(source.open_table().expect("a table")).expect("features");
    for batch in reader {
        let batch = batch.expect("a whole batch");
        let columns = batch.columns().expect("feature columns");
        for row in (0..batch.rows()).filter(|&row| held_out.contains(batch.protein(row))) {
            scores
                .residues
                .push((batch.protein(row).to_owned(), columns.position[row]));
            let lists = [
                (&mut scores.activation, &columns.latent, &columns.activation),
                (
                    &mut scores.probability,
                    &columns.concept,
                    &columns.probability,
                ),
            ];
            for (into, indices, values) in lists {
                for column in into.iter_mut() {
                    column.push(0.0);
                }
                for (&index, &value) in indices.row(row).iter().zip(values.row(row)) {
                    if let Some(cell) = into.get_mut(index as usize).and_then(|c| c.last_mut()) {
                        *cell = value;
                    }
                }
            }
        }
    }
    scores
}

#[test]
fn planted_motifs_are_found_on_held_out_proteins() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let results = dir.path();
    let encode = env!("CARGO_BIN_EXE_protsae-encode");
    let executables = Path::new(encode).parent().expect("a folder");
    run(Command::new(format!("{ROOT}/workflows/quickstart.sh"))
        .arg("--outdir")
        .arg(results)
        .env("PROTSAE_BIN", executables));
    let features = results.join("all_probabilities.arrow");
    run(Command::new(encode)
        .arg("-i")
        .arg(results.join("activations.arrow"))
        .arg("-m")
        .arg(results.join("model"))
        .args(["--min-probability", "0", "-o"])
        .arg(&features));

    let concepts = fs::read(results.join("concepts.json")).expect("concepts");
    let concepts: ConceptsFile = serde_json::from_slice(&concepts).expect("concepts");
    let scores = held_out_scores(
        &features,
        &results.join("split.tsv"),
        concepts.concepts.len(),
    );

    let metrics = fs::read(results.join("metrics.json")).expect("metrics");
    let metrics: Metrics = serde_json::from_slice(&metrics).expect("metrics");
    let reported = metrics.alignment.expect("alignment with concepts").concepts;

    let mut probabilities = Vec::new();
    let mut activations = Vec::new();
    for (motif, planted) in truth() {
        let concept = concepts.concepts.iter().find(|concept| concept.id == motif);
        let latent = concept
            .unwrap_or_else(|| panic!("{motif} is no concept"))
            .index as usize;
        let positive: Vec<bool> = scores
            .residues
            .iter()
            .map(|r| planted.contains(r))
            .collect();
        let probability = auroc(&scores.probability[latent], &positive);
        let activation = auroc(&scores.activation[latent], &positive);
        println!("{motif}: probability {probability:.3}, activation {activation:.3}");
        let told = &reported[latent];
        let differ = |told: Option<f64>, found: f64| {
            told.is_none_or(|told| (told - found).abs() > SAME_AUROC)
        };
        assert!(
            !differ(told.auroc_pi, probability) && !differ(told.auroc_z, activation),
            "metrics.json says of {}: {:?}, {:?}",
            told.id,
            told.auroc_pi,
            told.auroc_z
        );
        probabilities.push(probability);
        activations.push(activation);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let good = probabilities
        .iter()
        .filter(|&&value| value > AUROC_OF_HALF)
        .count();
    println!(
        "mean: probability {:.3}, activation {:.3}",
        mean(&probabilities),
        mean(&activations)
    );
    assert!(
        mean(&probabilities) > MEAN_AUROC_OF_PROBABILITY,
        "{probabilities:?}"
    );
    assert!(
        mean(&activations) > MEAN_AUROC_OF_ACTIVATION,
        "{activations:?}"
    );
    assert!(2 * good >= probabilities.len(), "{probabilities:?}");
}
