//! Inputs that are less than they were: compressed ones that were cut, mapped ones that are shortened under the reader.

use crate::{
    arguments,
    fixture::{Fixture, command, example, plm, run, succeed},
};
use noodles::bgzf;
use protsae::table::{
    Container, TableSource,
    activations::{ActivationReader, ActivationWriter},
    schema::ActivationType,
};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

/// Writes bytes as BGZF of at least two blocks, without the end-of-file block where it is `cut`.
fn bgz(path: &Path, bytes: &[u8], cut: bool) {
    let mut writer = bgzf::io::Writer::new(Vec::new());
    for half in bytes.chunks(bytes.len().div_ceil(2)) {
        writer.write_all(half).unwrap();
        writer.flush().unwrap();
    }
    let mut packed = writer.finish().unwrap();
    if cut {
        packed.truncate(packed.len() - 28);
    }
    fs::write(path, packed).unwrap();
}

fn refused(output: &Output, of: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{of}: {said}");
    assert!(said.contains("end-of-file block"), "{of}: {said}");
    assert!(said.contains("gzip -dc"), "{of}: {said}");
}

/// Every way in which an input is read: its file, the command, and the arguments around the file.
fn readers(out: &Path) -> Vec<(PathBuf, &'static str, Vec<String>)> {
    let fixture = Fixture::get();
    let sequences = || fixture.path("proteins.fasta");
    let concepts = |option: &str| {
        let mut all = arguments![
            "--concepts",
            out.join("concepts.json"),
            "-o",
            out.join("labels.arrow")
        ];
        for (other, file) in [
            ("--ontology", example("go_mini.obo")),
            ("--annotations", example("annotations.gaf")),
            ("--sequences", sequences()),
        ] {
            if other != option {
                all.extend(arguments![other, file]);
            }
        }
        all.extend(arguments![option]);
        all
    };
    let split = arguments![
        "--labels",
        fixture.path("labels.arrow"),
        "-o",
        out.join("split.tsv")
    ];
    let weights = fixture.path("model/model.safetensors");
    vec![
        (
            sequences(),
            "protsae-embed",
            arguments!["-m", plm(), "--layer", "1", "-o", out.join("a.arrow"), "-i"],
        ),
        (
            example("go_mini.obo"),
            "protsae-concepts",
            concepts("--ontology"),
        ),
        (
            example("annotations.gaf"),
            "protsae-concepts",
            concepts("--annotations"),
        ),
        (sequences(), "protsae-concepts", concepts("--sequences")),
        (
            sequences(),
            "protsae-split",
            [split, arguments!["--sequences"]].concat(),
        ),
        (
            fixture.path("labels.arrow"),
            "protsae-split",
            arguments!["-o", out.join("split.tsv"), "--labels"],
        ),
        (
            fixture.path("proteins.activations.arrow"),
            "protsae-encode",
            arguments!["-m", fixture.path("model"), "-o", out.join("f.arrow"), "-i"],
        ),
        (
            fixture.path("proteins.features.arrow"),
            "protsae-annotate",
            arguments!["-m", fixture.path("model"), "-o", out.join("a.gff3"), "-i"],
        ),
        (
            sequences(),
            "protsae-steer",
            arguments![
                "-m",
                plm(),
                "--sae",
                fixture.path("model"),
                "--latent",
                "0",
                "-o",
                out.join("s.fasta"),
                "-i"
            ],
        ),
        (
            weights,
            "protsae-convert",
            arguments!["--any-plm", "-o", out.join("sae"), "-i"],
        ),
    ]
}

#[test]
fn bgzf_cut_between_blocks_is_an_error_for_every_reader() {
    let folder = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    for threads in ["1", "2"] {
        for (file, tool, mut before) in readers(out.path()) {
            before.splice(0..0, arguments!["--threads", threads]);
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let packed = folder.path().join(format!("{name}.gz"));
            let bytes = fs::read(&file).unwrap();
            bgz(&packed, &bytes, true);
            let of = format!("{tool} {} {name}", before.last().unwrap());
            let named = [before.clone(), arguments![packed]].concat();
            refused(&run(tool, &named), &of);
            let piped = [before, arguments!["-"]].concat();
            let stdin = File::open(&packed).unwrap();
            let output = command(tool, &piped).stdin(stdin).output().unwrap();
            refused(&output, &format!("{of} as standard input"));
            assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "{of}");
        }
    }
}

