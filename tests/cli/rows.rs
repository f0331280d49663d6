//! The table: what each executable reads and writes.

use crate::{
    arguments,
    fixture::{Fixture, example, plm, training},
};
use std::path::{Path, PathBuf};

/// One executable.
pub(crate) struct Row {
    pub(crate) tool: &'static str,
    /// The option of its main input.
    pub(crate) input: &'static str,
    /// The main input.
    pub(crate) source: fn(&Fixture) -> PathBuf,
    /// All other options.
    pub(crate) rest: fn(&Fixture) -> Vec<String>,
    /// What it writes.
    pub(crate) output: Out,
    /// A main input without records; or why there is none.
    pub(crate) empty: Result<fn(&Fixture) -> PathBuf, &'static str>,
    /// The main input in two parts, in order; or why it is never in parts.
    pub(crate) shards: Result<fn(&Fixture) -> [PathBuf; 2], &'static str>,
    /// Whether the order of the parts shows in the output: rows follow their input.
    pub(crate) ordered: bool,
    /// Whether the main input may come through a pipe and give the same bytes; or why not.
    pub(crate) stdin: Result<(), &'static str>,
}

/// What an executable writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Out {
    /// A text file, at `-o`.
    Text(&'static str),
    /// An Arrow table, at `-o`: a file on disk, a stream in a pipe.
    Table,
    /// A folder, at `-o`.
    Folder,
    /// Standard output alone.
    Stdout,
}

impl Out {
    /// A name for the output, with the suffix that says what it is.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Text(suffix) => format!("out.{suffix}"),
            Self::Table => "out.arrow".into(),
            Self::Folder => "out".into(),
            Self::Stdout => "-".into(),
        }
    }
}

