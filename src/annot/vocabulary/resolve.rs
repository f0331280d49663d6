//! From what was read to candidates: ids resolved, rows sorted, trees grown.

use super::{Candidate, ENTRY, LISTED, Vocabulary};
use crate::{
    annot::{
        collect::{Collector, DropReason, InputReport, RawConcept, Row},
        concept::{ConceptKind, KEYWORD, Level},
        error::AnnotError,
        evidence::EvidenceFilter,
        expansion::Fact,
    },
    ontology::Resolved,
};
use std::collections::{HashMap, HashSet};

impl Vocabulary<'_> {
    /// Turns rows into facts about candidates, protein by protein in order of accession.
    pub(super) fn load(&mut self, collector: Collector) -> Result<(), AnnotError> {
        let Collector {
            references,
            proteins,
            concepts,
            evidences,
            mut rows,
            kept_sequences,
            reports,
            sequences,
            settings,
            ..
        } = collector;
        self.references = references;
        self.inputs = reports;
        // inputs may come before the one that says how long their proteins are
        let past_end = |row: &Row| {
            let length = sequences.length(row.protein)?;
            (row.place.last() > length).then_some(length)
        };
        for input in &self.inputs {
            let mut of_input = rows[input.rows.clone()].iter();
            let found = of_input.find_map(|row| Some((row, past_end(row)?)));
            if let Some((row, length)) = found.filter(|_| !settings.skip_bad) {
                return Err(AnnotError::PastKnownEnd {
                    input: input.input.clone(),
                    protein: proteins.name(row.protein).to_owned(),
                    position: row.place.last(),
                    length,
                });
            }
        }
        let unproven = settings.evidence != EvidenceFilter::Any;
        let describe = |row: &Row| {
            let (protein, position) = (proteins.name(row.protein), row.place.last());
            past_end(row).map(|length| {
                format!(
                    "{protein} has a label at residue {position}, but its sequence has {length} residues by another input"
                )
            })
        };
        for input in &mut self.inputs {
            let listed = LISTED.saturating_sub(input.bad.len());
            let of_input = rows[input.rows.clone()].iter();
            input.bad.extend(of_input.filter_map(describe).take(listed));
        }
        self.withdraw_misnumbered(&mut rows, &concepts, unproven, |row| {
            past_end(row).is_some()
        });
        let candidate_of = self.candidates_of(&concepts, &rows)?;
        self.grow_tree();
        drop(concepts);
        let mut names = proteins.into_names();
        self.report.proteins = names.len() as u64;
        let mut order: Vec<u32> = (0..).take(names.len()).collect();
        order.sort_unstable_by(|&a, &b| names[a as usize].cmp(&names[b as usize]));
        let mut rank = vec![0u32; order.len()];
        for (place, &protein) in (0..).zip(&order) {
            rank[protein as usize] = place;
        }
        let mut sorted: Vec<(u32, Fact)> = rows
            .iter()
            .filter_map(|row| {
                let fact = Fact {
                    candidate: candidate_of[row.concept as usize]?,
                    place: row.place,
                    source: row.source,
                    evidence: row.evidence,
                };
                Some((rank[row.protein as usize], fact))
            })
            .collect();
        drop(rows);
        sorted.sort_unstable();
        // statements that agree in all but their evidence are one label too
        let same = |a: &(u32, Fact), b: &(u32, Fact)| {
            (a.0, a.1.candidate, a.1.place, a.1.source)
                == (b.0, b.1.candidate, b.1.place, b.1.source)
        };
        let distinct = sorted.chunk_by(same).count();
        self.report.repeated = (sorted.len() - distinct) as u64;
        sorted.dedup();
        self.sequences = (kept_sequences.into_iter().flatten())
            .map(|(protein, sequence)| (names[protein as usize].clone(), sequence))
            .collect();
        let mut start = 0;
        for of_one in sorted.chunk_by(|a, b| a.0 == b.0) {
            let protein = order[of_one[0].0 as usize];
            let range = start..start + of_one.len();
            start = range.end;
            self.proteins
                .push((std::mem::take(&mut names[protein as usize]), range));
        }
        self.facts = sorted.into_iter().map(|(_, fact)| fact).collect();
        self.evidences = evidences.into_names();
        Ok(())
    }

    /// Takes back what an input says of proteins whose end it passes: its positions are of another sequence.
    fn withdraw_misnumbered(
        &mut self,
        rows: &mut Vec<Row>,
        concepts: &[RawConcept],
        unproven: bool,
        is_past_end: impl Fn(&Row) -> bool,
    ) {
        // the rows of an input move when those of one before it go
        for i in (0..self.inputs.len()).rev() {
            let input = &mut self.inputs[i];
            let of_input = &rows[input.rows.clone()];
            let wrong: HashSet<u32> = (of_input.iter().filter(|row| is_past_end(row)))
                .map(|row| row.protein)
                .collect();
            if wrong.is_empty() {
                continue;
            }
            let mut behind = rows.split_off(input.rows.end);
            let mut kept = rows.split_off(input.rows.start);
            let before = kept.len();
            input.withdraw(&mut kept, &wrong, concepts, unproven, &is_past_end);
            let gone = before - kept.len();
            rows.append(&mut kept);
            rows.append(&mut behind);
            input.rows.end -= gone;
            for later in &mut self.inputs[i + 1..] {
                later.rows = later.rows.start - gone..later.rows.end - gone;
            }
        }
    }

    /// The candidate of every concept that was read; terms resolve to current ones.
    fn candidates_of(
        &mut self,
        concepts: &[RawConcept],
        rows: &[Row],
    ) -> Result<Vec<Option<u32>>, AnnotError> {
        let mut of_class: Vec<Option<u32>> = Vec::new();
        if let Some(terminology) = self.terminology {
            // all current terms, so that ancestors are candidates too
            let ontology = terminology.ontology;
            of_class.resize(ontology.classes.len(), None);
            for (class, term) in (0..).zip(&ontology.terms) {
                if let Some(term) = term.as_ref().filter(|term| !term.obsolete) {
                    of_class[class as usize] = Some(self.candidate(Candidate {
                        kind: ConceptKind::Go,
                        id: ontology.classes[class as usize].clone(),
                        name: term.name.clone(),
                        class: Some(class),
                        proteins: 0,
                        residues: 0,
                        by_residue: false,
                    }));
                }
            }
        }
        let accessions = keyword_accessions(concepts);
        let mut keywords: HashMap<&str, u32> = HashMap::new();
        let mut unknown: Vec<&str> = Vec::new();
        // what only withdrawn statements name was not read
        let mut is_used = vec![false; concepts.len()];
        for row in rows {
            is_used[row.concept as usize] = true;
        }
        let mut fates = Vec::with_capacity(concepts.len());
        let mut found = Vec::with_capacity(concepts.len());
        for (concept, is_used) in concepts.iter().zip(is_used) {
            if concept.kind != ConceptKind::Go {
                fates.push(None);
                let id = match concept.kind {
                    ConceptKind::Keyword => accessions.get(&concept.id).unwrap_or(&concept.id),
                    _ => &concept.id,
                };
                let known = keywords.get(id.as_str()).copied();
                let candidate = known.unwrap_or_else(|| {
                    self.candidate(Candidate {
                        kind: concept.kind,
                        id: id.clone(),
                        name: if concept.name.is_empty() {
                            id.clone()
                        } else {
                            concept.name.clone()
                        },
                        class: None,
                        proteins: 0,
                        residues: 0,
                        by_residue: false,
                    })
                });
                if concept.kind == ConceptKind::Keyword {
                    keywords.insert(id, candidate);
                    if !concept.name.is_empty() {
                        self.candidates[candidate as usize]
                            .name
                            .clone_from(&concept.name);
                    }
                }
                found.push(Some(candidate));
                continue;
            }
            let terminology = self.terminology.ok_or(AnnotError::NoOntology)?;
            let fate = terminology.ontology.resolve(&concept.id);
            if fate == Resolved::Unknown && is_used {
                unknown.push(&concept.id);
            }
            let class = match fate {
                Resolved::Term(class)
                | Resolved::Alternative(class)
                | Resolved::Replaced(class) => Some(class),
                Resolved::Obsolete | Resolved::Unknown => None,
            };
            fates.push(Some(fate));
            found.push(class.and_then(|class| of_class[class as usize]));
        }
        unknown.sort_unstable();
        self.report.unknown_ids = unknown.len() as u64;
        self.report.unknown_listed = unknown
            .iter()
            .take(LISTED)
            .map(|&id| id.to_owned())
            .collect();
        for input in &mut self.inputs {
            let followed = Followed::count(&rows[input.rows.clone()], &fates);
            followed.tell(input);
            self.report.alt_id_followed += followed.alternative;
            self.report.replaced_by_followed += followed.replaced;
            self.report.obsolete_dropped += followed.obsolete;
            self.report.unknown_dropped += followed.unknown;
        }
        Ok(found)
    }

    /// Adds the ancestors of `InterPro`'s entries as candidates, and names entries.
    fn grow_tree(&mut self) {
        let mut by_id: HashMap<String, u32> = (0..)
            .zip(&self.candidates)
            .filter(|(_, c)| c.kind == ConceptKind::Interpro)
            .map(|(index, c)| (c.id.clone(), index))
            .collect();
        self.tree = vec![None; self.candidates.len()];
        let mut next = 0;
        while let Some(candidate) = self.candidates.get_mut(next) {
            next += 1;
            let accession = candidate.id.strip_prefix(ENTRY).unwrap_or_default();
            if candidate.kind != ConceptKind::Interpro || accession.is_empty() {
                continue;
            }
            if let Some(entry) = self.references.entries.get(accession) {
                candidate.name.clone_from(&entry.name);
            }
            let Some(parent) = self.references.parents.get(accession) else {
                continue;
            };
            let id = format!("{ENTRY}{parent}");
            let parent = by_id.get(&id).copied().unwrap_or_else(|| {
                let index =
                    u32::try_from(self.candidates.len()).expect("fewer than 2^32 candidates");
                by_id.insert(id.clone(), index);
                self.tree.push(None);
                self.candidates.push(Candidate {
                    kind: ConceptKind::Interpro,
                    name: id.clone(),
                    id,
                    class: None,
                    proteins: 0,
                    residues: 0,
                    by_residue: false,
                });
                index
            });
            self.tree[next - 1] = Some(parent);
        }
    }

    fn candidate(&mut self, candidate: Candidate) -> u32 {
        self.candidates.push(candidate);
        u32::try_from(self.candidates.len() - 1).expect("fewer than 2^32 candidates")
    }
}

