//! What a GPU knows of concepts: weights, groups, and which of them are special cases of which.

use super::{GpuBackend, GpuError, memory::Buffer};
use crate::{
    sae::{
        config::{ForcedBy, Objective},
        hierarchy::Hierarchy,
    },
    train::loss::implication::{Implications, log_weights},
};

/// Concepts of a model in training.
#[derive(Debug)]
pub(crate) struct Concepts<M: GpuBackend> {
    /// Weights of positives, `[m]`.
    pub(crate) weights: Buffer<M>,
    /// Their logarithms, `[m]`.
    pub(crate) log_weights: Buffer<M>,
    /// Groups, `[m]`.
    pub(crate) groups: Buffer<M>,
    /// Edges of the hierarchy by concept, if implications are learned.
    pub(crate) edges: Option<Lists<M>>,
    /// Ancestors of each concept, if they are forced with it.
    pub(crate) ancestors: Option<Lists<M>>,
    /// The weights here, `[m]`.
    own_weights: Vec<f32>,
}

/// A list for each concept.
#[derive(Debug)]
pub(crate) struct Lists<M: GpuBackend> {
    /// Where each begins, and the end of the last.
    pub(crate) starts: Buffer<M>,
    pub(crate) values: Buffer<M>,
}

impl<M: GpuBackend> Lists<M> {
    /// These lists, one after the other.
    pub(crate) fn new(machine: &M, starts: &[u32], values: &[u32]) -> Result<Self, GpuError> {
        Ok(Self {
            starts: Buffer::of(machine, starts)?,
            values: Buffer::of(machine, values)?,
        })
    }
}

impl<M: GpuBackend> Concepts<M> {
    /// Of these weights of positives, `[m]`; all of one group and of no hierarchy.
    pub(crate) fn new(machine: &M, weights: &[f32]) -> Result<Self, GpuError> {
        Ok(Self {
            weights: Buffer::of(machine, weights)?,
            log_weights: Buffer::of(machine, &log_weights(weights))?,
            groups: Buffer::zeros(machine, size_of_val(weights))?,
            edges: None,
            ancestors: None,
            own_weights: weights.to_vec(),
        })
    }

    /// Puts groups in place, `[m]`.
    pub(crate) fn put_groups(&mut self, machine: &M, groups: &[u8]) -> Result<(), GpuError> {
        let wide: Vec<u32> = groups.iter().map(|&group| group.into()).collect();
        self.groups.put(machine, &wide)
    }

    /// Puts the hierarchy in place, as far as the objective goes by it.
    pub(crate) fn put_hierarchy(
        &mut self,
        machine: &M,
        objective: &Objective,
        hierarchy: &Hierarchy,
    ) -> Result<(), GpuError> {
        let implications = Implications::new(objective, hierarchy, &self.own_weights);
        self.edges = match implications {
            None => None,
            Some(implications) => {
                let (starts, values) = by_concept(implications.edges(), self.own_weights.len());
                Some(Lists::new(machine, &starts, &values)?)
            }
        };
        self.ancestors = match objective.forced_by {
            ForcedBy::Own => None,
            ForcedBy::Coherent => {
                let (starts, values) = hierarchy.ancestor_lists();
                Some(Lists::new(machine, starts, values)?)
            }
        };
        Ok(())
    }
}

/// Edges of each concept: twice the other end, plus one where the concept is the parent.
fn by_concept(edges: &[[u32; 2]], concepts: usize) -> (Vec<u32>, Vec<u32>) {
    let mut lists = vec![Vec::new(); concepts];
    for &[child, parent] in edges {
        lists[child as usize].push(2 * parent);
        lists[parent as usize].push(2 * child + 1);
    }
    let mut starts = vec![0];
    for list in &lists {
        starts.push(starts[starts.len() - 1] + list.len() as u32);
    }
    (starts, lists.concat())
}
