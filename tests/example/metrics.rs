//! What protsae-evaluate says of a model, beside what scikit-learn and scipy say from the same tables, and beside the PLM
//! itself with something else at the site.

use crate::{
    ROOT,
    ranges::{results, tool},
    run, skip,
};
use protsae::{
    plm::{
        batch::Batch,
        encoder::{LoadPlan, Model},
        place::{Place, Replacement},
        weights::{ModelFolder, Precision},
    },
    sae::{Encoder, Sae},
    score::{
        comparison::Comparison,
        metrics::{ControlKind, Metrics},
        relevance::LatentMeans,
    },
    seq::fasta,
};
use serde_json::Value;
use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

/// How far metrics may be from those computed in double precision from the same 32-bit activations.
const SAME: f64 = 1e-5;
/// How far probes may be from those of scikit-learn, which go on to the very minimum.
const SAME_PROBE: f64 = 0.02;
const MIN_RESIDUES: &str = "10";
const MIN_PROTEINS: &str = "5";

/// Python with scikit-learn; none where it is absent, which is said.
fn python() -> Option<PathBuf> {
    let python = Path::new(ROOT).join("target/venv/bin/python");
    if python.is_file() {
        return Some(python);
    }
    skip::skipped("no Python environment in target/venv; tests/run.sh makes it");
    None
}

fn evaluate(model: &[&str]) -> Command {
    let results = results();
    let mut command = tool("protsae-evaluate");
    command.arg("-i").arg(results.join("activations.arrow"));
    for model in model {
        command.arg("-m").arg(results.join(model));
    }
    command
        .arg("--labels")
        .arg(results.join("labels.arrow"))
        .arg("--split")
        .arg(results.join("split.tsv"))
        .args([
            "--min-residues",
            MIN_RESIDUES,
            "--min-proteins",
            MIN_PROTEINS,
        ])
        .arg("--clusters")
        .arg(format!("{ROOT}/test_data/example/clusters.tsv"));
    command
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&fs::read(path).expect("it was just written")).expect("its format")
}

/// Demands that all numbers of `expected` are in `told`, by name.
fn same(told: &Value, expected: &Value, tolerance: f64, place: &str) {
    match expected {
        Value::Object(fields) => {
            for (name, value) in fields {
                same(&told[name], value, tolerance, &format!("{place}.{name}"));
            }
        }
        Value::Number(number) => {
            let (told, expected) = (told.as_f64(), number.as_f64());
            let apart = told.zip(expected).map(|(a, b)| (a - b).abs());
            assert!(
                apart.is_some_and(|apart| apart <= tolerance),
                "{place}: {told:?}, expected {expected:?}"
            );
        }
        other => assert_eq!(told, other, "{place}"),
    }
}

#[test]
fn scikit_learn_says_the_same() {
    let Some(python) = python() else { return };
    let results = results();
    let path = results.join("all_metrics.json");
    run(evaluate(&["ranges_model"])
        .args([
            "--suite",
            "fidelity,alignment,probing,disentanglement",
            "--controls",
            "plm-neurons",
            "-o",
        ])
        .arg(&path));
    let features = results.join("all_latents.arrow");
    run(tool("protsae-encode")
        .arg("-i")
        .arg(results.join("activations.arrow"))
        .arg("-m")
        .arg(results.join("ranges_model"))
        .arg("-o")
        .arg(&features));
    let output = Command::new(python)
        .arg(format!("{ROOT}/tests/example/metrics.py"))
        .args([results, &features, &results.join("ranges_model")])
        .arg(format!("{ROOT}/test_data/example/clusters.tsv"))
        .args([MIN_RESIDUES, MIN_PROTEINS])
        .output()
        .expect("Python");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let expected: Value = serde_json::from_slice(&output.stdout).expect("scores");
    let metrics: Metrics = read(&path);
    let json = serde_json::to_value(&metrics).expect("metrics");
    let (alignment, disentanglement) = (&json["alignment"], &json["disentanglement"]);
    let control = |kind| {
        let controls = &metrics.alignment.as_ref().expect("alignment").controls;
        let found = controls.iter().find(|c| c.control == kind);
        serde_json::to_value(found.expect("a control").means).expect("means")
    };
    let neurons = control(ControlKind::PlmNeurons);
    for level in ["residue", "protein"] {
        let key = format!("{level}_level");
        let (own, plm) = (&expected["latents"][level], &expected["neurons"][level]);
        same(
            &alignment["latents"][&key],
            &own["means"],
            SAME,
            &format!("latents.{level}"),
        );
        same(
            &disentanglement[&key],
            &own["entanglement"],
            SAME,
            &format!("entanglement.{level}"),
        );
        same(
            &neurons[&key],
            &plm["means"],
            SAME,
            &format!("neurons.{level}"),
        );
    }
    same(
        &json["consistency"]["latents"],
        &expected["absorption"],
        SAME,
        "absorption",
    );
    for rows in ["decoder", "predictor"] {
        same(&disentanglement[rows], &expected[rows], SAME, rows);
    }
    let told = &disentanglement["monosemanticity"];
    let score = &expected["monosemanticity"];
    for key in ["proteins", "base"] {
        same(&told[key], &score[key], SAME, key);
    }
    for key in ["latents", "mean", "median"] {
        same(&told["all"][key], &score[key], SAME, key);
    }
    let probing = metrics.probing.expect("probes");
    let expected = &expected["probing"];
    assert_eq!(
        serde_json::to_value(&probing.concepts).expect("ids"),
        expected["concepts"]
    );
    for kind in ["latents", "plm", "latents-16"] {
        let probe = probing
            .probes
            .iter()
            .find(|p| p.features == kind)
            .expect("a probe");
        let told = serde_json::to_value(probe).expect("scores");
        same(&told, &expected[kind], SAME_PROBE, kind);
    }
}