#[test]
fn bgzf_with_its_end_block_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("proteins.fasta.bgz");
    bgz(
        &packed,
        &fs::read(Fixture::get().path("proteins.fasta")).unwrap(),
        false,
    );
    let out = folder.path().join("a.arrow");
    let embed = arguments!["-i", packed, "-m", plm(), "--layer", "3", "-o", out];
    crate::fixture::succeed("protsae-embed", &embed);
    let want = fs::read(Fixture::get().path("proteins.activations.arrow")).unwrap();
    assert!(fs::read(out).unwrap() == want);
}

/// A table of activations that is large enough to be mapped.
fn large_table(path: &Path) {
    let like = fs::read(Fixture::get().path("proteins.activations.arrow")).unwrap();
    let reader = ActivationReader::new(TableSource::from_file_bytes(like.into()).unwrap()).unwrap();
    let (width, info) = (reader.width().unwrap(), reader.info());
    let mut writer = ActivationWriter::new(
        File::create(path).unwrap(),
        Container::File,
        width,
        ActivationType::F32,
        info,
    )
    .unwrap();
    let positions: Vec<u32> = (1..=100).collect();
    let x = vec![0.5; positions.len() * width];
    for protein in 0..400 {
        writer
            .push(&format!("L{protein}"), &positions, &[b'A'; 100], &x)
            .unwrap();
    }
    writer.finish().unwrap();
    assert!(fs::metadata(path).unwrap().len() > 16 << 20);
}

/// Opens a pipe to a process that waits there; none where the process has ended.
fn open_pipe(path: &Path, process: &mut std::process::Child) -> Option<File> {
    loop {
        let open = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path);
        if let Ok(pipe) = open {
            return Some(pipe);
        }
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_mapped_file_that_is_shortened_is_an_error_and_leaves_nothing_behind() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let (large, pipe) = (
        folder.path().join("large.arrow"),
        folder.path().join("pipe"),
    );
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let second = fs::read(fixture.path("empty.activations.arrow")).unwrap();
    let lengths: [fn(u64) -> u64; 4] =
        [|_| 0, |_| 1 << 16, |length| length / 2, |length| length - 1];
    for (i, shortened) in lengths.into_iter().enumerate() {
        large_table(&large);
        let length = fs::metadata(&large).unwrap().len();
        let out = folder.path().join("features.arrow");
        let encode = arguments![
            "-i",
            large,
            "-i",
            pipe,
            "-m",
            fixture.path("model"),
            "-o",
            out
        ];
        let mut process = command("protsae-encode", &encode)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // the first table is mapped when the second is opened, which is when this goes on
        let opened = open_pipe(&pipe, &mut process);
        let file = OpenOptions::new().write(true).open(&large).unwrap();
        file.set_len(shortened(length)).unwrap();
        if let Some(mut opened) = opened {
            opened.write_all(&second).unwrap();
        }
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{i}: {} {said}",
            output.status
        );
        assert!(
            said.contains("large.arrow: was shortened from"),
            "{i}: {said}"
        );
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["large.arrow", "pipe"], "{i}");
    }
}

#[test]
fn a_table_in_a_pipe_is_opened_once() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for name in ["labels.arrow", "proteins.features.arrow"] {
        let table = fixture.path(name);
        let bytes = fs::read(&table).unwrap();
        let want = run("protsae-schema", &arguments!["check", table]).stdout;
        let want = String::from_utf8(want).unwrap();
        let (_, what) = want.split_once('\t').unwrap();
        let stdin = File::open(&table).unwrap();
        let output = command("protsae-schema", &arguments!["check", "-"])
            .stdin(stdin)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.ends_with(what), "{name}: {output:?}");

        let process = command("protsae-schema", &arguments!["check", pipe])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // a writer that goes when it has written
        fs::write(&pipe, &bytes).unwrap();
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.ends_with(what), "{name}: {output:?}");
    }
}

#[test]
fn a_compressed_vocabulary_is_read_as_the_plain_one() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("concepts.json.gz");
    let file = fs::File::create(&packed).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    let plain = fixture.path("concepts.json");
    encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
    encoder.finish().unwrap();
    let dictionary = |concepts: &Path| {
        let interpret = arguments![
            "-i",
            fixture.path("proteins.features.arrow"),
            "-m",
            fixture.path("model"),
            "--labels",
            fixture.path("labels.arrow"),
            "--concepts",
            concepts,
            "--split",
            fixture.path("split.tsv"),
            "-o",
            "-"
        ];
        succeed("protsae-interpret", &interpret).stdout
    };
    assert!(dictionary(&packed) == dictionary(&plain));
}
