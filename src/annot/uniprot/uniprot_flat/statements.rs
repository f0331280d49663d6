//! What an entry of the flat file says of its protein.

use super::{Code, Entry, WANTED_COMMENTS};
use crate::annot::{
    collect::{Collector, Fingerprint, Observation},
    concept::ConceptKind,
    error::AnnotError,
    evidence::eco_ids,
    feature_names::FeatureNames,
    identifiers::is_curie,
    interpro::interproscan,
    lines::trimmed,
    position::Place,
    uniprot::{
        comment,
        flat_feature::{self, append},
    },
};

impl Entry {
    /// Makes labels of the entry.
    pub(crate) fn put(
        &self,
        collector: &mut Collector,
        names: &mut FeatureNames,
    ) -> Result<(), AnnotError> {
        let Some(protein) = collector.choose_accession(accessions(&self.accessions)) else {
            return Err(AnnotError::record(
                self.line,
                "an entry without an accession",
            ));
        };
        if self.in_sequence {
            let fingerprint = Fingerprint {
                length: self.length,
                crc64: self.found_crc64,
                md5: None,
            };
            collector.check_sequence(protein, fingerprint, self.line)?;
        }
        let before = collector.row_count();
        self.put_statements(collector, protein, names)?;
        if collector.row_count() > before {
            collector.keep_sequence(protein, &self.sequence);
        }
        Ok(())
    }

    fn put_statements(
        &self,
        collector: &mut Collector,
        protein: &str,
        names: &mut FeatureNames,
    ) -> Result<(), AnnotError> {
        let lines = |wanted: Code| {
            self.kept
                .iter()
                .filter(move |kept| kept.code == wanted)
                .map(|kept| (kept.line, &self.text[kept.place.clone()]))
        };
        for (line, text) in lines(Code::Reference) {
            put_reference(collector, protein, line, text)?;
        }
        let keywords = joined(lines(Code::Keyword).map(|(_, text)| text));
        let keywords = keywords.trim_end().trim_end_matches('.');
        for keyword in outside_braces(keywords) {
            let name = keyword.split('{').next().unwrap_or_default().trim();
            if name.is_empty() {
                continue;
            }
            collector.put(&Observation {
                kind: ConceptKind::Keyword,
                id: &collector.keyword_id(name),
                name,
                evidence: &eco_ids(keyword),
                ..Observation::of_uniprot(protein, self.line)
            })?;
        }
        self.put_comments(collector, protein, lines(Code::Comment))?;
        flat_feature::put_all(collector, protein, lines(Code::Feature), names)
    }

    fn put_comments<'a>(
        &self,
        collector: &mut Collector,
        protein: &str,
        lines: impl Iterator<Item = (u64, &'a str)>,
    ) -> Result<(), AnnotError> {
        let mut comments: Vec<String> = Vec::new();
        for (_, text) in lines {
            match (text.strip_prefix("-!- "), comments.last_mut()) {
                (Some(topic), _) => comments.push(topic.to_owned()),
                (None, Some(comment)) => append(comment, text.trim()),
                (None, None) => {}
            }
        }
        for text in &comments {
            let found = if text.starts_with(WANTED_COMMENTS[0]) {
                comment::cofactors(text)
            } else {
                comment::locations(text)
            };
            found.put(collector, protein, self.line)?;
        }
        Ok(())
    }
}

/// Accessions of the `AC` lines.
pub(crate) fn accessions(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|a| !a.is_empty())
}

/// `GO; GO:0006355; P:regulation of transcription; IEA:InterPro.` or `InterPro; IPR007031; Poxvirus_VLTF3.`
fn put_reference(
    collector: &mut Collector,
    protein: &str,
    line: u64,
    text: &str,
) -> Result<(), AnnotError> {
    let mut parts = references(text.trim_end_matches('.')).map(trimmed);
    let database = parts.next().unwrap_or_default();
    let (Some(id), Some(name)) = (parts.next(), parts.next()) else {
        return Err(AnnotError::record(
            line,
            format!("{text:?} is no cross-reference of {protein}"),
        ));
    };
    if database == "Pfam" {
        return interproscan::signature(collector, line, protein, id);
    }
    if database == "InterPro" {
        return interproscan::matched(collector, line, protein, id, name, Place::Whole);
    }
    if !is_curie(id) {
        return Err(AnnotError::record(line, format!("{id:?} is no GO term id")));
    }
    let evidence = parts.next().unwrap_or_default();
    let code = evidence.split(':').next().unwrap_or_default();
    collector.put(&Observation::of_term(protein, id, code, line))
}

/// Parts between semicolons that a space follows.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr_iter(b';', text.as_bytes())
            .find(|&at| text.as_bytes().get(at + 1) == Some(&b' '));
        rest = end.map(|at| &text[at + 2..]);
        Some(end.map_or(text, |at| &text[..at]))
    })
}

/// Lines as one text; `UniProt` breaks lines at spaces and after hyphens.
fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for line in lines {
        append(&mut text, trimmed(line));
    }
    text
}

/// Parts between semicolons that are not inside `{...}`.
fn outside_braces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let bytes = text.as_bytes();
        let mut depth = 0u32;
        let mut ends = memchr::memchr3_iter(b'{', b'}', b';', bytes);
        let end = ends.find(|&at| match bytes[at] {
            b'{' => {
                depth += 1;
                false
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        });
        rest = end.map(|at| &text[at + 1..]);
        Some(end.map_or(text, |at| &text[..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_lines() {
        let parts = |text| references(text).collect::<Vec<_>>();
        assert_eq!(
            parts("GO; GO:1; P:a;b; IEA:x"),
            ["GO", "GO:1", "P:a;b", "IEA:x"]
        );
        assert_eq!(parts("a;; b; "), ["a;", "b", ""]);
        assert_eq!(parts(""), [""]);
        let keywords = |text| outside_braces(text).collect::<Vec<_>>();
        assert_eq!(keywords("A {E; F}; B};C {;"), ["A {E; F}", " B}", "C {;"]);
        assert_eq!(keywords("A;"), ["A", ""]);
    }
}