/// Latents that learned nothing, labels that mean nothing and neurons agree with concepts less than the model does.
#[test]
fn controls_are_worth_less() {
    let path = results().join("control_metrics.json");
    run(evaluate(&["ranges_model"])
        .args(["--suite", "alignment", "--controls"])
        .args(["random-sae,shuffled-labels,plm-neurons", "-o"])
        .arg(&path));
    let alignment = read::<Metrics>(&path).alignment.expect("alignment");
    let own = alignment.latents.expect("means").residue_level;
    let mut kinds = Vec::new();
    for control in alignment.controls {
        let means: LatentMeans = control.means.residue_level;
        assert_eq!(means.concepts, own.concepts);
        assert!(means.auroc_best < own.auroc_best, "{:?}", control.control);
        assert!(
            means.f1_max_of_ten < own.f1_max_of_ten,
            "{:?}",
            control.control
        );
        kinds.push(control.control);
    }
    assert_eq!(
        kinds,
        [
            ControlKind::RandomSae,
            ControlKind::ShuffledLabels,
            ControlKind::PlmNeurons
        ]
    );
}

/// The largest cosines that a one-to-one matching reaches, and Student's t, by scipy.
const MATCHING: &str = r#"
import json, sys, numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import t
def decoder(path):
    data = open(path + "/model.safetensors", "rb").read()
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8:8 + size])
    read = lambda d: np.frombuffer(data[8 + size:][slice(*d["data_offsets"])], np.float32).reshape(d["shape"])
    rows = read(head["w_dec"])
    return len(read(head["w_pred"])), rows / np.linalg.norm(rows, axis=1, keepdims=True)
(m, a), (_, b) = map(decoder, sys.argv[1:3])
c = a[m:] @ b[m:].T
i, j = linear_sum_assignment(c, maximize=True)
values = np.array(list(map(float, sys.argv[3:])))
half = t.ppf(.975, len(values) - 1) * values.std(ddof=1) / len(values) ** .5
print(json.dumps({
    "matched": float(c[i, j].mean()), "defined": float((a[:m] * b[:m]).sum(1).mean()),
    "largest": float(np.r_[c.max(0), c.max(1)].mean()), "mean": values.mean(), "half_width": half}))
"#;

#[test]
fn models_of_two_seeds_are_one_row_with_an_interval() {
    let results = results();
    run(tool("protsae-train")
        .arg("-i")
        .arg(results.join("activations.arrow"))
        .arg("--labels")
        .arg(results.join("labels.arrow"))
        .arg("--concepts")
        .arg(results.join("concepts.json"))
        .arg("--split")
        .arg(results.join("split.tsv"))
        .args(["--latents", "256", "--k", "16", "--epochs", "1"])
        .args(["--grid", "seed=0,1", "ablation=none,forced-activation"])
        .arg("-o")
        .arg(results.join("grid")));
    let (path, table) = (
        results.join("comparison.json"),
        results.join("comparison.md"),
    );
    run(evaluate(&["grid", "ranges_model"])
        .args(["--suite", "fidelity", "-o"])
        .arg(&path)
        .arg("--table")
        .arg(&table));
    let comparison: Comparison = read(&path);
    assert_eq!((comparison.rows.len(), comparison.models.len()), (3, 5));
    let ablated = &comparison.rows[1];
    assert!(
        ablated.label.contains("forced-activation false"),
        "{}",
        ablated.label
    );
    assert!(comparison.rows[2].stability.is_none());
    let text = fs::read_to_string(&table).expect("a table");
    assert_eq!(text.lines().count(), 5);
    assert!(
        text.lines().nth(2).is_some_and(|line| line.contains(" ± ")),
        "{text}"
    );

    let Some(python) = python() else { return };
    let row = &comparison.rows[0];
    let values = row.models.iter().map(|name| {
        let model = comparison
            .models
            .iter()
            .find(|m| m.name == *name)
            .expect("it");
        let fidelity = model.metrics.fidelity.as_ref().expect("fidelity");
        fidelity.fvu.expect("a number").to_string()
    });
    let folders = row.models.iter().map(|name| {
        results
            .join("grid")
            .join(name.rsplit('/').next().expect("a name"))
    });
    let output = Command::new(python)
        .args(["-c", MATCHING])
        .args(folders)
        .args(values)
        .output()
        .expect("Python");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let expected: Value = serde_json::from_slice(&output.stdout).expect("scores");
    let stability = serde_json::to_value(row.stability).expect("stability");
    for key in ["matched", "defined", "largest"] {
        same(&stability[key], &expected[key], SAME, key);
    }
    let fvu = serde_json::to_value(row.scores["fvu"]).expect("a mean");
    same(&fvu["mean"], &expected["mean"], 1e-12, "mean");
    // quantiles are written with three decimals
    same(
        &fvu["half_width"],
        &expected["half_width"],
        1e-4,
        "half_width",
    );
}

