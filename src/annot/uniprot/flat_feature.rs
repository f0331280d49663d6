//! Features of the flat file, in the layout before and since release `2019_11`.
//!
//! ```text
//! FT   DISULFID     42     57       {ECO:0000250}.
//! FT   DISULFID        42..57
//! FT                   /evidence="ECO:0000250"
//! ```

use crate::annot::{
    collect::{Collector, DropReason, Observation, Source},
    concept::ConceptKind,
    error::AnnotError,
    evidence::{Remarked, eco_ids, without_remark},
    feature_names::{ConceptName, FeatureNames},
    lines::{trimmed, trimmed_end},
    position::{self, End, Place, Position},
};

/// A feature as its lines give it.
#[derive(Debug, Default)]
struct Feature {
    line: u64,
    key: String,
    position: Option<Position>,
    /// Old layout: all text; new layout: the value of `/note`.
    note: String,
    ligand: String,
    ligand_id: String,
    evidence: String,
    /// The qualifier whose value goes on in the next line.
    open: Option<Qualifier>,
    in_quotes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qualifier {
    Note,
    Ligand,
    LigandId,
    Evidence,
    /// Text of the old layout.
    Text,
    /// `/id`, `/ligand_part`, `/FTId`, ...
    Other,
}

/// Makes labels of the `FT` lines of an entry.
pub(crate) fn put_all<'a>(
    collector: &mut Collector,
    protein: &str,
    lines: impl Iterator<Item = (u64, &'a str)>,
    names: &mut FeatureNames,
) -> Result<(), AnnotError> {
    let mut feature = Feature::default();
    let mut begun = false;
    for (line, text) in lines {
        if text.starts_with(' ') {
            if begun {
                feature.continue_with(trimmed(text.trim_start_matches(' ')));
            }
            continue;
        }
        if begun {
            feature.put(collector, protein, names)?;
        }
        begun = feature.begin(line, text).is_some();
        if !begun {
            collector.bad(AnnotError::record(
                line,
                format!("{text:?} is no feature of {protein}"),
            ))?;
        }
    }
    if begun {
        feature.put(collector, protein, names)?;
    }
    Ok(())
}

impl Feature {
    /// Forgets the feature before; none where the line begins no feature.
    fn begin(&mut self, line: u64, text: &str) -> Option<()> {
        let (key, rest) = text.split_once(' ')?;
        if !key
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        {
            return None;
        }
        let rest = rest.trim_start();
        let (first, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let rest = rest.trim_start();
        self.line = line;
        self.open = None;
        self.in_quotes = false;
        for text in [
            &mut self.key,
            &mut self.note,
            &mut self.ligand,
            &mut self.ligand_id,
            &mut self.evidence,
        ] {
            text.clear();
        }
        self.key.push_str(key);
        if rest.is_empty() {
            self.position = Some(position::parse(first)?);
            return Some(());
        }
        // the old layout: two numbers and a text
        let (last, note) = rest.split_once(' ').unwrap_or((rest, ""));
        self.position = Some(position::join(End::parse(first)?, End::parse(last)?));
        self.open = Some(Qualifier::Text);
        self.note.push_str(note.trim());
        Some(())
    }

    fn continue_with(&mut self, text: &str) {
        // what stands between quotes may begin with a slash too
        let qualifier = text.strip_prefix('/').filter(|_| !self.in_quotes);
        if let Some(qualifier) = qualifier {
            let (name, value) = qualifier.split_once('=').unwrap_or((qualifier, ""));
            let old_layout = self.open == Some(Qualifier::Text);
            let which = match name {
                _ if old_layout => Qualifier::Other,
                "note" => Qualifier::Note,
                "ligand" => Qualifier::Ligand,
                "ligand_id" => Qualifier::LigandId,
                "evidence" => Qualifier::Evidence,
                _ => Qualifier::Other,
            };
            let quoted = value.strip_prefix('"');
            self.in_quotes = quoted.is_some();
            self.open = Some(which);
            self.push(which, quoted.unwrap_or(value));
        } else if let Some(open) = self.open {
            self.push(open, text);
        }
    }

    fn push(&mut self, which: Qualifier, text: &str) {
        // a quote inside a value is written twice
        let quotes = text.len() - text.trim_end_matches('"').len();
        let closed = self.in_quotes && quotes % 2 == 1;
        let text = &text[..text.len() - usize::from(closed)];
        match which {
            Qualifier::Note | Qualifier::Text => append(&mut self.note, text),
            Qualifier::Ligand => append(&mut self.ligand, text),
            Qualifier::LigandId => append(&mut self.ligand_id, text),
            Qualifier::Evidence => append(&mut self.evidence, text),
            Qualifier::Other => {}
        }
        if closed {
            self.in_quotes = false;
            self.open = Some(Qualifier::Other);
        }
    }

    fn put(
        &mut self,
        collector: &mut Collector,
        protein: &str,
        names: &mut FeatureNames,
    ) -> Result<(), AnnotError> {
        let (start, end) = match self.position {
            // releases before 2008 number a removed initiator 0: it is not in the sequence
            Some(Position::Known(0, 0)) if self.key == "INIT_MET" => {
                collector.count_dropped(DropReason::UncertainPosition);
                return Ok(());
            }
            Some(Position::Known(start, end)) => (start, end),
            Some(Position::OtherIsoform) => {
                collector.count_dropped(DropReason::Isoform);
                return Ok(());
            }
            _ => {
                collector.count_dropped(DropReason::UncertainPosition);
                return Ok(());
            }
        };
        self.split_old_evidence();
        let ConceptName { id, name } =
            names.of(&self.key, &self.note, &self.ligand, &self.ligand_id);
        let put = collector.put(&Observation {
            protein,
            kind: ConceptKind::Feature,
            id,
            name,
            place: Place::of_feature(&self.key, start, end),
            source: Source::UniProt,
            evidence: &eco_ids(&self.evidence),
            line: self.line,
        });
        put.or_else(|error| collector.bad(error))
    }

    /// Moves `{ECO:...}` and older remarks from the text to the evidence.
    fn split_old_evidence(&mut self) {
        let braces = memchr::memchr_iter(b'{', self.note.as_bytes());
        let mut evidence = braces.filter(|&at| self.note[at..].starts_with("{ECO:"));
        if let Some(at) = evidence.next() {
            self.evidence.push_str(&self.note[at..]);
            self.note.truncate(at);
        }
        let kept = trimmed_end(trimmed_end(&self.note).trim_end_matches('.')).len();
        self.note.truncate(kept);
        let Remarked { text, eco } = without_remark(&self.note);
        let kept = text.len();
        self.evidence.push_str(eco);
        self.note.truncate(kept);
    }
}

/// Appends a continuation line.
pub(crate) fn append(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('-') {
        text.push(' ');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(lines: &[&str]) -> Feature {
        let mut feature = Feature::default();
        feature.begin(1, lines[0]).unwrap();
        for line in &lines[1..] {
            feature.continue_with(line.trim());
        }
        feature.split_old_evidence();
        feature
    }

    #[test]
    fn both_layouts_say_the_same() {
        let old = feature(&[
            "BINDING     517    517       ATP (By similarity).",
            "                             /FTId=X.",
        ]);
        let new = feature(&[
            "BINDING         517",
            "                /ligand=\"ATP\"",
            "                /ligand_id=\"ChEBI:CHEBI:30616\"",
            "                /evidence=\"ECO:0000250|UniProtKB:P1,",
            "                ECO:0000269|PubMed:2\"",
            "                /id=\"x\"",
        ]);
        assert_eq!(old.position, Some(Position::Known(517, 517)));
        assert_eq!(new.position, old.position);
        assert_eq!((old.note.as_str(), new.ligand.as_str()), ("ATP", "ATP"));
        assert_eq!(eco_ids(&old.evidence), "ECO:0000250");
        assert_eq!(eco_ids(&new.evidence), "ECO:0000250,ECO:0000269");
        assert_eq!(new.ligand_id, "ChEBI:CHEBI:30616");
    }

    #[test]
    fn values_go_on_in_the_next_line() {
        let new = feature(&[
            "MOD_RES         1",
            "                /note=\"N-acetyl-",
            "                serine; in long",
            "                form\"",
        ]);
        assert_eq!(new.note, "N-acetyl-serine; in long form");
        let slash = feature(&[
            "VARIANT         1",
            "                /note=\"A -> V (in \"\"x\"\"",
            "                / ETEC)\"",
            "                /evidence=\"ECO:0000269\"",
        ]);
        assert_eq!(slash.note, "A -> V (in \"\"x\"\" / ETEC)");
        assert_eq!(slash.evidence, "ECO:0000269");
        let old = feature(&[
            "CROSSLNK    308    308       Glycyl lysine isopeptide (Lys-Gly)",
            "                             (interchain with G-Cter in ubiquitin).",
            "                             {ECO:0000269|PubMed:1}.",
        ]);
        assert_eq!(
            old.note,
            "Glycyl lysine isopeptide (Lys-Gly) (interchain with G-Cter in ubiquitin)"
        );
        assert_eq!(eco_ids(&old.evidence), "ECO:0000269");
    }

    #[test]
    fn ends_may_be_unknown() {
        assert_eq!(
            feature(&["TRANSIT       1      ?       Mitochondrion (Potential)."]).position,
            Some(Position::Uncertain)
        );
        assert_eq!(
            feature(&["CHAIN           <1..>20"]).position,
            Some(Position::Known(1, 20))
        );
        assert_eq!(
            feature(&["VAR_SEQ         P1-2:3..9"]).position,
            Some(Position::OtherIsoform)
        );
        assert!(Feature::default().begin(1, "CHAIN  x y z").is_none());
        assert!(Feature::default().begin(1, "CHAIN").is_none());
    }
}
