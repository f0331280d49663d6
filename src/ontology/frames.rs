//! Chunks of an OBO text to plain frames, by `fastobo`: what threads can pass on.

use super::{clauses::Chunk, error::OntologyError, iri::compact_iri};
use fastobo::{
    ast::{self, HeaderClause, Ident, Line, TermClause},
    error::{Error as FastoboError, SyntaxError},
    parser::{Parser, SequentialParser},
    syntax::pest::error::{ErrorVariant, LineColLocation},
};

/// A frame of the text.
pub(super) enum Frame {
    /// Before the first stanza.
    Header(Header),
    /// A `[Term]`: its id and clauses.
    Term(String, Vec<Clause>),
    /// A `[Typedef]`: its id and clauses.
    Typedef(String, Vec<TypedefClause>),
}

/// What the header says, each where it does.
#[derive(Default)]
pub(super) struct Header {
    pub(super) version: Option<String>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) date: Option<String>,
}

/// A clause of a term; ids as other files write them.
pub(super) enum Clause {
    /// One that holds only in the context of its qualifiers (a general class inclusion); a definition does so as a
    /// whole.
    ContextOnly {
        of_definition: bool,
    },
    Name(String),
    Namespace(String),
    AltId(String),
    Subset(String),
    IsA(String),
    IntersectionOf(Option<String>, String),
    UnionOf,
    EquivalentTo(String),
    DisjointFrom(String),
    Relationship(String, String),
    IsObsolete(bool),
    ReplacedBy(String),
}

/// A clause of a relation.
pub(super) enum TypedefClause {
    Xref(String),
    /// It makes no statement about instances.
    Metadata,
    RoleAxiom,
}

/// Parses a chunk.
pub(super) fn parse(chunk: &Chunk) -> Result<Vec<Frame>, OntologyError> {
    let mut frames = Vec::new();
    let parts = chunk.split_header();
    if !parts.header.is_empty() {
        frames.push(Frame::Header(header(parts.header)));
    }
    for frame in SequentialParser::new(parts.stanzas.as_bytes()) {
        match frame.map_err(|error| describe(error, chunk, parts.header_lines))? {
            ast::Frame::Term(frame) => frames.push(Frame::Term(
                text(frame.id().as_inner().as_ref()),
                frame.clauses().iter().filter_map(clause).collect(),
            )),
            ast::Frame::Typedef(frame) => frames.push(Frame::Typedef(
                text(frame.id().as_inner().as_ref()),
                (frame.clauses().iter())
                    .filter_map(|line| typedef_clause(line.as_inner()))
                    .collect(),
            )),
            // it is empty: the header's lines are read one by one
            ast::Frame::Header(_) | ast::Frame::Instance(_) => {}
        }
    }
    Ok(frames)
}

/// Reads the header line by line. It names the ontology and says nothing of its terms, so a value that is malformed (a
/// date in another form) is taken as it is written.
fn header(lines: &str) -> Header {
    let mut header = Header::default();
    for line in lines.lines() {
        let clauses = SequentialParser::new(format!("{line}\n").as_bytes()).next();
        match clauses {
            Some(Ok(ast::Frame::Header(clauses))) if clauses.len() == 1 => {
                clauses.iter().for_each(|clause| header.take(clause));
            }
            _ => header.take_as_written(line),
        }
    }
    header
}

impl Header {
    fn take(&mut self, clause: &HeaderClause) {
        match clause {
            HeaderClause::DataVersion(version) => self.version = Some(version.as_str().into()),
            HeaderClause::Date(date) => self.date = Some(date.to_string()),
            HeaderClause::Ontology(name) => self.name = Some(name.as_str().into()),
            HeaderClause::DefaultNamespace(name) => {
                self.namespace = Some(text((**name).as_ref()));
            }
            _ => {}
        }
    }

    fn take_as_written(&mut self, line: &str) {
        let Some((tag, value)) = line.split_once(':') else {
            return;
        };
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match tag.trim_end() {
            "data-version" => self.version = value,
            "date" => self.date = value,
            "ontology" => self.name = value,
            "default-namespace" => self.namespace = value,
            _ => {}
        }
    }
}

fn clause(line: &Line<TermClause>) -> Option<Clause> {
    if is_context_only(line) {
        let of_definition = matches!(line.as_inner(), TermClause::IntersectionOf(..));
        return Some(Clause::ContextOnly { of_definition });
    }
    Some(match line.as_inner() {
        // what stands before a list of qualifiers ends in a blank
        TermClause::Name(name) => Clause::Name(name.as_str().trim_end().to_owned()),
        TermClause::Namespace(name) => Clause::Namespace(text((**name).as_ref())),
        TermClause::AltId(id) => Clause::AltId(text(id)),
        TermClause::Subset(name) => Clause::Subset(text((**name).as_ref())),
        TermClause::IsA(id) => Clause::IsA(text((**id).as_ref())),
        TermClause::IntersectionOf(relation, id) => Clause::IntersectionOf(
            relation
                .as_ref()
                .map(|relation| text((**relation).as_ref())),
            text((**id).as_ref()),
        ),
        TermClause::UnionOf(_) => Clause::UnionOf,
        TermClause::EquivalentTo(id) => Clause::EquivalentTo(text((**id).as_ref())),
        TermClause::DisjointFrom(id) => Clause::DisjointFrom(text((**id).as_ref())),
        TermClause::Relationship(relation, id) => {
            Clause::Relationship(text((**relation).as_ref()), text((**id).as_ref()))
        }
        TermClause::IsObsolete(obsolete) => Clause::IsObsolete(*obsolete),
        TermClause::ReplacedBy(id) => Clause::ReplacedBy(text((**id).as_ref())),
        _ => return None,
    })
}

