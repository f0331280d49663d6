//! Masking and filling in, round by round, for all treatments of some proteins.

use super::{
    draw::{Purpose, stream},
    error::SteerError,
    filling::{Alphabet, Filling},
    goal::Goal,
    positions::{self, Positions},
    reader::{Masked, Reader, Reading},
    treatment::Treatment,
};
use crate::{sae::Encoder, seq::Protein};
use rand_chacha::ChaCha8Rng;

/// How sequences are generated.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Which residues are masked.
    pub(crate) positions: Positions,
    /// Share of the residues of a protein that are masked in a round, unless positions are listed.
    pub(crate) mask_ratio: f64,
    /// Rounds; each masks anew, on what the round before made.
    pub(crate) rounds: u32,
    /// How a masked residue is filled in.
    pub(crate) filling: Filling,
    /// Sequences of a protein for each treatment.
    pub(crate) samples: u32,
    /// Seed of everything random.
    pub(crate) seed: u64,
}

/// A sequence that was generated.
#[derive(Clone, Debug)]
pub(crate) struct Generated {
    /// The protein, by its number among those given.
    pub(crate) protein: usize,
    /// The treatment, by its number.
    pub(crate) treatment: usize,
    /// Number of the sample, from 1.
    pub(crate) sample: u32,
    /// Residues that were masked in any round, from 0 and ascending.
    pub(crate) masked: Vec<usize>,
    /// Its residues.
    pub(crate) residues: Vec<u8>,
    /// How it is read.
    pub(crate) after: Reading,
}

/// What was made of some proteins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    /// How each protein is read.
    pub(crate) before: Vec<Reading>,
    /// By protein, treatment and sample.
    pub(crate) generated: Vec<Generated>,
    /// Proteins that have no listed positions, by their numbers.
    pub(crate) left_out: Vec<usize>,
}

/// Generates sequences.
pub(crate) struct Generator<'a> {
    /// Runs and reads sequences.
    pub(crate) reader: Reader<'a>,
    /// Encodes what is read.
    pub(crate) encoder: Encoder<'a>,
    /// The amino acids.
    pub(crate) alphabet: Alphabet,
    /// What is steered towards.
    pub(crate) goals: &'a [Goal],
    /// What is done.
    pub(crate) treatments: &'a [Treatment<'a>],
    /// How.
    pub(crate) settings: &'a Settings,
}

/// A sequence on its way.
struct Draft<'p> {
    protein: usize,
    accession: &'p str,
    sample: u32,
    residues: Vec<u8>,
    /// Of this round.
    masked: Vec<usize>,
    /// Of all rounds.
    ever: Vec<usize>,
}

impl Draft<'_> {
    /// The stream of a purpose in a round: one for all arms and scales of a goal.
    fn stream(&self, seed: u64, purpose: Purpose, goal: &Goal, round: u32) -> ChaCha8Rng {
        let (sample, round) = (self.sample.to_string(), round.to_string());
        stream(seed, purpose, &[self.accession, &goal.id, &sample, &round])
    }
}

