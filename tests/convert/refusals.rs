//! What a checkpoint leaves open is asked for; what is not read is refused by name; what is damaged
//! is an error.

use crate::{checkpoint, refused, text};
use safetensors::{Dtype, tensor::TensorView};
use std::{fs, path::Path};

/// The message of a refusal that leaves nothing behind.
fn message(input: &Path, more: &[&str], status: i32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("model");
    let mut arguments = vec!["-i", text(input), "-o", text(&output)];
    arguments.extend(more);
    let said = refused(&arguments, status);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{said}");
    said
}

#[test]
fn what_a_checkpoint_leaves_open_is_asked_for() {
    let cases: [(&str, &[&str], &str); 11] = [
        ("interprot_pt/esm2_plm12_l4_sae40.pt", &[], "--k (64"),
        (
            "interplm_topk_normalized/ae.pt",
            &[],
            "--activation topk or --activation batchtopk",
        ),
        (
            "interplm_topk_normalized/ae.pt",
            &["--activation", "batchtopk"],
            "--threshold",
        ),
        ("bare/weights.pt", &[], "--apply-b-dec"),
        ("saelens_average", &[], "--input-scale"),
        (
            "interplm_legacy/ae.pt",
            &["--k", "3"],
            "--k is said of a relu",
        ),
        (
            "interplm_legacy/ae.pt",
            &["--activation", "topk"],
            "--activation topk is said",
        ),
        (
            "interplm_legacy/ae.pt",
            &["--apply-b-dec", "true"],
            "--apply-b-dec is said",
        ),
        (
            "interplm_legacy/ae.pt",
            &["--normalize-latents", "true"],
            "no maxima",
        ),
        (
            "sparsify",
            &["--k", "41"],
            "K is 41, but there are 40 latents",
        ),
        (
            "sparsify",
            &["--threshold", "1"],
            "--threshold is said of a TopK",
        ),
    ];
    for (input, options, word) in cases {
        let mut all = vec!["--any-plm"];
        all.extend(options);
        let said = message(&checkpoint(input), &all, 2);
        let found = said.to_lowercase().contains(&word.to_lowercase());
        assert!(found, "{input} {options:?}: {said}");
    }
    let said = message(&checkpoint("interplm_legacy/ae.pt"), &["--check", "-"], 2);
    assert!(said.contains("must be a file"), "{said}");
    let said = message(&checkpoint("interplm_legacy/ae.pt"), &[], 2);
    assert!(said.contains("--plm DIR --layer N"), "{said}");
}

#[test]
fn the_plm_must_have_the_width_and_the_layer() {
    let plm = Path::new(env!("CARGO_MANIFEST_DIR")).join("test_data/mini_esm2");
    let of = |layer| ["--plm", text(&plm), "--layer", layer];
    let input = checkpoint("interplm_legacy/ae.pt");
    let said = message(&input, &of("2"), 3);
    assert!(said.contains("width 12") && said.contains("128"), "{said}");
    let said = message(&input, &of("7"), 2);
    assert!(said.contains("layers 0 to 6"), "{said}");
    let embeddings = ["--plm", text(&plm), "--layer", "0", "--site", "mlp"];
    let said = message(&input, &embeddings, 2);
    assert!(
        said.contains("site mlp: this PLM has layers 1 to 6"),
        "{said}"
    );
}

/// A tensor of zeros: name and shape.
type Zeros<'a> = (&'a str, &'a [usize]);

/// A safetensors file of tensors of zeros.
fn zeros(folder: &Path, tensors: &[Zeros]) -> std::path::PathBuf {
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, shape)| vec![0; 4 * shape.iter().product::<usize>()])
        .collect();
    let views = tensors.iter().zip(&data).map(|((name, shape), data)| {
        (
            *name,
            TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap(),
        )
    });
    let path = folder.join("weights.safetensors");
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    path
}

#[test]
fn families_that_are_not_read_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[Zeros], &str); 6] = [
        (
            &[("encoders.0.weight", &[8, 4]), ("decoders.1_0", &[8, 4])],
            "cross-layer transcoder",
        ),
        (
            &[("W_E", &[4, 8]), ("W_D", &[8, 4]), ("b_E", &[8])],
            "Llamascopium",
        ),
        (
            &[
                ("_orig_mod.W", &[4, 8]),
                ("_orig_mod.b_enc", &[8]),
                ("_orig_mod.b_dec", &[4]),
            ],
            "Evo 2",
        ),
        (&[("activation_rescale_factor", &[4])], "identity"),
        (
            &[
                ("encoder.weight", &[8, 4]),
                ("W_dec", &[8, 4]),
                ("W_skip", &[4, 4]),
            ],
            "transcoder",
        ),
        (&[("lm_head.weight", &[8, 4])], "lm_head.weight"),
    ];
    for (tensors, word) in cases {
        let path = zeros(folder.path(), tensors);
        let said = message(&path, &["--any-plm"], 1);
        assert!(said.contains(word), "{tensors:?}: {said}");
    }
}

