//! From what was read to candidates: ids resolved, rows sorted, trees grown.

use super::{Candidate, LISTED, OfProtein, Vocabulary, expansion::Fact};
use crate::{
    annot::{
        collect::{Collector, DropReason, InputReport, Interner, RawConcept, Row, Sequences},
        concept::{ConceptKind, ENTRY, KEYWORD, Level},
        error::AnnotError,
        evidence::EvidenceFilter,
    },
    ontology::Resolved,
};
use std::collections::{HashMap, HashSet};

/// How far proteins reach, which an input may say after another one has labelled them.
struct Ends<'a> {
    proteins: &'a Interner,
    sequences: &'a Sequences,
}

impl Ends<'_> {
    /// Length of the protein whose end a row passes.
    fn passed_by(&self, row: &Row) -> Option<u32> {
        let length = self.sequences.length(row.protein)?;
        (row.place.last() > length).then_some(length)
    }
}

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
        let ends = Ends {
            proteins: &proteins,
            sequences: &sequences,
        };
        if !settings.skip_bad {
            self.refuse_past_end(&rows, &ends)?;
        }
        self.list_past_end(&rows, &ends);
        let unproven = settings.evidence != EvidenceFilter::Any;
        self.withdraw_misnumbered(&mut rows, &concepts, unproven, |row| {
            ends.passed_by(row).is_some()
        });
        let candidate_of = self.candidates_of(&concepts, &rows)?;
        self.grow_tree();
        drop(concepts);
        let names = proteins.into_names();
        self.sequences = (kept_sequences.into_iter().flatten())
            .map(|(protein, sequence)| (names[protein as usize].clone(), sequence))
            .collect();
        self.sort_facts(names, &candidate_of, rows);
        self.evidences = evidences.into_names();
        Ok(())
    }

    /// Refuses the first label of an input that lies past the end of its protein.
    fn refuse_past_end(&self, rows: &[Row], ends: &Ends<'_>) -> Result<(), AnnotError> {
        for input in &self.inputs {
            let mut of_input = rows[input.rows.clone()].iter();
            let found = of_input.find_map(|row| Some((row, ends.passed_by(row)?)));
            if let Some((row, length)) = found {
                return Err(AnnotError::PastKnownEnd {
                    input: input.input.clone(),
                    protein: ends.proteins.name(row.protein).to_owned(),
                    position: row.place.last(),
                    length,
                });
            }
        }
        Ok(())
    }

    /// Lists such labels among the bad records of their inputs.
    fn list_past_end(&mut self, rows: &[Row], ends: &Ends<'_>) {
        let describe = |row: &Row| {
            let length = ends.passed_by(row)?;
            let (protein, position) = (ends.proteins.name(row.protein), row.place.last());
            Some(format!(
                "{protein} has a label at residue {position}, but its sequence has {length} residues by another input"
            ))
        };
        for input in &mut self.inputs {
            let listed = LISTED.saturating_sub(input.bad.len());
            let of_input = rows[input.rows.clone()].iter();
            input.bad.extend(of_input.filter_map(describe).take(listed));
        }
    }

    /// Rows as facts, each once, by accession; `candidate_of` gives the candidate of each concept.
    fn sort_facts(&mut self, mut names: Vec<String>, candidate_of: &[Option<u32>], rows: Vec<Row>) {
        self.report.proteins = names.len() as u64;
        let mut order: Vec<u32> = (0..).take(names.len()).collect();
        order.sort_unstable_by(|&a, &b| names[a as usize].cmp(&names[b as usize]));
        let mut rank = vec![0u32; order.len()];
        for (place, &protein) in (0..).zip(&order) {
            rank[protein as usize] = place;
        }
        let ranked = rows.iter().filter_map(|row| {
            let fact = Fact {
                candidate: candidate_of[row.concept as usize]?,
                place: row.place,
                source: row.source,
                evidence: row.evidence,
            };
            let rank = rank[row.protein as usize];
            Some(RankedFact { rank, fact })
        });
        let mut sorted: Vec<RankedFact> = ranked.collect();
        drop(rows);
        sorted.sort_unstable();
        let distinct = sorted.chunk_by(RankedFact::is_same_label).count();
        self.report.repeated = (sorted.len() - distinct) as u64;
        sorted.dedup();
        let mut start = 0;
        for of_one in sorted.chunk_by(|a, b| a.rank == b.rank) {
            let protein = order[of_one[0].rank as usize];
            let facts = start..start + of_one.len();
            start = facts.end;
            let accession = std::mem::take(&mut names[protein as usize]);
            self.proteins.push(OfProtein { accession, facts });
        }
        self.facts = sorted.into_iter().map(|ranked| ranked.fact).collect();
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
        let of_class = self.add_terms();
        let accessions = keyword_accessions(concepts);
        let mut keywords: HashMap<&str, u32> = HashMap::new();
        let mut fates = Vec::with_capacity(concepts.len());
        let mut found = Vec::with_capacity(concepts.len());
        for concept in concepts {
            let mut fate = None;
            found.push(match concept.kind {
                ConceptKind::Go => {
                    let terminology = self.terminology.ok_or(AnnotError::NoOntology)?;
                    let resolved = terminology.ontology.resolve(&concept.id);
                    fate = Some(resolved);
                    let class = resolved.class();
                    class.and_then(|class| of_class[class as usize])
                }
                ConceptKind::Keyword => {
                    let id = accessions.get(&concept.id).unwrap_or(&concept.id);
                    let known = keywords.get(id.as_str()).copied();
                    let candidate = known.unwrap_or_else(|| {
                        self.candidate(Candidate::new(concept.kind, id, &concept.name))
                    });
                    keywords.insert(id, candidate);
                    if !concept.name.is_empty() {
                        let name = &mut self.candidates[candidate as usize].name;
                        name.clone_from(&concept.name);
                    }
                    Some(candidate)
                }
                ConceptKind::Interpro | ConceptKind::Feature | ConceptKind::Residue => {
                    let candidate = Candidate::new(concept.kind, &concept.id, &concept.name);
                    Some(self.candidate(candidate))
                }
            });
            fates.push(fate);
        }
        self.list_unknown(concepts, rows, &fates);
        self.count_followed(rows, &fates);
        Ok(found)
    }

    /// Makes all current terms candidates, so that ancestors are too; the candidate of each class.
    fn add_terms(&mut self) -> Vec<Option<u32>> {
        let Some(terminology) = self.terminology else {
            return Vec::new();
        };
        let ontology = terminology.ontology;
        let mut of_class = vec![None; ontology.classes.len()];
        for (class, term) in (0..).zip(&ontology.terms) {
            if let Some(term) = term.as_ref().filter(|term| !term.obsolete) {
                let id = &ontology.classes[class as usize];
                of_class[class as usize] = Some(self.candidate(Candidate {
                    class: Some(class),
                    name: term.name.clone(),
                    ..Candidate::new(ConceptKind::Go, id, "")
                }));
            }
        }
        of_class
    }

    /// Reports the ids of rows that the ontology does not have; what only withdrawn statements name was not read.
    fn list_unknown(&mut self, concepts: &[RawConcept], rows: &[Row], fates: &[Option<Resolved>]) {
        let mut is_used = vec![false; concepts.len()];
        for row in rows {
            is_used[row.concept as usize] = true;
        }
        let used = concepts.iter().zip(fates).zip(is_used);
        let mut unknown: Vec<&str> = used
            .filter(|((_, fate), is_used)| *is_used && **fate == Some(Resolved::Unknown))
            .map(|((concept, _), _)| concept.id.as_str())
            .collect();
        unknown.sort_unstable();
        self.report.unknown_ids = unknown.len() as u64;
        let listed = unknown.iter().take(LISTED);
        self.report.unknown_listed = listed.map(|&id| id.to_owned()).collect();
    }

    /// Counts, for each input and in all, what became of the ids of terms.
    fn count_followed(&mut self, rows: &[Row], fates: &[Option<Resolved>]) {
        for input in &mut self.inputs {
            let followed = Followed::count(&rows[input.rows.clone()], fates);
            followed.tell(input);
            self.report.alt_id_followed += followed.alternative;
            self.report.replaced_by_followed += followed.replaced;
            self.report.obsolete_dropped += followed.obsolete;
            self.report.unknown_dropped += followed.unknown;
        }
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
                self.candidates
                    .push(Candidate::new(ConceptKind::Interpro, &id, ""));
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

/// A fact, and the place of its protein in the order of accessions.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RankedFact {
    rank: u32,
    fact: Fact,
}

impl RankedFact {
    /// Whether both are one label: statements that agree in all but their evidence are.
    fn is_same_label(&self, other: &Self) -> bool {
        let (a, b) = (&self.fact, &other.fact);
        self.rank == other.rank
            && (a.candidate, a.place, a.source) == (b.candidate, b.place, b.source)
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
