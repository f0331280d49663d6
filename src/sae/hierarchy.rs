//! Which concepts are special cases of which: what is said of a child holds for its parents.

use crate::annot::concept::ConceptsFile;

/// The hierarchy of a model's concepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchy {
    /// Child and parent of each edge, ascending.
    edges: Vec<[u32; 2]>,
    /// Start of each concept's ancestors, and the end of the last, `[m + 1]`.
    starts: Vec<u32>,
    /// Ancestors of each concept, itself among them, ascending.
    ancestors: Vec<u32>,
}

impl Hierarchy {
    /// Of the first `defined` concepts, by their direct parents.
    #[must_use]
    pub fn new(concepts: &ConceptsFile, defined: usize) -> Self {
        let of = concepts.concepts.iter().take(defined);
        let parents: Vec<&[u32]> = of.map(|concept| &concept.parents[..]).collect();
        Self::of_parents(&parents)
    }

    /// Of concepts by their direct parents; parents past the last concept are left out.
    #[must_use]
    pub fn of_parents(parents: &[&[u32]]) -> Self {
        let known = |&&parent: &&u32| (parent as usize) < parents.len();
        let mut out = Self {
            starts: vec![0],
            ..Self::default()
        };
        for (child, own) in (0u32..).zip(parents) {
            let mut own: Vec<u32> = own.iter().filter(known).copied().collect();
            own.sort_unstable();
            own.dedup();
            let others = own.into_iter().filter(|&parent| parent != child);
            out.edges.extend(others.map(|parent| [child, parent]));
            let mut found = vec![child];
            let mut next = 0;
            while let Some(&concept) = found.get(next) {
                for &parent in parents[concept as usize].iter().filter(known) {
                    if !found.contains(&parent) {
                        found.push(parent);
                    }
                }
                next += 1;
            }
            found.sort_unstable();
            out.ancestors.append(&mut found);
            out.starts.push(out.ancestors.len() as u32);
        }
        out
    }

    /// Child and parent of each edge, ascending.
    #[must_use]
    pub fn edges(&self) -> &[[u32; 2]] {
        &self.edges
    }

    /// Whether one concept is an ancestor of the other, or both are the same.
    #[must_use]
    pub fn related(&self, a: u32, b: u32) -> bool {
        let is_ancestor = |of: u32, other| self.ancestors(of).binary_search(&other).is_ok();
        a == b || is_ancestor(a, b) || is_ancestor(b, a)
    }

    /// Ancestors of a concept, itself among them, ascending; none of a concept past the last.
    #[must_use]
    pub fn ancestors(&self, concept: u32) -> &[u32] {
        match self.starts.get(concept as usize..concept as usize + 2) {
            Some(&[start, end]) => &self.ancestors[start as usize..end as usize],
            _ => &[],
        }
    }

    /// Start of each concept's ancestors with the end of the last, `[m + 1]`, and all of them.
    pub(crate) fn ancestor_lists(&self) -> (&[u32], &[u32]) {
        (&self.starts, &self.ancestors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_of_a_diamond_and_of_a_circle() {
        let diamond = Hierarchy::of_parents(&[&[1, 2], &[3], &[3, 9], &[]]);
        assert_eq!(diamond.edges(), [[0, 1], [0, 2], [1, 3], [2, 3]]);
        assert_eq!(diamond.ancestors(0), [0, 1, 2, 3]);
        assert_eq!(diamond.ancestors(3), [3]);
        assert!(diamond.ancestors(4).is_empty());
        let circle = Hierarchy::of_parents(&[&[1], &[0, 1]]);
        assert_eq!(circle.edges(), [[0, 1], [1, 0]]);
        assert_eq!(circle.ancestors(0), [0, 1]);
    }
}
