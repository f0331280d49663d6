//! The function-prediction set in one command, from Swiss-Prot, GO and clusters.

use crate::support::{run, shared, stderr};
use protsae::{
    annot::concept::ConceptsFile,
    seq::fasta,
    table::{TableError, TableSource, labels},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

fn concepts_of(path: &Path) -> ConceptsFile {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn labels_of(path: &Path) -> BTreeSet<(String, String)> {
    let source = TableSource::from_file_bytes(fs::read(path).unwrap().into()).unwrap();
    let mut found = BTreeSet::new();
    labels::read::<TableError>(source, |label| {
        assert!(label.start.is_none(), "GO terms label whole proteins");
        found.insert((label.protein, label.concept));
        Ok(())
    })
    .unwrap();
    found
}

/// Experimental GO annotations of every entry, by a second reader of the flat file.
fn experimental(dat: &str) -> BTreeMap<String, BTreeSet<String>> {
    const CODES: &str = "EXP IDA IPI IMP IGI IEP HTP HDA HMP HGI HEP TAS IC";
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in dat.split("\n//\n") {
        let mut accession = None;
        for line in entry.lines() {
            if let Some(rest) = line.strip_prefix("AC   ") {
                accession.get_or_insert(rest.split(';').next().unwrap().to_owned());
            } else if let Some(rest) = line.strip_prefix("DR   GO; ") {
                let parts: Vec<&str> = rest.split("; ").collect();
                let code = parts[2].split(':').next().unwrap();
                if CODES.split(' ').any(|c| c == code) {
                    let of = accession.clone().unwrap();
                    found.entry(of).or_default().insert(parts[0].to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn one_command_makes_the_set_of_each_namespace() {
    let (Some(dat), Some(obo)) = (
        shared("uniprot/dat/trinotate/UniProtTestdata.dat.gz"),
        shared("go/go-basic_2015-01-26.obo.gz"),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let text = crate::support::text(&dat);
    let truth = experimental(&text);
    // proteins in pairs, in the order of their accessions, and one that is not in the set
    let names: Vec<&String> = truth.keys().collect();
    let mut clusters = String::from("Q00000\tQ00000\n");
    for pair in names.chunks(2) {
        for member in pair {
            writeln!(clusters, "{}\t{member}", pair[0]).unwrap();
        }
    }
    fs::write(folder.path().join("clusters.tsv"), clusters).unwrap();
    let path = |name: &str| folder.path().join(name);
    let shown = |name: &str| path(name).display().to_string();
    let arguments = [
        "--ontology",
        &obo.display().to_string(),
        "--annotations",
        &dat.display().to_string(),
        "--on-bad",
        "skip",
        "--kinds",
        "go",
        "--evidence",
        "experimental",
        "--min-count",
        "3",
        "--by-namespace",
        "--clusters",
        &shown("clusters.tsv"),
        "--concepts",
        &shown("concepts.json"),
        "-o",
        &shown("labels.arrow"),
        "--split",
        &shown("split.tsv"),
        "--write-sequences",
        &shown("proteins.fasta"),
        "--metrics",
        &shown("metrics.json"),
    ];
    let output = run("protsae-concepts", &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let metrics: serde_json::Value =
        serde_json::from_slice(&fs::read(path("metrics.json")).unwrap()).unwrap();
    let mut direct = BTreeSet::new();
    for (name, namespace) in [
        ("bp", "biological_process"),
        ("mf", "molecular_function"),
        ("cc", "cellular_component"),
    ] {
        let file = concepts_of(&path(&format!("concepts.{name}.json")));
        assert!(!file.concepts.is_empty(), "{name}");
        for concept in &file.concepts {
            assert_eq!(concept.namespace.as_deref(), Some(namespace));
            assert!(concept.proteins >= 3);
        }
        let labels = labels_of(&path(&format!("labels.{name}.arrow")));
        direct.extend(labels.clone());
        let labelled: BTreeSet<&str> = labels.iter().map(|(protein, _)| protein.as_str()).collect();
        assert!(labelled.iter().all(|protein| truth.contains_key(*protein)));

        let split = fs::read_to_string(path(&format!("split.{name}.tsv"))).unwrap();
        let parts: BTreeMap<&str, &str> = (split.lines().skip(1))
            .map(|line| line.split_once('\t').unwrap())
            .collect();
        assert!(parts.keys().eq(labelled.iter()), "{name}");
        for pair in names.chunks(2) {
            let of: BTreeSet<_> = pair.iter().filter_map(|p| parts.get(p.as_str())).collect();
            assert!(of.len() <= 1, "{pair:?}");
        }
        assert_eq!(metrics["counts"][name]["split"]["clusters_given"], true);

        let sequences = fs::read(path(&format!("proteins.{name}.fasta"))).unwrap();
        let found: Vec<String> = fasta::Reader::new(sequences.as_slice(), true)
            .map(|protein| protein.unwrap().accession)
            .collect();
        assert!(found.iter().map(String::as_str).eq(labelled), "{name}");
    }
    // what an entry says by experiment is a label, where its term is a concept
    let concepts: BTreeSet<&str> = direct.iter().map(|(_, concept)| concept.as_str()).collect();
    let mut checked = 0;
    for (protein, terms) in &truth {
        for term in terms.iter().filter(|term| concepts.contains(term.as_str())) {
            assert!(
                direct.contains(&(protein.clone(), term.clone())),
                "{protein} {term}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 70, "{checked}");
}

#[test]
fn the_split_of_one_command_is_that_of_two() {
    let folder = tempfile::tempdir().unwrap();
    let example = |name: &str| format!("{}/{name}", crate::support::EXAMPLE);
    let shown = |name: &str| folder.path().join(name).display().to_string();
    let (labels, clusters) = (shown("labels.arrow"), example("clusters.tsv"));
    let output = run(
        "protsae-concepts",
        &[
            "--annotations",
            &example("features.csv"),
            "--sequences",
            &example("proteins.fasta"),
            "--min-count",
            "5",
            "--concepts",
            &shown("concepts.json"),
            "-o",
            &labels,
            "--split",
            &shown("one.tsv"),
            "--clusters",
            &clusters,
            "--write-sequences",
            &shown("labelled.fasta"),
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let one = fs::read_to_string(folder.path().join("one.tsv")).unwrap();
    let listed: BTreeSet<&str> = (one.lines().skip(1))
        .map(|line| line.split('\t').next().unwrap())
        .collect();
    // the clusters of the second command may name labelled proteins alone
    let text = fs::read_to_string(&clusters).unwrap();
    let mut kept: Vec<&str> = text.lines().collect();
    kept.retain(|line| listed.contains(line.split('\t').nth(1).unwrap()));
    fs::write(folder.path().join("kept.tsv"), kept.join("\n")).unwrap();
    let output = run(
        "protsae-split",
        &["--labels", &labels, "--clusters", &shown("kept.tsv")],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), one);
    let fasta = fs::read(folder.path().join("labelled.fasta")).unwrap();
    assert_eq!(
        fasta::Reader::new(fasta.as_slice(), true).count(),
        listed.len()
    );
}

#[test]
fn labelled_proteins_without_a_sequence_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let features = folder.path().join("f.csv");
    fs::write(&features, "protein,feature,start,end\nP1,HELIX,1,2\n").unwrap();
    let shown = |name: &str| folder.path().join(name).display().to_string();
    let output = run(
        "protsae-concepts",
        &[
            "--annotations",
            &features.display().to_string(),
            "--min-count",
            "1",
            "--concepts",
            &shown("c.json"),
            "-o",
            &shown("l.arrow"),
            "--write-sequences",
            &shown("s.fasta"),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("P1") && message.contains("--sequences"),
        "{message}"
    );
    for name in ["c.json", "l.arrow", "s.fasta"] {
        assert!(!folder.path().join(name).exists(), "{name}");
    }
}
