//! Activations of other programs become tables with the same numbers, and tables become what other programs read.

use crate::{converted, refused, skip::skipped, text};
use proptest::prelude::*;
use protsae::table::{
    Container, PlmIdentity, TableSource,
    activations::{ActivationInfo, ActivationReader, ActivationWriter},
    metadata::{Convention, Site},
    schema::ActivationType,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Position, residue and numbers of a row, behind its protein.
type Row = (String, u32, char, Vec<f32>);

/// Proteins of the files that Python writes, in their order.
const PROTEINS: [(&str, &str); 3] = [("P12345", "MKTAY"), ("Q9ÜX01", "A"), ("P00001", "GLSDGEWQ")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the script beside this file; false, and said, where there is no Python for it.
fn python(what: &str, folder: &Path) -> bool {
    let python = root().join("target/venv/bin/python");
    let has_h5py = || Command::new(&python).args(["-c", "import h5py"]).status();
    if !python.is_file() || !has_h5py().unwrap().success() {
        skipped("no Python environment with h5py in target/venv; tests/run.sh makes it");
        return false;
    }
    let script = root().join("tests/convert/activations.py");
    let run = Command::new(&python)
        .arg(script)
        .arg(what)
        .arg(folder)
        .output();
    let output = run.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    true
}

/// A folder of files by other programs.
fn written() -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    python("write", folder.path()).then_some(folder)
}

fn reader(path: &Path) -> ActivationReader {
    let source = TableSource::from_file_bytes(fs::read(path).unwrap().into()).unwrap();
    ActivationReader::new(source).unwrap()
}

fn rows(path: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in reader(path) {
        let batch = batch.unwrap();
        let (positions, residues) = (batch.positions().unwrap(), batch.residues().unwrap());
        let numbers = batch.activations().unwrap();
        for (row, x) in numbers.chunks(batch.width()).enumerate() {
            let residue = char::from(residues[row]);
            let protein = batch.protein(row).to_owned();
            rows.push((protein, positions[row], residue, x.to_vec()));
        }
    }
    rows
}

/// One row a protein.
fn pooled(path: &Path) -> Vec<(String, Vec<f32>)> {
    assert_eq!(reader(path).info().pool.as_deref(), Some("mean"));
    let mut rows = Vec::new();
    for batch in reader(path) {
        let batch = batch.unwrap();
        let numbers = batch.activations().unwrap();
        let of_batch = numbers.chunks(batch.width()).enumerate();
        rows.extend(of_batch.map(|(row, x)| (batch.protein(row).to_owned(), x.to_vec())));
    }
    rows
}

/// The rows that every file holds.
fn expected(folder: &Path, letters: bool) -> Vec<Row> {
    let text = fs::read_to_string(folder.join("numbers.tsv")).unwrap();
    let parse = |line: &str| line.split('\t').map(|x| x.parse().unwrap()).collect();
    let mut numbers = text.lines().map(parse);
    let mut rows = Vec::new();
    for (protein, sequence) in PROTEINS {
        for (at, letter) in sequence.chars().enumerate() {
            let letter = if letters { letter } else { 'X' };
            rows.push((
                protein.to_owned(),
                at as u32 + 1,
                letter,
                numbers.next().unwrap(),
            ));
        }
    }
    assert!(numbers.next().is_none());
    rows
}

/// Files of other orders hold the same proteins.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    rows
}

