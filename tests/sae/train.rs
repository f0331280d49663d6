//! `protsae-train` as users run it.

use super::synthetic::{self, CONCEPTS, Data};
use protsae::{
    math::random::{Purpose, stream, unit},
    sae::Sae,
    table::Container,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub(crate) struct Bench {
    dir: tempfile::TempDir,
    pub(crate) data: Data,
}

impl Bench {
    fn new(proteins: usize) -> Self {
        Self::of(synthetic::make(proteins))
    }

    pub(crate) fn of(data: Data) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let proteins = data.proteins.len();
        let bench = Self { dir, data };
        let all: Vec<usize> = (0..proteins).collect();
        bench
            .data
            .write_activations(&bench.path("all.arrow"), &all, Container::File);
        bench.data.write_labels(&bench.path("labels.arrow"));
        bench.data.write_split(&bench.path("split.tsv"));
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, inputs: &[&str], output: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_protsae-train"));
        command.current_dir(self.dir.path());
        for input in inputs {
            command.args(["-i", input]);
        }
        command.args(["--labels", "labels.arrow", "-o", output]);
        let defaults = [("--latents", "64"), ("--k", "6"), ("--batch", "64")];
        for (option, value) in defaults {
            let has = option != "--k" || has_k(more);
            if has && !more.contains(&option) {
                command.args([option, value]);
            }
        }
        command.args(["--log-every", "5"]);
        command.args(more);
        command
    }

    pub(crate) fn run(&self, inputs: &[&str], output: &str, more: &[&str]) -> Output {
        self.command(inputs, output, more).output().unwrap()
    }

    pub(crate) fn train(&self, inputs: &[&str], output: &str, more: &[&str]) {
        let out = self.run(inputs, output, more);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{stderr}");
    }

    /// The files of a model that are data.
    fn model(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let files = [
            "model.safetensors",
            "config.yaml",
            "concepts.json",
            "summary.json",
            "log.jsonl",
            "curve.html",
        ];
        let dir = self.path(name);
        let read = |file: &str| fs::read(dir.join(file)).unwrap();
        files.map(|f| (f.to_owned(), read(f))).into()
    }

    fn assert_same(&self, a: &str, b: &str) {
        let (left, right) = (self.model(a), self.model(b));
        for (file, bytes) in &left {
            assert!(*bytes == right[file], "{file} of {a} and {b} differ");
        }
    }

    /// Demands the same files, down to those of folders.
    pub(crate) fn assert_same_files(&self, a: &str, b: &str) {
        fn files(folder: &Path, prefix: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let (path, name) = (entry.path(), prefix.join(entry.file_name()));
                if path.is_dir() {
                    files(&path, &name, found);
                } else {
                    found.insert(name, fs::read(path).unwrap());
                }
            }
        }
        let of = |name: &str| {
            let mut found = BTreeMap::new();
            files(&self.path(name), Path::new(""), &mut found);
            found
        };
        let (left, right) = (of(a), of(b));
        assert!(left.keys().eq(right.keys()), "files of {a} and {b}");
        for (file, bytes) in &left {
            assert!(*bytes == right[file], "{} of {a} and {b}", file.display());
        }
    }

    /// Begins a training and kills it once it has a checkpoint of this step or a later one.
    pub(crate) fn kill_after(&self, step: u64, output: &str, options: &[&str]) {
        let mut command = self.command(&["all.arrow"], output, options);
        let mut child = command.arg("--quiet").spawn().unwrap();
        let checkpoints = self.path(&format!("{output}.checkpoints"));
        while last_checkpoint(&checkpoints).is_none_or(|last| last < step) {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "ended before it was killed: {ended:?}");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn weights(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name).join("model.safetensors")).unwrap()
    }
}

