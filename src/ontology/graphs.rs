//! OBO Graphs JSON (<https://github.com/geneontology/obographs>).

use super::{
    error::OntologyError,
    frames::is_context,
    iri::{compact_iri, local_name},
    model::{Conjunct, Ontology, Relationship, Term},
    obo::Builder,
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    io::{self, Read},
};

#[derive(Debug, Deserialize)]
struct Document {
    graphs: Vec<Graph>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Graph {
    #[serde(default)]
    id: String,
    /// Of which the version matters; whatever else it holds may be of any form.
    #[serde(default)]
    meta: Value,
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    edges: Vec<Edge>,
    #[serde(default)]
    equivalent_nodes_sets: Vec<EquivalentNodes>,
    #[serde(default)]
    logical_definition_axioms: Vec<Definition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    deprecated: bool,
    subsets: Vec<String>,
    basic_property_values: Vec<Property>,
}

#[derive(Debug, Deserialize)]
struct Property {
    pred: String,
    #[serde(default)]
    val: String,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    #[serde(default)]
    lbl: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    sub: String,
    pred: String,
    obj: String,
    #[serde(default)]
    meta: Option<Qualifiers>,
}

/// What holds of an axiom itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Qualifiers {
    basic_property_values: Vec<Qualifier>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Qualifier {
    pred: String,
}

/// Whether an axiom holds only in the context of its qualifiers (a general class inclusion).
fn is_context_only(qualifiers: Option<&Qualifiers>) -> bool {
    let values = qualifiers.map(|qualifiers| &qualifiers.basic_property_values);
    let mut values = values.into_iter().flatten();
    values.any(|qualifier| is_context(&qualifier.pred))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EquivalentNodes {
    #[serde(default)]
    node_ids: Vec<String>,
    #[serde(default)]
    meta: Option<Qualifiers>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    defined_class_id: String,
    #[serde(default)]
    genus_ids: Vec<String>,
    #[serde(default)]
    restrictions: Vec<Restriction>,
    #[serde(default)]
    meta: Option<Qualifiers>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restriction {
    property_id: String,
    filler_id: String,
}

/// Edges between relations.
const ROLE_EDGES: [&str; 2] = ["subPropertyOf", "inverseOf"];

const NAMESPACE: &str = "hasOBONamespace";
const ALTERNATIVE: &str = "hasAlternativeId";
const REPLACED_BY: &str = "IAO_0100001";

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

/// Reads an OBO Graphs document; of several graphs all are one ontology.
///
/// # Errors
/// [`OntologyError::Graphs`] for JSON of another kind or cut off, [`OntologyError::NoTerms`], or
/// the reader's error.
pub fn read(reader: impl Read) -> Result<Ontology, OntologyError> {
    let hashing = Hashing {
        inner: reader,
        hasher: Sha256::new(),
    };
    let mut reader = io::BufReader::with_capacity(1 << 16, hashing);
    let document: Document = serde_json::from_reader(&mut reader).map_err(|error| {
        if error.is_io() {
            OntologyError::Io(error.into())
        } else {
            OntologyError::Graphs {
                message: error.to_string(),
            }
        }
    })?;
    let sha256 = crate::hash::hex(&reader.into_inner().hasher.finalize());
    let mut builder = Builder::default();
    builder.ontology.namespaces.push(String::new());
    for graph in &document.graphs {
        builder.graph(graph);
    }
    builder.finish(sha256)
}

impl Builder {
    fn graph(&mut self, graph: &Graph) {
        self.identify(graph);
        let properties = self.nodes(&graph.nodes);
        let nodes: HashSet<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
        for edge in &graph.edges {
            self.edge(edge, &nodes, &properties);
        }
        for definition in &graph.logical_definition_axioms {
            self.definition(definition, &nodes);
        }
        for set in &graph.equivalent_nodes_sets {
            self.equivalence(set, &nodes);
        }
    }

    /// Name and version of the first graph that has them.
    fn identify(&mut self, graph: &Graph) {
        let identity = &mut self.ontology.identity;
        if identity.name.is_empty() {
            let name = graph.id.rsplit('/').next().unwrap_or_default();
            name.trim_end_matches(".owl").clone_into(&mut identity.name);
        }
        if let Some(version) = graph.meta.get("version").and_then(Value::as_str)
            && identity.version.is_empty()
        {
            version.clone_into(&mut identity.version);
        }
    }

    /// Takes the classes; the properties among the nodes.
    fn nodes<'a>(&mut self, nodes: &'a [Node]) -> HashSet<&'a str> {
        let mut properties = HashSet::new();
        for node in nodes {
            match node.kind.as_deref() {
                Some("CLASS") => self.node(node),
                Some("PROPERTY") => {
                    self.ontology.counts.typedefs += 1;
                    properties.insert(node.id.as_str());
                }
                // individuals, and nodes that are only referred to
                _ => {}
            }
        }
        properties
    }

    /// `is_a` or a relationship.
    fn edge(&mut self, edge: &Edge, nodes: &HashSet<&str>, properties: &HashSet<&str>) {
        if properties.contains(edge.sub.as_str()) || ROLE_EDGES.contains(&edge.pred.as_str()) {
            self.ontology.counts.role_axioms += 1;
            return;
        }
        self.declare(&edge.sub, nodes);
        if is_context_only(edge.meta.as_ref()) {
            self.ontology.counts.gci_skipped += 1;
            return;
        }
        let class = self.class(compact_iri(&edge.obj));
        if edge.pred == "is_a" {
            if let Some(term) = self.of(&edge.sub) {
                term.is_a.push(class);
            }
        } else {
            let relation = self.relation(compact_iri(&edge.pred));
            if let Some(term) = self.of(&edge.sub) {
                term.relationships.push(Relationship { relation, class });
            }
        }
    }

    /// `intersection_of`.
    fn definition(&mut self, definition: &Definition, nodes: &HashSet<&str>) {
        if is_context_only(definition.meta.as_ref()) {
            // counted by its parts, which are clauses of their own in OBO
            let parts = definition.genus_ids.len() + definition.restrictions.len();
            self.ontology.counts.gci_skipped += parts as u64;
            return;
        }
        let mut conjuncts = Vec::new();
        for genus in &definition.genus_ids {
            conjuncts.push(Conjunct::Genus(self.class(compact_iri(genus))));
        }
        for restriction in &definition.restrictions {
            conjuncts.push(Conjunct::Differentia(Relationship {
                relation: self.relation(compact_iri(&restriction.property_id)),
                class: self.class(compact_iri(&restriction.filler_id)),
            }));
        }
        self.declare(&definition.defined_class_id, nodes);
        if let Some(term) = self.of(&definition.defined_class_id) {
            term.intersection_of.extend(conjuncts);
        }
    }

    /// `equivalent_to`: the others are what the first of the set is.
    fn equivalence(&mut self, set: &EquivalentNodes, nodes: &HashSet<&str>) {
        let Some((first, others)) = set.node_ids.split_first() else {
            return;
        };
        if is_context_only(set.meta.as_ref()) {
            self.ontology.counts.gci_skipped += others.len() as u64;
            return;
        }
        self.declare(first, nodes);
        for other in others {
            let other = self.class(compact_iri(other));
            if let Some(term) = self.of(first) {
                term.equivalent_to.push(other);
            }
        }
    }

    /// A class that has axioms but no node of its own is a term without a name.
    fn declare(&mut self, iri: &str, nodes: &HashSet<&str>) {
        let class = self.class(compact_iri(iri));
        if self.ontology.terms[class as usize].is_none() && !nodes.contains(iri) {
            self.ontology.terms[class as usize] = Some(Term::default());
            self.ontology.order.push(class);
            self.ontology.counts.terms += 1;
        }
    }

    /// The term of an IRI, where it is one.
    fn of(&mut self, iri: &str) -> Option<&mut Term> {
        let class = self.class(compact_iri(iri));
        self.ontology.terms[class as usize].as_mut()
    }

    fn node(&mut self, node: &Node) {
        let class = self.class(compact_iri(&node.id));
        let mut term = Term {
            name: node.lbl.clone().unwrap_or_default(),
            ..Term::default()
        };
        if let Some(meta) = &node.meta {
            term.obsolete = meta.deprecated;
            term.subsets = meta.subsets.iter().map(|name| local_name(name)).collect();
            for property in &meta.basic_property_values {
                let name = property.pred.rsplit(['#', '/']).next().unwrap_or_default();
                match name {
                    NAMESPACE => term.namespace = self.namespace(property.val.clone()),
                    ALTERNATIVE => {
                        self.ontology.counts.alt_id += 1;
                        let alternative = self.class(compact_iri(&property.val));
                        self.ontology
                            .alternatives
                            .entry(alternative)
                            .or_insert(class);
                    }
                    REPLACED_BY => {
                        self.ontology.counts.replaced_by += 1;
                        term.replaced_by
                            .push(self.class(compact_iri(&property.val)));
                    }
                    _ => {}
                }
            }
        }
        if self.ontology.terms[class as usize].replace(term).is_none() {
            self.ontology.order.push(class);
            self.ontology.counts.terms += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::obo;

    fn json(edge_meta: &str, more: &str) -> String {
        let node = |n: u32| {
            format!(r#"{{"id": "http://purl.obolibrary.org/obo/X_{n}", "type": "CLASS"}}"#)
        };
        let edge = |pred: &str, meta: &str| {
            format!(
                r#"{{"sub": "http://purl.obolibrary.org/obo/X_1", "pred": "{pred}", "obj": "http://purl.obolibrary.org/obo/X_2"{meta}}}"#
            )
        };
        let plain = r#"{"sub": "http://purl.obolibrary.org/obo/X_3", "pred": "is_a", "obj": "http://purl.obolibrary.org/obo/X_2"}"#;
        format!(
            r#"{{"graphs": [{{"id": "x", "nodes": [{}, {}, {}], "edges": [{}, {}, {plain}]{more}}}]}}"#,
            node(1),
            node(2),
            node(3),
            edge("is_a", edge_meta),
            edge("http://purl.obolibrary.org/obo/R_1", edge_meta),
        )
    }

    #[test]
    fn axioms_of_a_context_are_skipped_in_graphs_as_in_obo() {
        let stanza = |n: u32, clauses: &str| format!("[Term]\nid: X:{n}\n{clauses}\n");
        for qualifier in ["gci_relation", "gci_predicate", "gci_filler"] {
            let context = format!("{{{qualifier}=\"X:3\"}}");
            let obo = stanza(
                1,
                &format!(
                    "is_a: X:2 {context}\nrelationship: R:1 X:2 {context}\nintersection_of: X:2\n\
                     intersection_of: R:1 X:3 {context}\nequivalent_to: X:2 {context}\n"
                ),
            ) + &stanza(2, "")
                + &stanza(3, "is_a: X:2");
            let iri = format!("http://www.geneontology.org/formats/oboInOwl#{qualifier}");
            let meta = format!(
                r#", "meta": {{"basicPropertyValues": [{{"pred": "{iri}", "val": "X:3"}}]}}"#
            );
            let more = format!(
                r#", "logicalDefinitionAxioms": [{{"definedClassId": "http://purl.obolibrary.org/obo/X_1",
                "genusIds": ["http://purl.obolibrary.org/obo/X_2"], "restrictions": [{{"propertyId":
                "http://purl.obolibrary.org/obo/R_1", "fillerId": "http://purl.obolibrary.org/obo/X_3"}}]{meta}}}],
                "equivalentNodesSets": [{{"nodeIds": ["http://purl.obolibrary.org/obo/X_1",
                "http://purl.obolibrary.org/obo/X_2"]{meta}}}]"#
            );
            let by_obo = obo::read(obo.as_bytes()).unwrap();
            let by_json = read(json(&meta, &more).as_bytes()).unwrap();
            assert_eq!(by_obo.counts.gci_skipped, 5, "{qualifier}");
            assert_eq!(by_json.counts, by_obo.counts, "{qualifier}");
            assert_eq!((by_obo.counts.is_a, by_obo.counts.intersection_of), (1, 0));
        }
        // other remarks on an axiom do not bind it to a context
        let meta = r#", "meta": {"basicPropertyValues": [{"pred": "source", "val": "x"}], "xrefs": [{"val": "y"}]}"#;
        let ontology = read(json(meta, "").as_bytes()).unwrap();
        assert_eq!((ontology.counts.is_a, ontology.counts.gci_skipped), (2, 0));
    }

    #[test]
    fn what_a_graph_says_of_itself_refuses_nothing() {
        for meta in [
            r#"{"version": 7}"#,
            r#"{"version": null, "basicPropertyValues": "none"}"#,
            r#""a remark""#,
            r#"{"basicPropertyValues": [{"val": true}]}"#,
        ] {
            let text = json("", &format!(", \"meta\": {meta}"));
            let ontology = read(text.as_bytes()).unwrap_or_else(|e| panic!("{meta}: {e}"));
            assert_eq!(ontology.identity.version, "", "{meta}");
        }
        let text = json("", r#", "meta": {"version": "v1"}"#);
        assert_eq!(read(text.as_bytes()).unwrap().identity.version, "v1");
    }
}
