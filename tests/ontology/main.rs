//! Ontologies: the reference normal forms, and real ontologies against independent counts.

mod compliance;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;

use crate::{shared::shared, skip::skipped};
use protsae::ontology::{
    Ontology, OntologyError, Resolved,
    graph::{Closure, Hierarchy, Relations},
    norm_file,
    normal::NormalForms,
    obo,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, Read},
    path::PathBuf,
    process::Command,
};

fn text(path: &PathBuf) -> String {
    let mut text = String::new();
    let file = File::open(path).unwrap();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::MultiGzDecoder::new(file)
            .read_to_string(&mut text)
            .unwrap();
    } else {
        BufReader::new(file).read_to_string(&mut text).unwrap();
    }
    text
}

fn load(path: &str) -> Option<Ontology> {
    let path = shared(path)?;
    Some(obo::read(text(&path).as_bytes()).unwrap())
}

/// Axioms as lines, in the way of the reference files.
fn lines(forms: &NormalForms) -> BTreeSet<String> {
    let class = |c: u32| forms.classes[c as usize].replace(':', "_");
    let relation = |r: u32| forms.relations[r as usize].replace(':', "_");
    let mut lines = BTreeSet::new();
    for &[c, d] in &forms.nf1 {
        lines.insert(format!("{} SubClassOf {}", class(c), class(d)));
    }
    for &[c, d, e] in &forms.nf2 {
        lines.insert(format!(
            "{} and {} SubClassOf {}",
            class(c),
            class(d),
            class(e)
        ));
    }
    for &[r, c, d] in &forms.nf3 {
        lines.insert(format!(
            "{} some {} SubClassOf {}",
            relation(r),
            class(c),
            class(d)
        ));
    }
    for &[c, r, d] in &forms.nf4 {
        lines.insert(format!(
            "{} SubClassOf {} some {}",
            class(c),
            relation(r),
            class(d)
        ));
    }
    for &[c, d] in &forms.disjoint {
        lines.insert(format!("{} and {} SubClassOf Nothing", class(c), class(d)));
    }
    lines
}

/// Renames auxiliaries by what defines them, so that their numbers do not matter.
fn without_numbers(lines: &BTreeSet<String>) -> BTreeSet<String> {
    let mut meaning: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..3 {
        for line in lines {
            let Some((left, right)) = line.split_once(" SubClassOf ") else {
                continue;
            };
            if right.starts_with("AUX_") && !right.contains(' ') {
                meaning.insert(right.to_owned(), format!("({})", rename(left, &meaning)));
            }
        }
    }
    lines.iter().map(|line| rename(line, &meaning)).collect()
}

