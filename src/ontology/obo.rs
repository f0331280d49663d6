//! OBO 1.2 and 1.4 (<https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html>), by `fastobo`.

use super::{
    clauses::Clauses,
    error::OntologyError,
    model::{Class, Ontology, Relation, Term},
};
use fastobo::{
    ast::{
        Frame, HeaderClause, HeaderFrame, Ident, Line, TermClause, TermFrame, TypedefClause,
        TypedefFrame,
    },
    error::{Error as FastoboError, SyntaxError},
    parser::{Parser, SequentialParser},
    syntax::pest::error::{ErrorVariant, LineColLocation},
};
use std::{
    collections::{HashMap, HashSet},
    io::BufRead,
};

/// IRIs of this form are written as `PREFIX:LOCAL`.
const OBO_PURL: &str = "http://purl.obolibrary.org/obo/";

/// Reads an OBO ontology frame by frame: memory holds the graph, never the text.
///
/// # Errors
/// [`OntologyError::Syntax`] with its line, [`OntologyError::NoTerms`], or the reader's error.
pub fn read(reader: impl BufRead) -> Result<Ontology, OntologyError> {
    let mut parser = SequentialParser::new(Clauses::new(reader));
    let mut builder = Builder::default();
    builder.ontology.namespaces.push(String::new());
    for frame in &mut parser {
        match frame.map_err(describe)? {
            Frame::Header(header) => builder.header(&header),
            Frame::Term(term) => builder.term(&term),
            Frame::Typedef(typedef) => builder.typedef(&typedef),
            Frame::Instance(_) => {}
        }
    }
    let sha256 = parser.into_inner().sha256();
    builder.finish(sha256)
}

/// Puts the line of a syntax error first, and leaves out the parser's drawing of it.
fn describe(error: FastoboError) -> OntologyError {
    match error {
        FastoboError::IOError { error } => OntologyError::Io(error),
        FastoboError::SyntaxError {
            error: SyntaxError::ParserError { error },
        } => {
            let (LineColLocation::Pos((line, _)) | LineColLocation::Span((line, _), _)) =
                error.line_col;
            let message = match &error.variant {
                ErrorVariant::ParsingError { positives, .. } => {
                    let mut names: Vec<String> =
                        positives.iter().map(|rule| format!("{rule:?}")).collect();
                    names.sort();
                    names.dedup();
                    names.truncate(6);
                    format!("OBO syntax: expected {}", names.join(" or "))
                }
                ErrorVariant::CustomError { message } => format!("OBO syntax: {message}"),
            };
            OntologyError::Syntax { line, message }
        }
        other => OntologyError::Syntax {
            line: 0,
            message: other.to_string(),
        },
    }
}

/// An identifier as other files write it, without OBO's escapes.
fn text(ident: &Ident) -> String {
    match ident {
        Ident::Prefixed(id) => format!("{}:{}", id.prefix(), id.local()),
        Ident::Unprefixed(id) => id.as_str().to_owned(),
        Ident::Url(url) => compact_iri(url.as_str()),
    }
}

/// `http://purl.obolibrary.org/obo/GO_0005575` as `GO:0005575`; others unchanged.
pub(super) fn compact_iri(iri: &str) -> String {
    iri.strip_prefix(OBO_PURL)
        .and_then(|local| local.rsplit_once('_'))
        .filter(|(prefix, local)| !prefix.contains('#') && !local.is_empty())
        .map_or_else(
            || iri.to_owned(),
            |(prefix, local)| format!("{prefix}:{local}"),
        )
}

/// Whether a clause holds only in the context of its qualifiers (a general class inclusion).
fn is_gci<T>(line: &Line<T>) -> bool {
    line.qualifiers().is_some_and(|list| {
        list.iter()
            .any(|qualifier| text(qualifier.key().as_ref()).starts_with("gci_"))
    })
}

/// An ontology while it is read: relations still go by the names that the clauses use.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) ontology: Ontology,
    pub(super) relation_index: HashMap<String, Relation>,
    /// Identity of a relation by its id.
    pub(super) identities: HashMap<String, String>,
    date: String,
    /// Ids of relations that make no statement about instances.
    metadata: HashSet<String>,
}

impl Builder {
    fn header(&mut self, header: &HeaderFrame) {
        for clause in header {
            match clause {
                HeaderClause::DataVersion(version) => {
                    version
                        .as_str()
                        .clone_into(&mut self.ontology.identity.version);
                }
                HeaderClause::Date(date) => self.date = date.to_string(),
                HeaderClause::Ontology(name) => {
                    name.as_str().clone_into(&mut self.ontology.identity.name);
                }
                HeaderClause::DefaultNamespace(namespace) => {
                    self.ontology.namespaces[0] = text((**namespace).as_ref());
                }
                _ => {}
            }
        }
    }

    pub(super) fn class(&mut self, id: String) -> Class {
        self.ontology.intern(id)
    }

    pub(super) fn relation(&mut self, name: String) -> Relation {
        if let Some(&relation) = self.relation_index.get(&name) {
            return relation;
        }
        let relation =
            Relation::try_from(self.relation_index.len()).expect("fewer than 2^32 relations");
        self.ontology.relations.push(name.clone());
        self.relation_index.insert(name, relation);
        relation
    }

    pub(super) fn namespace(&mut self, name: String) -> u32 {
        let namespaces = &mut self.ontology.namespaces;
        let index = namespaces
            .iter()
            .position(|n| *n == name)
            .unwrap_or_else(|| {
                namespaces.push(name);
                namespaces.len() - 1
            });
        u32::try_from(index).expect("fewer than 2^32 namespaces")
    }

