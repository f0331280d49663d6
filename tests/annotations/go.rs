//! GO annotations on the full ontology, against a second implementation that reads line by line.

use crate::support::{open, shared, text};
use protsae::{
    annot::{
        collect::{Collector, DropReason, Settings},
        format::{self, Format},
        vocabulary::{AxiomScope, Choice, Terminology, Vocabulary},
    },
    ontology::{
        graph::{Hierarchy, Relations},
        obo,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

struct Naive {
    parents: BTreeMap<String, Vec<String>>,
    namespace: BTreeMap<String, String>,
}

impl Naive {
    /// `is_a` and `part_of` of every term, within a namespace; obsolete terms have none.
    fn new(text: &str) -> Self {
        let mut naive = Self {
            parents: BTreeMap::new(),
            namespace: BTreeMap::new(),
        };
        for stanza in text.split("\n[").filter(|s| s.starts_with("Term]")) {
            let value = |tag: &'static str| {
                stanza
                    .lines()
                    .filter_map(move |line| line.strip_prefix(tag))
            };
            let id = value("id: ").next().unwrap().to_owned();
            let namespace = value("namespace: ").next().unwrap().to_owned();
            naive.namespace.insert(id.clone(), namespace);
            if value("is_obsolete: ").next() == Some("true") {
                continue;
            }
            let parents = value("is_a: ")
                .chain(value("relationship: part_of "))
                .map(|rest| rest.split(' ').next().unwrap().to_owned());
            naive.parents.insert(id, parents.collect());
        }
        let Self { parents, namespace } = &mut naive;
        for (id, parents) in parents {
            parents.retain(|parent| namespace[parent] == namespace[id]);
        }
        naive
    }

    fn ancestors(&self, id: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([id.to_owned()]);
        let mut queue = vec![id.to_owned()];
        while let Some(term) = queue.pop() {
            for parent in &self.parents[&term] {
                if found.insert(parent.clone()) {
                    queue.push(parent.clone());
                }
            }
        }
        found
    }
}

/// SGD's slim annotations as a GAF keyed by ORF.
fn sgd_gaf(table: &str) -> String {
    let mut gaf = String::new();
    for line in table.lines() {
        let c: Vec<&str> = line.split('\t').collect();
        if c.len() == 7 && c[5].starts_with("GO:") {
            writeln!(
                gaf,
                "SGD\t{}\t{}\t\t{}\tGO_REF:0\tIEA\t\t{}\t\t\tprotein\ttaxon:559292\t20150126\tSGD\t\t",
                c[0], c[0], c[5], c[3]
            )
            .unwrap();
        }
    }
    gaf
}

#[test]
fn yeast_on_go_basic_2015_is_what_a_second_implementation_finds() {
    let (Some(obo_file), Some(table)) = (
        shared("go/go-basic_2015-01-26.obo.gz"),
        shared("gaf/sgd_go_slim_mapping.tab.gz"),
    ) else {
        return;
    };
    let gaf = sgd_gaf(&text(&table));
    let ontology = obo::read(open(&obo_file)).unwrap();
    let hierarchy = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap();
    let mut collector = Collector::new(Settings::default());
    format::read(gaf.as_bytes(), Some(Format::Gaf), "sgd", &mut collector).unwrap();
    let terminology = Terminology {
        ontology: &ontology,
        hierarchy: &hierarchy,
    };
    let mut vocabulary = Vocabulary::new(collector, Some(terminology), &Choice::default()).unwrap();

    let naive = Naive::new(&text(&obo_file));
    let mut cache: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut labels: BTreeSet<(String, String)> = BTreeSet::new();
    for row in gaf.lines() {
        let c: Vec<&str> = row.split('\t').collect();
        let ancestors = cache
            .entry(c[4].to_owned())
            .or_insert_with(|| naive.ancestors(c[4]));
        for term in ancestors.iter() {
            labels.insert((c[1].to_owned(), term.clone()));
        }
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, term) in &labels {
        *counts.entry(term).or_default() += 1;
    }
    let expected: BTreeMap<&str, u64> = counts
        .iter()
        .filter(|(term, count)| **count >= 10 && !naive.parents[**term].is_empty())
        .map(|(term, count)| (*term, *count))
        .collect();
    let found: BTreeMap<&str, u64> = vocabulary
        .file
        .concepts
        .iter()
        .map(|c| (c.id.as_str(), c.proteins))
        .collect();
    assert_eq!(found, expected);
    assert!(found.len() > 400);

    let by_id: BTreeMap<&str, u32> = vocabulary
        .file
        .concepts
        .iter()
        .map(|c| (c.id.as_str(), c.index))
        .collect();
    for concept in &vocabulary.file.concepts {
        let parents = &naive.parents[&concept.id];
        let fewest = parents.iter().map(|p| counts[p.as_str()]).min().unwrap();
        let ic = (fewest as f64 / concept.proteins as f64).log2();
        assert!(
            (concept.information_content - ic).abs() < 1e-12,
            "{}",
            concept.id
        );
        let direct: BTreeSet<u32> = parents
            .iter()
            .filter_map(|p| by_id.get(p.as_str()).copied())
            .collect();
        assert_eq!(
            concept.parents.iter().copied().collect::<BTreeSet<_>>(),
            direct
        );
    }

    let mut rows = BTreeSet::new();
    vocabulary
        .labels(|label| {
            rows.insert((label.protein.to_owned(), label.concept.to_owned()));
            Ok::<(), ()>(())
        })
        .unwrap();
    let expected_rows: BTreeSet<(String, String)> = labels
        .iter()
        .filter(|(_, term)| expected.contains_key(term.as_str()))
        .cloned()
        .collect();
    assert_eq!(rows, expected_rows);
}

#[test]
fn axioms_are_numbered_concepts_first() {
    let text = "ontology: toy\n\n[Term]\nid: T:9\nnamespace: n\n\n[Term]\nid: T:2\nnamespace: n\nis_a: T:9\n\n\
        [Term]\nid: T:1\nnamespace: n\nis_a: T:2\nintersection_of: T:2\nintersection_of: part_of T:3\n\n[Term]\nid: T:3\nnamespace: n\nis_a: T:9\n\n\
        [Typedef]\nid: part_of\nxref: BFO:0000050\n";
    let ontology = obo::read(text.as_bytes()).unwrap();
    let hierarchy = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap();
    let gaf = "DB\tP1\tS\t\tT:1\tR:1\tIDA\t\tP\t\t\tprotein\ttaxon:1\t20200101\tX\n";
    let build = |axioms| {
        let mut collector = Collector::new(Settings::default());
        format::read(gaf.as_bytes(), None, "x", &mut collector).unwrap();
        let choice = Choice {
            min_count: 1,
            axioms,
            ..Choice::default()
        };
        let terminology = Terminology {
            ontology: &ontology,
            hierarchy: &hierarchy,
        };
        Vocabulary::new(collector, Some(terminology), &choice)
            .unwrap()
            .file
    };
    let file = build(AxiomScope::All);
    let ids: Vec<&str> = file.concepts.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["T:1", "T:2"]);
    assert_eq!(file.zero_classes, ["AUX_1", "T:3", "T:9"]);
    assert_eq!(file.relations, ["BFO:0000050"]);
    // numbers: T:1 0, T:2 1, AUX_1 2, T:3 3, T:9 4
    assert_eq!(file.axioms.nf1, [[0, 1], [1, 4], [3, 4]]);
    assert_eq!(file.axioms.nf2, [[1, 2, 0]]);
    assert_eq!(file.axioms.nf3, [[0, 3, 2]]);
    assert_eq!(file.axioms.nf4, [[0, 0, 3]]);
    assert_eq!(file.concepts[0].parents, [1]);
    let none = build(AxiomScope::None);
    assert!(none.zero_classes.is_empty() && none.axioms.nf1.is_empty());
}

