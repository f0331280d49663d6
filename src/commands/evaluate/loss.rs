//! Loss recovered: the protein language model on test proteins, as it is, with reconstructions, and with zeros at the site.

use super::{groups::Groups, rows::PartRows};
use crate::{
    Error, Result,
    cli::{Context, args::DeviceChoice},
    commands::{plm as plm_step, shared},
    error::Context as _,
    hash,
    math::random::{Purpose, stream},
    plm::{
        batch::Batch,
        encoder::LoadPlan,
        engine::Engine,
        place::{Place, Replacement},
        vocabulary::Vocabulary,
        weights::{ModelFolder, Precision},
        window::{self, DEFAULT_LENGTH, DEFAULT_OVERLAP, Windows},
    },
    sae::folder::Sae,
    score::loss_recovered::{CrossEntropy, LossRecovered, ProteinLoss},
    split::partition::Part,
    steer::{Insertion, positions},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Options of loss recovered.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Loss recovered, with the suite 'fidelity'")]
pub(super) struct LossArgs {
    /// The PLM's folder, with its masked-LM head: also say how much of its skill is left where reconstructions stand in for
    /// its activations
    #[arg(long, value_name = "DIR")]
    pub(super) plm: Option<PathBuf>,

    /// Mask this share of the residues of each protein, chosen by seed and protein, and score these alone
    #[arg(long, value_name = "SHARE", requires = "plm")]
    mask_fraction: Option<f64>,

    /// Where the PLM computes: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,
}

/// A part of a protein that is seen at once.
struct Piece {
    /// Index of the protein.
    protein: usize,
    /// Residues of the window whose losses count, from its first: those that no other window sees better.
    scored: Vec<usize>,
    /// Tokens of the residues, as they are.
    truth: Vec<u32>,
}

/// Sums over residues of a protein.
struct ProteinSums {
    protein: String,
    residues: u64,
    sums: [f64; 3],
}

/// What the PLM says of proteins as it is and with zeros, by name: sums over residues. Models at one site share it.
pub(super) struct PlmLosses {
    place: Place,
    sums: HashMap<String, [f64; 2]>,
}

/// Runs test proteins through the PLM.
pub(super) struct LossScorer<'a> {
    engine: Engine,
    vocabulary: Vocabulary,
    place: Place,
    insertions: [Insertion<'a>; 2],
    windows: Windows,
    mask: Option<Mask>,
    budget: usize,
    batch: Batch,
    pieces: Vec<Piece>,
    proteins: Vec<ProteinSums>,
    /// What another model's run found.
    known: Option<PlmLosses>,
}

/// How residues are masked.
struct Mask {
    fraction: f64,
    token: u32,
    seed: u64,
}

impl LossArgs {
    /// Refuses what contradicts itself.
    pub(super) fn check(&self, fidelity: bool) -> Result<()> {
        if let Some(fraction) = self.mask_fraction {
            shared::check_share("--mask-fraction", fraction)?;
        }
        if self.plm.is_some() && !fidelity {
            return Err(Error::usage(
                "--plm is for loss recovered, of the suite 'fidelity': ask for --suite fidelity",
            ));
        }
        Ok(())
    }

    /// Loads the PLM, where one is given, and demands that it is that of the model.
    ///
    /// # Errors
    /// Where it cannot be loaded, has no head, or is another than the model's.
    pub(super) fn scorer<'a>(
        &self,
        context: &Context,
        sae: &'a Sae,
        folder: &Path,
        known: Option<PlmLosses>,
    ) -> Result<Option<LossScorer<'a>>> {
        let Some(path) = &self.plm else {
            return Ok(None);
        };
        context.note_input(path)?;
        let own = sae.config.plm.as_ref().ok_or_else(|| {
            Error::usage(format!(
                "{} does not say of which PLM, layer and site it is: loss recovered cannot be computed",
                folder.display()
            ))
        })?;
        let plm = ModelFolder::open(path).path(path)?;
        let place = Place::of(own, &plm.architecture).path(path)?;
        let given = plm.identity(place, plm.sha256().path(path)?);
        let names = [folder, path].map(|p| p.display().to_string());
        own.check_same(&names[0], &given, &names[1])?;
        let needs = LoadPlan::with_head(Precision::F32);
        let engine = Engine::load(&plm, needs, plm_step::device(self.device)).path(path)?;
        context.note_device(&engine.device());
        plm_step::note_compute(context, &engine, Precision::F32);
        let masked = |fraction| {
            let token = plm.vocabulary.mask().ok_or_else(|| {
                Error::usage(format!("{}: its vocabulary has no mask", path.display()))
            })?;
            Ok::<_, Error>(Mask {
                fraction,
                token,
                seed: context.seed(),
            })
        };
        Ok(Some(LossScorer {
            budget: plm_step::default_batch_tokens(&engine, context.threads()),
            engine,
            place,
            insertions: [Insertion::reconstructing(sae), Insertion::zero()],
            windows: Windows::new(DEFAULT_LENGTH, DEFAULT_OVERLAP)?,
            mask: self.mask_fraction.map(masked).transpose()?,
            vocabulary: plm.vocabulary,
            batch: Batch::new(),
            pieces: Vec::new(),
            proteins: Vec::new(),
            known: known.filter(|known| known.place == place),
        }))
    }
}

