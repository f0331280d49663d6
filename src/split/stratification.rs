//! Training, validation and test proteins: groups stay whole, concepts keep their shares.
//!
//! Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) over groups: the concept with
//! the fewest proteins left is dealt out first, each of its groups to the part that wants it most.

use super::partition::Part;
use crate::annot::error::AnnotError;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// Shares of the parts, in the order of [`Part::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions(pub [f64; 3]);

impl Default for Fractions {
    fn default() -> Self {
        Self([0.8, 0.1, 0.1])
    }
}

impl FromStr for Fractions {
    type Err = AnnotError;

    fn from_str(text: &str) -> Result<Self, AnnotError> {
        let error = || AnnotError::Option {
            value: text.to_owned(),
            what: "list of fractions",
            known: "three numbers that add up to 1, as 0.8,0.1,0.1 for train, valid and test"
                .into(),
        };
        let mut fractions = [0.0; 3];
        let mut words = text.split(',');
        for fraction in &mut fractions {
            *fraction = words
                .next()
                .and_then(|word| word.trim().parse().ok())
                .filter(|f: &f64| (0.0..=1.0).contains(f))
                .ok_or_else(error)?;
        }
        if words.next().is_some() || (fractions.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
            return Err(error());
        }
        Ok(Self(fractions))
    }
}

impl fmt::Display for Fractions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [train, valid, test] = self.0;
        write!(f, "{train},{valid},{test}")
    }
}

/// Proteins that belong together, and the concepts that each of them has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Accessions, sorted.
    pub proteins: Vec<String>,
    /// Concepts, each with the number of the group's proteins that have it.
    pub concepts: BTreeMap<u32, u64>,
}

/// Proteins of one concept, or of all together, by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Shares {
    /// In training.
    pub train: u64,
    /// In validation.
    pub valid: u64,
    /// In the test.
    pub test: u64,
}

impl Shares {
    fn add(&mut self, part: usize, proteins: u64) {
        *[&mut self.train, &mut self.valid, &mut self.test][part] += proteins;
    }
}

/// The part of every group, and what the concepts got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Index into [`Part::ALL`], by group.
    pub parts: Vec<usize>,
    /// Proteins by part.
    pub proteins: Shares,
    /// Proteins of each concept by part.
    pub concepts: BTreeMap<u32, Shares>,
}

/// Deals groups out to the parts. The result depends on the seed, the proteins and their concepts,
/// not on the order of the groups.
#[must_use]
pub(crate) fn assign(groups: &[Group], fractions: Fractions, seed: u64) -> Assignment {
    let mut state = State::new(groups, fractions, seed);
    while let Some(&(_, concept)) = state.rarest.first() {
        let waiting = std::mem::take(state.groups_of.entry(concept).or_default());
        for group in waiting {
            if state.parts[group].is_none() {
                let part = state.best_part(Some(concept));
                state.put(group, part);
            }
        }
        // what is left has no group that could still be dealt out
        state.retire(concept);
    }
    for &group in &state.order.clone() {
        if state.parts[group].is_none() {
            let part = state.best_part(None);
            state.put(group, part);
        }
    }
    Assignment {
        parts: state.parts.iter().map(|part| part.unwrap_or(0)).collect(),
        proteins: state.proteins,
        concepts: state.concepts,
    }
}

struct State<'a> {
    groups: &'a [Group],
    /// Groups in the order that the seed gives them.
    order: Vec<usize>,
    groups_of: BTreeMap<u32, Vec<usize>>,
    /// Proteins of each concept that wait, smallest first.
    rarest: BTreeSet<(u64, u32)>,
    waiting: BTreeMap<u32, u64>,
    /// Proteins that each part still wants, of each concept and in all.
    wanted: BTreeMap<u32, [f64; 3]>,
    wanted_in_all: [f64; 3],
    fractions: [f64; 3],
    parts: Vec<Option<usize>>,
    proteins: Shares,
    concepts: BTreeMap<u32, Shares>,
}

impl<'a> State<'a> {
    fn new(groups: &'a [Group], fractions: Fractions, seed: u64) -> Self {
        let key = |group: &Group| {
            let name = group.proteins.first().map_or("", String::as_str);
            crate::hash::sha256(format!("{seed}\0{name}").as_bytes())
        };
        let mut order: Vec<(String, usize)> = groups.iter().map(key).zip(0..).collect();
        order.sort_unstable();
        let order: Vec<usize> = order.into_iter().map(|(_, group)| group).collect();
        let mut waiting: BTreeMap<u32, u64> = BTreeMap::new();
        let mut groups_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for &group in &order {
            for (&concept, &proteins) in &groups[group].concepts {
                *waiting.entry(concept).or_default() += proteins;
                groups_of.entry(concept).or_default().push(group);
            }
        }
        for (concept, of_concept) in &mut groups_of {
            // the largest first, while every part still has room for them
            of_concept.sort_by_key(|&group| std::cmp::Reverse(groups[group].concepts[concept]));
        }
        let total: usize = groups.iter().map(|group| group.proteins.len()).sum();
        Self {
            groups,
            order,
            groups_of,
            rarest: waiting.iter().map(|(&c, &n)| (n, c)).collect(),
            wanted: waiting
                .iter()
                .map(|(&c, &n)| (c, fractions.0.map(|f| f * n as f64)))
                .collect(),
            waiting,
            wanted_in_all: fractions.0.map(|f| f * total as f64),
            fractions: fractions.0,
            parts: vec![None; groups.len()],
            proteins: Shares::default(),
            concepts: BTreeMap::new(),
        }
    }

