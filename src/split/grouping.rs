//! Proteins that a split must keep together: clusters of homologues, and proteins of one sequence.

use super::clusters::Clusters;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Groups of proteins, and what joined them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grouping {
    /// Groups, each sorted.
    pub groups: Vec<Vec<String>>,
    /// Proteins whose sequence another protein has too.
    pub identical: Identical,
}

/// Proteins whose sequence another protein has too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Identical {
    /// Sequences that more than one protein has.
    pub groups: usize,
    /// Proteins that have one of them.
    pub proteins: usize,
    /// Clusters that were joined to others, since a sequence is in several.
    pub clusters_joined: usize,
}

/// Groups of the proteins that `is_wanted` names: clusters, joined where lists of proteins of one sequence reach over
/// several of them. Proteins that are not wanted join clusters too. Every other protein is alone, and in no group here.
#[must_use]
pub(crate) fn group(
    clusters: &Clusters,
    identical: &[Vec<String>],
    is_wanted: impl Fn(&str) -> bool,
) -> Grouping {
    let mut names = Names::default();
    let of_clusters: Vec<Vec<usize>> = clusters.values().map(|list| names.of(list)).collect();
    let of_sequences: Vec<Vec<usize>> = identical.iter().map(|list| names.of(list)).collect();
    let mut same = Sets::new(names.list.len());
    for list in &of_sequences {
        same.join(list);
    }
    let mut together = same.clone();
    for list in &of_clusters {
        together.join(list);
    }

    let wanted: Vec<bool> = names.list.iter().map(|name| is_wanted(name)).collect();
    let mut groups: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut sequences: BTreeMap<usize, usize> = BTreeMap::new();
    for (protein, name) in names.list.iter().enumerate() {
        if wanted[protein] {
            let group = groups.entry(together.root(protein)).or_default();
            group.push((*name).to_owned());
            *sequences.entry(same.root(protein)).or_default() += 1;
        }
    }
    let mut clusters_of: BTreeMap<usize, usize> = BTreeMap::new();
    for list in &of_clusters {
        if let Some(&protein) = list.iter().find(|&&protein| wanted[protein]) {
            *clusters_of.entry(together.root(protein)).or_default() += 1;
        }
    }
    let several = || sequences.values().filter(|&&proteins| proteins > 1);
    let identical = Identical {
        groups: several().count(),
        proteins: several().sum(),
        clusters_joined: clusters_of.values().filter(|&&n| n > 1).sum(),
    };
    let groups = groups.into_values().map(|mut group| {
        group.sort_unstable();
        group
    });
    // in an order that is the proteins' alone
    let groups: BTreeSet<Vec<String>> = groups.collect();
    Grouping {
        groups: groups.into_iter().collect(),
        identical,
    }
}

/// Names with numbers.
#[derive(Default)]
struct Names<'a> {
    list: Vec<&'a str>,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn of(&mut self, names: &'a [String]) -> Vec<usize> {
        let number = |name: &'a String| {
            let next = self.list.len();
            let number = *self.numbers.entry(name).or_insert(next);
            if number == next {
                self.list.push(name);
            }
            number
        };
        names.iter().map(number).collect()
    }
}

/// Disjoint sets of numbers.
#[derive(Clone)]
struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    fn new(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
        }
    }

    fn root(&mut self, mut member: usize) -> usize {
        while self.parent[member] != member {
            self.parent[member] = self.parent[self.parent[member]];
            member = self.parent[member];
        }
        member
    }

    fn join(&mut self, members: &[usize]) {
        for pair in members.windows(2) {
            let (a, b) = (self.root(pair[0]), self.root(pair[1]));
            // the smaller number stays the root
            self.parent[a.max(b)] = a.min(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(lists: &[&[&str]]) -> Vec<Vec<String>> {
        (lists.iter())
            .map(|list| list.iter().map(|&name| name.to_owned()).collect())
            .collect()
    }

    fn clusters(all: &[&[&str]]) -> Clusters {
        (lists(all).into_iter())
            .map(|members| (members[0].clone(), members))
            .collect()
    }

    #[test]
    fn one_sequence_joins_the_clusters_that_it_is_in() {
        let clusters = clusters(&[&["A", "B"], &["C", "D"], &["E"]]);
        let twins = lists(&[&["B", "C"], &["E", "X"], &["Y", "Z"]]);
        let found = group(&clusters, &twins, |_| true);
        let expected = lists(&[&["A", "B", "C", "D"], &["E", "X"], &["Y", "Z"]]);
        assert_eq!(found.groups, expected);
        let expected = Identical {
            groups: 3,
            proteins: 6,
            clusters_joined: 2,
        };
        assert_eq!(found.identical, expected);
    }

    #[test]
    fn clusters_are_joined_by_proteins_that_are_not_dealt_out() {
        let clusters = clusters(&[&["A", "x"], &["B", "y"]]);
        let found = group(&clusters, &lists(&[&["x", "y"]]), |name| name < "a");
        assert_eq!(found.groups, lists(&[&["A", "B"]]));
        assert_eq!(
            (found.identical.groups, found.identical.clusters_joined),
            (0, 2)
        );
    }

    #[test]
    fn lists_that_overlap_are_one_in_any_order() {
        let mut twins = lists(&[&["A", "B"], &["C", "D"], &["B", "C"]]);
        for _ in 0..twins.len() {
            twins.rotate_left(1);
            let found = group(&Clusters::new(), &twins, |_| true);
            assert_eq!(found.groups, lists(&[&["A", "B", "C", "D"]]));
            assert_eq!((found.identical.groups, found.identical.proteins), (1, 4));
        }
    }
}
