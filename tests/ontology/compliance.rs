//! The OBO compliance suite of the Ontology Access Kit: every case against its expected outputs.
//!
//! A case is an OBO text with what other tools make of it: the same in canonical OBO, OBO Graphs, and OWL
//! (functional syntax or RDF/XML). All that is read here of a case must say what its OWL says, as far as
//! propagation and axioms go: names, namespaces, obsoletion, replacements, `is_a`, `relationship`,
//! `intersection_of`, `equivalent_to`, `disjoint_from`. [`DEVIATIONS`] lists every case that does not, with its reason.

use crate::{shared::shared, text};
use protsae::ontology::{self, Conjunct, Ontology, OntologyError};
use quick_xml::{Reader, events::BytesStart, events::Event};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What a text says, a statement a line.
type Facts = BTreeSet<String>;

const ALTERNATIVE: &str = "OBO Graphs declare an alternative id as an obsolete class of its own: followed to its term all the same";
const CONTEXT: &str = "with gci_relation (gci_predicate) and gci_filler the clause holds in a context only; the OWL makes it \
    unconditional, here it is counted and left out";
const GRAPHS: &str = "the OBO Graphs of this case leave it out";
const IDSPACE: &str = "ids stay as they are written: an idspace would turn X:1 into an IRI, by which no annotation \
    names a term";
const PROPERTY: &str = "OBO Graphs write a property value like a relationship, and nothing in the file tells them apart";
const UNION: &str = "a union is outside EL: counted and left out";

/// Statements.
type Said = &'static [&'static str];

/// Case, file, what only the reading here says, what only the expected OWL says, reason.
const DEVIATIONS: &[(&str, &str, Said, Said, &str)] = &[
    (
        "alt_id",
        "expected.json",
        &["X:2 is obsolete", "X:2 is replaced by X:1"],
        &[],
        ALTERNATIVE,
    ),
    (
        "disjoint_from",
        "expected.json",
        &[],
        &["X:1 and X:2 <= nothing"],
        GRAPHS,
    ),
    ("gci-is-a", "obo", &[], &["X:1 <= X:2"], CONTEXT),
    ("gci-is-a", "expected.obo", &[], &["X:1 <= X:2"], CONTEXT),
    ("gci-is-a", "expected.json", &[], &["X:1 <= X:2"], CONTEXT),
    (
        "gci-relation",
        "expected.obo",
        &[],
        &["X:1 <= R:1 some X:2"],
        CONTEXT,
    ),
    (
        "obsolete-annotated",
        "expected.json",
        &[],
        &["X:1 is obsolete"],
        GRAPHS,
    ),
    (
        "prefixes",
        "expected.obo",
        &["X:1 <= Y:1"],
        &["http://example.org/X/1 <= Y:1"],
        IDSPACE,
    ),
    (
        "prefixes",
        "obo",
        &["X:1 <= Y:1"],
        &["http://example.org/X/1 <= Y:1"],
        IDSPACE,
    ),
    (
        "property_value-object-annotated",
        "expected.json",
        &["X:1 <= R:1 some Y:1"],
        &[],
        PROPERTY,
    ),
    (
        "union_of",
        "expected.obo",
        &[],
        &["X:1 == X:2 or X:3"],
        UNION,
    ),
    (
        "union_of",
        "expected.json",
        &[],
        &["X:1 == X:2 or X:3"],
        UNION,
    ),
    (
        "union_of-annotated",
        "expected.obo",
        &[],
        &["X:1 == X:2 or X:3"],
        UNION,
    ),
    (
        "union_of-annotated",
        "obo",
        &[],
        &["X:1 == X:2 or X:3"],
        UNION,
    ),
];

/// Cases that the suite wants refused, and why they are read.
const READ_THOUGH_INVALID: &[(&str, &str)] = &[
    (
        "invalid-intersection_of-single-element",
        "a definition by one class can only mean that the two are one",
    ),
    (
        "invalid-name-duplicate",
        "names are for people: the last is taken",
    ),
];

fn curie(iri: &str) -> String {
    let local = iri.strip_prefix("http://purl.obolibrary.org/obo/");
    match local.and_then(|local| local.rsplit_once('_')) {
        Some((prefix, number)) => format!("{prefix}:{number}"),
        None => iri.to_owned(),
    }
}

/// Sorted conjuncts of a definition.
fn definition(class: &str, mut conjuncts: Vec<String>) -> String {
    conjuncts.sort();
    format!("{class} == {}", conjuncts.join(" and "))
}

