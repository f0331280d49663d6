//! Which concepts lie between the instances of another, by their instances in training.

use crate::score::decode::Item;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Share of a concept's instances in training that lie next to one of the other's.
const NEXT_TO: f64 = 0.9;
/// Instances that tell it.
const LEAST_INSTANCES: usize = 10;

/// How many instances of a concept lie next to one of another, by both.
#[derive(Clone, Debug, Default)]
pub(super) struct Adjacency(HashMap<(u32, u32), usize>);

impl Adjacency {
    /// Adds the instances of a protein, by concept.
    pub(super) fn add(&mut self, truths: &[(u32, Vec<Item>)]) {
        let mut starts: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut ends: HashMap<u32, Vec<u32>> = HashMap::new();
        let ranges = |(concept, items): &'_ (u32, Vec<Item>)| {
            let concept = *concept;
            let ranges = items.iter().filter(|item| !item.bond);
            ranges.map(move |item| (concept, *item)).collect::<Vec<_>>()
        };
        for (concept, item) in truths.iter().flat_map(ranges) {
            starts.entry(item.start).or_default().push(concept);
            ends.entry(item.end).or_default().push(concept);
        }
        for (concept, item) in truths.iter().flat_map(ranges) {
            let before = ends.get(&(item.start - 1));
            let behind = starts.get(&(item.end + 1));
            let beside: HashSet<u32> = (before.into_iter().chain(behind).flatten())
                .copied()
                .collect();
            for other in beside {
                *self.0.entry((concept, other)).or_default() += 1;
            }
        }
    }

    /// For each concept that lies between the instances of another one, that one: no bounded concept bounds others. Of
    /// several the one that it lies beside most often. `instances` counts those in training of the concepts that may
    /// be read.
    pub(super) fn borders(&self, instances: &BTreeMap<u32, usize>) -> BTreeMap<u32, u32> {
        // those with many instances first: of two that lie beside each other the rarer is bounded
        let mut order: Vec<(u32, usize)> = instances.iter().map(|(&c, &n)| (c, n)).collect();
        order.sort_by_key(|&(concept, n)| (std::cmp::Reverse(n), concept));
        let mut borders = BTreeMap::new();
        let mut unbounded: Vec<u32> = Vec::new();
        for (concept, n) in order {
            let beside = |other: &u32| self.0.get(&(concept, *other)).copied().unwrap_or(0);
            let first = |other: &&u32| (beside(other), std::cmp::Reverse(**other));
            let most = unbounded.iter().max_by_key(first);
            match most {
                Some(&other)
                    if n >= LEAST_INSTANCES && beside(&other) as f64 >= NEXT_TO * n as f64 =>
                {
                    borders.insert(concept, other);
                }
                _ => unbounded.push(concept),
            }
        }
        borders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarer_of_two_neighbours_is_bounded() {
        // loops between helices, which themselves lie beside loops as often
        let helices: Vec<Item> = (0..6)
            .map(|i| Item::range(20 * i + 11, 20 * i + 20))
            .collect();
        let loops: Vec<Item> = (1..6)
            .map(|i| Item::range(20 * i + 1, 20 * i + 10))
            .collect();
        let alone = vec![Item::range(500, 510)];
        let mut adjacency = Adjacency::default();
        for _ in 0..4 {
            adjacency.add(&[(3, loops.clone()), (5, helices.clone()), (8, alone.clone())]);
        }
        let instances = BTreeMap::from([(3, 20), (5, 24), (8, 4)]);
        assert_eq!(adjacency.borders(&instances), BTreeMap::from([(3, 5)]));
        // too few of them say nothing
        let few = BTreeMap::from([(3, 9), (5, 24)]);
        assert_eq!(adjacency.borders(&few), BTreeMap::new());
        // half of them beside another is not enough
        let half = BTreeMap::from([(3, 40), (5, 64)]);
        assert_eq!(adjacency.borders(&half), BTreeMap::new());
    }
}