#[test]
fn bytes_do_not_depend_on_threads_shards_or_their_order() {
    let bench = Bench::new(40);
    let short = ["--split", "split.tsv", "--epochs", "2"];
    bench.train(&["all.arrow"], "one", &[&short[..], &["-t", "1"]].concat());
    bench.train(&["all.arrow"], "two", &[&short[..], &["-t", "2"]].concat());
    bench.train(
        &["all.arrow"],
        "three",
        &[&short[..], &["-t", "3"]].concat(),
    );
    bench.assert_same("one", "two");
    bench.assert_same("one", "three");
    let (even, odd): (Vec<usize>, Vec<usize>) = (0..40).rev().partition(|n| n % 2 == 0);
    let write = |name, numbers: &[usize], container| {
        bench
            .data
            .write_activations(&bench.path(name), numbers, container);
    };
    write("even.arrow", &even, Container::File);
    write("odd.arrow", &odd, Container::Stream);
    write("none.arrow", &[], Container::File);
    let shards = ["odd.arrow", "none.arrow", "even.arrow"];
    bench.train(&shards, "shards", &short);
    bench.assert_same("one", "shards");
    bench.train(
        &["all.arrow"],
        "seed",
        &[&short[..], &["--seed", "1"]].concat(),
    );
    assert!(bench.weights("one") != bench.weights("seed"), "no seed");
    let names: Vec<String> = fs::read_dir(bench.path("one"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 6, "{names:?}");
}

#[test]
fn a_resumed_run_ends_in_the_same_bytes() {
    let bench = Bench::new(30);
    let settings = ["--split", "split.tsv", "--epochs", "3", "--seed", "5"];
    bench.train(&["all.arrow"], "whole", &settings);
    // killed after a checkpoint, in the middle of the second epoch
    let every = [&settings[..], &["--checkpoint-every", "3"]].concat();
    let mut child = bench
        .command(&["all.arrow"], "resumed", &every)
        .env("RUST_BACKTRACE", "0")
        .spawn()
        .unwrap();
    let checkpoints = bench.path("resumed.checkpoints");
    let reached = |step| last_checkpoint(&checkpoints).is_some_and(|last| last >= step);
    while !reached(12) && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    bench.train(
        &["all.arrow"],
        "resumed",
        &[&every[..], &["--resume", "-t", "1"]].concat(),
    );
    bench.assert_same("whole", "resumed");
    assert!(!checkpoints.exists(), "checkpoints remain");
}

/// Step of the last checkpoint.
fn last_checkpoint(folder: &Path) -> Option<u64> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let steps = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().unwrap_or_default();
        name.strip_prefix("step-").and_then(|n| n.parse().ok())
    });
    steps.max()
}

/// The models of a grid are saved together, and go on together.
#[test]
fn a_killed_grid_resumes_to_the_same_bytes() {
    let bench = Bench::new(30);
    let settings = ["--split", "split.tsv", "--epochs", "4"];
    let grid = [&settings[..], &["--grid", "k=4,6", "seed=1,2"]].concat();
    bench.train(&["all.arrow"], "whole", &grid);
    let every = [&grid[..], &["--checkpoint-every", "2"]].concat();
    let mut child = bench.command(&["all.arrow"], "m", &every).spawn().unwrap();
    let checkpoints = bench.path("m.checkpoints");
    while last_checkpoint(&checkpoints).is_none_or(|step| step < 6)
        && child.try_wait().unwrap().is_none()
    {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let other = [&settings[..], &["--grid", "k=4,6", "--resume"]].concat();
    let out = bench.run(&["all.arrow"], "m", &other);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("k=4_seed=1") && stderr.contains("k=6"),
        "{stderr}"
    );
    let resumed = [&every[..], &["--resume", "-t", "1"]].concat();
    let out = bench.run(&["all.arrow"], "m", &resumed);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success() && stderr.contains("going on from step"),
        "{stderr}"
    );
    for model in ["k=4_seed=1", "k=4_seed=2", "k=6_seed=1", "k=6_seed=2"] {
        bench.assert_same(&format!("whole/{model}"), &format!("m/{model}"));
    }
    assert!(!checkpoints.exists(), "checkpoints remain");
}

