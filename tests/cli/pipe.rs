//! Several executables in one pipe.

use crate::{
    arguments,
    fixture::{Fixture, command, plm, succeed},
};
use std::{fs, io::Write, process::Stdio};

/// FASTA into GFF3 through three executables, nothing on disk in between.
fn pipe(fasta: &std::path::Path) -> Vec<u8> {
    let fixture = Fixture::get();
    let model = fixture.path("model");
    let embed = arguments!["-i", "-", "-m", plm(), "--for", model, "-o", "-"];
    let encode = arguments!["-i", "-", "-m", model, "-o", "-"];
    let annotate = arguments!["-i", "-", "-m", model, "-o", "-", "--format", "gff3"];
    let mut first = command("protsae-embed", &embed)
        .stdin(fs::File::open(fasta).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut second = command("protsae-encode", &encode)
        .stdin(first.stdout.take().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let third = command("protsae-annotate", &annotate)
        .stdin(second.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert!(
        third.status.success(),
        "{}",
        String::from_utf8_lossy(&third.stderr)
    );
    third.stdout
}

#[test]
fn the_pipe_gives_the_bytes_of_the_steps_on_plain_gzip_and_bgzip() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let gff3 = folder.path().join("steps.gff3");
    let annotate = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "-o",
        gff3
    ];
    succeed("protsae-annotate", &annotate);
    let steps = fs::read(gff3).unwrap();
    let plain = fixture.path("proteins.fasta");
    let text = fs::read(&plain).unwrap();
    let gzip = folder.path().join("p.fasta.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&text).unwrap();
    fs::write(&gzip, encoder.finish().unwrap()).unwrap();
    let bgzip = folder.path().join("p.fasta.bgz");
    let mut writer = noodles::bgzf::io::Writer::new(Vec::new());
    writer.write_all(&text).unwrap();
    fs::write(&bgzip, writer.finish().unwrap()).unwrap();
    for fasta in [plain, gzip, bgzip] {
        assert!(pipe(&fasta) == steps, "{}", fasta.display());
    }
}

#[test]
fn a_producer_that_is_killed_does_not_pass_for_a_short_table() {
    let fixture = Fixture::get();
    let model = fixture.path("model");
    let bytes = succeed(
        "protsae-encode",
        &arguments![
            "-i",
            fixture.path("proteins.activations.arrow"),
            "-m",
            model,
            "-o",
            "-"
        ],
    );
    let bytes = bytes.stdout;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out.gff3");
    let annotate = arguments!["-i", "-", "-m", model, "-o", target];
    let mut child = command("protsae-annotate", &annotate)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // all but the end-of-stream marker
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&bytes[..bytes.len() - 8]).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("truncated"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