#[test]
fn part_of_is_known_by_its_name_whatever_its_typedef_refers_to() {
    for typedef in [
        "",
        "\n[Typedef]\nid: part_of\nxref: OBO_REL:part_of\n",
        "\n[Typedef]\nid: part_of\nxref: OBO_REL:part_of\nxref: BFO:0000050\n",
    ] {
        let text = format!(
            "ontology: toy\n\n[Term]\nid: T:9\n\n[Term]\nid: T:1\nrelationship: part_of T:9\n{typedef}"
        );
        let ontology = obo::read(text.as_bytes()).unwrap();
        assert_eq!(ontology.relations, ["BFO:0000050"], "{typedef}");
        let hierarchy = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap();
        let class = |id| ontology.class(id).unwrap();
        assert_eq!(hierarchy.parents(class("T:1")), [class("T:9")], "{typedef}");
    }
}

#[test]
fn odd_ids_are_followed_or_counted() {
    let text = "ontology: toy\n\n[Term]\nid: T:9\nnamespace: n\n\n[Term]\nid: T:2\nnamespace: n\nalt_id: T:20\nis_a: T:9\n\n\
        [Term]\nid: T:5\nnamespace: n\nis_obsolete: true\nreplaced_by: T:6\n\n[Term]\nid: T:6\nnamespace: n\nis_obsolete: true\nreplaced_by: T:20\n\n\
        [Term]\nid: T:7\nnamespace: n\nis_obsolete: true\n";
    let ontology = obo::read(text.as_bytes()).unwrap();
    let hierarchy = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap();
    let mut gaf = String::new();
    for (id, n) in ["T:2", "T:20", "T:5", "T:7", "T:404", "T:404"]
        .iter()
        .zip(1..)
    {
        let rest = "\tP\t\t\tprotein\ttaxon:1\t20200101\tX";
        writeln!(gaf, "DB\tP{n}\tS\t\t{id}\tR:1\tIDA\t{rest}").unwrap();
    }
    let mut collector = Collector::new(Settings::default());
    let (first, second) = gaf.split_at(gaf.rfind("DB").unwrap());
    for text in [first, second] {
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
    }
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    let terminology = Terminology {
        ontology: &ontology,
        hierarchy: &hierarchy,
    };
    let vocabulary = Vocabulary::new(collector, Some(terminology), &choice).unwrap();
    let report = &vocabulary.report;
    assert_eq!(report.alt_id_followed, 1);
    assert_eq!(report.replaced_by_followed, 1);
    assert_eq!(report.obsolete_dropped, 1);
    assert_eq!((report.unknown_dropped, report.unknown_ids), (2, 1));
    let [first, second] = vocabulary.inputs.as_slice() else {
        panic!("two inputs");
    };
    assert_eq!((first.records, first.kept), (5, 3));
    assert_eq!((first.alt_id_followed, first.replaced_by_followed), (1, 1));
    let dropped = [(DropReason::ObsoleteTerm, 1), (DropReason::UnknownTerm, 1)];
    assert_eq!(first.dropped, dropped.into());
    assert_eq!(first.kept_by_kind, [("go, protein".to_owned(), 3)].into());
    assert_eq!((second.kept, second.kept_by_kind.len()), (0, 0));
    assert_eq!(second.dropped, [(DropReason::UnknownTerm, 1)].into());
    assert_eq!(report.unknown_listed, ["T:404"]);
    assert_eq!(vocabulary.file.concepts.len(), 1);
    assert_eq!(vocabulary.file.concepts[0].proteins, 3);
}
