//! The suite `disentanglement`: whether latents are of one thing each, and related concepts lie near each other.

use super::{
    alignment::{Aligned, Aligner},
    groups::Groups,
    rows::PartRows,
};
use crate::{
    sae::{Sae, hierarchy::Hierarchy},
    score::{
        geometry::PairCosines,
        metrics::{Disentanglement, MonosemanticityScores},
        monosemanticity::Embeddings,
    },
    split::partition::Part,
};

/// Test proteins by their mean activations, in the order in which they come.
pub(super) struct TestProteins {
    width: usize,
    names: Vec<String>,
    vectors: Vec<f32>,
}

impl TestProteins {
    pub(super) fn new(sae: &Sae) -> Self {
        Self {
            width: sae.config.shape.width,
            names: Vec::new(),
            vectors: Vec::new(),
        }
    }

    /// Adds a protein.
    pub(super) fn add(&mut self, rows: &PartRows) {
        if rows.part != Some(Part::Test) {
            return;
        }
        let n = rows.positions.len().max(1) as f64;
        self.names.push(rows.protein.clone());
        let means = rows.activation_sums.iter().map(|sum| (sum / n) as f32);
        self.vectors.extend(means);
    }

    /// The first protein of each group by name has its place in the order of names; the others do not count.
    fn ranks(&self, groups: &Groups) -> Vec<Option<u32>> {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by(|&a, &b| self.names[a].cmp(&self.names[b]));
        let numbers = groups.of(order.iter().map(|&item| self.names[item].as_str()));
        let mut ranks = vec![None; self.names.len()];
        let mut seen = 0;
        for (rank, (&item, group)) in (0..).zip(order.iter().zip(numbers)) {
            // groups are numbered in the order in which they come
            if group == seen {
                ranks[item] = Some(rank);
                seen += 1;
            }
        }
        ranks
    }
}

/// All scores but those between models.
pub(super) fn score(
    sae: &Sae,
    aligner: &Aligner<'_>,
    aligned: &Aligned,
    proteins: TestProteins,
    groups: &Groups,
    seed: u64,
) -> Disentanglement {
    let (shape, params) = (sae.config.shape, &sae.params);
    let hierarchy = Hierarchy::new(&sae.concepts, shape.defined);
    let cosines = |rows: &[f32]| {
        let defined = &rows[..shape.defined * shape.width];
        PairCosines::new(defined, shape.width, &hierarchy, seed)
    };
    let ranks = proteins.ranks(groups);
    let representatives = ranks.iter().flatten().count();
    let embeddings = Embeddings::new(proteins.vectors, proteins.width, ranks);
    let sheet = &aligner.held_out.test.proteins;
    let of = |latents| embeddings.scores(|latent| sheet.hits(latent), latents);
    Disentanglement {
        decoder: cosines(&params.dec),
        predictor: cosines(&params.enc),
        residue_level: aligned.relevances.residue_level.entanglement(),
        protein_level: aligned.relevances.protein_level.entanglement(),
        monosemanticity: MonosemanticityScores {
            proteins: representatives,
            base: embeddings.base(),
            all: of(0..shape.latents),
            defined: of(0..shape.defined),
            unknown: of(shape.defined..shape.latents),
        },
    }
}