fn rename(text: &str, meaning: &BTreeMap<String, String>) -> String {
    text.split(' ')
        .map(|word| meaning.get(word).map_or(word, String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn normal_forms_are_the_reference_up_to_names_of_auxiliaries() {
    let Some(mini) = load("vectors/ontology/mini.obo") else {
        return;
    };
    let expected = shared("vectors/ontology/mini.expected_fresh_aux.norm").unwrap();
    let expected: BTreeSet<String> = text(&expected).lines().map(str::to_owned).collect();
    let found = lines(&NormalForms::new(&mini));
    assert_eq!(without_numbers(&found), without_numbers(&expected));
    assert_eq!(found.len(), 25);
}

/// The second file was made of the first; taxon constraints are metadata in either.
#[test]
fn obo_graphs_say_what_obo_says() {
    let (Some(obo_file), Some(json_file)) = (
        shared("data/go/oak/go-nucleus.obo"),
        shared("data/go/oak/go-nucleus.json"),
    ) else {
        return;
    };
    let obo = protsae::ontology::read(text(&obo_file).as_bytes()).unwrap();
    let json = protsae::ontology::read(text(&json_file).as_bytes()).unwrap();
    assert_eq!(json.counts.intersection_of, obo.counts.intersection_of);
    assert_eq!(obo.counts.metadata_skipped, 4);
    let without_disjointness = |ontology: &Ontology| -> BTreeSet<String> {
        let mut forms = NormalForms::new(ontology);
        forms.disjoint.clear();
        without_numbers(&lines(&forms))
    };
    let (from_obo, from_json) = (without_disjointness(&obo), without_disjointness(&json));
    let only_obo: Vec<&String> = from_obo.difference(&from_json).collect();
    let only_json: Vec<&String> = from_json.difference(&from_obo).collect();
    assert!(
        only_obo.is_empty() && only_json.is_empty(),
        "{only_obo:#?} {only_json:#?}"
    );
}

#[test]
fn published_normal_forms_are_read_with_a_count_of_what_is_wrong() {
    let (Some(published), Some(fresh)) = (
        shared("vectors/ontology/mini.norm"),
        shared("vectors/ontology/mini.expected_fresh_aux.norm"),
    ) else {
        return;
    };
    let read = |path: &PathBuf| norm_file::read(text(path).as_bytes()).unwrap();
    let published = read(&published);
    assert!(published.suspicious >= 4 && published.role_axioms > 0);
    let file = read(&fresh);
    assert_eq!((file.suspicious, file.role_axioms), (0, 0));
    let expected: BTreeSet<String> = text(&fresh).lines().map(str::to_owned).collect();
    let found = lines(&file.forms);
    assert_eq!(found, expected);
}

#[test]
fn role_axioms_are_counted() {
    let Some(mini) = load("vectors/ontology/mini.obo") else {
        return;
    };
    // part_of, has_part, regulates transitive; one transitive_over, one chain, two is_a
    assert_eq!(mini.counts.role_axioms, 7);
    assert_eq!(mini.counts.typedefs, 5);
    assert_eq!(mini.identity.version, "mini/2025-01-01");
    assert_eq!(mini.identity.name, "mini");
}

#[test]
fn go_basic_2015_has_the_counts_of_its_release() {
    let Some(go) = load("data/go/go-basic_2015-01-26.obo.gz") else {
        return;
    };
    let counts = &go.counts;
    assert_eq!((counts.terms, counts.obsolete), (42_458, 1_866));
    assert_eq!((counts.is_a, counts.alt_id), (70_715, 1_795));
    assert_eq!(counts.relationship["BFO:0000050"], 6_768);
    let regulates: u64 = ["RO:0002211", "RO:0002212", "RO:0002213"]
        .iter()
        .map(|r| counts.relationship[*r])
        .sum();
    assert_eq!(regulates, 7_444);
    for relations in [Relations::IsA, Relations::IsAPartOf, Relations::All] {
        let hierarchy = Hierarchy::new(&go, relations).unwrap();
        assert_eq!(hierarchy.counts.dangling_skipped, 0);
        let roots = go.order.iter().filter(|&&c| hierarchy.is_root(c)).count();
        assert_eq!(roots, 3, "{relations:?}");
    }
}

#[test]
fn go_basic_2026_has_the_counts_of_its_release() {
    let Some(go) = load("data/go/go-basic_2026-03-25.obo.gz") else {
        return;
    };
    let counts = &go.counts;
    assert_eq!((counts.terms, counts.obsolete), (48_291, 9_731));
    // 58,531 lines, two of them between relations
    assert_eq!((counts.is_a, counts.alt_id), (58_529, 3_646));
    assert_eq!(counts.replaced_by, 2_013);
    assert_eq!(counts.relationship["BFO:0000050"], 6_301);
    assert_eq!(go.identity.version, "releases/2026-03-25");
}

/// A second reader of the hierarchy, line by line, as a check on the first.
fn naive_ancestors(text: &str, id: &str) -> BTreeSet<String> {
    let mut parents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut namespace: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            current.clear();
        } else if let Some(id) = line.strip_prefix("id: ") {
            id.clone_into(&mut current);
        } else if let Some(name) = line.strip_prefix("namespace: ") {
            namespace.insert(current.clone(), name.to_owned());
        } else if let Some(parent) = line
            .strip_prefix("is_a: ")
            .or_else(|| line.strip_prefix("relationship: part_of "))
        {
            let parent = parent.split(' ').next().unwrap().to_owned();
            parents.entry(current.clone()).or_default().push(parent);
        }
    }
    let mut found = BTreeSet::from([id.to_owned()]);
    let mut queue = vec![id.to_owned()];
    while let Some(term) = queue.pop() {
        for parent in parents.get(&term).into_iter().flatten() {
            if namespace[parent] == namespace[&term] && found.insert(parent.clone()) {
                queue.push(parent.clone());
            }
        }
    }
    found
}

#[test]
fn ancestors_agree_with_a_second_reader() {
    let Some(path) = shared("data/go/go-basic_2015-01-26.obo.gz") else {
        return;
    };
    let text = text(&path);
    let go = obo::read(text.as_bytes()).unwrap();
    let hierarchy = Hierarchy::new(&go, Relations::IsAPartOf).unwrap();
    let mut closure = Closure::new(&hierarchy);
    for id in [
        "GO:0005524",
        "GO:0006915",
        "GO:0005840",
        "GO:0003677",
        "GO:0000786",
    ] {
        let class = go.class(id).unwrap();
        let found: BTreeSet<String> = closure
            .ancestors(class)
            .iter()
            .map(|&c| go.classes[c as usize].clone())
            .collect();
        assert_eq!(found, naive_ancestors(&text, id), "{id}");
    }
}

#[test]
fn ids_are_resolved_through_alternatives_and_replacements() {
    let Some(go) = load("data/go/go-basic_2026-03-25.obo.gz") else {
        return;
    };
    let mut replaced = 0;
    let mut alternative = 0;
    for id in &go.classes {
        match go.resolve(id) {
            Resolved::Replaced(class) => {
                replaced += 1;
                assert!(!go.term(class).unwrap().obsolete);
            }
            Resolved::Alternative(_) => alternative += 1,
            _ => {}
        }
    }
    assert!(
        replaced > 1_000 && alternative > 2_000,
        "{replaced} {alternative}"
    );
    assert_eq!(go.resolve("GO:9999999"), Resolved::Unknown);
}

#[test]
fn namespaces_are_those_of_current_terms() {
    let text = "default-namespace: toy\nontology: toy\n\n[Term]\nid: T:1\nnamespace: a\n\n\
        [Term]\nid: T:2\nnamespace: b\nis_obsolete: true\n";
    let ontology = obo::read(text.as_bytes()).unwrap();
    assert_eq!(ontology.used_namespaces(), ["a"]);
    if let Some(go) = load("data/go/go-basic_2026-03-25.obo.gz") {
        let mut used = go.used_namespaces();
        used.sort_unstable();
        assert_eq!(
            used,
            [
                "biological_process",
                "cellular_component",
                "molecular_function"
            ]
        );
    }
}

#[test]
fn obsolete_terms_may_replace_each_other() {
    use std::fmt::Write;
    let mut text = String::from("ontology: toy\n");
    for term in 0..24 {
        writeln!(text, "\n[Term]\nid: T:{term}\nis_obsolete: true").unwrap();
        for other in (0..24).filter(|&other| other != term) {
            writeln!(text, "replaced_by: T:{other}").unwrap();
        }
    }
    let ontology = obo::read(text.as_bytes()).unwrap();
    assert_eq!(ontology.resolve("T:0"), Resolved::Obsolete);
    // one way out, which any of them leads to
    let text = text + "replaced_by: T:99\n\n[Term]\nid: T:99\n";
    let ontology = obo::read(text.as_bytes()).unwrap();
    let current = ontology.class("T:99").unwrap();
    for term in 0..24 {
        let found = ontology.resolve(&format!("T:{term}"));
        assert_eq!(found, Resolved::Replaced(current), "T:{term}");
    }
}

#[test]
fn terms_related_to_themselves_are_no_cycle() {
    let Some(nucleus) = load("data/go/oak/go-nucleus.obo") else {
        return;
    };
    // `grep` counts 26 clauses whose target is the term itself; there is no longer cycle
    let hierarchy = Hierarchy::new(&nucleus, Relations::All).unwrap();
    assert_eq!(hierarchy.counts.reflexive_skipped, 26);
}

#[test]
fn a_cycle_put_into_a_real_ontology_is_named() {
    let Some(path) = shared("data/go/goslim_generic.obo") else {
        return;
    };
    let text = text(&path) + "\n[Term]\nid: GO:0003674\nis_a: GO:0003677 ! DNA binding\n";
    let ontology = obo::read(text.as_bytes()).unwrap();
    let error = Hierarchy::new(&ontology, Relations::IsA).unwrap_err();
    assert!(matches!(&error, OntologyError::Cycle { .. }));
    assert!(
        error
            .to_string()
            .contains("GO:0003674 is_a GO:0003677 is_a"),
        "{error}"
    );
}

#[test]
fn byte_order_mark_and_carriage_returns_do_not_matter() {
    let Some(path) = shared("data/go/pronto/imagingMS.obo") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let ontology = obo::read(bytes.as_slice()).unwrap();
    let declared = bytes
        .split(|&b| b == b'\n')
        .filter(|line| line.starts_with(b"[Term]"))
        .count();
    assert_eq!(ontology.counts.terms, declared as u64);
}

#[test]
fn what_is_no_ontology_is_refused() {
    for text in ["", ">P1\nMKT\n", "format-version: 1.2\n"] {
        let error = obo::read(text.as_bytes()).unwrap_err();
        assert!(matches!(error, OntologyError::NoTerms), "{text:?}: {error}");
    }
    let error = obo::read("ontology: x\n\n[Term]\nid: A:1\nis_a:\n".as_bytes()).unwrap_err();
    assert!(
        matches!(error, OntologyError::Syntax { line: 5, .. }),
        "{error}"
    );
}

/// The same file read by pronto, an independent library: ancestors of all its terms.
#[test]
fn ancestors_of_every_term_are_those_of_pronto() {
    let Some(path) = shared("data/go/go-basic_2015-01-26.obo.gz") else {
        return;
    };
    let root = env!("CARGO_MANIFEST_DIR");
    let python = PathBuf::from(root).join("target/venv/bin/python");
    let has_pronto = Command::new(&python)
        .args(["-c", "import pronto"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_pronto {
        skipped("no pronto in target/venv; tests/run.sh installs it");
        return;
    }
    let output = Command::new(python)
        .arg(format!("{root}/tests/ontology/ancestors.py"))
        .arg(&path)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let go = obo::read(text(&path).as_bytes()).unwrap();
    let hierarchies =
        [Relations::IsA, Relations::IsAPartOf].map(|r| Hierarchy::new(&go, r).unwrap());
    let mut closures = hierarchies.each_ref().map(Closure::new);
    let mut terms = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut columns = line.split('\t');
        let id = columns.next().unwrap();
        let class = go.class(id).unwrap();
        for closure in &mut closures {
            let ancestors = closure.ancestors(class);
            let number = |c: &u32| go.classes[*c as usize][3..].parse::<u64>().unwrap();
            let found = [ancestors.len() as u64, ancestors.iter().map(number).sum()];
            let expected = [(); 2].map(|()| columns.next().unwrap().parse::<u64>().unwrap());
            assert_eq!(found, expected, "{id}");
        }
        terms += 1;
    }
    assert_eq!(terms, go.counts.terms - go.counts.obsolete);
}