impl Generator<'_> {
    /// Generates all sequences of some proteins. What is made of a protein depends on it alone, whatever it is
    /// given with.
    ///
    /// # Errors
    /// [`SteerError`] where the PLM fails, something is no number, or listed positions do not fit.
    pub(crate) fn generate(&mut self, proteins: &[Protein]) -> Result<Made, SteerError> {
        let listed = self.listed(proteins)?;
        let originals: Vec<&[u8]> = proteins.iter().map(|p| p.sequence.as_slice()).collect();
        let mut made = Made {
            before: self.reader.read(&mut self.encoder, &originals)?,
            ..Made::default()
        };
        let is_left_out = |protein: &usize| listed.as_ref().is_some_and(|l| l[*protein].is_none());
        made.left_out = (0..proteins.len()).filter(is_left_out).collect();
        for treatment in 0..self.treatments.len() {
            let mut drafts = Vec::new();
            for (number, protein) in proteins.iter().enumerate() {
                if made.left_out.binary_search(&number).is_ok() {
                    continue;
                }
                drafts.extend((1..=self.settings.samples).map(|sample| Draft {
                    protein: number,
                    accession: &protein.accession,
                    sample,
                    residues: protein.sequence.clone(),
                    masked: Vec::new(),
                    ever: Vec::new(),
                }));
            }
            for round in 0..self.settings.rounds {
                self.mask(
                    treatment,
                    round,
                    &mut drafts,
                    &made.before,
                    listed.as_deref(),
                )?;
                self.fill(treatment, round, &mut drafts)?;
            }
            self.finish(treatment, drafts, &mut made.generated)?;
        }
        made.generated
            .sort_by_key(|g| (g.protein, g.treatment, g.sample));
        Ok(made)
    }

    /// The listed positions of each protein, where positions are listed.
    fn listed(&self, proteins: &[Protein]) -> Result<Option<Vec<Option<Vec<usize>>>>, SteerError> {
        let Positions::Listed(listed) = &self.settings.positions else {
            return Ok(None);
        };
        let of = |p: &Protein| listed.of(&p.accession, p.sequence.len());
        Ok(Some(proteins.iter().map(of).collect::<Result<_, _>>()?))
    }

    /// Chooses what is masked in a round.
    fn mask(
        &mut self,
        treatment: usize,
        round: u32,
        drafts: &mut [Draft],
        before: &[Reading],
        listed: Option<&[Option<Vec<usize>>]>,
    ) -> Result<(), SteerError> {
        let settings = self.settings;
        let goal = &self.goals[self.treatments[treatment].goal];
        let by_norm = matches!(settings.positions, Positions::LowActivation);
        let again = if by_norm && round > 0 {
            let current: Vec<&[u8]> = drafts.iter().map(|d| d.residues.as_slice()).collect();
            self.reader.read(&mut self.encoder, &current)?
        } else {
            Vec::new()
        };
        for (number, draft) in drafts.iter_mut().enumerate() {
            let length = draft.residues.len();
            let count = positions::count(length, settings.mask_ratio);
            draft.masked = match &settings.positions {
                Positions::Random => {
                    let rng = &mut draft.stream(settings.seed, Purpose::Mask, goal, round);
                    positions::random(rng, length, count)
                }
                Positions::LowActivation => {
                    let reading = again.get(number).unwrap_or(&before[draft.protein]);
                    positions::low_activation(&reading.norms, count)
                }
                Positions::Listed(_) => {
                    let own = listed.and_then(|l| l[draft.protein].clone());
                    own.unwrap_or_default()
                }
            };
            draft.ever.extend_from_slice(&draft.masked);
        }
        Ok(())
    }

    /// Fills in what is masked.
    fn fill(&self, treatment: usize, round: u32, drafts: &mut [Draft]) -> Result<(), SteerError> {
        let Treatment {
            goal, insertion, ..
        } = &self.treatments[treatment];
        let seed = self.settings.seed;
        let mut streams: Vec<ChaCha8Rng> = drafts
            .iter()
            .map(|d| d.stream(seed, Purpose::Residue, &self.goals[*goal], round))
            .collect();
        let masked: Vec<Masked> = drafts
            .iter()
            .map(|draft| Masked {
                residues: &draft.residues,
                masked: &draft.masked,
            })
            .collect();
        let mut chosen = Vec::new();
        // residues of a sequence come in ascending order, so its stream serves them in order
        self.reader
            .predict(&masked, insertion.as_ref(), |sequence, residue, logits| {
                let rng = &mut streams[sequence];
                let letter = self.alphabet.choose(logits, self.settings.filling, rng);
                let position = residue + 1;
                let letter = letter.ok_or(SteerError::Logits { position })?;
                chosen.push((sequence, residue, letter));
                Ok(())
            })?;
        for (sequence, residue, letter) in chosen {
            drafts[sequence].residues[residue] = letter;
        }
        Ok(())
    }

    /// Reads what was generated.
    fn finish(
        &mut self,
        treatment: usize,
        drafts: Vec<Draft>,
        generated: &mut Vec<Generated>,
    ) -> Result<(), SteerError> {
        let residues: Vec<&[u8]> = drafts.iter().map(|d| d.residues.as_slice()).collect();
        let after = self.reader.read(&mut self.encoder, &residues)?;
        for (mut draft, after) in drafts.into_iter().zip(after) {
            draft.ever.sort_unstable();
            draft.ever.dedup();
            generated.push(Generated {
                protein: draft.protein,
                treatment,
                sample: draft.sample,
                masked: draft.ever,
                residues: draft.residues,
                after,
            });
        }
        Ok(())
    }
}
