//! How much of a protein language model's skill is left where a reconstruction stands in for its activations.
//!
//! Loss recovered is `1 - (CE_sae - CE) / (CE_zero - CE)`, with CE the cross-entropy of residues under the masked-LM head,
//! averaged within proteins, then over them; it is not clipped.

use super::function::{
    curve::Sums,
    interval::{Interval, bootstrap},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cross-entropies in nats a residue: of the model as it is, with reconstructions, and with zeros in their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossEntropy {
    /// Of the model as it is.
    pub plm: f64,
    /// With the reconstruction at the site.
    pub sae: f64,
    /// With zeros at the site.
    pub zero: f64,
}

/// A protein's cross-entropies.
#[derive(Clone, Debug, PartialEq)]
pub struct ProteinLoss {
    /// Its name.
    pub protein: String,
    /// Its group: proteins of one are drawn together.
    pub group: usize,
    /// Residues that count.
    pub residues: u64,
    /// Means over them.
    pub losses: CrossEntropy,
}

/// Loss recovered on the test proteins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossRecovered {
    /// Proteins with a residue that counts.
    pub proteins: usize,
    /// Residues that count.
    pub residues: u64,
    /// Share of residues that were masked, and alone count; none: nothing was masked, and all count.
    pub mask_fraction: Option<f64>,
    /// Means over the proteins.
    pub cross_entropy: Option<CrossEntropy>,
    /// 1 where the reconstruction costs nothing, 0 where it is worth no more than zeros; none where zeros cost nothing.
    pub loss_recovered: Option<f64>,
    /// 95 % interval of it.
    pub loss_recovered_interval: Option<Interval>,
    /// Replicates of the bootstrap, which draws groups.
    pub replicates: usize,
}

/// Loss recovered from the sums `[proteins, plm, sae, zero]`.
fn recovered(&[_, plm, sae, zero]: &[f64; 4]) -> Option<f64> {
    (zero != plm).then(|| 1.0 - (sae - plm) / (zero - plm))
}

impl LossRecovered {
    /// From all proteins, in any order.
    #[must_use]
    pub fn new(
        mut proteins: Vec<ProteinLoss>,
        mask_fraction: Option<f64>,
        replicates: usize,
        seed: u64,
    ) -> Self {
        proteins.sort_unstable_by(|a, b| a.protein.cmp(&b.protein));
        let groups = proteins.iter().map(|p| p.group + 1).max().unwrap_or(0);
        let mut sums = vec![Sums::<4>::new(1); groups];
        let mut all = Sums::<4>::new(1);
        for protein in &proteins {
            let CrossEntropy { plm, sae, zero } = protein.losses;
            let own = Sums(vec![[1.0, plm, sae, zero]]);
            sums[protein.group] += &own;
            all += &own;
        }
        let [count, plm, sae, zero] = all.0[0];
        let [interval] = bootstrap(&sums, replicates, seed, |s: &Sums<4>| [recovered(&s.0[0])]);
        Self {
            proteins: proteins.len(),
            residues: proteins.iter().map(|p| p.residues).sum(),
            mask_fraction,
            cross_entropy: (count > 0.0).then(|| CrossEntropy {
                plm: plm / count,
                sae: sae / count,
                zero: zero / count,
            }),
            loss_recovered: recovered(&all.0[0]).filter(|_| count > 0.0),
            loss_recovered_interval: interval,
            replicates,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protein(number: usize, plm: f64, sae: f64, zero: f64) -> ProteinLoss {
        ProteinLoss {
            protein: format!("P{number}"),
            group: number,
            residues: 10,
            losses: CrossEntropy { plm, sae, zero },
        }
    }

    #[test]
    fn a_ratio_of_means_and_not_a_mean_of_ratios() {
        let proteins = vec![protein(1, 1.0, 1.5, 2.0), protein(0, 2.0, 2.0, 5.0)];
        let found = LossRecovered::new(proteins.clone(), None, 200, 1);
        assert_eq!(found.loss_recovered, Some(1.0 - 0.5 / 4.0));
        let [low, high] = found.loss_recovered_interval.unwrap();
        assert!((0.5..=0.875).contains(&low) && (0.875..=1.0).contains(&high));
        let turned = proteins.into_iter().rev().collect();
        assert_eq!(found, LossRecovered::new(turned, None, 200, 1));
    }

    #[test]
    fn without_proteins_or_skill_there_is_no_score() {
        assert_eq!(
            LossRecovered::new(Vec::new(), None, 10, 1).loss_recovered,
            None
        );
        let same = vec![protein(0, 1.0, 1.0, 1.0)];
        assert_eq!(
            LossRecovered::new(same, Some(0.15), 10, 1).loss_recovered,
            None
        );
    }
}