#[test]
fn configurations_that_contradict_or_are_not_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, weights: &str| {
        let source = checkpoint(from).join(weights);
        fs::copy(source, folder.path().join(weights)).unwrap();
    };
    copy("saelens_standard", "sae_weights.safetensors");
    let cases = [
        (
            r#"{"architecture": "standard", "d_in": 12, "d_sae": 41}"#,
            "d_sae is 41",
            1,
        ),
        (
            r#"{"architecture": "temporal", "d_in": 12, "d_sae": 40}"#,
            "'temporal'",
            1,
        ),
        (
            r#"{"architecture": "standard", "d_sae": 40, "normalize_activations": "covariance_whitening"}"#,
            "covariance_whitening",
            1,
        ),
        (
            r#"{"architecture": "standard", "d_sae": 40, "metadata": {"hook_name": "blocks.1.attn.hook_z"}}"#,
            "hook_z",
            1,
        ),
        (
            r#"{"architecture": "standard", "d_sae": 40, "apply_b_dec_to_input": 1}"#,
            "true or false",
            1,
        ),
        (r#"{"architecture": "topk", "d_sae": 40}"#, "--k", 2),
        (
            r#"{"architecture": "standard", "d_sae": 40, "activation_fn_str": "tanh-relu"}"#,
            "tanh-relu",
            1,
        ),
        (
            r#"{"architecture": "gated", "d_sae": 40, "activation_fn": "topk"}"#,
            "'gated' with activation function 'topk'",
            1,
        ),
        (
            r#"{"architecture": "standard", "d_sae": 40, "reshape_activations": "other"}"#,
            "reshape_activations 'other'",
            1,
        ),
        (
            r#"{"architecture": "standard", "d_sae": 40, "hook_point_head_index": 3}"#,
            "attention heads",
            1,
        ),
        (
            r#"{"architecture": "standard", "d_sae": 40, "d_out": 12}"#,
            "transcoder",
            1,
        ),
        (
            r#"{"d_sae": 40, "hook_point": "a", "hook_point_out": "b"}"#,
            "transcoder",
            1,
        ),
        (r#"{"architecture": "#, "cfg.json", 1),
    ];
    for (config, word, status) in cases {
        fs::write(folder.path().join("cfg.json"), config).unwrap();
        let said = message(folder.path(), &["--any-plm"], status);
        assert!(said.contains(word), "{config}: {said}");
    }
    fs::remove_file(folder.path().join("sae_weights.safetensors")).unwrap();
    copy("sparsify", "sae.safetensors");
    for (config, word) in [
        (r#"{"k": 4, "transcode": true}"#, "transcode"),
        (r#"{"k": 4, "skip_connection": true}"#, "skip_connection"),
        (r#"{"k": 4, "activation": "groupmax"}"#, "groupmax"),
        (r#"{"k": 4, "num_latents": 64}"#, "num_latents is 64"),
        (r#"{"k": 4, "d_in": 13}"#, "d_in is 13"),
        (r#"{"k": 4, "signed": true}"#, "signed"),
        (r#"{"k": 4, "signed": "yes"}"#, "true or false"),
    ] {
        fs::write(folder.path().join("cfg.json"), config).unwrap();
        let said = message(folder.path(), &["--any-plm"], 1);
        assert!(said.contains(word), "{config}: {said}");
    }
}

#[test]
fn a_folder_with_several_checkpoints_wants_one_named() {
    let folder = tempfile::tempdir().unwrap();
    let source = checkpoint("interplm_legacy/ae.pt");
    for name in ["ae_normalized.pt", "ae_unnormalized.pt"] {
        fs::copy(&source, folder.path().join(name)).unwrap();
    }
    let said = message(folder.path(), &["--any-plm"], 2);
    assert!(
        said.contains("ae_normalized.pt, ae_unnormalized.pt"),
        "{said}"
    );
    // the folder that holds the input is never replaced
    let inner = folder.path().join("ae_normalized.pt");
    let said = refused(
        &["-i", text(&inner), "-o", text(folder.path()), "--any-plm"],
        2,
    );
    assert!(said.contains("holds the input"), "{said}");
    assert!(inner.is_file());
}

#[test]
fn every_cut_of_a_checkpoint_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    for (source, step) in [
        ("interplm_legacy/ae.pt", 331),
        ("esmc/layer_4.safetensors", 211),
        ("interprot_lightning/esm2_plm12_l4_sae40.ckpt", 997),
    ] {
        let bytes = fs::read(checkpoint(source)).unwrap();
        for end in (0..bytes.len()).step_by(step) {
            let tensors = protsae::exchange::Tensors::read(&bytes[..end]);
            assert!(tensors.is_err(), "{source} cut at {end}");
        }
        let path = folder.path().join("cut.pt");
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let said = message(&path, &["--any-plm"], 1);
        assert!(said.contains("cut.pt"), "{said}");
    }
}

#[test]
fn changed_bytes_are_read_or_refused_and_never_panic() {
    for source in [
        "interplm_legacy/ae.pt",
        "interprot_lightning/esm2_plm12_l4_sae40.ckpt",
    ] {
        let bytes = fs::read(checkpoint(source)).unwrap();
        // the pickle lies at the front, the directory at the end
        let places = (0..1500.min(bytes.len())).chain(bytes.len() - 1500..bytes.len());
        for (i, at) in places.enumerate() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (i % 8);
            let _ = protsae::exchange::read(
                &changed,
                &protsae::exchange::Sidecar::default(),
                &protsae::exchange::Request {
                    k: Some(7),
                    ..Default::default()
                },
            );
        }
    }
}