#[test]
fn curves_and_event_files_are_the_same_bytes_for_any_threads() {
    let bench = Bench::new(30);
    let settings = [
        "--split",
        "split.tsv",
        "--epochs",
        "3",
        "--tensorboard",
        "-t",
    ];
    for (name, threads) in [("one", "1"), ("two", "2")] {
        bench.train(&["all.arrow"], name, &[&settings[..], &[threads]].concat());
    }
    let read = |model: &str, file: &str| fs::read(bench.path(model).join(file)).unwrap();
    for file in ["curve.html", "tensorboard/events.out.tfevents.0.protsae"] {
        assert!(read("one", file) == read("two", file), "{file}");
    }
    let page = String::from_utf8(read("one", "curve.html")).unwrap();
    assert!(page.matches("<svg").count() >= 8, "{page}");
    assert!(!page.contains("NaN") && !page.contains("inf"));
    // three epochs of validation are marked
    assert!(page.matches("<circle").count() >= 3);
    let events = read("one", "tensorboard/events.out.tfevents.0.protsae");
    let has = |tag: &str| events.windows(tag.len()).any(|w| w == tag.as_bytes());
    assert!(has("train/fvu") && has("valid/l_annot"));
}

/// Whatever the moment of the kill, resuming ends in the same bytes.
#[test]
fn runs_killed_at_random_moments_resume_to_the_same_bytes() {
    let bench = Bench::new(30);
    let settings = ["--split", "split.tsv", "--epochs", "4", "--seed", "9"];
    let start = std::time::Instant::now();
    bench.train(&["all.arrow"], "whole", &settings);
    let whole = start.elapsed();
    let every = ["--checkpoint-every", "2", "--resume", "--quiet", "-t", "2"];
    let every = [&settings[..], &every].concat();
    let mut rng = stream(3, Purpose::Stream, 0);
    for kill in 0..20 {
        let mut child = bench.command(&["all.arrow"], "m", &every).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(0.7 * unit(&mut rng)));
        child.kill().unwrap();
        child.wait().unwrap();
        if kill % 5 == 4 {
            bench.train(&["all.arrow"], "m", &every);
            bench.assert_same("whole", "m");
            fs::remove_dir_all(bench.path("m")).unwrap();
        }
    }
}

#[test]
fn a_checkpoint_of_other_settings_is_refused() {
    let bench = Bench::new(20);
    let first = ["--checkpoint-every", "2", "--max-steps", "1000000"];
    let mut child = bench.command(&["all.arrow"], "m", &first).spawn().unwrap();
    let checkpoints = bench.path("m.checkpoints");
    let any = || {
        fs::read_dir(&checkpoints).is_ok_and(|entries| {
            let mut names = entries.flatten().map(|e| e.file_name());
            names.any(|n| n.to_string_lossy().starts_with("step-"))
        })
    };
    while !any() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let out = bench.run(
        &["all.arrow"],
        "m",
        &["--resume", "--lr", "0.01", "--max-steps", "1000000"],
    );
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("training.lr") && stderr.contains("0.0005") && stderr.contains("0.01"),
        "{stderr}"
    );
    assert!(!bench.path("m").exists());
}

