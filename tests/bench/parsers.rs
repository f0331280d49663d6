//! Throughput of the readers of annotations and ontologies, on uncompressed text in memory and on compressed files.
//!
//! Texts are made by repeating a real file of the reference data; without those data a made one.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protsae::{
    annot::{
        collect::{Collector, Settings},
        format::{self, Format},
    },
    cli::Source,
    ontology::{normal::NormalForms, obo},
};
use std::{
    fmt::Write as _,
    hint::black_box,
    io::{self, BufRead, Read, Write as _},
    path::Path,
};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");

/// A file of the reference data, decompressed; none where it is not at hand.
fn shared(path: &str) -> Option<String> {
    let path = Path::new(SHARED).join(path);
    let bytes = std::fs::read(&path).ok()?;
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .ok()?;
    } else {
        text = String::from_utf8(bytes).ok()?;
    }
    Some(text)
}

fn bench_format(c: &mut Criterion, name: &str, text: &str, format: Format, restrict: bool) {
    let mut group = c.benchmark_group("annotations");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(10);
    group.bench_function(name, |b| {
        b.iter(|| black_box(read(text.as_bytes(), name, format, restrict)));
    });
    group.finish();
}

fn annotations(c: &mut Criterion) {
    if let Some(dat) = shared("uniprot/dat/trinotate/UniProtTestdata.dat.gz") {
        let end = dat.rfind("//\n").map_or(dat.len(), |at| at + 3);
        let text = dat[..end].repeat(20);
        bench_format(c, "uniprot-dat", &text, Format::UniprotDat, false);
        compressed(c, "uniprot-dat", &text, Format::UniprotDat);
        bench_format(
            c,
            "uniprot-dat, other proteins",
            &text,
            Format::UniprotDat,
            true,
        );
    }
    let mut ipr = String::new();
    for i in 0..200_000 {
        writeln!(
            ipr,
            "A0A{:06}\tIPR{:06}\tDomain of a kind that has a name\tPF{:05}\t{}\t{}",
            i / 5,
            i % 20_000,
            i % 9_000,
            1 + i % 100,
            150 + i % 100
        )
        .unwrap();
    }
    bench_format(c, "protein2ipr", &ipr, Format::Protein2ipr, false);
    bench_format(
        c,
        "protein2ipr, other proteins",
        &ipr,
        Format::Protein2ipr,
        true,
    );
    compressed(c, "protein2ipr", &ipr, Format::Protein2ipr);
    if let Some(gaf) = shared("gaf/mgi_noiea_blank_lines.gaf.gz") {
        bench_format(c, "gaf", &gaf.repeat(10), Format::Gaf, false);
    }
}

/// Reading a compressed file as the executables do, with the decompressor on a thread of its own, beside decompressing
/// it alone; in bytes of the text.
fn compressed(c: &mut Criterion, name: &str, text: &str, format: Format) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut gz = flate2::write::GzEncoder::new(&mut file, flate2::Compression::default());
    gz.write_all(text.as_bytes()).unwrap();
    gz.finish().unwrap();
    let source = Source::File(file.path().to_owned());
    let mut group = c.benchmark_group("gzip");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(10);
    group.bench_function(format!("{name}, decompressed alone"), |b| {
        b.iter(|| black_box(io::copy(&mut source.open().unwrap(), &mut io::sink()).unwrap()));
    });
    for (what, restrict) in [("every label", false), ("other proteins' labels", true)] {
        group.bench_function(format!("{name}, {what}"), |b| {
            b.iter(|| black_box(read(source.open_ahead().unwrap(), name, format, restrict)));
        });
    }
    group.finish();
}

/// Number of statements that are kept of a text.
fn read(reader: impl BufRead, name: &str, format: Format, restrict: bool) -> u64 {
    let mut collector = Collector::new(Settings {
        skip_bad: true,
        ..Settings::default()
    });
    if restrict {
        collector.restrict_to_sequences();
    }
    format::read(reader, Some(format), name, &mut collector).unwrap();
    collector.reports.iter().map(|report| report.kept).sum()
}

/// Terms of the made ontology.
const TERMS: u64 = 54_000;

/// An ontology of full GO's size: terms with definitions by genus and differentia and with disjointness, more than
/// 130,000 axioms in normal form.
fn made_ontology() -> String {
    let mut text = String::from("format-version: 1.2\nontology: made\n");
    let mut state = 1u64;
    let mut random = |below: u64| {
        // Knuth's generator: the same text on every machine
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below.max(1)
    };
    for i in 0..TERMS {
        let id = |n: u64| format!("GO:{n:07}");
        writeln!(
            text,
            "\n[Term]\nid: {}\nname: term number {i}\nnamespace: biological_process",
            id(i)
        )
        .unwrap();
        writeln!(
            text,
            "def: \"A term that was made to be read, number {i}.\" [X:1]"
        )
        .unwrap();
        for _ in 0..=random(2) {
            if i > 0 {
                writeln!(text, "is_a: {} ! parent", id(random(i))).unwrap();
            }
        }
        if i > 10 && random(4) == 0 {
            let (genus, filler) = (random(i), random(i));
            writeln!(
                text,
                "intersection_of: {}\nintersection_of: regulates {}",
                id(genus),
                id(filler)
            )
            .unwrap();
            writeln!(text, "relationship: regulates {} ! filler", id(filler)).unwrap();
        }
        if i > 10 && random(100) == 0 {
            writeln!(text, "disjoint_from: {}", id(random(i))).unwrap();
        }
    }
    text + "\n[Typedef]\nid: regulates\nxref: RO:0002211\n"
}

fn ontologies(c: &mut Criterion) {
    let mut group = c.benchmark_group("ontologies");
    group.sample_size(10);
    let mut texts = vec![("made, 54,000 terms", made_ontology())];
    if let Some(go) = shared("go/go-basic_2026-03-25.obo.gz") {
        texts.push(("go-basic 2026-03-25", go));
    }
    for (name, text) in &texts {
        let forms = NormalForms::new(&obo::read(text.as_bytes()).unwrap());
        println!("{name}: {} axioms in normal form", forms.len());
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*name, |b| {
            b.iter(|| {
                let ontology = obo::read(text.as_bytes()).unwrap();
                black_box(NormalForms::new(&ontology).len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, annotations, ontologies);
criterion_main!(benches);