/// Ids of keywords by accession, by their ids by name: records that give both say what those with names alone mean.
fn keyword_accessions(concepts: &[RawConcept]) -> HashMap<String, String> {
    (concepts.iter())
        .filter(|concept| concept.kind == ConceptKind::Keyword && !concept.name.is_empty())
        .map(|concept| (format!("{KEYWORD}{}", concept.name), concept.id.clone()))
        .filter(|(by_name, id)| by_name != id)
        .collect()
}

/// How many statements of an input name a term by an id that is not its own, or no current term.
#[derive(Default)]
struct Followed {
    alternative: u64,
    replaced: u64,
    obsolete: u64,
    unknown: u64,
}

impl Followed {
    /// Counts, given what became of the id of each concept (none of those that are no terms).
    fn count(rows: &[Row], fates: &[Option<Resolved>]) -> Self {
        let mut followed = Self::default();
        for row in rows {
            match fates[row.concept as usize] {
                Some(Resolved::Alternative(_)) => followed.alternative += 1,
                Some(Resolved::Replaced(_)) => followed.replaced += 1,
                Some(Resolved::Obsolete) => followed.obsolete += 1,
                Some(Resolved::Unknown) => followed.unknown += 1,
                Some(Resolved::Term(_)) | None => {}
            }
        }
        followed
    }

    fn tell(&self, input: &mut InputReport) {
        input.alt_id_followed = self.alternative;
        input.replaced_by_followed = self.replaced;
        for (reason, count) in [
            (DropReason::ObsoleteTerm, self.obsolete),
            (DropReason::UnknownTerm, self.unknown),
        ] {
            input.take_back(ConceptKind::Go, Level::Protein, reason, count);
        }
    }
}