impl Mask {
    /// Which residues of a protein are masked, ascending: at least one of a protein that has any.
    fn choose(&self, protein: &str, length: usize) -> Vec<usize> {
        let key = hash::sha256(protein.as_bytes());
        let part = u64::from_str_radix(&key[..16], 16).unwrap_or(0);
        let mut random = stream(self.seed, Purpose::Masks, part);
        let count = positions::count(length, self.fraction).max(1);
        positions::random(&mut random, length, count)
    }
}

impl LossScorer<'_> {
    /// Adds a protein.
    ///
    /// # Errors
    /// Where the PLM fails.
    pub(super) fn protein(&mut self, rows: &PartRows) -> Result<()> {
        if rows.part != Some(Part::Test) {
            return Ok(());
        }
        let length = rows.residues.len();
        let masked = self.mask.as_ref().map(|m| m.choose(&rows.protein, length));
        let number = self.proteins.len();
        self.proteins.push(ProteinSums {
            protein: rows.protein.clone(),
            residues: masked.as_ref().map_or(length, Vec::len) as u64,
            sums: [0.0; 3],
        });
        let windows = self.windows.of(length);
        for (window, own) in windows.iter().zip(window::seen_best(&windows)) {
            let counts = |r: &usize| masked.as_ref().is_none_or(|m| m.binary_search(r).is_ok());
            let scored: Vec<usize> = own.filter(counts).map(|r| r - window.start).collect();
            let tokens = self.vocabulary.window_tokens(window.len());
            let waiting = self.batch.tokens().len();
            if waiting > 0 && waiting + tokens > self.budget {
                self.compute()?;
            }
            let mut tokens = Vec::new();
            let residues = &rows.residues[window.clone()];
            let place = self.vocabulary.encode(residues, &mut tokens);
            let truth = tokens[place.clone()].to_vec();
            if let (Some(mask), Some(masked)) = (&self.mask, &masked) {
                let here = masked.iter().filter(|r| window.contains(r));
                for residue in here {
                    tokens[place.start + residue - window.start] = mask.token;
                }
            }
            self.batch.push_tokens(&tokens, place);
            self.pieces.push(Piece {
                protein: number,
                scored,
                truth,
            });
        }
        Ok(())
    }

    /// Computes the proteins that wait.
    fn compute(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        let pieces = std::mem::take(&mut self.pieces);
        let [reconstruction, zero] = &self.insertions;
        let mut edits = vec![(1, Some(reconstruction))];
        if self.known.is_none() {
            edits.extend([(0, None), (2, Some(zero))]);
        }
        for (number, insertion) in edits {
            let edit = insertion.map(|edit| Replacement {
                place: self.place,
                edit,
            });
            let logits = self.engine.logits(&batch, edit)?;
            if let Some(insertion) = insertion {
                insertion.check()?;
            }
            for (sequence, piece) in pieces.iter().enumerate() {
                let first = batch.residues(sequence).start;
                let losses = (piece.scored.iter())
                    .map(|&r| -logits.log_probability(first + r, piece.truth[r]));
                self.proteins[piece.protein].sums[number] += losses.sum::<f64>();
            }
        }
        Ok(())
    }

    /// All scores.
    ///
    /// # Errors
    /// Where the PLM fails.
    pub(super) fn finish(
        mut self,
        groups: &Groups,
        replicates: usize,
        seed: u64,
    ) -> Result<(LossRecovered, PlmLosses)> {
        if !self.pieces.is_empty() {
            self.compute()?;
        }
        let mut proteins = std::mem::take(&mut self.proteins);
        let known = self.known.take().unwrap_or_else(|| PlmLosses {
            place: self.place,
            sums: (proteins.iter())
                .map(|p| (p.protein.clone(), [p.sums[0], p.sums[2]]))
                .collect(),
        });
        for protein in &mut proteins {
            // the same tables are read for every model
            if let Some(&[plm, zero]) = known.sums.get(&protein.protein) {
                (protein.sums[0], protein.sums[2]) = (plm, zero);
            }
        }
        proteins.retain(|p| p.residues > 0);
        proteins.sort_by(|a, b| a.protein.cmp(&b.protein));
        let groups = groups.of(proteins.iter().map(|p| p.protein.as_str()));
        let losses = proteins.iter().zip(groups).map(|(p, group)| {
            let [plm, sae, zero] = p.sums.map(|sum| sum / p.residues as f64);
            ProteinLoss {
                protein: p.protein.clone(),
                group,
                residues: p.residues,
                losses: CrossEntropy { plm, sae, zero },
            }
        });
        let mask = self.mask.as_ref().map(|m| m.fraction);
        let scores = LossRecovered::new(losses.collect(), mask, replicates, seed);
        Ok((scores, known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_depend_on_seed_and_protein_alone() {
        let mask = |seed| Mask {
            fraction: 0.15,
            token: 32,
            seed,
        };
        let chosen = mask(1).choose("P12345", 200);
        assert_eq!(chosen.len(), 30);
        assert!(chosen.windows(2).all(|w| w[0] < w[1]) && chosen[29] < 200);
        assert_eq!(chosen, mask(1).choose("P12345", 200));
        assert_ne!(chosen, mask(2).choose("P12345", 200));
        assert_ne!(chosen, mask(1).choose("P12346", 200));
        assert_eq!(mask(1).choose("P12345", 1), [0]);
    }
}
