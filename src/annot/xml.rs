//! XML record by record: each wanted element becomes a small tree, and memory holds one of them.

use super::error::AnnotError;
use crate::seq::lines::CountLines;
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};
use std::io::{self, BufRead};

/// Elements nest no deeper than this in any of the formats.
const MAX_DEPTH: usize = 64;

/// An element with everything in it.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

impl Node {
    /// The value of an attribute, or an empty string.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }

    /// Elements of a name directly below.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> + Clone {
        self.children.iter().filter(move |node| node.name == name)
    }

    /// The first of them.
    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|node| node.name == name)
    }

    /// Its text, or an empty string.
    pub(super) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |node| node.text.trim())
    }
}

/// Local name of the first element of a document, whose beginning this is; none where there is none.
pub(super) fn root(beginning: &str) -> Option<&str> {
    let mut rest = beginning.trim_start();
    loop {
        let inside = rest.strip_prefix('<')?;
        let end = match inside {
            comment if comment.starts_with("!--") => "-->",
            instruction if instruction.starts_with('?') => "?>",
            declaration if declaration.starts_with('!') => ">",
            element => {
                let is_end = |c: char| c.is_whitespace() || matches!(c, '>' | '/');
                let name = element.split(is_end).next()?;
                return name.rsplit(':').next();
            }
        };
        rest = inside.split_once(end)?.1.trim_start();
    }
}

/// Calls `each` with every element of the given name, wherever it is, and the line of its beginning.
pub(super) fn records(
    reader: impl BufRead,
    record: &str,
    mut each: impl FnMut(u64, &Node) -> Result<(), AnnotError>,
) -> Result<(), AnnotError> {
    let (reader, lines) = CountLines::new(reader);
    let mut reader = Reader::from_reader(reader);
    let mut buffer = Vec::new();
    let mut elements = Elements::default();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let line = lines.get() + 1;
        let event = event.map_err(|error| describe(error, line))?;
        match event {
            Event::Start(start) => elements.start(&start, record, line)?,
            Event::Empty(start) => {
                if let Some(parent) = elements.open.last_mut() {
                    parent.children.push(node(&start, line)?);
                }
            }
            Event::End(_) => {
                if let Some(node) = elements.end() {
                    each(elements.begun, &node)?;
                }
            }
            Event::Text(text) => elements.push_text(&text),
            Event::CData(text) => elements.push_text(&text),
            Event::GeneralRef(reference) => {
                let letter = reference.resolve_char_ref();
                match letter.map_err(|error| describe(error, line))? {
                    Some(letter) => elements.push_text(letter.encode_utf8(&mut [0; 4])),
                    None => elements
                        .push_text(resolve_predefined_entity(&reference).unwrap_or_default()),
                }
            }
            Event::Eof => return elements.finish(line),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// The elements that are open at a place in a document.
#[derive(Default)]
struct Elements {
    /// Those outside of any record.
    outside: usize,
    /// The record and what is open in it, from the outside in.
    open: Vec<Node>,
    /// Line at which the record began.
    begun: u64,
}

impl Elements {
    fn start(&mut self, start: &BytesStart<'_>, record: &str, line: u64) -> Result<(), AnnotError> {
        if self.open.is_empty() {
            if start.local_name().as_ref() != record {
                self.outside += 1;
                return Ok(());
            }
            self.begun = line;
        }
        if self.open.len() == MAX_DEPTH {
            return Err(AnnotError::record(line, "elements nest too deeply"));
        }
        self.open.push(node(start, line)?);
        Ok(())
    }

    /// Closes an element; the record, where it was that.
    fn end(&mut self) -> Option<Node> {
        let Some(node) = self.open.pop() else {
            self.outside = self.outside.saturating_sub(1);
            return None;
        };
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(node);
                None
            }
            None => Some(node),
        }
    }

    fn push_text(&mut self, text: &str) {
        if let Some(node) = self.open.last_mut() {
            node.text.push_str(text);
        }
    }

    fn finish(&self, line: u64) -> Result<(), AnnotError> {
        if self.outside > 0 || !self.open.is_empty() {
            return Err(AnnotError::record(
                line,
                "the XML is cut off: elements are still open at its end",
            ));
        }
        Ok(())
    }
}

fn node(start: &BytesStart<'_>, line: u64) -> Result<Node, AnnotError> {
    let mut node = Node {
        name: start.local_name().as_ref().to_owned(),
        ..Node::default()
    };
    for attribute in start.attributes() {
        let attribute =
            attribute.map_err(|error| AnnotError::record(line, format!("XML: {error}")))?;
        let value = attribute
            .normalized_value(XmlVersion::default())
            .map_err(|error| describe(error, line))?;
        let name = attribute.key.local_name().as_ref().to_owned();
        node.attributes.push((name, value.into_owned()));
    }
    Ok(node)
}

fn describe(error: quick_xml::Error, line: u64) -> AnnotError {
    match error {
        quick_xml::Error::Io(error) => {
            AnnotError::Io(io::Error::new(error.kind(), error.to_string()))
        }
        other => AnnotError::record(line, format!("XML: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, String, String)>, AnnotError> {
        let mut found = Vec::new();
        records(text.as_bytes(), "e", |line, node| {
            found.push((
                line,
                node.attribute("a").to_owned(),
                node.text_of("t").to_owned(),
            ));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn records_come_with_their_lines() {
        let found = read("<?xml version=\"1.0\"?>\n<r xmlns:x=\"y\">\n<x:e a=\"1 &amp; 2\"><t>p&lt;q &#65;</t></x:e>\n<e/><e a=\"3\"><u/></e></r>").unwrap();
        assert_eq!(found[0], (3, "1 & 2".into(), "p<q A".into()));
        assert_eq!(found[1], (4, "3".into(), String::new()));
    }

    #[test]
    fn the_root_is_the_first_element_whatever_comments_say() {
        for (text, name) in [
            ("<uniprot xmlns=\"x\">", Some("uniprot")),
            (
                "<?xml version=\"1.0\"?>\n<!-- <uniprot> -->\n<!DOCTYPE x>\n<p:other/>",
                Some("other"),
            ),
            ("<uniprots>", Some("uniprots")),
            ("<!-- <uniprot>", None),
            ("text <uniprot>", None),
        ] {
            assert_eq!(root(text), name, "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_or_mismatched_is_refused() {
        assert!(read("<r><e a=\"1\"><t>").is_err());
        assert!(read("<r><e></e>").is_err());
        assert!(read("<r><e></r></e>").is_err());
        assert!(read("<r><e a=\"1></e></r>").is_err());
        assert!(read(&format!("<e>{}", "<d>".repeat(100))).is_err());
        assert!(read("").unwrap().is_empty());
    }
}