#[test]
fn every_switch_changes_the_numbers() {
    let bench = Bench::new(20);
    let concepts = concepts_with_axioms();
    fs::write(bench.path("concepts.json"), concepts).unwrap();
    let base = [
        "--concepts",
        "concepts.json",
        "--max-steps",
        "12",
        "--predictor-bias",
        "0",
    ];
    bench.train(&["all.arrow"], "base", &base);
    let mut seen = BTreeSet::from([bench.weights("base")]);
    for (i, more) in [
        &["--detach", "false"][..],
        &["--forced-activation", "false"],
        &["--rescale", "false"],
        &["--forced-mean", "active"],
        &["--lambda-axiom", "0"],
        &["--lambda-annot", "1"],
        &["--margin", "3"],
        &["--axioms-per-step", "1"],
        &["--axiom-norm", "none"],
        &["--axiom-radius", "abs"],
        &["--predictor-center", "b-dec"],
        &["--lambda-implication", "0"],
        &["--lambda-implication", "3"],
        &["--forced-by", "coherent"],
        &["--aligned", "true"],
        &["--variant", "protsae-batchtopk"],
        &["--variant", "protsae-gated"],
        &["--variant", "protsae-jumprelu"],
        &["--axiom-norm", "batchnorm"],
        &["--balance", "none"],
        &["--balance", "inverse"],
        &["--normalize", "none"],
        &["--no-shuffle"],
        &["--label-level", "protein"],
        &["--lr", "0.001"],
        &["--predictor-bias", "-1"],
        &["--variant", "topk"],
        &["--k", "7"],
        &["--init", "base"],
        &["--variant", "batchtopk"],
        &["--variant", "relu"],
        &["--variant", "relu", "--lambda-sparsity", "5"],
        &["--variant", "gated"],
        &["--variant", "jumprelu"],
        &["--variant", "jumprelu", "--bandwidth", "1"],
        &["--variant", "linear-probe"],
        &["--variant", "splice"],
        &["--aux-k", "8", "--dead-after", "64"],
        &["--aux-k", "8", "--dead-after", "64", "--aux-weight", "1"],
        &["--center", "false"],
        &["--prefixes", "10,30"],
        &["--schedule", "cosine"],
        &["--warmup", "6"],
        &["--clip", "0.5"],
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("m{i}");
        let more = [&base[..], more].concat();
        // the last of an option given twice wins
        let more: Vec<&str> = match more.iter().rposition(|a| *a == "--predictor-bias") {
            Some(at) if at > 5 => [&base[..4], &more[at..]].concat(),
            _ => more,
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_protsae-train"));
        command.current_dir(bench.dir.path());
        command.args(["-i", "all.arrow", "--labels", "labels.arrow", "-o", &name]);
        command.args(["--latents", "64", "--batch", "64"]);
        if has_k(&more) && !more.contains(&"--k") {
            command.args(["--k", "6"]);
        }
        let out = command.args(&more).output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{more:?}: {stderr}");
        let weights = bench.weights(&name);
        assert!(seen.insert(weights), "{more:?}: nothing changed");
        // what was written is read again
        Sae::load(&bench.path(&name)).unwrap();
    }
}

/// Whether the variant that these options name has a K.
fn has_k(options: &[&str]) -> bool {
    let at = options.iter().position(|o| *o == "--variant");
    at.and_then(|at| options.get(at + 1))
        .is_none_or(|name| name.ends_with("topk") || *name == "protsae")
}

fn concepts_with_axioms() -> String {
    let concept = |i: usize| {
        serde_json::json!({
            "index": i, "id": format!("SITE:c{i:02}"), "name": "", "kind": "feature",
            "namespace": null, "level": "residue", "parents": if i > 0 { vec![i - 1] } else { vec![] },
            "proteins": 1, "residues": 1, "information_content": 0.0,
        })
    };
    serde_json::json!({
        "format": "concepts/1", "ontology": null,
        "concepts": (0..CONCEPTS).map(concept).collect::<Vec<_>>(),
        "zero_classes": ["AUX_1", "AUX_2"], "relations": ["part_of"],
        "axioms": {
            "nf1": [[0, 1], [2, 6]], "nf2": [[0, 2, 3]], "nf3": [[0, 4, 5]],
            "nf4": [[1, 0, 7], [3, 0, 2]], "disjoint": [[0, 5], [1, 2]],
        },
    })
    .to_string()
}

/// Models of a grid are those that are trained alone, if these see the rows in the same order.
#[test]
fn a_grid_trains_many_models_on_one_pass() {
    let bench = Bench::new(20);
    let base = [
        "--split",
        "split.tsv",
        "--epochs",
        "2",
        "--no-shuffle",
        "--normalize",
        "none",
    ];
    let grid = [&base[..], &["--grid", "k=4,6", "seed=1,2"]].concat();
    bench.train(&["all.arrow"], "grid", &grid);
    let mut command = Command::new(env!("CARGO_BIN_EXE_protsae-train"));
    command.current_dir(bench.dir.path());
    command.args(["-i", "all.arrow", "--labels", "labels.arrow", "-o", "one"]);
    command.args([
        "--latents",
        "64",
        "--batch",
        "64",
        "--k",
        "4",
        "--seed",
        "0",
    ]);
    let out = command
        .args(base)
        .args(["--grid", "seed=2"])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(bench.weights("grid/k=4_seed=2") == bench.weights("one/seed=2"));
    assert!(bench.weights("grid/k=4_seed=1") != bench.weights("one/seed=2"));
    let table = fs::read(bench.path("grid/grid.json")).unwrap();
    let table: serde_json::Value = serde_json::from_slice(&table).unwrap();
    assert_eq!(table["models"].as_array().unwrap().len(), 4);
    for name in ["k=4_seed=1", "k=6_seed=1", "k=6_seed=2"] {
        let sae = Sae::load(&bench.path("grid").join(name)).unwrap();
        assert_eq!(
            sae.config.objective.variant.k().unwrap().to_string(),
            name[2..3]
        );
    }
}

#[test]
fn a_pipe_is_trained_on_in_one_pass() {
    let bench = Bench::new(40);
    let all: Vec<usize> = (0..40).collect();
    bench
        .data
        .write_activations(&bench.path("stream.arrow"), &all, Container::Stream);
    let run = |name: &str, threads: &str| {
        let more = ["--split", "split.tsv", "-t", threads];
        let stream = fs::File::open(bench.path("stream.arrow")).unwrap();
        let out = bench
            .command(&["-"], name, &more)
            .stdin(stream)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{stderr}");
    };
    run("a", "1");
    run("b", "2");
    bench.assert_same("a", "b");
    let summary: serde_json::Value =
        serde_json::from_slice(&bench.model("a")["summary.json"]).unwrap();
    let train = (0..40).filter(|n| n % 5 != 0 && n % 7 != 0).count();
    assert_eq!(summary["train"]["rows"], train as u64 * 30);
    assert_eq!(summary["valid"]["rows"], 8 * 30);
    let refused = |more: &[&str], word: &str| {
        let out = bench.run(&["-"], "c", more);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(word), "{stderr}");
    };
    refused(&["--epochs", "2"], "--epochs 1");
    refused(&["--resume"], "--resume");
}

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let bench = Bench::new(10);
    let refuse = |inputs: &[&str], more: &[&str], status: i32, words: &[&str]| {
        let out = bench.run(inputs, "m", more);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(status), "{more:?}: {stderr}");
        for word in words {
            assert!(stderr.contains(word), "{more:?}: no '{word}' in {stderr}");
        }
        assert!(!bench.path("m").exists());
        let left = fs::read_dir(bench.dir.path()).unwrap().flatten();
        let temporary = left.filter(|e| e.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(temporary.count(), 0);
    };
    refuse(&["all.arrow"], &["--latents", "3"], 2, &["--latents"]);
    refuse(&["all.arrow"], &["--epochs", "0"], 2, &["--epochs"]);
    refuse(
        &["all.arrow", "all.arrow"],
        &[],
        1,
        &["P0000", "all.arrow", "twice"],
    );
    fs::write(bench.path("short.tsv"), "protein\tsplit\nP0001\ttrain\n").unwrap();
    refuse(
        &["all.arrow"],
        &["--split", "short.tsv"],
        1,
        &["P0000", "--on-bad"],
    );
    bench.train(
        &["all.arrow"],
        "skipped",
        &["--split", "short.tsv", "--on-bad", "skip", "--epochs", "1"],
    );
    let mut past = synthetic::make(10);
    past.labels[0].end = Some(31);
    past.write_labels(&bench.path("past.arrow"));
    let relabel = |labels: &str, words: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_protsae-train"))
            .current_dir(bench.dir.path())
            .args(["-i", "all.arrow", "--labels", labels, "-o", "m"])
            .args(["--concepts", "concepts.json"])
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "no '{word}' in {stderr}");
        }
    };
    fs::write(bench.path("concepts.json"), concepts_with_axioms()).unwrap();
    relabel("past.arrow", &["P0000", "31", "past.arrow"]);
    let mut unknown = synthetic::make(10);
    unknown.labels[0].concept = "GO:9999999".into();
    unknown.write_labels(&bench.path("unknown.arrow"));
    relabel("unknown.arrow", &["GO:9999999", "unknown.arrow"]);
    let mut whole = fs::read(bench.path("all.arrow")).unwrap();
    whole.truncate(whole.len() / 2);
    fs::write(bench.path("cut.arrow"), whole).unwrap();
    refuse(&["cut.arrow"], &[], 1, &["cut.arrow"]);
}
