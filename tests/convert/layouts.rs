//! Written folders: read back to the same numbers, equal to what the real libraries computed when
//! `peers.json` was made, and where these are installed, loaded by them again.

use crate::{checkpoint, converted, families::apply, refused, text};
use protsae::{
    annot::concept::{CONCEPTS_FORMAT, Concept, ConceptKind, ConceptsFile, Level},
    sae::{
        Sae,
        config::{Objective, Shape, Variant},
        folder::{self, ModelConfig},
        params::Params,
        settings::Training,
    },
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const WIDTH: usize = 12;
const LATENTS: usize = 40;
const ROWS: usize = 64;
/// Largest difference, as a share of the largest number.
const TOLERANCE: f32 = 1e-5;
/// What sae-lens 6.54.12 and eai-sparsify 1.3.3 computed.
const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/convert/peers.json");

/// Numbers from -1 to 1 that depend on nothing but their place (`SplitMix64`).
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    (0..count as u64)
        .map(|i| {
            let mut z = (seed << 32 | i)
                .wrapping_add(1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let z = z ^ (z >> 31);
            (z >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

fn rows() -> Vec<f32> {
    let mut x = numbers(99, ROWS * WIDTH);
    for (i, x) in x.iter_mut().enumerate() {
        *x = *x * 4.0 + (i % WIDTH) as f32 / 4.0 - 1.0;
    }
    x
}

fn concept(index: u32) -> Concept {
    Concept {
        index,
        id: format!("GO:{index:07}"),
        name: String::new(),
        kind: ConceptKind::Go,
        namespace: None,
        level: Level::Protein,
        parents: Vec::new(),
        proteins: 1,
        residues: 0,
        partial: false,
        information_content: 0.0,
    }
}

/// Writes a model of a variant, whose weights depend on nothing but the variant.
fn write_model(folder: &Path, variant: Variant, forced: bool) {
    let defined = if variant == Variant::Protsae { 5 } else { 0 };
    let shape = Shape {
        width: WIDTH,
        latents: LATENTS,
        defined,
        ..Shape::default()
    };
    let objective = Objective {
        variant,
        k: 6,
        forced_activation: forced,
        ..Objective::default()
    };
    let mut params = Params::zeros_for(shape, &objective);
    let seed = 100 * (1 + variant as u64);
    for (i, (name, values)) in params.tensors_mut().enumerate() {
        let (scale, shift) = match name {
            "b_enc" | "b_mag" | "r_mag" | "r_pred" => (0.3, 0.0),
            "threshold" if variant == Variant::Batchtopk => (0.0, 0.6),
            "threshold" => (0.2, 0.5),
            _ => (0.5, 0.0),
        };
        values.copy_from_slice(&numbers(seed + i as u64, values.len()));
        for value in values {
            *value = *value * scale + shift;
        }
    }
    fs::create_dir_all(folder).unwrap();
    let weights = folder.join(folder::WEIGHTS_FILE);
    folder::write_weights(&weights, &params, &[1.0; LATENTS]).unwrap();
    let config = ModelConfig {
        format: folder::MODEL_FORMAT.into(),
        plm: None,
        shape,
        input_scale: 0.37,
        objective,
        training: Training::default(),
        conversion: None,
    };
    fs::write(folder.join(folder::CONFIG_FILE), config.to_yaml().unwrap()).unwrap();
    let concepts = ConceptsFile {
        format: CONCEPTS_FORMAT.into(),
        concepts: (0..defined as u32).map(concept).collect(),
        ..ConceptsFile::default()
    };
    let json = serde_json::to_vec(&concepts).unwrap();
    fs::write(folder.join(folder::CONCEPTS_FILE), json).unwrap();
}

/// A model and the folder that it is written as.
struct Case {
    name: &'static str,
    layout: &'static str,
    model: PathBuf,
    written: PathBuf,
}

/// Writes every model that a layout holds.
fn cases(root: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add =
        |name: &'static str, layout: &'static str, input: &Path, model: PathBuf, more: &[&str]| {
            let written = root.join(name);
            let mut arguments = vec!["-i", text(input), "-o", text(&written), "--to", layout];
            arguments.extend(more);
            converted(&arguments);
            cases.push(Case {
                name,
                layout,
                model,
                written,
            });
        };
    for (variant, saelens, sparsify) in [
        (
            Variant::Protsae,
            "saelens-protsae",
            Some("sparsify-protsae"),
        ),
        (Variant::Topk, "saelens-topk", Some("sparsify-topk")),
        (Variant::Batchtopk, "saelens-batchtopk", None),
        (Variant::Relu, "saelens-relu", None),
        (Variant::Gated, "saelens-gated", None),
        (Variant::Jumprelu, "saelens-jumprelu", None),
    ] {
        let model = root.join(format!("model-{saelens}"));
        write_model(&model, variant, false);
        add(saelens, "saelens", &model, model.clone(), &[]);
        if let Some(name) = sparsify {
            add(name, "sparsify", &model, model.clone(), &[]);
        }
    }
    // from one program to another: rows are transformed, and a BatchTopK's latents scaled
    for (name, input, options) in [
        (
            "saelens-interprot",
            "interprot_pt/esm2_plm12_l4_sae40.pt",
            &["--any-plm", "--k", "7"][..],
        ),
        (
            "saelens-interplm",
            "interplm_v1_normalized/ae_normalized.pt",
            &["--any-plm"],
        ),
        (
            "saelens-interplm-batchtopk",
            "interplm_batchtopk_normalized/ae.pt",
            &["--any-plm", "--activation", "batchtopk"],
        ),
    ] {
        let input = checkpoint(input);
        let model = root.join(format!("model-{name}"));
        let mut arguments = vec!["-i", text(&input), "-o", text(&model)];
        arguments.extend(options);
        converted(&arguments);
        add(name, "saelens", &input, model, options);
    }
    cases
}

fn close(name: &str, what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{name}: {what}");
    let largest = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.5, "{name}: {what} is empty");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (got - want).abs() <= TOLERANCE * largest,
            "{name}: {what} {i} is {got}, expected {want}"
        );
    }
}

#[test]
fn written_folders_are_read_back_to_the_same_numbers() {
    let root = tempfile::tempdir().unwrap();
    let x = rows();
    for case in cases(root.path()) {
        let back = root.path().join("back");
        converted(&["-i", text(&case.written), "-o", text(&back), "--any-plm"]);
        let (z, x_hat) = apply(&Sae::load(&case.model).unwrap(), &x);
        let (z_back, x_hat_back) = apply(&Sae::load(&back).unwrap(), &x);
        close(case.name, "latent", &z_back, &z);
        close(case.name, "reconstruction", &x_hat_back, &x_hat);
    }
}

/// What a library computed: latents that are not 0, by their place, and reconstructions.
#[derive(Deserialize)]
struct Peer {
    places: Vec<usize>,
    values: Vec<f32>,
    x_hat: Vec<f32>,
}

fn compare(cases: &[Case], peers: &BTreeMap<String, Peer>) {
    assert_eq!(cases.len(), peers.len());
    let x = rows();
    for case in cases {
        let peer = &peers[case.name];
        let mut want = vec![0.0; ROWS * LATENTS];
        for (&place, &value) in peer.places.iter().zip(&peer.values) {
            want[place] = value;
        }
        let (z, x_hat) = apply(&Sae::load(&case.model).unwrap(), &x);
        close(case.name, "latent", &z, &want);
        close(case.name, "reconstruction", &x_hat, &peer.x_hat);
    }
}

fn read(path: &Path) -> BTreeMap<String, Peer> {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn models_are_what_the_libraries_computed_of_their_folders() {
    let root = tempfile::tempdir().unwrap();
    compare(&cases(root.path()), &read(Path::new(PEERS)));
}

/// A Python with sae-lens and eai-sparsify.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("PROTSAE_PEERS_PYTHON").map(PathBuf::from);
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    let python = named.unwrap_or(made);
    if python.is_file() {
        return Some(python);
    }
    crate::skip::skipped(
        "no Python with sae-lens and eai-sparsify in target/peers ('tests/run.sh --peers' makes it, 6 GB) nor in PROTSAE_PEERS_PYTHON",
    );
    None
}

#[test]
fn sae_lens_and_sparsify_load_what_is_written() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let cases = cases(root.path());
    let folders: Vec<_> = cases
        .iter()
        .map(|c| serde_json::json!({"name": c.name, "layout": c.layout, "folder": c.written}))
        .collect();
    let task = serde_json::json!({"width": WIDTH, "x": rows(), "cases": folders});
    let (given, results) = (
        root.path().join("task.json"),
        root.path().join("results.json"),
    );
    fs::write(&given, serde_json::to_vec(&task).unwrap()).unwrap();
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/convert/load_layouts.py"))
        .args([&given, &results])
        .env("HF_HUB_OFFLINE", "1")
        .env("CUDA_VISIBLE_DEVICES", "")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    compare(&cases, &read(&results));
    // what the libraries saved themselves is read to the same numbers
    let x = rows();
    for case in &cases {
        let saved = root.path().join(format!("{}-saved", case.name));
        let back = root.path().join("back");
        converted(&["-i", text(&saved), "-o", text(&back), "--any-plm"]);
        let (z, x_hat) = apply(&Sae::load(&case.model).unwrap(), &x);
        let (z_back, x_hat_back) = apply(&Sae::load(&back).unwrap(), &x);
        close(case.name, "saved latent", &z_back, &z);
        close(case.name, "saved reconstruction", &x_hat_back, &x_hat);
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::copy(&results, PEERS).unwrap();
    }
}

#[test]
fn what_a_layout_cannot_hold_is_said_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let model = root.path().join("model");
    let out = root.path().join("out");
    write_model(&model, Variant::Protsae, true);
    for layout in ["saelens", "sparsify"] {
        let said = converted(&["-i", text(&model), "-o", text(&out), "--to", layout]);
        assert!(said.contains("forced activation"), "{said}");
        assert!(said.contains("latents 0 to 4 are concepts"), "{said}");
    }
    write_model(&model, Variant::Topk, false);
    let said = converted(&["-i", text(&model), "-o", text(&out), "--to", "saelens"]);
    assert!(!said.contains("no place"), "{said}");
    write_model(&model, Variant::Gated, false);
    let said = refused(
        &["-i", text(&model), "-o", text(&out), "--to", "sparsify"],
        2,
    );
    assert!(said.contains("this is a gated model"), "{said}");
    let said = refused(
        &[
            "-i",
            text(&model),
            "-o",
            text(&out),
            "--to",
            "saelens",
            "--k",
            "3",
        ],
        2,
    );
    assert!(said.contains("--k is said of a model folder"), "{said}");
    let cases: [(&str, &[&str], &str, &str); 3] = [
        (
            "interprot_pt/esm2_plm12_l4_sae40.pt",
            &["--k", "7"],
            "sparsify",
            "transforms every row",
        ),
        (
            "rep_saes/last.ckpt",
            &["--k", "6"],
            "saelens",
            "normalize_activations",
        ),
        (
            "interplm_topk_normalized/ae.pt",
            &["--activation", "topk"],
            "saelens",
            "activations are written unscaled",
        ),
    ];
    for (input, options, layout, word) in cases {
        let input = checkpoint(input);
        let mut arguments = vec![
            "-i",
            text(&input),
            "-o",
            text(&out),
            "--to",
            layout,
            "--any-plm",
        ];
        arguments.extend(options);
        let said = if word.contains("written") {
            converted(&arguments)
        } else {
            refused(&arguments, 2)
        };
        assert!(said.contains(word), "{said}");
    }
}
