//! Chunks of an OBO text to plain frames, by `fastobo`: what threads can pass on.

use super::{clauses::Chunk, error::OntologyError, obo::compact_iri};
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
    /// One that holds only in the context of its qualifiers (a general class inclusion).
    ContextOnly,
    Name(String),
    Namespace(String),
    AltId(String),
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
    for frame in SequentialParser::new(chunk.text.as_bytes()) {
        match frame.map_err(|error| describe(error, chunk))? {
            ast::Frame::Header(clauses) => frames.push(Frame::Header(header(&clauses))),
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
            ast::Frame::Instance(_) => {}
        }
    }
    Ok(frames)
}

fn header(clauses: &ast::HeaderFrame) -> Header {
    let mut header = Header::default();
    for clause in clauses {
        match clause {
            HeaderClause::DataVersion(version) => header.version = Some(version.as_str().into()),
            HeaderClause::Date(date) => header.date = Some(date.to_string()),
            HeaderClause::Ontology(name) => header.name = Some(name.as_str().into()),
            HeaderClause::DefaultNamespace(name) => {
                header.namespace = Some(text((**name).as_ref()));
            }
            _ => {}
        }
    }
    header
}

fn clause(line: &Line<TermClause>) -> Option<Clause> {
    if is_context_only(line) {
        return Some(Clause::ContextOnly);
    }
    Some(match line.as_inner() {
        // what stands before a list of qualifiers ends in a blank
        TermClause::Name(name) => Clause::Name(name.as_str().trim_end().to_owned()),
        TermClause::Namespace(name) => Clause::Namespace(text((**name).as_ref())),
        TermClause::AltId(id) => Clause::AltId(text(id)),
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

/// Qualifiers that name the context in which alone a clause holds.
const CONTEXT: [&str; 2] = ["gci_relation", "gci_filler"];

fn is_context_only<T>(line: &Line<T>) -> bool {
    line.qualifiers().is_some_and(|list| {
        list.iter()
            .any(|qualifier| CONTEXT.contains(&text(qualifier.key().as_ref()).as_str()))
    })
}

/// Puts the line of a syntax error first, and leaves out the parser's drawing of it.
fn describe(error: FastoboError, chunk: &Chunk) -> OntologyError {
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
            let line = chunk.line(line);
            OntologyError::Syntax { line, message }
        }
        other => OntologyError::Syntax {
            line: chunk.line(1),
            message: other.to_string(),
        },
    }
}
