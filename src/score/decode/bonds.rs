//! Bonds: sites are found first, then paired within the protein.

use super::{Item, Residues, runs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sites of a protein that are paired at most, the strongest first.
const MOST_SITES: usize = 512;

/// Parameters of bonds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bonds {
    /// Log-odds that sites exceed.
    pub threshold: f64,
    /// Natural logarithms of the probabilities of the separations 1, 2, ... of two ends.
    pub separations: Vec<f64>,
}

impl Bonds {
    /// The bonds of a protein, and the sites that stay alone.
    ///
    /// Pairs are taken in order of the sum of their ends' log-odds and the logarithm of their separation's
    /// probability; of equals the first.
    #[must_use]
    pub fn decode(&self, residues: Residues<'_>) -> Vec<Item> {
        let runs = runs::above(residues, self.threshold);
        let mut sites: Vec<u32> = runs.into_iter().flat_map(|(a, b)| a..=b).collect();
        let evidence = |site: u32| residues.log_odds[site as usize - 1];
        if sites.len() > MOST_SITES {
            sites.sort_by(|&a, &b| evidence(b).total_cmp(&evidence(a)).then(a.cmp(&b)));
            sites.truncate(MOST_SITES);
            sites.sort_unstable();
        }
        let mut pairs = Vec::new();
        for (i, &a) in sites.iter().enumerate() {
            for &b in &sites[i + 1..] {
                if let Some(ln) = self.separations.get((b - a) as usize - 1) {
                    pairs.push((evidence(a) + evidence(b) + ln, a, b));
                }
            }
        }
        pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
        let mut free: std::collections::BTreeSet<u32> = sites.into_iter().collect();
        let mut items = Vec::new();
        for (_, a, b) in pairs {
            if free.contains(&a) && free.contains(&b) {
                free.remove(&a);
                free.remove(&b);
                items.push(Item::bond(a, b));
            }
        }
        items.extend(free.into_iter().map(|site| Item::range(site, site)));
        items.sort_unstable();
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_pair_first_and_what_is_left_stays_alone() {
        let mut log_odds = vec![-5.0; 40];
        for (position, l) in [(5, 3.0), (10, 1.0), (15, 2.0), (30, 0.5), (39, 0.1)] {
            log_odds[position - 1] = l;
        }
        let residues = Residues {
            log_odds: &log_odds,
            floor: -5.0,
            base: -4.0,
            borders: &[],
        };
        let bonds = Bonds {
            threshold: 0.0,
            separations: vec![-1.0; 20],
        };
        let expected = [Item::bond(5, 15), Item::bond(10, 30), Item::range(39, 39)];
        assert_eq!(bonds.decode(residues), expected);
    }
}
