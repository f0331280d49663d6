//! Checkpoints within wrappers: their names, their dictionaries, and tensors that repeat numbers.

use protsae::exchange::{Converted, ExchangeError, Request, Sidecar, read};
use safetensors::{Dtype, tensor::TensorView};
use std::io::{Cursor, Write};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const WIDTH: usize = 3;
const LATENTS: usize = 5;

/// Names and shapes of a `TopK` checkpoint of sparsify.
const SPARSIFY: [(&str, &[usize]); 4] = [
    ("encoder.weight", &[LATENTS, WIDTH]),
    ("encoder.bias", &[LATENTS]),
    ("W_dec", &[LATENTS, WIDTH]),
    ("b_dec", &[WIDTH]),
];

fn numbers(shape: &[usize], salt: usize) -> Vec<u8> {
    let count = shape.iter().product();
    let number = |i: usize| ((i * 7 + salt) % 11) as f32 - 5.0;
    (0..count).flat_map(|i| number(i).to_le_bytes()).collect()
}

/// The tensors under other names.
fn named(name: impl Fn(&str) -> String) -> Vec<u8> {
    let data: Vec<_> = (SPARSIFY.iter().enumerate())
        .map(|(i, (_, shape))| numbers(shape, i))
        .collect();
    let views = SPARSIFY.iter().zip(&data).map(|((of, shape), data)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap();
        (name(of), view)
    });
    safetensors::serialize(views, None).unwrap()
}

fn converted(bytes: &[u8]) -> Result<Converted, ExchangeError> {
    let request = Request {
        k: Some(2),
        ..Request::default()
    };
    read(bytes, &Sidecar::default(), &request)
}

#[test]
fn wrappers_within_wrappers_are_passed() {
    let want = converted(&named(str::to_owned)).unwrap();
    for prefix in [
        "model.",
        "_orig_mod.",
        "model._orig_mod.",
        "module.model.",
        "_orig_mod.module.",
        "model.sae._orig_mod.module.",
        "_forward_module.autoencoder.",
        "sae_model._fsdp_wrapped_module.model.",
    ] {
        let got = converted(&named(|name| format!("{prefix}{name}")));
        let got = got.unwrap_or_else(|e| panic!("{prefix}: {e}"));
        assert_eq!(got.params, want.params, "{prefix}");
    }
}

#[test]
fn wrappers_of_parts_are_passed() {
    let want = converted(&named(str::to_owned)).unwrap();
    for wrapper in ["_orig_mod", "module", "_checkpoint_wrapped_module"] {
        let got = converted(&named(|name| {
            name.replace("encoder.", &format!("model.encoder.{wrapper}."))
        }));
        // the decoder stands outside of `model`
        assert!(matches!(got, Err(ExchangeError::Unknown(_))), "{got:?}");
        let got = converted(&named(|name| {
            format!(
                "model.{}",
                name.replace("encoder.", &format!("encoder.{wrapper}."))
            )
        }));
        assert_eq!(got.unwrap().params, want.params, "{wrapper}");
    }
    let both = named(|name| match name {
        "encoder.weight" => "encoder.module.weight".into(),
        "W_dec" => "encoder._orig_mod.weight".into(),
        other => other.into(),
    });
    let error = converted(&both).unwrap_err().to_string();
    assert!(
        error.contains("several tensors are 'encoder.weight'"),
        "{error}"
    );
}

#[test]
fn names_that_only_wrap_end() {
    let deep = named(|name| format!("{}{name}x", "model.sae.".repeat(300)));
    assert!(matches!(converted(&deep), Err(ExchangeError::Unknown(_))));
}

/// A tensor of a pickle: name, storage, shape, strides.
type Place<'a> = (&'a str, usize, &'a [usize], &'a [usize]);

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn integers(out: &mut Vec<u8>, values: &[usize]) {
    out.push(b'(');
    for &value in values {
        out.push(b'J');
        out.extend((value as u32).to_le_bytes());
    }
    out.push(b't');
}

