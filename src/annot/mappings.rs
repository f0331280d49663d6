//! What annotations refer to: `InterPro`'s entries and their tree, mappings to GO, `UniProt`'s keywords.

use super::{
    error::AnnotError,
    evidence::EcoCodes,
    identifiers::{is_curie, is_entry},
    lines::{Line, Lines, is_directive},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::BufRead,
};

/// Reference lists, each of which may be missing.
#[derive(Clone, Debug, Default)]
pub struct References {
    /// Type and name of `InterPro` entries, by accession.
    pub entries: HashMap<String, Entry>,
    /// Parents of `InterPro` entries, by accession.
    pub parents: BTreeMap<String, String>,
    /// GO terms by external id (`InterPro:IPR000003`, `Pfam:PF00001`).
    pub go: HashMap<String, Vec<String>>,
    /// Accessions of keywords (`KW-0002`) by name.
    pub keywords: HashMap<String, String>,
    /// GO codes of ECO's terms.
    pub evidence: EcoCodes,
}

/// An entry of `InterPro`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `Domain`, `Family`, `Homologous_superfamily`, ...
    pub kind: String,
    /// Name.
    pub name: String,
}

impl References {
    /// Reads `entry.list`: accession, type and name, separated by tabs, below a header.
    ///
    /// # Errors
    /// [`AnnotError::Record`] for a line that is no entry; the reader's errors.
    pub fn read_entries(&mut self, reader: impl BufRead) -> Result<(), AnnotError> {
        let mut lines = Lines::new(reader);
        while let Some(Line { number: line, text }) = lines.next_line()? {
            if text.trim().is_empty() || is_directive(text, "ENTRY_AC") {
                continue;
            }
            let mut columns = text.split('\t').map(str::trim);
            match (columns.next(), columns.next(), columns.next()) {
                (Some(accession), Some(kind), Some(name)) if is_entry(accession) => {
                    let (kind, name) = (kind.to_owned(), name.to_owned());
                    self.entries
                        .insert(accession.to_owned(), Entry { kind, name });
                }
                _ => {
                    return Err(AnnotError::record(
                        line,
                        "no line of InterPro's entry.list: expected accession, type and name",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Reads `ParentChildTreeFile.txt`: `--IPR000001::name::`, two hyphens for each level below a root.
    ///
    /// # Errors
    /// [`AnnotError::Record`] for a line that is no entry, or for an entry with two parents; the
    /// reader's errors.
    pub fn read_tree(&mut self, reader: impl BufRead) -> Result<(), AnnotError> {
        let mut lines = Lines::new(reader);
        let mut path: Vec<String> = Vec::new();
        while let Some(Line { number: line, text }) = lines.next_line()? {
            if text.trim().is_empty() {
                continue;
            }
            let accession = text.trim_start_matches('-');
            let hyphens = text.len() - accession.len();
            let accession = accession.split("::").next().unwrap_or_default();
            if !is_entry(accession) || hyphens % 2 != 0 || hyphens / 2 > path.len() {
                return Err(AnnotError::record(
                    line,
                    "no line of InterPro's ParentChildTreeFile.txt: expected `--IPR000001::name::` below its parent",
                ));
            }
            path.truncate(hyphens / 2);
            if path.iter().any(|ancestor| ancestor == accession) {
                return Err(AnnotError::record(
                    line,
                    format!("{accession} is among its own ancestors"),
                ));
            }
            if let Some(parent) = path.last() {
                let known = self
                    .parents
                    .entry(accession.to_owned())
                    .or_insert_with(|| parent.clone());
                if known != parent {
                    return Err(AnnotError::record(
                        line,
                        format!("{accession} is a child of {known} and of {parent}"),
                    ));
                }
            }
            path.push(accession.to_owned());
        }
        self.check_tree()
    }

    /// Entries may stand in several places of a file: together they must still be a tree.
    fn check_tree(&self) -> Result<(), AnnotError> {
        let mut safe: HashSet<&str> = HashSet::new();
        for start in self.parents.keys() {
            let mut path = HashSet::from([start.as_str()]);
            let mut entry = start;
            while let Some(parent) = self
                .parents
                .get(entry)
                .filter(|p| !safe.contains(p.as_str()))
            {
                if !path.insert(parent) {
                    return Err(AnnotError::record(
                        0,
                        format!("{parent} is among its own ancestors"),
                    ));
                }
                entry = parent;
            }
            safe.extend(path);
        }
        Ok(())
    }

    /// Reads `interpro2go`, `pfam2go` or another of GO's mappings:
    /// `InterPro:IPR000003 Retinoid X receptor/HNF4 > GO:DNA binding ; GO:0003677`.
    ///
    /// # Errors
    /// [`AnnotError::Record`] for a line that is no mapping; the reader's errors.
    pub fn read_external2go(&mut self, reader: impl BufRead) -> Result<(), AnnotError> {
        let mut lines = Lines::new(reader);
        while let Some(Line { number: line, text }) = lines.next_line()? {
            if text.trim().is_empty() || text.starts_with('!') {
                continue;
            }
            let id = text.split_whitespace().next().unwrap_or_default();
            let term = text.rsplit_once(" ; ").map_or("", |(_, term)| term.trim());
            if !id.contains(':') || !is_curie(term) || !text.contains(" > ") {
                return Err(AnnotError::record(
                    line,
                    "no mapping to GO: expected `InterPro:IPR000003 name > GO:name ; GO:0003677`",
                ));
            }
            self.go
                .entry(id.to_owned())
                .or_default()
                .push(term.to_owned());
        }
        Ok(())
    }

    /// Reads `UniProt`'s `keywlist.txt`.
    ///
    /// # Errors
    /// [`AnnotError::Record`] where it names no keyword; the reader's errors.
    pub fn read_keywords(&mut self, reader: impl BufRead) -> Result<(), AnnotError> {
        let mut lines = Lines::new(reader);
        let mut name: Option<String> = None;
        let mut last = 0;
        while let Some(Line { number: line, text }) = lines.next_line()? {
            last = line;
            if let Some(id) = text.strip_prefix("ID   ") {
                name = Some(id.trim().trim_end_matches('.').to_owned());
            } else if let Some(accession) = text.strip_prefix("AC   KW-")
                && let Some(name) = name.take()
            {
                self.keywords
                    .insert(name, format!("KW-{}", accession.trim()));
            }
        }
        if self.keywords.is_empty() {
            return Err(AnnotError::record(
                last,
                "no keyword: expected UniProt's keywlist.txt",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_by_hyphens() {
        let mut references = References::default();
        let text = "IPR000008::C2 domain::\n--IPR002420::PI3K C2::\n----IPR000001::x::\n--IPR000002::y::\nIPR000003::z::\n";
        references.read_tree(text.as_bytes()).unwrap();
        assert_eq!(references.parents["IPR002420"], "IPR000008");
        assert_eq!(references.parents["IPR000001"], "IPR002420");
        assert_eq!(references.parents["IPR000002"], "IPR000008");
        assert_eq!(references.parents.len(), 3);
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        for text in [
            "--IPR000001::x::\n",
            "IPR000001::x::\n-IPR000002::x::\n",
            "IPR1::x::\n",
            "IPR000001::x::\n--IPR000001::x::\n",
            "IPR000001::x::\n--IPR000002::x::\nIPR000002::y::\n--IPR000001::y::\n",
        ] {
            assert!(
                References::default().read_tree(text.as_bytes()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn mappings_and_keywords() {
        let mut references = References::default();
        let text = "!date\nPfam:PF00001 7tm_1 > GO:G > protein ; GO:0004930\nPfam:PF00001 7tm_1 > GO:x ; GO:0007186\n";
        references.read_external2go(text.as_bytes()).unwrap();
        assert_eq!(references.go["Pfam:PF00001"], ["GO:0004930", "GO:0007186"]);
        assert!(references.read_external2go(&b"PF1 GO:1\n"[..]).is_err());
        references
            .read_keywords(
                &b"ID   2Fe-2S.\nAC   KW-0001\nDE   x\n//\nIC   Ligand.\nAC   KW-9993\n"[..],
            )
            .unwrap();
        assert_eq!(references.keywords.len(), 1);
        assert_eq!(references.keywords["2Fe-2S"], "KW-0001");
    }
}
