//! Which proteins are drawn together: homologues are not independent.

use crate::{
    Result,
    cli::{Context, Source},
    commands::split::write_split::read_clusters,
};
use std::collections::HashMap;

/// Which proteins are homologues of each other.
#[derive(Clone)]
pub(super) struct Groups {
    cluster_of: HashMap<String, usize>,
}

impl Groups {
    /// By files of clusters; without any, each protein is alone.
    ///
    /// # Errors
    /// Where a file is none, or a protein is in two clusters.
    pub(super) fn read(context: &Context, files: &[Source]) -> Result<Self> {
        let clusters = read_clusters(context, files, false, |_| true)?;
        let members = clusters.values().enumerate();
        let of = members.flat_map(|(number, list)| list.iter().map(move |p| (p.clone(), number)));
        Ok(Self {
            cluster_of: of.collect(),
        })
    }

    /// Whether any clusters are known.
    pub(super) fn are_clusters(&self) -> bool {
        !self.cluster_of.is_empty()
    }

    /// Numbers of the groups of proteins, from 0 in their order; who is in no cluster is alone.
    pub(super) fn of<'a>(&self, proteins: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let mut numbers = HashMap::new();
        let mut next = 0;
        let mut number = |protein: &'a str| {
            let key = self.cluster_of.get(protein).copied().ok_or(protein);
            *numbers.entry(key).or_insert_with(|| {
                next += 1;
                next - 1
            })
        };
        proteins.map(&mut number).collect()
    }
}