    fn term(&mut self, frame: &TermFrame) {
        let class = self.class(text(frame.id().as_inner().as_ref()));
        // frames of one id are one term (section 3.1 of the format)
        let mut term = self.ontology.terms[class as usize]
            .take()
            .unwrap_or_else(|| {
                self.ontology.order.push(class);
                self.ontology.counts.terms += 1;
                Term::default()
            });
        for line in frame.clauses() {
            if is_gci(line) {
                self.ontology.counts.gci_skipped += 1;
                continue;
            }
            match line.as_inner() {
                TermClause::Name(name) => name.as_str().clone_into(&mut term.name),
                TermClause::Namespace(name) => {
                    term.namespace = self.namespace(text((**name).as_ref()));
                }
                TermClause::AltId(id) => {
                    self.ontology.counts.alt_id += 1;
                    let alternative = self.class(text(id));
                    self.ontology
                        .alternatives
                        .entry(alternative)
                        .or_insert(class);
                }
                TermClause::IsA(id) => term.is_a.push(self.class(text((**id).as_ref()))),
                TermClause::IntersectionOf(relation, id) => {
                    let relation = relation
                        .as_ref()
                        .map(|relation| self.relation(text((**relation).as_ref())));
                    let filler = self.class(text((**id).as_ref()));
                    term.intersection_of.push((relation, filler));
                }
                TermClause::UnionOf(_) => self.ontology.counts.union_of_skipped += 1,
                TermClause::EquivalentTo(id) => {
                    term.equivalent_to.push(self.class(text((**id).as_ref())));
                }
                TermClause::DisjointFrom(id) => {
                    term.disjoint_from.push(self.class(text((**id).as_ref())));
                }
                TermClause::Relationship(relation, id) => {
                    let relation = self.relation(text((**relation).as_ref()));
                    let target = self.class(text((**id).as_ref()));
                    term.relationships.push((relation, target));
                }
                TermClause::IsObsolete(obsolete) => term.obsolete = *obsolete,
                TermClause::ReplacedBy(id) => {
                    self.ontology.counts.replaced_by += 1;
                    term.replaced_by.push(self.class(text((**id).as_ref())));
                }
                _ => {}
            }
        }
        self.ontology.terms[class as usize] = Some(term);
    }

    fn typedef(&mut self, frame: &TypedefFrame) {
        let id = text(frame.id().as_inner().as_ref());
        let counts = &mut self.ontology.counts;
        counts.typedefs += 1;
        let mut identity = None;
        for line in frame.clauses() {
            match line.as_inner() {
                TypedefClause::Xref(xref) if identity.is_none() => identity = Some(text(xref.id())),
                TypedefClause::IsMetadataTag(true) | TypedefClause::IsClassLevel(true) => {
                    self.metadata.insert(id.clone());
                }
                TypedefClause::IsA(_)
                | TypedefClause::IsTransitive(true)
                | TypedefClause::TransitiveOver(_)
                | TypedefClause::HoldsOverChain(..) => counts.role_axioms += 1,
                _ => {}
            }
        }
        if let Some(identity) = identity {
            self.identities.entry(id).or_insert(identity);
        }
    }

    /// `never_in_taxon` and the like say nothing of the form "some R.Y".
    fn drop_metadata(&mut self) {
        let Ontology {
            terms,
            counts,
            relations,
            ..
        } = &mut self.ontology;
        for term in terms.iter_mut().flatten() {
            let before = term.relationships.len();
            term.relationships
                .retain(|(relation, _)| !self.metadata.contains(&relations[*relation as usize]));
            counts.metadata_skipped += (before - term.relationships.len()) as u64;
        }
    }

    /// Gives relations their identities and counts what the terms assert.
    pub(super) fn finish(mut self, sha256: String) -> Result<Ontology, OntologyError> {
        if self.ontology.order.is_empty() {
            return Err(OntologyError::NoTerms);
        }
        let identity = &mut self.ontology.identity;
        identity.sha256 = sha256;
        if identity.version.is_empty() {
            identity.version.clone_from(&self.date);
        }
        self.drop_metadata();
        let mut unique: Vec<String> = Vec::new();
        let renumbered: Vec<Relation> = self
            .ontology
            .relations
            .iter()
            .map(|name| {
                let identity = self.identities.get(name).unwrap_or(name);
                let index = unique
                    .iter()
                    .position(|u| u == identity)
                    .unwrap_or_else(|| {
                        unique.push(identity.clone());
                        unique.len() - 1
                    });
                Relation::try_from(index).expect("no more than before")
            })
            .collect();
        self.ontology.relations = unique;
        for term in self.ontology.terms.iter_mut().flatten() {
            for (relation, _) in &mut term.relationships {
                *relation = renumbered[*relation as usize];
            }
            for (relation, _) in &mut term.intersection_of {
                *relation = relation.map(|r| renumbered[r as usize]);
            }
        }
        let Ontology {
            terms,
            counts,
            relations,
            ..
        } = &mut self.ontology;
        for term in terms.iter().flatten() {
            counts.obsolete += u64::from(term.obsolete);
            counts.is_a += term.is_a.len() as u64;
            counts.intersection_of += u64::from(!term.intersection_of.is_empty());
            counts.disjoint_from += term.disjoint_from.len() as u64;
            counts.equivalent_to += term.equivalent_to.len() as u64;
            for (relation, _) in &term.relationships {
                *counts
                    .relationship
                    .entry(relations[*relation as usize].clone())
                    .or_default() += 1;
            }
        }
        Ok(self.ontology)
    }
}
