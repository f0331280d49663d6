//! The corpus of the fuzz targets, replayed: seeds, and every input that once broke a parser.

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a library to the fuzz targets")]
mod fuzz;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// No input of the corpus is large: whatever takes longer hangs.
const LONGEST: Duration = Duration::from_secs(10);

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz")
        .join(name)
}

fn names(path: &Path) -> BTreeSet<String> {
    fs::read_dir(path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_target_survives_its_corpus() {
    for (target, run) in fuzz::TARGETS {
        let corpus = folder("corpus").join(target);
        let inputs = names(&corpus);
        assert!(
            inputs.contains("seed") || inputs.len() > 1,
            "{target} has no seeds"
        );
        for input in inputs {
            let bytes = fs::read(corpus.join(&input)).unwrap();
            let start = Instant::now();
            run(&bytes);
            let took = start.elapsed();
            assert!(took < LONGEST, "{target}/{input} takes {took:?}");
        }
    }
}

/// An input of one format is nothing to the parser of another, but must not break it either.
#[test]
fn every_target_survives_the_corpus_of_the_others() {
    for corpus in names(&folder("corpus")) {
        for input in names(&folder("corpus").join(&corpus)) {
            let bytes = fs::read(folder("corpus").join(&corpus).join(input)).unwrap();
            for (_, run) in fuzz::TARGETS {
                run(&bytes);
            }
        }
    }
}

#[test]
fn targets_files_and_corpora_are_the_same() {
    let listed: BTreeSet<String> = (fuzz::TARGETS.iter())
        .map(|(target, _)| (*target).to_owned())
        .collect();
    assert_eq!(names(&folder("corpus")), listed);
    let files: BTreeSet<String> = (names(&folder("fuzz_targets")).iter())
        .map(|file| file.trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(files, listed);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in listed {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
}
