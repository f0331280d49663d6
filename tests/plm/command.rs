//! `protsae-embed`, run as its users run it.

use crate::support::{batch, load, mini, rows, sequence};
use protsae::{
    cli::Source,
    plm::{place::Place, window::right_share},
    sae::{
        ModelConfig,
        config::{Objective, Shape},
        settings::Training,
    },
    table::{
        PlmIdentity, TableSource,
        activations::{ActivationInfo, ActivationReader},
        metadata::Site,
    },
};
use std::{
    fs,
    io::{BufReader, Cursor, Write},
    path::Path,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// Rounding of the table's half-precision numbers.
const HALF: f64 = 1e-3;

/// All rows of a table.
#[derive(Debug, PartialEq)]
struct Rows {
    info: ActivationInfo,
    proteins: Vec<String>,
    positions: Vec<u32>,
    residues: Vec<u8>,
    activations: Vec<f32>,
}

impl Rows {
    fn read(source: TableSource) -> Self {
        let reader = ActivationReader::new(source).expect("an activation table");
        let mut all = Self {
            info: reader.info().clone(),
            proteins: Vec::new(),
            positions: Vec::new(),
            residues: Vec::new(),
            activations: Vec::new(),
        };
        for batch in reader {
            let batch = batch.expect("a batch");
            all.proteins
                .extend((0..batch.rows()).map(|r| batch.protein(r).to_owned()));
            if all.info.pool.is_none() {
                all.positions
                    .extend_from_slice(&batch.positions().expect("positions"));
                all.residues.extend(batch.residues().expect("residues"));
            }
            all.activations
                .extend_from_slice(&batch.activations().expect("activations"));
        }
        all
    }

    fn open(path: &Path) -> Self {
        Self::read(
            Source::File(path.to_owned())
                .open_table()
                .expect("a complete table"),
        )
    }

    fn width(&self) -> usize {
        self.activations.len() / self.proteins.len()
    }

    fn row(&self, protein: &str, position: u32) -> &[f32] {
        let row = (0..self.proteins.len())
            .find(|&r| self.proteins[r] == protein && self.positions[r] == position)
            .expect("a row of this residue");
        &self.activations[row * self.width()..][..self.width()]
    }
}

fn embed(dir: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_protsae-embed"))
        .current_dir(dir.path())
        .arg("-m")
        .arg(mini())
        .arg("-q")
        .args(arguments)
        .output()
        .expect("it runs")
}

/// Runs it, demands success, and reads the table `out.arrow`.
fn table(dir: &TempDir, arguments: &[&str]) -> Rows {
    let output = embed(dir, &[&["-o", "out.arrow"], arguments].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Rows::open(&dir.path().join("out.arrow"))
}

/// Runs it, demands this exit status and that nothing was written, and returns the message.
fn refused(dir: &TempDir, arguments: &[&str], status: i32) -> String {
    let before = fs::read_dir(dir.path()).expect("a folder").count();
    let output = embed(dir, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(output.stdout.is_empty());
    assert_eq!(
        fs::read_dir(dir.path()).expect("a folder").count(),
        before,
        "{text}"
    );
    text
}

fn proteins() -> Vec<(String, String)> {
    [40, 1, 200, 33, 90]
        .into_iter()
        .enumerate()
        .map(|(i, length)| (format!("P{i}"), sequence(length, i)))
        .collect()
}

fn fasta(proteins: &[(String, String)]) -> String {
    let records: Vec<String> = proteins
        .iter()
        .map(|(id, s)| format!(">{id}\n{s}\n"))
        .collect();
    records.concat()
}

fn folder() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("p.fa"), fasta(&proteins())).expect("a FASTA");
    dir
}

fn close(got: &[f32], want: &[f32]) {
    let error = crate::support::relative_error(got, want);
    assert!(error < HALF, "{error:e}");
}

#[test]
fn rows_are_the_models_numbers_in_input_order() {
    let dir = folder();
    let got = table(&dir, &["-i", "p.fa", "--layer", "4", "--dtype", "f32"]);
    let half = table(&dir, &["-i", "p.fa", "--layer", "4"]);
    let model = load(&mini());
    let place = Place::new(Site::Residual, 4, model.architecture()).expect("a layer");
    let mut row = 0;
    for (id, sequence) in proteins() {
        let batch = batch(&model, &[&sequence]);
        let want = rows(&model.forward(&batch, &[place], None), 0, &batch, 0);
        let n = sequence.len();
        assert!(got.proteins[row..row + n].iter().all(|p| *p == id));
        assert!((1..=n as u32).eq(got.positions[row..row + n].iter().copied()));
        assert_eq!(got.residues[row..row + n], *sequence.as_bytes());
        let width = got.width();
        assert_eq!(got.activations[row * width..(row + n) * width], want);
        close(&half.activations[row * width..(row + n) * width], &want);
        row += n;
    }
    assert_eq!(got.proteins.len(), row);
    let plm = got.info.plm.expect("an identity");
    assert_eq!(
        (plm.name.as_str(), plm.layer, plm.site, plm.width),
        ("mini_esm2", 4, Site::Residual, 128)
    );
}

#[test]
fn batches_and_threads_change_no_byte() {
    let dir = folder();
    let mut all = Vec::new();
    for (threads, tokens) in [
        ("1", "0"),
        ("2", "0"),
        ("2", "1"),
        ("1", "70"),
        ("2", "300"),
    ] {
        table(
            &dir,
            &[
                "-i",
                "p.fa",
                "-t",
                threads,
                "--batch-tokens",
                tokens,
                "--max-length",
                "64",
                "--overlap",
                "20",
            ],
        );
        all.push(fs::read(dir.path().join("out.arrow")).expect("a table"));
    }
    assert!(all.iter().all(|bytes| *bytes == all[0]));
}

#[test]
fn windows_are_blended_by_a_linear_ramp() {
    let dir = folder();
    let (length, overlap) = (64usize, 20usize);
    let options = [
        "-i",
        "p.fa",
        "--max-length",
        "64",
        "--overlap",
        "20",
        "--dtype",
        "f32",
        "--site",
        "mlp",
        "--layer",
        "2",
    ];
    let got = table(&dir, &options);
    let model = load(&mini());
    let place = Place::new(Site::Mlp, 2, model.architecture()).expect("a layer");
    let (id, text) = &proteins()[2];
    let width = got.width();
    // each window as if it were a protein of its own
    let mut starts = vec![0];
    while starts[starts.len() - 1] + length < text.len() {
        starts.push(starts[starts.len() - 1] + length - overlap);
    }
    assert!(starts.len() > 3);
    let alone: Vec<Vec<f32>> = starts
        .iter()
        .map(|&s| {
            let window = &text[s..(s + length).min(text.len())];
            let batch = batch(&model, &[window]);
            rows(&model.forward(&batch, &[place], None), 0, &batch, 0)
        })
        .collect();
    for position in 0..text.len() {
        let seen: Vec<usize> = (0..starts.len())
            .filter(|&w| position >= starts[w] && position < starts[w] + alone[w].len() / width)
            .collect();
        let of = |w: usize, k: usize| alone[w][(position - starts[w]) * width + k];
        let want: Vec<f32> = (0..width)
            .map(|k| match seen[..] {
                [w] => of(w, k),
                [left, right] => {
                    let share = right_share(position - starts[right] + 1, overlap);
                    of(left, k) * (1.0 - share) + of(right, k) * share
                }
                _ => panic!("{} windows at {position}", seen.len()),
            })
            .collect();
        assert_eq!(
            got.row(id, position as u32 + 1),
            want,
            "position {position}"
        );
    }
}

#[test]
fn a_sample_is_the_same_whatever_the_order_and_the_shards() {
    let dir = folder();
    let whole = table(&dir, &["-i", "p.fa", "--dtype", "f32"]);
    let sample = table(
        &dir,
        &[
            "-i",
            "p.fa",
            "--dtype",
            "f32",
            "--sample",
            "10",
            "--max-length",
            "64",
            "--overlap",
            "0",
        ],
    );
    assert_eq!(sample.info.sample, Some(10));
    let counts: Vec<usize> = proteins().iter().map(|(_, s)| s.len().min(10)).collect();
    assert_eq!(sample.proteins.len(), counts.iter().sum::<usize>());
    let mut reversed = proteins();
    reversed.reverse();
    fs::write(dir.path().join("a.fa"), fasta(&reversed[..2])).expect("a shard");
    fs::write(dir.path().join("b.fa"), fasta(&reversed[2..])).expect("a shard");
    let shards = table(
        &dir,
        &[
            "-i", "b.fa", "-i", "a.fa", "--dtype", "f32", "--sample", "10",
        ],
    );
    let other = table(&dir, &["-i", "p.fa", "--sample", "10", "--seed", "1"]);
    assert_ne!(other.positions, sample.positions);
    for (id, position) in sample.proteins.iter().zip(&sample.positions) {
        assert!(
            shards
                .proteins
                .iter()
                .zip(&shards.positions)
                .any(|(i, p)| (i, p) == (id, position))
        );
        if id != "P2" && id != "P4" {
            // shorter than a window, so the sample's rows are the whole table's
            assert_eq!(sample.row(id, *position), whole.row(id, *position));
        }
        assert_eq!(shards.row(id, *position), whole.row(id, *position));
    }
}

#[test]
fn pooled_rows_are_means() {
    let dir = folder();
    let whole = table(
        &dir,
        &[
            "-i",
            "p.fa",
            "--dtype",
            "f32",
            "--max-length",
            "64",
            "--overlap",
            "8",
        ],
    );
    let pooled = table(
        &dir,
        &[
            "-i",
            "p.fa",
            "--dtype",
            "f32",
            "--max-length",
            "64",
            "--overlap",
            "8",
            "--pool",
            "mean",
        ],
    );
    let width = whole.width();
    let mut row = 0;
    for (p, (id, sequence)) in proteins().iter().enumerate() {
        assert_eq!(pooled.proteins[p], *id);
        let n = sequence.len();
        for k in 0..width {
            let sum: f64 = (row..row + n)
                .map(|r| f64::from(whole.activations[r * width + k]))
                .sum();
            let got = f64::from(pooled.activations[p * width + k]);
            assert!((got - sum / n as f64).abs() < 1e-6);
        }
        row += n;
    }
}

#[test]
fn several_layers_are_what_each_is_alone() {
    let dir = folder();
    let options = [
        "-i",
        "p.fa",
        "--site",
        "attention",
        "--layer",
        "1,3,6",
        "-o",
        "l{layer}.arrow",
    ];
    assert!(embed(&dir, &options).status.success());
    for layer in ["1", "3", "6"] {
        table(
            &dir,
            &["-i", "p.fa", "--site", "attention", "--layer", layer],
        );
        let alone = fs::read(dir.path().join("out.arrow")).expect("a table");
        let together = fs::read(dir.path().join(format!("l{layer}.arrow"))).expect("a table");
        assert_eq!(alone, together, "layer {layer}");
    }
    let text = refused(&dir, &["-i", "p.fa", "--layer", "1,2", "-o", "x.arrow"], 2);
    assert!(text.contains("{layer}"), "{text}");
    refused(
        &dir,
        &["-i", "p.fa", "--layer", "1,1", "-o", "x{layer}.arrow"],
        2,
    );
    refused(&dir, &["-i", "p.fa", "--layer", "7", "-o", "x.arrow"], 2);
    refused(
        &dir,
        &[
            "-i", "p.fa", "--site", "mlp", "--layer", "0", "-o", "x.arrow",
        ],
        2,
    );
}

#[test]
fn a_pipe_carries_the_same_rows() {
    let dir = folder();
    let want = table(&dir, &["-i", "p.fa"]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_protsae-embed"))
        .args(["-q", "-i", "-", "-o", "-", "-m"])
        .arg(mini())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(fasta(&proteins()).as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let source = TableSource::from_reader(Box::new(BufReader::new(Cursor::new(output.stdout))));
    assert_eq!(Rows::read(source.expect("a complete stream")), want);
}

#[test]
fn nothing_in_gives_a_table_without_rows() {
    let dir = folder();
    fs::write(dir.path().join("empty.fa"), "").expect("a file");
    for extra in [&[][..], &["--pool", "mean"], &["--sample", "3"]] {
        let rows = table(&dir, &[&["-i", "empty.fa"], extra].concat());
        assert!(rows.proteins.is_empty() && rows.info.plm.is_some());
    }
}

#[test]
fn bad_records_end_the_run_or_are_left_out() {
    let dir = folder();
    for (bad, what) in [
        (">bad\nMK1T\n", "'1' at position 3"),
        (">bad\nM*K\n", "'*' at position 2"),
        (">bad\n\n", "no residues"),
        (">P1\nMK\n", "twice"),
    ] {
        let text = format!("{}{bad}>last\nMKTA*\n", fasta(&proteins()));
        fs::write(dir.path().join("bad.fa"), text).expect("a FASTA");
        let message = refused(&dir, &["-i", "bad.fa", "-o", "x.arrow"], 1);
        assert!(
            message.contains("bad.fa") && message.contains(what),
            "{message}"
        );
        let kept = table(&dir, &["-i", "bad.fa", "--on-bad", "skip"]);
        assert_eq!(kept.proteins.last().map(String::as_str), Some("last"));
        assert_eq!(kept.positions.last(), Some(&4));
        fs::remove_file(dir.path().join("out.arrow")).expect("it was written");
    }
    let message = refused(&dir, &["-i", "p.fa", "-i", "p.fa", "-o", "x.arrow"], 1);
    assert!(message.contains("P0"), "{message}");
    refused(
        &dir,
        &["-i", "p.fa", "--overlap", "600", "-o", "x.arrow"],
        2,
    );
    refused(
        &dir,
        &["-i", "p.fa", "--device", "cuda:99", "-o", "x.arrow"],
        2,
    );
    refused(&dir, &["-i", "nothing.fa", "-o", "x.arrow"], 1);
    refused(&dir, &["-i", "p.fa", "-o", "p.fa"], 2);
}

fn sae(dir: &TempDir, plm: Option<PlmIdentity>) {
    let config = ModelConfig {
        format: "model/1".into(),
        plm,
        shape: Shape {
            width: 128,
            latents: 8,
            ..Shape::default()
        },
        input_scale: 1.0,
        objective: Objective::default(),
        training: Training::default(),
        conversion: None,
    };
    let folder = dir.path().join("sae");
    fs::create_dir_all(&folder).expect("a folder");
    let text = serde_yaml::to_string(&config).expect("YAML");
    fs::write(folder.join("config.yaml"), text).expect("a configuration");
}

#[test]
fn an_sae_says_layer_and_site_and_demands_its_plm() {
    let dir = folder();
    let want = table(&dir, &["-i", "p.fa", "--site", "attention", "--layer", "3"]);
    let plm = want.info.plm.clone().expect("an identity");
    sae(&dir, Some(plm.clone()));
    assert_eq!(table(&dir, &["-i", "p.fa", "--for", "sae"]), want);
    fs::remove_file(dir.path().join("out.arrow")).expect("it was written");
    let other = PlmIdentity {
        sha256: "00".into(),
        ..plm.clone()
    };
    sae(&dir, Some(other));
    let text = refused(&dir, &["-i", "p.fa", "--for", "sae", "-o", "x.arrow"], 3);
    assert!(
        text.contains("sha256") && text.contains(&plm.sha256),
        "{text}"
    );
    sae(
        &dir,
        Some(PlmIdentity {
            width: 64,
            ..plm.clone()
        }),
    );
    refused(&dir, &["-i", "p.fa", "--for", "sae", "-o", "x.arrow"], 3);
    sae(&dir, Some(PlmIdentity { layer: 30, ..plm }));
    refused(&dir, &["-i", "p.fa", "--for", "sae", "-o", "x.arrow"], 3);
    sae(&dir, None);
    refused(&dir, &["-i", "p.fa", "--for", "sae", "-o", "x.arrow"], 2);
    refused(
        &dir,
        &[
            "-i", "p.fa", "--for", "sae", "--layer", "1", "-o", "x.arrow",
        ],
        2,
    );
}

#[test]
fn a_plan_is_printed_and_nothing_is_written() {
    let dir = folder();
    let output = embed(&dir, &["-i", "p.fa", "-o", "x.arrow", "--dry-run"]);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "5 proteins, 364 residues",
        "364 rows",
        "memory: about",
        "time: about",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1);
}

#[test]
fn rounded_weights_are_close() {
    let dir = folder();
    let want = table(&dir, &["-i", "p.fa", "--dtype", "f32"]);
    for compute in ["bf16", "f16"] {
        let got = table(
            &dir,
            &["-i", "p.fa", "--dtype", "f32", "--compute", compute],
        );
        let error = crate::support::relative_error(&got.activations, &want.activations);
        assert!(error > 0.0 && error < 2e-2, "{compute}: {error:e}");
    }
}

#[test]
fn a_file_of_bad_records_alone_and_one_of_nucleotides_are_warned_of() {
    let dir = folder();
    let write = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).expect("a FASTA");
    };
    write("bad.fa", ">a\nM1\n>prot\u{e9}\nM-K\n");
    let skip = ["--on-bad", "skip", "-o", "x.arrow", "-i", "bad.fa"];
    let output = embed(&dir, &skip);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("bad.fa: all 2 records are bad"), "{said}");
    // one good file beside it
    let output = embed(&dir, &[&skip[..], &["-i", "p.fa"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("warning").count(), 1, "{said}");

    write(
        "dna.fa",
        &format!(">a\n{}\n>b\n{}\n", "ACGT".repeat(20), "GATTACA".repeat(5)),
    );
    let output = Command::new(env!("CARGO_BIN_EXE_protsae-embed"))
        .current_dir(dir.path())
        .args(["-i", "dna.fa", "-i", "p.fa", "-o", "x.arrow", "-m"])
        .arg(mini())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("look like nucleotides").count(), 1, "{said}");
    assert!(said.contains("dna.fa"), "{said}");
}