/// What was read.
fn facts(ontology: &Ontology) -> Facts {
    let id = |class: u32| ontology.classes[class as usize].as_str();
    let relation = |r: u32| ontology.relations[r as usize].as_str();
    let mut facts = Facts::new();
    for &class in &ontology.order {
        let term = ontology.term(class).unwrap();
        let x = id(class);
        facts.insert(format!("{x} is a class"));
        if !term.name.is_empty() {
            facts.insert(format!("{x} is called {}", term.name));
        }
        let namespace = ontology.namespace(class);
        if !namespace.is_empty() {
            facts.insert(format!("{x} is in {namespace}"));
        }
        if term.obsolete {
            facts.insert(format!("{x} is obsolete"));
        }
        facts.extend(
            term.replaced_by
                .iter()
                .map(|&y| format!("{x} is replaced by {}", id(y))),
        );
        facts.extend(term.is_a.iter().map(|&y| format!("{x} <= {}", id(y))));
        facts.extend(
            (term.relationships.iter())
                .map(|some| format!("{x} <= {} some {}", relation(some.relation), id(some.class))),
        );
        facts.extend(
            term.equivalent_to
                .iter()
                .map(|&y| definition(x, vec![id(y).to_owned()])),
        );
        for &y in &term.disjoint_from {
            facts.insert(format!("{x} and {} <= nothing", id(y)));
        }
        if !term.intersection_of.is_empty() {
            let conjuncts = term.intersection_of.iter().map(|&conjunct| match conjunct {
                Conjunct::Genus(genus) => id(genus).to_owned(),
                Conjunct::Differentia(some) => {
                    format!("{} some {}", relation(some.relation), id(some.class))
                }
            });
            facts.insert(definition(x, conjuncts.collect()));
        }
    }
    facts
}

/// A line of functional syntax as a tree.
#[derive(Debug)]
enum Expression {
    Atom(String),
    Call(String, Vec<Expression>),
}

impl Expression {
    /// `Name(argument argument ...)`, an IRI in angle brackets, a literal in quotes, a prefixed name.
    fn parse(text: &mut &str) -> Option<Self> {
        *text = text.trim_start();
        if let Some(rest) = text.strip_prefix('<') {
            let (iri, rest) = rest.split_once('>')?;
            *text = rest;
            return Some(Self::Atom(curie(iri)));
        }
        if let Some(rest) = text.strip_prefix('"') {
            let (literal, rest) = rest.split_once('"')?;
            // a datatype says nothing here
            *text = rest.trim_start_matches(|c: char| c != ')' && c != ' ');
            return Some(Self::Atom(literal.to_owned()));
        }
        let end = text.find(['(', ')', ' '])?;
        let name = text[..end].to_owned();
        if name.is_empty() {
            return None;
        }
        *text = &text[end..];
        if !text.starts_with('(') {
            return Some(Self::Atom(name));
        }
        *text = &text[1..];
        let mut arguments = Vec::new();
        while let Some(argument) = Self::parse(text) {
            arguments.push(argument);
        }
        *text = text.trim_start().strip_prefix(')')?;
        // annotations of an axiom do not change it
        arguments.retain(|a| !matches!(a, Self::Call(name, _) if name == "Annotation"));
        Some(Self::Call(name, arguments))
    }

    fn show(&self) -> String {
        match self {
            Self::Atom(text) => text.clone(),
            Self::Call(name, arguments) => {
                let shown: Vec<String> = arguments.iter().map(Self::show).collect();
                match (name.as_str(), &shown[..]) {
                    ("ObjectSomeValuesFrom", [r, y]) => format!("{r} some {y}"),
                    _ => format!("{name}({})", shown.join(" ")),
                }
            }
        }
    }

    fn conjuncts(&self) -> Vec<String> {
        match self {
            Self::Call(name, arguments) if name == "ObjectIntersectionOf" => {
                arguments.iter().map(Self::show).collect()
            }
            other => vec![other.show()],
        }
    }
}

/// What an expected output in functional syntax says.
fn facts_of_functional_syntax(text: &str) -> Facts {
    let mut facts = Facts::new();
    let mut alternatives = BTreeSet::new();
    for line in text.lines() {
        let Some(Expression::Call(name, arguments)) = Expression::parse(&mut &*line) else {
            continue;
        };
        match (name.as_str(), &arguments[..]) {
            ("Declaration", [Expression::Call(kind, of)]) if kind == "Class" => {
                facts.insert(format!("{} is a class", of[0].show()));
            }
            ("SubClassOf", [x, y]) => {
                facts.insert(format!("{} <= {}", x.show(), y.show()));
            }
            ("EquivalentClasses", [x, y]) => {
                facts.insert(definition(&x.show(), y.conjuncts()));
            }
            ("DisjointClasses", [x, y]) => {
                facts.insert(format!("{} and {} <= nothing", x.show(), y.show()));
            }
            ("AnnotationAssertion", [property, x, value]) => {
                let (x, value) = (x.show(), value.show());
                match property.show().as_str() {
                    "rdfs:label" => facts.insert(format!("{x} is called {value}")),
                    "owl:deprecated" => facts.insert(format!("{x} is obsolete")),
                    "IAO:0100001" => facts.insert(format!("{x} is replaced by {value}")),
                    p if p.ends_with("#hasOBONamespace") => {
                        facts.insert(format!("{x} is in {value}"))
                    }
                    p if p.ends_with("#hasAlternativeId") => alternatives.insert(value),
                    _ => false,
                };
            }
            _ => {}
        }
    }
    of_classes(facts, &alternatives)
}

