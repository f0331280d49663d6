//! Packs of SAEs of several layers: which layer and site they are of, what they lack, and what is computed with them.

use crate::{checkpoint, converted, refused, text};
use protsae::{
    sae::Sae,
    table::{
        Container, PlmIdentity, TableSource,
        activations::{ActivationInfo, ActivationWriter},
        features::FeatureReader,
        metadata::{Convention, Site},
        schema::ActivationType,
    },
};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Largest difference, as a share of the largest number.
const TOLERANCE: f32 = 2e-6;
/// Width of the embedded example's PLM, and its last layer.
const WIDTH: usize = 128;
const LAST: u32 = 6;

fn plm() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test_data/mini_esm2")
}

fn expected(name: &str) -> Value {
    let json = fs::read(checkpoint(name).join("expected.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|n| n.as_f64().unwrap() as f32).collect()
}

/// A table of one protein with these activations.
fn table(path: &Path, x: &[f32], width: usize, plm: Option<PlmIdentity>) {
    let info = ActivationInfo {
        plm,
        sample: None,
        pool: None,
        compute: None,
    };
    let (container, of) = (Container::File, ActivationType::F32);
    let mut writer = ActivationWriter::new(Vec::new(), container, width, of, &info).unwrap();
    let rows = x.len() / width;
    let positions: Vec<u32> = (1..=rows as u32).collect();
    writer.push("P1", &positions, &vec![b'A'; rows], x).unwrap();
    fs::write(path, writer.finish().unwrap()).unwrap();
}

/// A place in a PLM of which nothing else is known.
fn identity(layer: u32, site: Site, width: usize) -> PlmIdentity {
    PlmIdentity {
        name: "some".into(),
        sha256: "00".into(),
        layer,
        site,
        convention: Convention::HiddenStates,
        family: None,
        width: width as u32,
    }
}

/// A pack of zeros for the example's PLM, of the layers that its configuration names.
fn pack(folder: &Path, config: &Value) -> PathBuf {
    let folder = folder.join(format!("pack{}", fs::read_dir(folder).unwrap().count()));
    fs::create_dir(&folder).unwrap();
    let latents = 8;
    let data = vec![0u8; 4 * WIDTH * latents];
    let view = |shape: &[usize]| {
        let bytes = 4 * shape.iter().product::<usize>();
        TensorView::new(Dtype::F32, shape.to_vec(), &data[..bytes]).unwrap()
    };
    let tensors = [
        ("W_enc", view(&[WIDTH, latents])),
        ("W_dec", view(&[latents, WIDTH])),
        ("b_dec", view(&[WIDTH])),
        ("idf", view(&[latents])),
        ("max", view(&[latents])),
    ];
    let bytes = safetensors::serialize(tensors, None).unwrap();
    for layer in config["available_layers"].as_array().unwrap() {
        fs::write(folder.join(format!("layer_{layer}.safetensors")), &bytes).unwrap();
    }
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    folder
}

/// The model of a layer of a pack, and what was said.
fn of_layer(pack: &Path, layer: &str, more: &[&str]) -> (Sae, String) {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    let mut arguments = vec!["-i", text(pack), "-o", text(&model), "--layer", layer];
    arguments.extend(more);
    let said = converted(&arguments);
    (Sae::load(&model).unwrap(), said)
}

/// What a refusal says.
fn refusal(input: &Path, more: &[&str], status: i32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("model");
    let mut arguments = vec!["-i", text(input), "-o", text(&output)];
    arguments.extend(more);
    let said = refused(&arguments, status);
    assert!(!output.exists(), "{said}");
    said
}

#[test]
fn packs_encode_to_the_numbers_of_their_formula() {
    for name in ["esmc_pack", "esmc_pack_bare", "esmc_pack_updates"] {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let want = expected(name);
        let (model, input, features) = (path("model"), path("x.arrow"), path("features.arrow"));
        let checkpoint = checkpoint(name);
        let options = want["options"].as_array().unwrap().iter();
        let mut arguments = vec!["-i", text(&checkpoint), "-o", text(&model), "--any-plm"];
        arguments.extend(options.map(|option| option.as_str().unwrap()));
        converted(&arguments);
        let width = want["width"].as_u64().unwrap() as usize;
        let latents = want["latents"].as_u64().unwrap() as usize;
        table(&input, &numbers(&want["x"]), width, None);
        let arguments = [
            "-i",
            text(&input),
            "-m",
            text(&model),
            "-o",
            text(&features),
        ];
        let encode = Command::new(env!("CARGO_BIN_EXE_protsae-encode"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            encode.status.success(),
            "{}",
            String::from_utf8_lossy(&encode.stderr)
        );
        let source = TableSource::from_file_bytes(fs::read(&features).unwrap().into()).unwrap();
        let want = numbers(&want["z"]);
        let mut z = vec![0.0f32; want.len()];
        let mut row = 0;
        for batch in FeatureReader::new(source).unwrap() {
            let batch = batch.unwrap();
            let columns = batch.columns().unwrap();
            for ends in columns.latent.offsets.windows(2) {
                let (start, end) = (ends[0], ends[1]);
                for i in start..end {
                    let latent = columns.latent.values[i] as usize;
                    z[row * latents + latent] = columns.activation.values[i];
                }
                row += 1;
            }
        }
        let largest = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert_eq!(row * latents, want.len());
        for (i, (z, want)) in z.iter().zip(&want).enumerate() {
            assert!(
                (z - want).abs() <= TOLERANCE * largest,
                "{name}: latent {i} is {z}, expected {want}"
            );
        }
    }
}

#[test]
fn the_layer_is_one_of_those_that_are_there() {
    let pack = checkpoint("esmc_pack");
    let any = ["--any-plm"];
    let said = refusal(&pack, &any, 2);
    assert!(said.contains("--layer: 0, 2, 6"), "{said}");
    let said = refusal(&pack, &["--any-plm", "--layer", "5"], 2);
    assert!(
        said.contains("no layer_5.safetensors; its layers are 0, 2, 6"),
        "{said}"
    );
    // a file says its layer by its name
    let file = pack.join("layer_2.safetensors");
    let said = refusal(&file, &["--any-plm", "--layer", "6"], 3);
    assert!(
        said.contains("of layer 2") && said.contains("says 6"),
        "{said}"
    );
    let root = tempfile::tempdir().unwrap();
    for name in ["layer_3.safetensors", "config.json"] {
        let from = if name == "config.json" {
            name
        } else {
            "layer_2.safetensors"
        };
        fs::copy(pack.join(from), root.path().join(name)).unwrap();
    }
    let said = refusal(root.path(), &any, 3);
    assert!(
        said.contains("of layer 3") && said.contains("are 0, 2, 6"),
        "{said}"
    );
    // another family has no layers to choose from
    let said = refusal(
        &checkpoint("interplm_legacy/ae.pt"),
        &["--any-plm", "--layer", "2"],
        2,
    );
    assert!(said.contains("--layer 2 is said without --plm"), "{said}");
    let said = refusal(
        &checkpoint("interplm_legacy/ae.pt"),
        &["--plm", text(&plm())],
        2,
    );
    assert!(said.contains("--layer N"), "{said}");
}

#[test]
fn a_pack_says_whether_it_has_statistics() {
    let (with, said) = of_layer(&checkpoint("esmc_pack"), "2", &["--any-plm"]);
    assert!(
        !said.contains("no statistics") && !said.contains("not known"),
        "{said}"
    );
    assert_eq!(
        with.config.conversion.as_ref().unwrap().statistics,
        Some(true)
    );
    assert!(with.knows_maxima() && with.latent_max.iter().any(|&m| m > 1.0));
    let bare = checkpoint("esmc_pack_bare");
    let (without, said) = of_layer(&bare, "6", &["--any-plm"]);
    assert!(said.contains("no statistics of latents"), "{said}");
    assert!(said.contains("taken as 1"), "{said}");
    assert_eq!(
        without.config.conversion.as_ref().unwrap().statistics,
        Some(false)
    );
    assert!(!without.knows_maxima());
    let said = refusal(
        &bare,
        &["--any-plm", "--layer", "6", "--normalize-latents", "true"],
        2,
    );
    assert!(said.contains("no maxima"), "{said}");
}

#[test]
fn site_and_layer_are_those_of_the_pack() {
    let root = tempfile::tempdir().unwrap();
    let base = |flag: Value| {
        let mut config = json!({"k": 2, "available_layers": [0, 3, LAST]});
        if !flag.is_null() {
            config["use_residual_update_instead_of_states"] = flag;
        }
        pack(root.path(), &config)
    };
    let (states, updates, silent) = (base(json!(false)), base(json!(true)), base(Value::Null));
    let folder = plm();
    let known = ["--plm", text(&folder)];
    let place = |sae: &Sae| {
        let plm = sae.config.plm.as_ref().unwrap();
        (plm.layer, plm.site, plm.convention)
    };
    let (of_states, said) = of_layer(&states, "3", &known);
    assert_eq!(
        place(&of_states),
        (3, Site::Residual, Convention::HiddenStates)
    );
    assert!(!said.contains("has no use_residual"), "{said}");
    let (of_updates, _) = of_layer(&updates, "3", &known);
    assert_eq!(
        place(&of_updates),
        (3, Site::Update, Convention::HiddenStates)
    );
    // before the first block nothing is added yet
    let (first, _) = of_layer(&updates, "0", &known);
    assert_eq!(place(&first), (0, Site::Residual, Convention::HiddenStates));
    let (_, said) = of_layer(&silent, "3", &known);
    assert!(
        said.contains("has no use_residual_update_instead_of_states"),
        "{said}"
    );
    let (asked, said) = of_layer(&silent, "3", &[&known[..], &["--site", "update"]].concat());
    assert_eq!(place(&asked).1, Site::Update);
    assert!(!said.contains("has no use_residual"), "{said}");
    // which norm the last layer is behind, no pack says
    let (last, said) = of_layer(&states, "6", &known);
    assert_eq!(
        place(&last),
        (LAST, Site::Residual, Convention::HiddenStates)
    );
    assert!(said.contains("--convention block-outputs"), "{said}");
    let (raw, said) = of_layer(
        &states,
        "6",
        &[&known[..], &["--convention", "block-outputs"]].concat(),
    );
    assert_eq!(
        place(&raw),
        (LAST, Site::Residual, Convention::BlockOutputs)
    );
    assert!(!said.contains("--convention block-outputs"), "{said}");
    let (_, said) = of_layer(&updates, "6", &known);
    assert!(said.contains("site update is before the norm"), "{said}");

    let contradicts = |pack: &Path, site: &str| {
        refusal(
            pack,
            &[&known[..], &["--layer", "3", "--site", site]].concat(),
            3,
        )
    };
    let said = contradicts(&updates, "residual");
    assert!(
        said.contains("instead_of_states: true") && said.contains("says residual"),
        "{said}"
    );
    let said = contradicts(&states, "update");
    assert!(
        said.contains("instead_of_states: false") && said.contains("says update"),
        "{said}"
    );
    let said = contradicts(&silent, "mlp");
    assert!(
        said.contains("--site says mlp") && said.contains("--site update"),
        "{said}"
    );
    // what the first packs of updates did not say but by their names
    let named = root.path().join("ESMC-300M-sae-mlp-k64-codebook131072");
    fs::rename(&silent, &named).unwrap();
    let said = refusal(&named, &[&known[..], &["--layer", "3"]].concat(), 2);
    assert!(said.contains("say --site update"), "{said}");
}

#[test]
fn tables_of_another_place_are_refused_even_without_a_plm() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let want = expected("esmc_pack_updates");
    let x = numbers(&want["x"]);
    let width = want["width"].as_u64().unwrap() as usize;
    for (name, layer, site) in [
        ("right.arrow", 3, Site::Update),
        ("layer.arrow", 4, Site::Update),
        ("site.arrow", 3, Site::Residual),
    ] {
        table(&path(name), &x, width, Some(identity(layer, site, width)));
    }
    let pack = checkpoint("esmc_pack_updates");
    for (name, word) in [
        ("layer.arrow", "layer of the PLM"),
        ("site.arrow", "site of the PLM"),
    ] {
        let said = refusal(&pack, &["--layer", "3", "--check", text(&path(name))], 3);
        assert!(said.contains(word), "{said}");
    }
    let model = path("model");
    converted(&[
        "-i",
        text(&pack),
        "-o",
        text(&model),
        "--layer",
        "3",
        "--any-plm",
    ]);
    let claim = Sae::load(&model)
        .unwrap()
        .config
        .conversion
        .unwrap()
        .claim
        .unwrap();
    assert_eq!((claim.layer, claim.site), (3, Site::Update));
    for (name, status) in [("right.arrow", 0), ("layer.arrow", 3), ("site.arrow", 3)] {
        let arguments = [
            "-i",
            text(&path(name)),
            "-m",
            text(&model),
            "-o",
            text(&path("f.arrow")),
        ]
        .map(str::to_owned);
        let encode = Command::new(env!("CARGO_BIN_EXE_protsae-encode"))
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&encode.stderr);
        assert_eq!(encode.status.code(), Some(status), "{name}: {said}");
    }
}