fn typedef_clause(clause: &ast::TypedefClause) -> Option<TypedefClause> {
    match clause {
        ast::TypedefClause::Xref(xref) => Some(TypedefClause::Xref(text(xref.id()))),
        ast::TypedefClause::IsMetadataTag(true) | ast::TypedefClause::IsClassLevel(true) => {
            Some(TypedefClause::Metadata)
        }
        ast::TypedefClause::IsA(_)
        | ast::TypedefClause::IsTransitive(true)
        | ast::TypedefClause::TransitiveOver(_)
        | ast::TypedefClause::HoldsOverChain(..) => Some(TypedefClause::RoleAxiom),
        _ => None,
    }
}

/// An identifier as other files write it, without OBO's escapes.
fn text(ident: &Ident) -> String {
    match ident {
        Ident::Prefixed(id) => {
            let (prefix, local) = (id.prefix(), id.local());
            let mut text = String::with_capacity(prefix.len() + 1 + local.len());
            text.push_str(prefix);
            text.push(':');
            text.push_str(local);
            text
        }
        Ident::Unprefixed(id) => id.as_str().to_owned(),
        Ident::Url(url) => compact_iri(url.as_str()),
    }
}

/// Qualifiers that name the context in which alone an axiom holds: of clauses of OBO, and of edges of OBO Graphs.
const CONTEXT: [&str; 3] = ["gci_relation", "gci_predicate", "gci_filler"];

/// Whether a qualifier, by its name or its IRI, names such a context.
pub(super) fn is_context(qualifier: &str) -> bool {
    let local = qualifier.rsplit(['/', '#', ':']).next();
    local.is_some_and(|local| CONTEXT.contains(&local))
}

fn is_context_only<T>(line: &Line<T>) -> bool {
    line.qualifiers().is_some_and(|list| {
        list.iter()
            .any(|qualifier| is_context(&text(qualifier.key().as_ref())))
    })
}

/// Puts the line of a syntax error first, and leaves out the parser's drawing of it; the parser did not see the lines
/// that were passed.
fn describe(error: FastoboError, chunk: &Chunk, passed: usize) -> OntologyError {
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
            let line = chunk.line(passed + line);
            OntologyError::Syntax { line, message }
        }
        other => OntologyError::Syntax {
            line: chunk.line(passed + 1),
            message: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::ontology::obo;

    #[test]
    fn no_clause_of_the_header_refuses_a_file() {
        let terms = "\n[Term]\nid: A:1\nname: a\n";
        for (header, version, name, namespace) in [
            ("format-version: 9.9\nontology: x\n", "", "x", ""),
            ("date: yesterday\n", "yesterday", "", ""),
            (
                "date: 2026-03-25\ndata-version: releases/1\n",
                "releases/1",
                "",
                "",
            ),
            (
                "date: 31:02:2026\ndate: 25:03:2026 10:11\n",
                "25:03:2026 10:11",
                "",
                "",
            ),
            ("date:\n", "", "", ""),
            (
                "remark: \"never closed\nsubsetdef: x\nidspace: :\nno clause at all\nimport\nproperty_value: {\n: x\n\
                 synonymtypedef: a \"b\nnamespace-id-rule: *\nauto-generated-by: \\\nowl-axioms: )\nontology: x\n",
                "",
                "x",
                "",
            ),
        ] {
            let text = format!("{header}{terms}");
            let ontology = obo::read(text.as_bytes()).unwrap_or_else(|e| panic!("{header}: {e}"));
            let identity = &ontology.identity;
            assert_eq!(
                (
                    identity.version.as_str(),
                    identity.name.as_str(),
                    ontology.namespaces[0].as_str()
                ),
                (version, name, namespace),
                "{header}"
            );
            assert_eq!(ontology.counts.terms, 1);
        }
        // nor one that is no text
        let bytes = b"date: \xff\nremark: caf\xe9\n\n[Term]\nid: A:1\n";
        assert!(obo::read(&bytes[..]).is_ok());
        // lines behind the header keep their numbers
        let error = obo::read(&b"ontology: x\ndate: no\nremark: y\n\n[Term]\nid: A:1\nis_a:\n"[..])
            .unwrap_err();
        assert!(error.to_string().starts_with("line 7: "), "{error}");
    }
}
