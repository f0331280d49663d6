//! The second pass over the axioms: gradients, class by class and relation by relation.

use crate::wide;
use rayon::prelude::*;

use super::{
    AxiomLoss, CHUNK,
    kinds::{KINDS, add_difference, centre, radius},
};
use crate::{
    math::{real::Real, vector::add},
    sae::{config::AxiomNorm, params::Params},
    train::loss::axiom_norm::{SLOTS, unit_backward},
};

/// Classes per task.
const CLASSES: usize = 16;

impl<T: Real> AxiomLoss<T> {
    /// Second pass, without batch normalisation: gradients of centres and radii.
    pub(crate) fn gather(&mut self, params: &Params<T>) {
        let d = self.shape.width;
        let (terms, pulls, weights) = (&self.terms, &self.pull, &self.weight);
        let (starts, incident) = (&self.starts, &self.incident);
        let (norms, norm, kind_of_radius) = (&self.norms, self.norm, self.radius);
        self.centres
            .par_chunks_mut(CLASSES * d)
            .zip(self.radii.par_chunks_mut(CLASSES))
            .enumerate()
            .for_each(|(chunk, (rows, radii))| {
                for (i, (row, of_radius)) in rows.chunks_exact_mut(d).zip(radii).enumerate() {
                    let class = chunk * CLASSES + i;
                    let range = starts[class] as usize..starts[class + 1] as usize;
                    if range.is_empty() {
                        *of_radius = T::ZERO;
                        continue;
                    }
                    row.fill(T::ZERO);
                    let mut sum = T::ZERO;
                    wide!(|| {
                        for &entry in &incident[range] {
                            let t = (entry / 2) as usize;
                            let second = entry % 2 == 1;
                            let pull = if second { -pulls[t] } else { pulls[t] };
                            if pull != T::ZERO {
                                add_difference(params, norms, norm, &terms[t], pull, row);
                            }
                            let kind = &KINDS[terms[t].kind as usize];
                            let beta = if second { kind.beta_b } else { kind.beta_a };
                            sum += T::of(f64::from(beta)) * weights[t];
                        }
                        if norm == AxiomNorm::Unit {
                            unit_backward(centre(params, class), norms.inverse(class), row);
                        }
                    });
                    *of_radius = sum * radius(params, kind_of_radius, class).slope;
                }
            });
    }

    /// Second pass with batch normalisation, column by column.
    pub(crate) fn gather_batchnorm(&mut self, params: &Params<T>) {
        let d = self.shape.width;
        let classes = self.shape.classes();
        self.centres.fill(T::ZERO);
        self.radii.fill(T::ZERO);
        self.bn_gamma.fill(T::ZERO);
        self.partial.resize(classes * d, T::ZERO);
        for slot in 0..SLOTS {
            if self.norms.rows(slot) == 0 {
                continue;
            }
            let (terms, pulls, weights) = (&self.terms, &self.pull, &self.weight);
            let (starts, incident) = (&self.starts, &self.incident);
            let (norms, kind_of_radius) = (&self.norms, self.radius);
            self.partial
                .par_chunks_mut(d)
                .zip(&mut self.radii)
                .enumerate()
                .for_each(|(class, (row, of_radius))| {
                    row.fill(T::ZERO);
                    let key = slot * classes + class;
                    let mut sum = T::ZERO;
                    for &entry in &incident[starts[key] as usize..starts[key + 1] as usize] {
                        let t = (entry / 2) as usize;
                        let second = entry % 2 == 1;
                        let pull = if second { -pulls[t] } else { pulls[t] };
                        if pull != T::ZERO {
                            let norm = AxiomNorm::Batchnorm;
                            add_difference(params, norms, norm, &terms[t], pull, row);
                        }
                        let kind = &KINDS[terms[t].kind as usize];
                        let beta = if second { kind.beta_b } else { kind.beta_a };
                        sum += T::of(f64::from(beta)) * weights[t];
                    }
                    *of_radius += sum * radius(params, kind_of_radius, class).slope;
                });
            self.norms.backward(
                params,
                slot,
                &self.partial,
                &mut self.centres,
                &mut self.bn_gamma,
            );
        }
    }

    /// Gradients of the relation vectors: few and long lists, summed by chunks.
    pub(crate) fn gather_relations(&mut self, params: &Params<T>) {
        let d = self.shape.width;
        for relation in 0..self.shape.relations {
            let range = self.relation_starts[relation] as usize
                ..self.relation_starts[relation + 1] as usize;
            let list = &self.of_relation[range];
            let chunks = list.len().div_ceil(CHUNK);
            self.partial
                .resize((chunks * d).max(self.partial.len()), T::ZERO);
            let (terms, pulls) = (&self.terms, &self.pull);
            let (norms, norm) = (&self.norms, self.norm);
            list.par_chunks(CHUNK)
                .zip(self.partial.par_chunks_mut(d))
                .for_each(|(list, row)| {
                    row.fill(T::ZERO);
                    wide!(|| {
                        for &t in list {
                            let term = &terms[t as usize];
                            let kind = &KINDS[term.kind as usize];
                            let sign = kind.relation.map_or(0, |(_, sign)| sign);
                            let pull = T::of(f64::from(sign)) * pulls[t as usize];
                            if pull != T::ZERO {
                                add_difference(params, norms, norm, term, pull, row);
                            }
                        }
                    });
                });
            let out = &mut self.relations[relation * d..][..d];
            out.fill(T::ZERO);
            for row in self.partial.chunks_exact(d).take(chunks) {
                add(row, out);
            }
        }
    }
}