#[test]
fn arrays_of_every_type_and_version_give_their_rows() {
    let Some(folder) = written() else { return };
    let at = |name: &str| folder.path().join(name);
    let (fasta, out) = (at("proteins.fasta"), at("out.arrow"));
    let mut names: Vec<String> = ["little", "big"]
        .iter()
        .flat_map(|order| ["f2", "f4", "f8"].map(|of| format!("rows_{order}_{of}.npy")))
        .collect();
    names.extend([1, 2, 3].map(|version| format!("rows_version_{version}.npy")));
    for name in names {
        let input = at(&name);
        converted(&[
            "-i",
            text(&input),
            "--proteins",
            text(&fasta),
            "--any-plm",
            "-o",
            text(&out),
        ]);
        assert_eq!(rows(&out), expected(folder.path(), true), "{name}");
        let half = reader(&out).next().unwrap().unwrap();
        assert_eq!(half.width(), 6);
        let bytes = fs::metadata(&out).unwrap().len();
        converted(&[
            "-i",
            text(&input),
            "--proteins",
            text(&fasta),
            "--any-plm",
            "--dtype",
            "f32",
            "-o",
            text(&out),
        ]);
        let wide = fs::metadata(&out).unwrap().len();
        assert_eq!(
            wide > bytes,
            name.contains("f2"),
            "{name}: the type is kept unless one is said"
        );
    }
    // lists say the residues or not
    for (list, letters) in [("proteins.tsv", false), ("uniprot.tsv", true)] {
        let (input, list) = (at("rows_little_f4.npy"), at(list));
        let said = converted(&[
            "-i",
            text(&input),
            "--proteins",
            text(&list),
            "--any-plm",
            "-o",
            text(&out),
        ]);
        assert_eq!(rows(&out), expected(folder.path(), letters));
        assert_eq!(said.contains("written as X"), !letters, "{said}");
    }
    let (input, list) = (at("pooled.npy"), at("proteins.tsv"));
    let all = [
        "-i",
        text(&input),
        "--proteins",
        text(&list),
        "--any-plm",
        "-o",
        text(&out),
    ];
    let said = refused(&all, 1);
    assert!(
        said.contains("3 rows") && said.contains("14 residues"),
        "{said}"
    );
    assert!(
        said.contains("'P12345' would end at row 5") && said.contains("--pool"),
        "{said}"
    );
    converted(&[&all[..], &["--pool", "mean"]].concat());
    assert_eq!(pooled(&out).len(), 3);
}

#[test]
fn hdf5_of_uniprot_and_of_bio_embeddings_gives_its_rows() {
    let Some(folder) = written() else { return };
    let at = |name: &str| folder.path().join(name);
    let (fasta, out) = (at("proteins.fasta"), at("out.arrow"));
    for name in ["uniprot.h5", "bio_embeddings.h5", "latest.h5"] {
        let input = at(name);
        let all = ["-i", text(&input), "--any-plm", "-o", text(&out)];
        converted(&[&all[..], &["--proteins", text(&fasta)]].concat());
        assert_eq!(
            sorted(rows(&out)),
            sorted(expected(folder.path(), true)),
            "{name}"
        );
        converted(&all);
        assert_eq!(
            sorted(rows(&out)),
            sorted(expected(folder.path(), false)),
            "{name}"
        );
    }
    let raw = at("bio_embeddings.h5");
    converted(&["-i", text(&raw), "--any-plm", "--raw-ids", "-o", text(&out)]);
    assert_eq!(rows(&out)[0].0, "sp|P12345|SOME_NAME");
    let (list, compressed) = (at("list.tsv"), at("out.npy.zst"));
    converted(&[
        "-i",
        text(&raw),
        "-o",
        text(&compressed),
        "--proteins-out",
        text(&list),
    ]);
    converted(&[
        "-i",
        text(&compressed),
        "--proteins",
        text(&list),
        "--any-plm",
        "-o",
        text(&out),
    ]);
    assert_eq!(rows(&out), expected(folder.path(), false));
    for (name, close) in [
        ("uniprot_pooled.h5", 2e-3),
        ("bio_embeddings_pooled.h5", 1e-6),
    ] {
        let input = at(name);
        converted(&["-i", text(&input), "--any-plm", "-o", text(&out)]);
        let rows = pooled(&out);
        assert_eq!(rows.len(), PROTEINS.len(), "{name}");
        for (protein, x) in rows {
            let all = expected(folder.path(), true);
            let of_protein = all.iter().filter(|row| row.0 == protein);
            let (mut mean, mut n) = (vec![0.0; x.len()], 0.0);
            for row in of_protein {
                mean.iter_mut().zip(&row.3).for_each(|(m, x)| *m += x);
                n += 1.0;
            }
            let near = |(m, x): (&f32, &f32)| (m / n - x).abs() <= close * (m / n).abs().max(1.0);
            assert!(mean.iter().zip(&x).all(near), "{name}: {protein}");
        }
    }
}

#[test]
fn parquet_and_arrow_of_others_give_their_rows() {
    let Some(folder) = written() else { return };
    let at = |name: &str| folder.path().join(name);
    let (fasta, out) = (at("proteins.fasta"), at("out.arrow"));
    for name in ["pyarrow.parquet", "polars.parquet", "polars.arrow"] {
        let input = at(name);
        let all = ["-i", text(&input), "--any-plm", "-o", text(&out)];
        converted(&[&all[..], &["--proteins", text(&fasta)]].concat());
        assert_eq!(rows(&out), expected(folder.path(), true), "{name}");
        converted(&all);
        assert_eq!(rows(&out), expected(folder.path(), false), "{name}");
    }
    let input = at("pooled.parquet");
    let all = ["-i", text(&input), "--any-plm", "-o", text(&out)];
    let said = refused(&all, 1);
    assert!(said.contains("--pool mean"), "{said}");
    converted(&[&all[..], &["--pool", "mean"]].concat());
    assert_eq!(pooled(&out).len(), 3);
}