/// Cross-entropies of the test proteins by the PLM's own means, with reconstructions and zeros put in by hand.
#[test]
fn loss_recovered_is_what_the_plm_says_with_reconstructions_in_place() {
    let results = results();
    let plm = format!("{ROOT}/test_data/mini_esm2");
    let path = results.join("loss.json");
    run(evaluate(&["ranges_model"])
        .args(["--suite", "fidelity", "--plm", &plm, "-o"])
        .arg(&path));
    let told = read::<Metrics>(&path)
        .loss_recovered
        .expect("loss recovered");
    let told_entropy = told.cross_entropy.expect("cross-entropies");

    let sae = Sae::load(&results.join("ranges_model")).expect("a model");
    let folder = ModelFolder::open(Path::new(&plm)).expect("a PLM");
    let model = Model::load(&folder, LoadPlan::with_head(Precision::F32)).expect("its weights");
    let own = sae.config.plm.as_ref().expect("its PLM");
    let place = Place::new(own.site, own.layer as usize, &folder.architecture).expect("a place");
    let split = fs::read_to_string(results.join("split.tsv")).expect("a split");
    let is_test = |name: &str| split.lines().any(|line| line == format!("{name}\ttest"));
    let encoder = Mutex::new(Encoder::new(&sae));
    let reconstruct = |_: &[usize], rows: &mut [f32]| {
        if rows.is_empty() {
            return;
        }
        let mut encoder = encoder.lock().expect("no panic");
        let mut out = vec![0.0; rows.len()];
        let encoded = encoder.encode(rows).expect("finite");
        sae.decode(encoded.z, &mut out).expect("rows");
        rows.copy_from_slice(&out);
    };
    let zero = |_: &[usize], rows: &mut [f32]| rows.fill(0.0);
    let file = fs::File::open(format!("{ROOT}/test_data/example/proteins.fasta")).expect("FASTA");
    let (mut sums, mut proteins) = ([0.0; 3], 0.0);
    for record in fasta::Reader::new(BufReader::new(file), false) {
        let protein = record.expect("a protein");
        if !is_test(&protein.accession) {
            continue;
        }
        let mut batch = Batch::new();
        batch.push(&folder.vocabulary, &protein.sequence);
        let reconstruction = Replacement {
            place,
            edit: &reconstruct,
        };
        let nothing = Replacement { place, edit: &zero };
        for (sum, edit) in sums
            .iter_mut()
            .zip([None, Some(reconstruction), Some(nothing)])
        {
            let logits = model.logits(&batch, edit);
            *sum -= logits.log_likelihood(&batch, 0) / protein.sequence.len() as f64;
        }
        proteins += 1.0;
    }
    assert_eq!(told.proteins as f64, proteins);
    let [own, with_sae, with_zero] = sums.map(|sum| sum / proteins);
    for (told, expected) in [
        (told_entropy.plm, own),
        (told_entropy.sae, with_sae),
        (told_entropy.zero, with_zero),
    ] {
        assert!(
            (told - expected).abs() < SAME,
            "{told}, expected {expected}"
        );
    }
    let expected = 1.0 - (with_sae - own) / (with_zero - own);
    let recovered = told.loss_recovered.expect("a number");
    assert!(
        (recovered - expected).abs() < SAME,
        "{recovered}, expected {expected}"
    );
    let [low, high] = told.loss_recovered_interval.expect("an interval");
    assert!(low < recovered && recovered < high);
    // a model that was trained to reconstruct keeps most of what zeros destroy
    assert!(recovered > 0.5, "{recovered}");

    run(evaluate(&["ranges_model"])
        .args([
            "--suite",
            "fidelity",
            "--plm",
            &plm,
            "--mask-fraction",
            "0.15",
            "-o",
        ])
        .arg(&path));
    let masked = read::<Metrics>(&path)
        .loss_recovered
        .expect("loss recovered");
    assert!(masked.residues * 5 < told.residues && masked.residues > 0);
    assert!(masked.cross_entropy.expect("cross-entropies").plm > told_entropy.plm);
}