#[test]
fn an_id_that_is_no_utf8_is_refused_by_its_line() {
    let dir = folder();
    fs::write(
        dir.path().join("latin.fa"),
        b">a caf\xe9\nMK\n>prot\xe9 x\nMK\n",
    )
    .expect("a FASTA");
    let message = refused(&dir, &["-i", "latin.fa", "-o", "x.arrow"], 1);
    assert!(
        message.contains("latin.fa") && message.contains("line 3") && message.contains("UTF-8"),
        "{message}"
    );
}

#[test]
fn the_table_and_the_provenance_say_what_was_multiplied() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("p.fasta"),
        format!(">P\n{}\n", sequence(70, 5)),
    )
    .expect("a FASTA");
    let rows = |compute: &str, threads: &str| {
        let options = [
            "-i",
            "p.fasta",
            "--compute",
            compute,
            "--dtype",
            "f32",
            "-t",
            threads,
        ];
        let rows = table(&dir, &[&options[..], &["--provenance", "p.json"]].concat());
        assert_eq!(rows.info.compute.as_deref(), Some(compute));
        let provenance = fs::read_to_string(dir.path().join("p.json")).expect("a provenance");
        let provenance: serde_json::Value = serde_json::from_str(&provenance).expect("JSON");
        let text = provenance["compute"].as_str().expect("a text").to_owned();
        assert!(text.starts_with(&format!("{compute} (")), "{text}");
        rows
    };
    let want = rows("f32", "1");
    for (compute, most) in [("bf16", 2e-2), ("bf16x3", 4e-5), ("f16", 2e-2)] {
        let got = rows(compute, "1");
        let error = crate::support::relative_error(&got.activations, &want.activations);
        // what is no faster in parts is not split
        let rounds = compute != "bf16x3";
        assert!(
            error < most && (error > 0.0 || !rounds),
            "{compute}: {error:e}"
        );
        assert_eq!(got, rows(compute, "2"));
    }
    let refused = embed(&dir, &["-i", "p.fasta", "--compute", "f64"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("bf16x3"));
}