#[test]
fn numpy_polars_and_pyarrow_read_what_is_written() {
    let Some(folder) = written() else { return };
    let at = |name: &str| folder.path().join(name);
    let (input, fasta, table) = (
        at("rows_little_f2.npy"),
        at("proteins.fasta"),
        at("table.arrow"),
    );
    converted(&[
        "-i",
        text(&input),
        "--proteins",
        text(&fasta),
        "--any-plm",
        "-o",
        text(&table),
    ]);
    let (npy, tsv, parquet) = (at("out.npy"), at("out.tsv"), at("out.parquet"));
    converted(&[
        "-i",
        text(&table),
        "-o",
        text(&npy),
        "--proteins-out",
        text(&tsv),
    ]);
    converted(&["-i", text(&table), "--any-plm", "-o", text(&parquet)]);
    assert!(python("read", folder.path()));
}

#[test]
fn what_is_no_table_of_finite_numbers_is_named() {
    let Some(folder) = written() else { return };
    let at = |name: &str| folder.path().join(name);
    let (fasta, out) = (at("proteins.fasta"), at("out.arrow"));
    for (name, more, words) in [
        ("bad_fortran.npy", "", "Fortran"),
        ("bad_object.npy", "", "pickled"),
        ("bad_integers.npy", "", "integers"),
        ("bad_flat.npy", "", "(84,)"),
        ("bad_archive.npz", "", ".npz"),
        (
            "odd_nan.npy",
            "",
            "'P00001' has activation NaN at position 2, which is no finite",
        ),
        (
            "odd_inf.npy",
            "",
            "'P00001' has activation inf at position 2",
        ),
        (
            "odd_large.npy",
            "f16",
            "'P00001' has activation 100000 at position 2, more than half",
        ),
        ("bad_integers.h5", "", "dataset 'P1': its numbers are not"),
        ("bad_group.h5", "", "the group 'more'"),
        ("bad_cube.h5", "", "shape [2, 3, 4]"),
        ("bad_no_residues.h5", "", "shape [0, 3]"),
        ("bad_nothing.h5", "", "no dataset"),
        (
            "bad_widths.h5",
            "",
            "'P2' has 4 numbers of f32 a residue, 'P1' has 3",
        ),
        ("bad_types.h5", "", "f16"),
        ("bad_twice.h5", "", "two datasets are of 'P1'"),
        ("bad_ambiguous.parquet", "", "'a' and 'b'"),
        ("bad_no_vectors.parquet", "", "no column 'activation'"),
    ] {
        let input = at(name);
        let mut all = vec!["-i", text(&input), "--any-plm", "-o", text(&out)];
        if name.ends_with("npy") {
            all.extend(["--proteins", text(&fasta)]);
        }
        if !more.is_empty() {
            all.extend(["--dtype", more]);
        }
        let said = refused(&all, 1);
        assert!(
            said.contains(words) && said.contains(name),
            "{name}: {said}"
        );
        assert!(!out.exists(), "{name}");
    }
    // one type for all, where it is said
    let input = at("bad_types.h5");
    converted(&[
        "-i",
        text(&input),
        "--any-plm",
        "--dtype",
        "f32",
        "-o",
        text(&out),
    ]);
    assert_eq!(rows(&out).len(), 4);
}

#[test]
fn damaged_hdf5_is_an_error_or_other_rows() {
    let Some(folder) = written() else { return };
    for name in ["uniprot.h5", "bio_embeddings.h5", "latest.h5"] {
        let bytes = fs::read(folder.path().join(name)).unwrap();
        let read = |bytes: Vec<u8>| {
            let mut file = protsae::table::foreign::hdf5::Hdf5Source::new(bytes.into())?;
            let mut numbers = Vec::new();
            for index in 0..file.datasets() {
                file.open(index)?.read(&mut numbers)?;
            }
            Ok::<_, protsae::table::ForeignError>(file.datasets())
        };
        assert_eq!(read(bytes.clone()).unwrap(), 3);
        for at in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x41;
            let _ = read(damaged);
        }
        for length in (0..bytes.len()).step_by(101) {
            assert!(
                read(bytes[..length].to_vec()).is_err(),
                "{name}: {length} bytes"
            );
        }
    }
}

