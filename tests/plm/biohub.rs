//! An SAE of ESM-C as Biohub publishes them, from its pack and FASTA to ranges.

use crate::families::{EMBED, example, refused, run, text};
use crate::family_parity::data;
use safetensors::{Dtype, tensor::TensorView};
use std::{fs, path::Path};
use tempfile::TempDir;

/// Width of the small ESM-C.
const WIDTH: usize = 40;
/// Its SAE has the positive and the negative part of each feature: with K = d it gives back what it reads.
const LATENTS: usize = 2 * WIDTH;

/// A pack of one layer; `factor` of its reconstruction is 1 where that is right.
fn pack(folder: &Path, layer: u32, updates: bool, factor: f32) {
    fs::create_dir(folder).expect("a folder");
    let (mut enc, mut dec) = (vec![0f32; WIDTH * LATENTS], vec![0f32; LATENTS * WIDTH]);
    for i in 0..WIDTH {
        for (latent, sign) in [(i, 1.0), (WIDTH + i, -1.0)] {
            enc[i * LATENTS + latent] = sign;
            dec[latent * WIDTH + i] = sign * factor;
        }
    }
    let maxima: Vec<f32> = (0..LATENTS).map(|i| 3.0 + i as f32 / 100.0).collect();
    let idf: Vec<f32> = (0..LATENTS).map(|i| 1.0 + i as f32 / 50.0).collect();
    let tensors = [
        ("W_enc", vec![WIDTH, LATENTS], enc),
        ("W_dec", vec![LATENTS, WIDTH], dec),
        ("b_dec", vec![WIDTH], vec![0.0; WIDTH]),
        ("idf", vec![LATENTS], idf),
        ("max", vec![LATENTS], maxima),
    ];
    let tensors = tensors.map(|(name, shape, values)| {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        (name, shape, bytes)
    });
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (*name, view.expect("as many bytes as its shape has"))
    });
    let weights = safetensors::serialize(views, None).expect("tensors");
    fs::write(folder.join(format!("layer_{layer}.safetensors")), weights).expect("a file");
    let config = serde_json::json!({
        "model_type": "esmc_sae", "d_model": WIDTH, "codebook_dim": LATENTS, "k": WIDTH,
        "available_layers": [layer], "use_residual_update_instead_of_states": updates,
    });
    fs::write(folder.join("config.json"), config.to_string()).expect("a file");
}

#[test]
fn a_pack_becomes_a_model_and_proteins_become_ranges() {
    let (fasta, plm) = (example("proteins.fasta"), data("esmc"));
    let plm = text(&plm);
    for (updates, site) in [(false, "residual"), (true, "update")] {
        let dir = TempDir::new().expect("a folder");
        let step = |tool: &str, arguments: &[&str]| run(dir.path(), tool, arguments);
        pack(&dir.path().join("pack"), 2, updates, 1.0);
        let own = ["-i", &fasta, "-m", plm];
        let of_layer = [
            "--layer",
            "2",
            "--site",
            site,
            "--dtype",
            "f32",
            "-o",
            "check.arrow",
        ];
        step(EMBED, &[&own[..], &of_layer].concat());
        let convert = [
            "-i",
            "pack",
            "--layer",
            "2",
            "--plm",
            plm,
            "--check",
            "check.arrow",
            "-o",
            "sae",
        ];
        let said = step(env!("CARGO_BIN_EXE_protsae-convert"), &convert);
        assert!(said.contains("FVU 0.0000"), "{said}");
        // the model says layer and site
        let of_model = ["--for", "sae", "--dtype", "f32", "-o", "a.arrow"];
        step(EMBED, &[&own[..], &of_model].concat());
        let same = fs::read(dir.path().join("a.arrow")).expect("a table")
            == fs::read(dir.path().join("check.arrow")).expect("a table");
        assert!(same, "{site}");
        let encode = [
            "-i",
            "a.arrow",
            "-m",
            "sae",
            "--check-fvu",
            "error",
            "-o",
            "f.arrow",
        ];
        step(env!("CARGO_BIN_EXE_protsae-encode"), &encode);
        let annotate = [
            "-i",
            "f.arrow",
            "-m",
            "sae",
            "--latents",
            "all",
            "--format",
            "gff3",
        ];
        let gff = step(env!("CARGO_BIN_EXE_protsae-annotate"), &annotate);
        let ranges = gff.lines().filter(|line| line.contains("\tProtSAE\t"));
        assert!(ranges.count() > 100, "{gff:.400}");
    }
}

#[test]
fn another_layer_does_not_pass_in_silence() {
    let dir = TempDir::new().expect("a folder");
    let (fasta, plm) = (example("proteins.fasta"), data("esmc"));
    let step = |tool: &str, arguments: &[&str]| run(dir.path(), tool, arguments);
    pack(&dir.path().join("pack"), 2, false, 1.0);
    let own = ["-i", &fasta, "-m", text(&plm), "-o"];
    for layer in ["1", "2"] {
        let table = format!("{layer}.arrow");
        step(EMBED, &[&own[..], &[&table, "--layer", layer]].concat());
    }
    let convert = [
        "-i",
        "pack",
        "--layer",
        "2",
        "--plm",
        text(&plm),
        "-o",
        "sae",
    ];
    step(env!("CARGO_BIN_EXE_protsae-convert"), &convert);
    // the identity tells it
    let encode = env!("CARGO_BIN_EXE_protsae-encode");
    let said = refused(
        dir.path(),
        encode,
        &["-i", "1.arrow", "-m", "sae", "-o", "f.arrow"],
        3,
    );
    assert!(said.contains("layer of the PLM"), "{said}");
    // and where nobody said which layer, how badly it reconstructs
    pack(&dir.path().join("bad"), 2, false, -0.5);
    let convert = [
        "-i",
        "bad",
        "--layer",
        "2",
        "--plm",
        text(&plm),
        "-o",
        "sae2",
    ];
    step(env!("CARGO_BIN_EXE_protsae-convert"), &convert);
    let checked = [
        "-i",
        "2.arrow",
        "-m",
        "sae2",
        "-o",
        "f.arrow",
        "--check-fvu",
    ];
    let said = step(encode, &[&checked[..], &["warn"]].concat());
    assert!(said.contains("FVU"), "{said}");
    fs::remove_file(dir.path().join("f.arrow")).expect("it was written");
    let said = refused(dir.path(), encode, &[&checked[..], &["error"]].concat(), 1);
    assert!(said.contains("layer 2 at site residual"), "{said}");
    assert!(!dir.path().join("f.arrow").exists());
}
