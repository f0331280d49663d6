//! Features of the flat file, in the layout before and since release `2019_11`.
//!
//! ```text
//! FT   DISULFID     42     57       {ECO:0000250}.
//! FT   DISULFID        42..57
//! FT                   /evidence="ECO:0000250"
//! ```

use super::{
    collect::{Collector, DropReason, Observation, Source},
    concept::ConceptKind,
    error::AnnotError,
    feature,
    position::{self, End, Place, Position},
    uniprot_cell::eco_ids,
    uniprot_flat::append,
};

/// Remarks of older releases, with the ECO ids that took their place.
const REMARKS: [(&str, &str); 3] = [
    ("(By similarity)", "ECO:0000250"),
    ("(Potential)", "ECO:0000255"),
    ("(Probable)", "ECO:0000305"),
];

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
pub(super) fn put_all<'a>(
    collector: &mut Collector,
    protein: &str,
    lines: impl Iterator<Item = (u64, &'a str)>,
) -> Result<(), AnnotError> {
    let mut feature: Option<Feature> = None;
    for (line, text) in lines {
        if text.starts_with(' ') {
            if let Some(feature) = &mut feature {
                feature.continue_with(text.trim());
            }
            continue;
        }
        if let Some(feature) = feature.take() {
            feature.put(collector, protein)?;
        }
        match Feature::begin(line, text) {
            Some(begun) => feature = Some(begun),
            None => collector.bad(AnnotError::record(
                line,
                format!("{text:?} is no feature of {protein}"),
            ))?,
        }
    }
    match feature {
        Some(feature) => feature.put(collector, protein),
        None => Ok(()),
    }
}

impl Feature {
    fn begin(line: u64, text: &str) -> Option<Self> {
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
        let mut feature = Self {
            line,
            key: key.to_owned(),
            ..Self::default()
        };
        if rest.is_empty() {
            feature.position = Some(position::parse(first)?);
            return Some(feature);
        }
        // the old layout: two numbers and a text
        let (last, note) = rest.split_once(' ').unwrap_or((rest, ""));
        feature.position = Some(position::join(End::parse(first)?, End::parse(last)?));
        feature.open = Some(Qualifier::Text);
        feature.note.push_str(note.trim());
        Some(feature)
    }

    fn continue_with(&mut self, text: &str) {
        if let Some(qualifier) = text.strip_prefix('/') {
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
            let value = value.strip_prefix('"').unwrap_or(value);
            self.open = Some(which);
            self.push(which, value);
        } else if let Some(open) = self.open {
            self.push(open, text);
        }
    }

    fn push(&mut self, which: Qualifier, text: &str) {
        let target = match which {
            Qualifier::Note | Qualifier::Text => &mut self.note,
            Qualifier::Ligand => &mut self.ligand,
            Qualifier::LigandId => &mut self.ligand_id,
            Qualifier::Evidence => &mut self.evidence,
            Qualifier::Other => return,
        };
        let closed = which != Qualifier::Text && text.ends_with('"');
        append(
            target,
            if closed {
                &text[..text.len() - 1]
            } else {
                text
            },
        );
        if closed {
            self.open = Some(Qualifier::Other);
        }
    }

    fn put(mut self, collector: &mut Collector, protein: &str) -> Result<(), AnnotError> {
        let (start, end) = match self.position {
            // releases before 2008 number a removed initiator 0: it is not in the sequence
            Some(Position::Known(0, 0)) if self.key == "INIT_MET" => {
                collector.drop(DropReason::UncertainPosition);
                return Ok(());
            }
            Some(Position::Known(start, end)) => (start, end),
            Some(Position::OtherIsoform) => {
                collector.drop(DropReason::Isoform);
                return Ok(());
            }
            _ => {
                collector.drop(DropReason::UncertainPosition);
                return Ok(());
            }
        };
        self.split_old_evidence();
        let id = feature::concept_id(&self.key, &self.note, &self.ligand);
        let put = collector.put(&Observation {
            protein,
            kind: ConceptKind::Feature,
            id: &id,
            name: &feature::concept_name(&self.key, &id, &self.ligand_id),
            place: Place::of_feature(&self.key, start, end),
            source: Source::UniProt,
            evidence: &eco_ids(&self.evidence),
            line: self.line,
        });
        put.or_else(|error| collector.bad(error))
    }

    /// Moves `{ECO:...}` and older remarks from the text to the evidence.
    fn split_old_evidence(&mut self) {
        if let Some(at) = self.note.find("{ECO:") {
            self.evidence.push_str(&self.note[at..]);
            self.note.truncate(at);
        }
        let text = self.note.trim_end().trim_end_matches('.').trim_end();
        let mut text = text.to_owned();
        for (remark, eco) in REMARKS {
            if let Some(rest) = text.strip_suffix(remark) {
                text.truncate(rest.trim_end().len());
                self.evidence.push_str(eco);
            }
        }
        self.note = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(lines: &[&str]) -> Feature {
        let mut feature = Feature::begin(1, lines[0]).unwrap();
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
        assert!(Feature::begin(1, "CHAIN  x y z").is_none());
        assert!(Feature::begin(1, "CHAIN").is_none());
    }
}