fn info(pool: bool) -> ActivationInfo {
    ActivationInfo {
        plm: Some(PlmIdentity {
            name: "tiny".into(),
            sha256: "ab".repeat(32),
            layer: 3,
            site: Site::Residual,
            convention: Convention::HiddenStates,
            family: None,
            width: 3,
        }),
        sample: None,
        pool: pool.then(|| "mean".into()),
        compute: Some("f32".into()),
    }
}

/// A table of proteins of these lengths.
fn table(path: &Path, lengths: &[u8], half: bool, pool: bool) {
    let of = if half {
        ActivationType::F16
    } else {
        ActivationType::F32
    };
    let file = fs::File::create(path).unwrap();
    let mut writer = ActivationWriter::new(file, Container::File, 3, of, &info(pool)).unwrap();
    let mut next = 0u16;
    for (number, &length) in lengths.iter().enumerate() {
        let n = if pool { 1 } else { usize::from(length) };
        let numbers: Vec<f32> = (0..3 * n)
            .map(|_| {
                next = next.wrapping_mul(31).wrapping_add(7);
                f32::from(next % 2048) / 64.0 - 9.0
            })
            .collect();
        let protein = format!("P{number}");
        if pool {
            writer.push_pooled(&protein, &numbers).unwrap();
        } else {
            let positions: Vec<u32> = (1..=n as u32).collect();
            let letters: Vec<u8> = (0..n).map(|i| b"ACDEFGHIKL"[(i + number) % 10]).collect();
            writer
                .push(&protein, &positions, &letters, &numbers)
                .unwrap();
        }
    }
    writer.finish().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn tables_come_back_through_every_container(
        lengths in prop::collection::vec(1u8..60, 0..12),
        half: bool,
        pool: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (one, parquet, npy, tsv, back) =
            (at("one.arrow"), at("x.parquet"), at("x.npy"), at("x.tsv"), at("back.arrow"));
        table(&one, &lengths, half, pool);
        converted(&["-i", text(&one), "-o", text(&parquet)]);
        converted(&["-i", text(&parquet), "-o", text(&back)]);
        prop_assert!(fs::read(&one).unwrap() == fs::read(&back).unwrap(), "through Parquet");
        converted(&["-i", text(&one), "-o", text(&npy), "--proteins-out", text(&tsv)]);
        let mut all = vec!["-i", text(&npy), "--proteins", text(&tsv), "--any-plm", "-o", text(&back)];
        if pool {
            all.extend(["--pool", "mean"]);
        }
        converted(&all);
        if pool {
            prop_assert_eq!(pooled(&one), pooled(&back));
        } else {
            prop_assert_eq!(rows(&one), rows(&back));
        }
    }
}

/// A folder with a table of two proteins, as `one.arrow`, `one.npy` and `one.tsv`.
fn small() -> (TempDir, impl Fn(&str) -> PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let at = move |name: &str| root.join(name);
    let (one, npy, tsv) = (at("one.arrow"), at("one.npy"), at("one.tsv"));
    table(&one, &[3, 2], false, false);
    converted(&[
        "-i",
        text(&one),
        "-o",
        text(&npy),
        "--proteins-out",
        text(&tsv),
    ]);
    (folder, at)
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let (_folder, at) = small();
    let (one, npy, tsv, out) = (
        at("one.arrow"),
        at("one.npy"),
        at("one.tsv"),
        at("out.arrow"),
    );
    let (parquet, folder, other) = (at("out.parquet"), at("folder"), at("other.npy"));
    let plm = root().join("test_data/mini_esm2");
    let (one, npy, tsv, out) = (text(&one), text(&npy), text(&tsv), text(&out));
    for (all, status, word) in [
        (vec!["-i", npy, "-o", out, "--any-plm"], 2, "--proteins"),
        (
            vec!["-i", npy, "-o", out, "--proteins", tsv],
            2,
            "--any-plm",
        ),
        (vec!["-i", one, "-o", text(&other)], 2, "--proteins-out"),
        (
            vec![
                "-i",
                one,
                "-o",
                text(&parquet),
                "--proteins-out",
                text(&other),
            ],
            2,
            "--proteins-out",
        ),
        (
            vec!["-i", one, "-o", out, "--k", "3"],
            2,
            "--k is of a model",
        ),
        (vec!["-i", one, "-o", out, "--to", "saelens"], 2, "--to"),
        (
            vec!["-i", one, "-o", text(&folder), "--any-plm"],
            2,
            "holds activations",
        ),
        (
            vec!["-i", one, "-o", text(&folder), "--to", "npy"],
            2,
            "is a folder",
        ),
        (
            vec!["-i", one, "-o", text(&folder), "--dtype", "f16"],
            2,
            "--dtype is of activations",
        ),
        (
            vec!["-i", one, "-o", out, "--proteins", tsv],
            2,
            "names its residues itself",
        ),
        (
            vec!["-i", one, "-o", out, "--pool", "mean"],
            2,
            "has positions",
        ),
        (
            vec!["-i", one, "-o", out, "--plm", text(&plm), "--layer", "3"],
            3,
            "128",
        ),
        (
            vec!["-i", tsv, "-o", out, "--any-plm"],
            1,
            "holds no activations",
        ),
    ] {
        let said = refused(&all, status);
        assert!(said.contains(word), "{all:?}: {said}");
    }
    assert!(!at("out.arrow").exists() && !folder.exists());
}