/// What an expected output in RDF/XML says.
fn facts_of_rdf(text: &str) -> Facts {
    let attribute = |tag: &BytesStart<'_>, names: &[&str]| {
        tag.attributes().flatten().find_map(|a| {
            let name: &str = a.key.as_ref();
            let value: &str = &a.value;
            names.contains(&name).then(|| curie(value))
        })
    };
    let mut facts = Facts::new();
    let mut alternatives = BTreeSet::new();
    // names of the open elements, with the subject of each
    let mut open: Vec<(String, Option<String>)> = Vec::new();
    let (mut relation, mut conjuncts) = (String::new(), Vec::new());
    let mut content = String::new();
    // subjects of class expressions that have no place but a number
    let mut numbered: BTreeMap<String, String> = BTreeMap::new();
    let mut reader = Reader::from_str(text);
    loop {
        let event = reader.read_event().unwrap();
        let (tag, is_empty) = match &event {
            Event::Eof => break,
            Event::Start(tag) => (tag, false),
            Event::Empty(tag) => (tag, true),
            Event::Text(text) => {
                text.trim().clone_into(&mut content);
                continue;
            }
            Event::End(_) => {
                let (name, _) = open.pop().unwrap();
                let Some(x) = open
                    .first()
                    .and(open.get(1))
                    .and_then(|(_, about)| about.clone())
                else {
                    continue;
                };
                match name.as_str() {
                    "rdfs:label" => facts.insert(format!("{x} is called {content}")),
                    "owl:deprecated" => facts.insert(format!("{x} is obsolete")),
                    "oboInOwl:hasOBONamespace" => facts.insert(format!("{x} is in {content}")),
                    "oboInOwl:hasAlternativeId" => alternatives.insert(content.clone()),
                    "owl:intersectionOf" => {
                        let x = numbered.get(&x).unwrap_or(&x);
                        facts.insert(definition(x, std::mem::take(&mut conjuncts)))
                    }
                    "owl:unionOf" => {
                        let x = numbered.get(&x).unwrap_or(&x);
                        let parts = std::mem::take(&mut conjuncts).join(" or ");
                        facts.insert(format!("{x} == {parts}"))
                    }
                    _ => false,
                };
                continue;
            }
            _ => continue,
        };
        let name = tag.name().as_ref().to_owned();
        let about = attribute(tag, &["rdf:about", "rdf:nodeID"]);
        let resource = attribute(tag, &["rdf:resource"]);
        let within = |name: &str| open.iter().any(|(open, _)| open == name);
        let subject = open.get(1).and_then(|(_, about)| about.clone());
        if open.len() == 1
            && name == "owl:Class"
            && let Some(x) = &about
        {
            facts.insert(format!("{x} is a class"));
        }
        if let (Some(x), Some(y)) = (&subject, &resource) {
            match name.as_str() {
                "rdfs:subClassOf" => facts.insert(format!("{x} <= {y}")),
                "owl:equivalentClass" => facts.insert(definition(x, vec![y.clone()])),
                "owl:disjointWith" => facts.insert(format!("{x} and {y} <= nothing")),
                "obo:IAO_0100001" => facts.insert(format!("{x} is replaced by {y}")),
                "owl:onProperty" => {
                    relation.clone_from(y);
                    false
                }
                "owl:someValuesFrom" if within("owl:intersectionOf") => {
                    conjuncts.push(format!("{relation} some {y}"));
                    false
                }
                "owl:someValuesFrom" => facts.insert(format!("{x} <= {relation} some {y}")),
                _ => false,
            };
        }
        if let (Some(x), Some(node), "owl:equivalentClass") = (&subject, &about, name.as_str()) {
            numbered.insert(node.clone(), x.clone());
        }
        if (within("owl:intersectionOf") || within("owl:unionOf"))
            && name == "rdf:Description"
            && let Some(y) = &about
        {
            conjuncts.push(y.clone());
        }
        if !is_empty {
            open.push((name, about));
        }
    }
    of_classes(facts, &alternatives)
}