/// What `torch.save` writes of a dictionary of tensors, within dictionaries of these names.
fn archive(around: &[&str], tensors: &[Place], storages: &[Vec<u8>]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}".to_vec();
    for name in around {
        // a counter beside what is wrapped
        text(&mut pickle, "epoch");
        pickle.extend(b"K\x07s");
        text(&mut pickle, name);
        pickle.push(b'}');
    }
    for (name, storage, shape, strides) in tensors {
        text(&mut pickle, name);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(b"ctorch\nFloatStorage\n");
        text(&mut pickle, &storage.to_string());
        text(&mut pickle, "cpu");
        pickle.extend(b"K\x01tQK\x00");
        integers(&mut pickle, shape);
        integers(&mut pickle, strides);
        pickle.extend(b"\x89}tRs");
    }
    pickle.extend(b"s".repeat(around.len()));
    pickle.push(b'.');
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut entry = |name: String, bytes: &[u8]| {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    };
    entry("archive/data.pkl".into(), &pickle);
    for (i, storage) in storages.iter().enumerate() {
        entry(format!("archive/data/{i}"), storage);
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn dictionaries_within_dictionaries_are_passed() {
    let storages: Vec<_> = (SPARSIFY.iter().enumerate())
        .map(|(i, (_, shape))| numbers(shape, i))
        .collect();
    let strides: Vec<&[usize]> = SPARSIFY
        .iter()
        .map(|(_, shape)| {
            if shape.len() == 2 {
                &[WIDTH, 1][..]
            } else {
                &[1][..]
            }
        })
        .collect();
    let tensors: Vec<Place> = (SPARSIFY.iter().zip(&strides).enumerate())
        .map(|(i, ((name, shape), strides))| (*name, i, *shape, *strides))
        .collect();
    let want = converted(&named(str::to_owned)).unwrap();
    for around in [
        &[][..],
        &["state_dict"],
        &["model", "state_dict"],
        &["checkpoint", "model", "module"],
        &["sae_model", "_orig_mod"],
        &["network", "sae_state_dict"],
        &["params"],
    ] {
        let got = converted(&archive(around, &tensors, &storages));
        let got = got.unwrap_or_else(|e| panic!("{around:?}: {e}"));
        assert_eq!(got.params, want.params, "{around:?}");
    }
}

#[test]
fn expanded_tensors_are_read() {
    // a bias that is the same everywhere, and a decoder whose rows are
    let storages = [
        numbers(&[LATENTS, WIDTH], 0),
        numbers(&[WIDTH], 1),
        2.5f32.to_le_bytes().into(),
    ];
    let tensors: [Place; 4] = [
        ("encoder.weight", 0, &[LATENTS, WIDTH], &[WIDTH, 1]),
        ("encoder.bias", 2, &[LATENTS], &[0]),
        ("W_dec", 1, &[LATENTS, WIDTH], &[0, 1]),
        ("b_dec", 2, &[WIDTH], &[0]),
    ];
    let got = converted(&archive(&[], &tensors, &storages)).unwrap();
    assert_eq!(got.params.b_enc, [2.5; LATENTS]);
    assert_eq!(got.params.b_dec, [2.5; WIDTH]);
    for row in got.params.dec.chunks_exact(WIDTH) {
        assert_eq!(row, &got.params.dec[..WIDTH]);
    }
    // few bytes do not become many
    let mut vast = tensors;
    vast[2] = ("W_dec", 1, &[1 << 20, 1 << 20], &[0, 0]);
    let error = converted(&archive(&[], &vast, &storages)).unwrap_err();
    assert!(error.to_string().contains("W_dec"), "{error}");
}

#[test]
fn a_configuration_says_whether_the_bias_is_subtracted() {
    let shapes: [(&str, &[usize]); 5] = [
        ("encoder.weight", &[LATENTS, WIDTH]),
        ("encoder.bias", &[LATENTS]),
        ("decoder.weight", &[WIDTH, LATENTS]),
        ("decoder.bias", &[WIDTH]),
        ("threshold", &[LATENTS]),
    ];
    let data: Vec<_> = (shapes.iter().enumerate())
        .map(|(i, (_, shape))| numbers(shape, i))
        .collect();
    let views = shapes.iter().zip(&data).map(|((name, shape), data)| {
        (
            *name,
            TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap(),
        )
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    let of = |config: &str, said: Option<bool>| {
        let request = Request {
            apply_b_dec: said,
            ..Request::default()
        };
        let sidecar = Sidecar::read("config.json", config).unwrap();
        read(&bytes, &sidecar, &request).map(|converted| converted.params)
    };
    let (no, yes) = (
        of("{}", Some(false)).unwrap(),
        of("{}", Some(true)).unwrap(),
    );
    assert_ne!(no, yes);
    assert_eq!(of("{}", None).unwrap(), no);
    for config in [
        r#"{"apply_b_dec_to_input": true}"#,
        r#"{"trainer": {"apply_b_dec_to_input": true}}"#,
        r#"{"trainer_cfg": {"apply_b_dec_to_input": true}}"#,
    ] {
        assert_eq!(of(config, None).unwrap(), yes, "{config}");
        assert_eq!(of(config, Some(false)).unwrap(), no, "{config}");
    }
    let error = of(r#"{"trainer": {"dict_size": 6}}"#, None).unwrap_err();
    assert!(error.to_string().contains("dict_size is 6"), "{error}");
}