/// Every executable; one that writes a folder or a table has a row for each.
pub(crate) const ROWS: &[Row] = &[
    Row {
        tool: "protsae-concepts",
        input: "--annotations",
        source: |_| example("features.csv"),
        // a device as second output: what is compared is the main one
        rest: |_| {
            arguments![
                "--concepts",
                "/dev/null",
                "--min-count",
                "5",
                "--kinds",
                "feature"
            ]
        },
        output: Out::Table,
        empty: Err("annotations without a line cannot be told from any other file"),
        shards: Err(
            "annotations of one protein may be in any file; repeated files are tested with their kinds",
        ),
        ordered: false,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-split",
        input: "--labels",
        source: |f| f.path("labels.arrow"),
        rest: |_| arguments!["--fractions", "0.5,0.25,0.25"],
        output: Out::Text("tsv"),
        empty: Err("a split of no proteins is tested beside the code"),
        shards: Err("labels of all proteins come from one run of protsae-concepts"),
        ordered: false,
        stdin: Err("labels are read from a file"),
    },
    Row {
        tool: "protsae-shard",
        input: "-i",
        source: |f| f.path("proteins.fasta"),
        // one shard needs no pattern; patterns are tested in `shard`
        rest: |_| arguments!["--count", "1"],
        output: Out::Text("fasta"),
        empty: Err("an empty file is warned of: tested in `shard`"),
        shards: Ok(|f| [f.path("shard0.fasta"), f.path("shard1.fasta")]),
        ordered: true,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-embed",
        input: "-i",
        source: |f| f.path("proteins.fasta"),
        rest: |_| arguments!["-m", plm(), "--layer", "2"],
        output: Out::Table,
        empty: Ok(|f| f.path("empty.fasta")),
        shards: Ok(|f| [f.path("shard0.fasta"), f.path("shard1.fasta")]),
        ordered: true,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-train",
        input: "-i",
        source: |f| f.path("proteins.activations.arrow"),
        rest: training,
        output: Out::Folder,
        empty: Err("nothing can be learned from nothing: an error, tested with bad input"),
        shards: Ok(|f| {
            [
                f.path("shard0.activations.arrow"),
                f.path("shard1.activations.arrow"),
            ]
        }),
        ordered: false,
        stdin: Err("a pipe is read once, in order of arrival: another order of rows than of files"),
    },
    Row {
        tool: "protsae-encode",
        input: "-i",
        source: |f| f.path("proteins.activations.arrow"),
        rest: |f| arguments!["-m", f.path("model")],
        output: Out::Table,
        empty: Ok(|f| f.path("empty.activations.arrow")),
        shards: Ok(|f| {
            [
                f.path("shard0.activations.arrow"),
                f.path("shard1.activations.arrow"),
            ]
        }),
        ordered: true,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-annotate",
        input: "-i",
        source: |f| f.path("proteins.features.arrow"),
        rest: |f| {
            arguments![
                "-m",
                f.path("model"),
                "--latents",
                "all",
                "--format",
                "gff3"
            ]
        },
        output: Out::Text("gff3"),
        empty: Ok(|f| f.path("empty.features.arrow")),
        shards: Ok(|f| {
            [
                f.path("shard0.features.arrow"),
                f.path("shard1.features.arrow"),
            ]
        }),
        ordered: true,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-interpret",
        input: "-i",
        source: |f| f.path("proteins.activations.arrow"),
        rest: |f| {
            arguments![
                "-m",
                f.path("model"),
                "--labels",
                f.path("labels.arrow"),
                "--concepts",
                f.path("concepts.json"),
                "--split",
                f.path("split.tsv")
            ]
        },
        output: Out::Text("json"),
        empty: Ok(|f| f.path("empty.activations.arrow")),
        shards: Ok(|f| {
            [
                f.path("shard0.activations.arrow"),
                f.path("shard1.activations.arrow"),
            ]
        }),
        ordered: false,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-evaluate",
        input: "-i",
        source: |f| f.path("proteins.activations.arrow"),
        rest: |f| {
            arguments![
                "-m",
                f.path("model"),
                "--labels",
                f.path("labels.arrow"),
                "--split",
                f.path("split.tsv")
            ]
        },
        output: Out::Text("json"),
        empty: Ok(|f| f.path("empty.activations.arrow")),
        shards: Ok(|f| {
            [
                f.path("shard0.activations.arrow"),
                f.path("shard1.activations.arrow"),
            ]
        }),
        ordered: false,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-steer",
        input: "-i",
        source: |f| f.path("proteins.fasta"),
        rest: |f| arguments!["-m", plm(), "--sae", f.path("model"), "--latent", "0"],
        output: Out::Text("fasta"),
        empty: Ok(|f| f.path("empty.fasta")),
        shards: Ok(|f| [f.path("shard0.fasta"), f.path("shard1.fasta")]),
        ordered: true,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-report",
        input: "-i",
        source: |f| f.path("proteins.features.arrow"),
        rest: |f| {
            arguments![
                "-m",
                f.path("model"),
                "--labels",
                f.path("labels.arrow"),
                "--split",
                f.path("split.tsv")
            ]
        },
        output: Out::Text("html"),
        empty: Ok(|f| f.path("empty.features.arrow")),
        shards: Ok(|f| {
            [
                f.path("shard0.features.arrow"),
                f.path("shard1.features.arrow"),
            ]
        }),
        ordered: false,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-crate",
        input: "-i",
        source: |f| f.path("train.provenance.json"),
        rest: |f| arguments!["--root", f.path("model")],
        output: Out::Text("json"),
        empty: Err("an empty file is no provenance: an error, tested beside the code"),
        shards: Err("each run has a file of its own; several are tested in `ro_crate`"),
        ordered: false,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-convert",
        input: "-i",
        source: |_| {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("test_data/checkpoints/interplm_legacy/ae.pt")
        },
        rest: |_| arguments!["--any-plm"],
        output: Out::Folder,
        empty: Err("an empty file is no checkpoint: an error, tested beside the code"),
        shards: Err("a checkpoint is one file"),
        ordered: false,
        stdin: Ok(()),
    },
    // the same with a table of activations, where `-o` names one
    Row {
        tool: "protsae-convert",
        input: "-i",
        source: |f| f.path("proteins.activations.arrow"),
        rest: |_| arguments!["--dtype", "f32"],
        output: Out::Table,
        empty: Ok(|f| f.path("empty.activations.arrow")),
        shards: Err("it reads one file, whatever the container"),
        ordered: true,
        stdin: Ok(()),
    },
    Row {
        tool: "protsae-schema",
        input: "show",
        source: |_| "concepts".into(),
        rest: |_| Vec::new(),
        output: Out::Stdout,
        empty: Err("it reads no records"),
        shards: Err("it reads no records"),
        ordered: false,
        stdin: Err("it reads no records"),
    },
];