    /// The part that wants a concept most; ties go to the one that wants proteins most.
    fn best_part(&self, concept: Option<u32>) -> usize {
        let of_concept = concept.map_or([0.0; 3], |concept| self.wanted[&concept]);
        (0..Part::ALL.len())
            .filter(|&part| self.fractions[part] > 0.0)
            .max_by(|&a, &b| {
                of_concept[a]
                    .total_cmp(&of_concept[b])
                    .then(self.wanted_in_all[a].total_cmp(&self.wanted_in_all[b]))
                    .then(b.cmp(&a))
            })
            .unwrap_or(0)
    }

    fn put(&mut self, group: usize, part: usize) {
        self.parts[group] = Some(part);
        let Group { proteins, concepts } = &self.groups[group];
        self.wanted_in_all[part] -= proteins.len() as f64;
        self.proteins.add(part, proteins.len() as u64);
        for (&concept, &proteins) in concepts {
            if let Some(wanted) = self.wanted.get_mut(&concept) {
                wanted[part] -= proteins as f64;
            }
            self.concepts
                .entry(concept)
                .or_default()
                .add(part, proteins);
            if let Some(waiting) = self.waiting.get_mut(&concept) {
                self.rarest.remove(&(*waiting, concept));
                *waiting -= proteins;
                if *waiting > 0 {
                    self.rarest.insert((*waiting, concept));
                }
            }
        }
    }

    fn retire(&mut self, concept: u32) {
        if let Some(waiting) = self.waiting.remove(&concept) {
            self.rarest.remove(&(waiting, concept));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group(names: &[&str], concepts: &[(u32, u64)]) -> Group {
        Group {
            proteins: names.iter().map(|&name| name.to_owned()).collect(),
            concepts: concepts.iter().copied().collect(),
        }
    }

    #[test]
    fn fractions_add_up() {
        assert_eq!(
            "0.8,0.1,0.1".parse::<Fractions>().unwrap(),
            Fractions::default()
        );
        for text in [
            "0.8,0.1",
            "0.8,0.1,0.2",
            "1.2,-0.1,-0.1",
            "a,b,c",
            "0.5,0.3,0.1,0.1",
        ] {
            assert!(text.parse::<Fractions>().is_err(), "{text}");
        }
    }

    #[test]
    fn rare_concepts_reach_every_part() {
        // ten proteins have concept 1, a thousand concept 0
        let groups: Vec<Group> = (0..1000)
            .map(|i| {
                let name = format!("P{i:04}");
                let rare = [(0, 1), (1, 1)];
                group(&[&name], &rare[..if i % 100 == 7 { 2 } else { 1 }])
            })
            .collect();
        let assignment = assign(&groups, Fractions::default(), 1);
        assert_eq!(
            assignment.concepts[&1],
            Shares {
                train: 8,
                valid: 1,
                test: 1
            }
        );
        assert_eq!(
            assignment.concepts[&0],
            Shares {
                train: 800,
                valid: 100,
                test: 100
            }
        );
    }

    #[test]
    fn a_part_without_a_share_gets_nothing() {
        let groups: Vec<Group> = (0..50)
            .map(|i| group(&[&format!("P{i}")], &[(i % 3, 1)]))
            .collect();
        let assignment = assign(&groups, Fractions([0.7, 0.0, 0.3]), 0);
        assert_eq!(assignment.proteins.valid, 0);
        assert_eq!(assignment.proteins.train, 35);
    }

    prop_compose! {
        fn any_groups()(sizes in prop::collection::vec((1usize..5, prop::collection::vec(0u32..6, 0..4)), 0..40)) -> Vec<Group> {
            sizes.into_iter().enumerate().map(|(i, (size, concepts))| Group {
                proteins: (0..size).map(|j| format!("P{i:03}_{j}")).collect(),
                concepts: concepts.into_iter().map(|c| (c, size as u64)).collect(),
            }).collect()
        }
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_everything_is_dealt_out_once(groups in any_groups(), seed in 0u64..100) {
            let assignment = assign(&groups, Fractions::default(), seed);
            let of_name = |groups: &[Group], assignment: &Assignment| -> BTreeMap<String, usize> {
                groups.iter().zip(&assignment.parts)
                    .flat_map(|(group, &part)| group.proteins.iter().map(move |p| (p.clone(), part)))
                    .collect()
            };
            let mut reversed = groups.clone();
            reversed.reverse();
            let other = assign(&reversed, Fractions::default(), seed);
            prop_assert_eq!(of_name(&groups, &assignment), of_name(&reversed, &other));
            let total: usize = groups.iter().map(|g| g.proteins.len()).sum();
            let Shares { train, valid, test } = assignment.proteins;
            prop_assert_eq!(train + valid + test, total as u64);
        }
    }
}