#[test]
fn arrays_and_lists_that_disagree_are_refused_with_both_numbers() {
    let (_folder, at) = small();
    let (npy, tsv, out) = (at("one.npy"), at("list.tsv"), at("out.arrow"));
    for (list, words) in [
        (
            "P0\t3\nP1\t1\n",
            ["5 rows", "4 residues", "1 are left behind the last, 'P1'"],
        ),
        (
            "P0\t3\nP1\t3\nP2\t1\n",
            ["5 rows", "7 residues", "'P1' would end at row 6"],
        ),
        ("", ["5 rows", "0 residues", "lists none"]),
        ("P0\nP1\n", ["no length", "'P0'", "--pool"]),
        ("P0\t3\nP0\t2\n", ["line 2", "'P0'", "occurs twice"]),
        ("P0\t5\nP1\t0\n", ["line 2", "'P1'", "length 0"]),
    ] {
        fs::write(&tsv, list).unwrap();
        let all = [
            "-i",
            text(&npy),
            "--proteins",
            text(&tsv),
            "--any-plm",
            "-o",
            text(&out),
        ];
        let said = refused(&all, 1);
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{list}: {said}"
        );
    }
    let whole = fs::read(&npy).unwrap();
    let list = at("one.tsv");
    for (bytes, word) in [
        (&whole[..whole.len() - 1], "ends in row 5"),
        (&whole[..100], "header"),
        (&[&whole[..], b"x"].concat()[..], "bytes after"),
        (b"", "empty"),
    ] {
        fs::write(at("cut.npy"), bytes).unwrap();
        let cut = at("cut.npy");
        let said = refused(
            &[
                "-i",
                text(&cut),
                "--proteins",
                text(&list),
                "--any-plm",
                "-o",
                text(&out),
            ],
            1,
        );
        assert!(said.contains(word), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn positions_that_an_array_cannot_say_are_refused() {
    let (_folder, at) = small();
    let (gap, npy, tsv) = (at("gap.arrow"), at("gap.npy"), at("gap.tsv"));
    let file = fs::File::create(&gap).unwrap();
    let of = ActivationType::F32;
    let mut writer = ActivationWriter::new(file, Container::File, 3, of, &info(false)).unwrap();
    writer.push("P1", &[1, 3], b"MK", &[0.0; 6]).unwrap();
    writer.finish().unwrap();
    let said = refused(
        &[
            "-i",
            text(&gap),
            "-o",
            text(&npy),
            "--proteins-out",
            text(&tsv),
        ],
        1,
    );
    assert!(said.contains("position 3 where 2 is next"), "{said}");
    assert!(!npy.exists() && !tsv.exists());
}

#[test]
fn a_pipe_gives_what_a_file_gives() {
    let (_folder, at) = small();
    let (npy, tsv, one) = (at("one.npy"), at("one.tsv"), at("one.arrow"));
    let pipe = |input: &Path, more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_protsae-convert"))
            .args([&["-i", "-", "-o", "-", "-q"], more].concat())
            .stdin(fs::File::open(input).unwrap())
            .output()
            .unwrap()
    };
    let output = pipe(&npy, &["--proteins", text(&tsv), "--any-plm"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let streamed = at("streamed.arrow");
    fs::write(at("stream"), output.stdout).unwrap();
    let stream = at("stream");
    converted(&["-i", text(&stream), "--any-plm", "-o", text(&streamed)]);
    assert_eq!(rows(&streamed), rows(&one));
    let list = at("list.tsv");
    for (more, status, word) in [
        (
            vec!["--to", "npy", "--proteins-out", text(&list)],
            2,
            "write the table into a file first",
        ),
        (vec!["--to", "parquet"], 0, ""),
    ] {
        let output = pipe(&one, &more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains(word), "{said}");
    }
    let parquet = at("x.parquet");
    converted(&["-i", text(&one), "-o", text(&parquet)]);
    let output = pipe(&parquet, &["--any-plm"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("must be files"), "{said}");
}