/// Statements about classes alone: relations have names too. Alternative ids are no classes of their own.
fn of_classes(facts: Facts, alternatives: &BTreeSet<String>) -> Facts {
    let classes: BTreeSet<String> = (facts.iter())
        .filter_map(|fact| fact.strip_suffix(" is a class"))
        .map(str::to_owned)
        .collect();
    facts
        .into_iter()
        .filter(|fact| {
            let subject = fact.split(' ').next().unwrap();
            classes.contains(subject) && !alternatives.contains(subject)
        })
        .collect()
}

/// Reads a file of a case, where it exists; a text without terms is given one, since none is refused.
fn read(path: &Path) -> Option<Facts> {
    let bytes = fs::read(path).ok()?;
    let ontology = match ontology::read(bytes.as_slice()) {
        Err(OntologyError::NoTerms) => return Some(Facts::new()),
        read => read.unwrap_or_else(|e| panic!("{}: {e}", path.display())),
    };
    Some(facts(&ontology))
}

/// Classes that are only referred to are declared in OWL, and are no terms here.
fn without_declarations(facts: &Facts) -> Facts {
    (facts.iter())
        .filter(|fact| !fact.ends_with(" is a class"))
        .cloned()
        .collect()
}

#[test]
fn every_case_says_what_its_owl_says_or_is_listed() {
    let Some(root) = shared("data/go/oak/obo-compliance") else {
        return;
    };
    let listed: BTreeMap<(&str, &str), _> = (DEVIATIONS.iter())
        .map(|(case, file, here, there, _)| ((*case, *file), (*here, *there)))
        .collect();
    let (mut cases, mut compared) = (0, 0);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(&root).unwrap() {
        let folder = entry.unwrap().path();
        let case = folder.file_name().unwrap().to_string_lossy().into_owned();
        cases += 1;
        let file = |suffix: &str| folder.join(format!("{case}.{suffix}"));
        let expected = if file("expected.ofn").exists() {
            Some(facts_of_functional_syntax(&text(&file("expected.ofn"))))
        } else if file("expected.owl").exists() {
            Some(facts_of_rdf(&text(&file("expected.owl"))))
        } else {
            None
        };
        if case.starts_with("invalid-") {
            let reason = READ_THOUGH_INVALID.iter().find(|(of, _)| *of == case);
            assert!(
                reason.is_some_and(|(_, reason)| !reason.is_empty()),
                "{case}"
            );
            assert!(
                ontology::read(fs::read(file("obo")).unwrap().as_slice()).is_ok(),
                "{case}"
            );
        }
        // without OWL the readings must at least agree with each other
        let readings: Vec<(&str, Facts)> = ["obo", "expected.obo", "expected.json"]
            .into_iter()
            .filter_map(|suffix| Some((suffix, read(&file(suffix))?)))
            .collect();
        let Some(reference) = expected.or_else(|| Some(readings.first()?.1.clone())) else {
            continue;
        };
        let reference = without_declarations(&reference);
        for (suffix, found) in &readings {
            compared += 1;
            let found = without_declarations(found);
            let here: Vec<&str> = found.difference(&reference).map(String::as_str).collect();
            let there: Vec<&str> = reference.difference(&found).map(String::as_str).collect();
            let allowed = listed.iter().find(|((c, s), _)| *c == case && s == suffix);
            if let Some((key, (h, t))) = allowed {
                seen.insert(*key);
                if (here.as_slice(), there.as_slice()) == (*h, *t) {
                    continue;
                }
            } else if here.is_empty() && there.is_empty() {
                continue;
            }
            wrong.push(format!(
                "(\"{case}\", \"{suffix}\", &{here:?}, &{there:?}, ),"
            ));
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen = listed.keys().filter(|key| !seen.contains(*key));
    assert_eq!(
        unseen.collect::<Vec<_>>(),
        Vec::<&(&str, &str)>::new(),
        "a deviation that is none"
    );
    assert!(DEVIATIONS.iter().all(|deviation| !deviation.4.is_empty()));
    assert!(
        cases >= 90 && compared >= 180,
        "{cases} cases, {compared} files"
    );
}

/// What the suite says of relations: how many statements of the role kind a text makes.
#[test]
fn role_axioms_of_the_suite_are_counted() {
    let Some(root) = shared("data/go/oak/obo-compliance") else {
        return;
    };
    for (case, file, roles) in [
        ("is_transitive", "obo", 1),
        ("typedef-is_a", "expected.obo", 1),
        ("typedef-is_a-metadata", "obo", 1),
        ("typedef-declaration", "obo", 0),
        ("typedef-inverse_of", "obo", 0),
        ("is_symmetric", "expected.obo", 0),
    ] {
        let path = root.join(case).join(format!("{case}.{file}"));
        let text = text(&path) + "\n[Term]\nid: Z:1\n";
        let ontology = ontology::read(text.as_bytes()).unwrap();
        assert_eq!(ontology.counts.role_axioms, roles, "{case}");
        assert!(ontology.counts.typedefs >= 1, "{case}");
    }
}
