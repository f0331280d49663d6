//! The axiom loss: hinges on distances between class centres (protsae's four normal forms, in the
//! numbering of the `DeepGO` family, and disjointness).
//!
//! Every hinge has one shape, `[alpha |c_a + s v - c_b| + beta_a r_a + beta_b r_b + mu g]+`, so a
//! form is a list of `Kind`s. Two passes over the axioms, in chunks: the first finds the active
//! hinges and their lengths, the second gathers, class by class, the gradients of the axioms that
//! the class occurs in. Nothing is held but a few numbers per axiom, and no sum depends on the
//! number of threads.

mod gather;
mod kinds;

use crate::wide;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::axiom_norm::{SLOTS, SlotNorms};
use crate::annot::concept::Axioms;
use crate::{
    math::{
        pool::PerThread,
        random::{Purpose, below, stream},
        real::Real,
    },
    sae::{
        config::{AxiomNorm, AxiomRadius, Objective, Shape},
        params::Params,
    },
};
use kinds::{KINDS, NO_RELATION, Term, add_difference, radius};

/// Normal forms with a loss of their own: NF1, NF2, NF3, NF4, disjoint.
pub const FORMS: usize = 5;
/// Names of the forms, as in the log.
pub const FORM_NAMES: [&str; FORMS] = ["nf1", "nf2", "nf3", "nf4", "disjoint"];

/// What each form adds to the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FormLosses {
    /// Mean over the form's axioms.
    pub losses: [f64; FORMS],
    /// Share of its hinges that are active; 0 for a form without axioms.
    pub active: [f64; FORMS],
}

/// Terms that are summed together.
const CHUNK: usize = 512;
/// The axioms of a step and where classes and relations occur in them, for another machine to compute with.
pub(crate) struct Drawn<'a> {
    /// Kind, two classes and relation (`u32::MAX`: none) of each hinge.
    pub(crate) terms: Vec<[u32; 4]>,
    /// Of each kind: alpha, both betas, the margin, the relation's sign, and 1 over the axioms of its form.
    pub(crate) kinds: [[f32; 6]; KINDS.len()],
    /// Classes that are named, ascending, and where the hinges of each begin, with the end of the last.
    pub(crate) named: Vec<u32>,
    pub(crate) starts: Vec<u32>,
    /// Hinges of each named class: twice the hinge, plus one where the class is its second.
    pub(crate) incident: &'a [u32],
    /// Where the hinges of each relation begin, with the end of the last.
    pub(crate) relation_starts: &'a [u32],
    pub(crate) of_relation: &'a [u32],
}

/// The axiom loss and its gradients.
#[derive(Debug)]
pub struct AxiomLoss<T> {
    /// Axioms by form, each padded to three numbers.
    axioms: [Vec<[u32; 3]>; FORMS],
    shape: Shape,
    norm: AxiomNorm,
    radius: AxiomRadius,
    margin: T,
    per_step: Option<usize>,
    terms: Vec<Term>,
    /// Axioms of each form among the terms.
    drawn: [usize; FORMS],
    /// d loss / d length, over the length; 0 where the hinge is not active.
    pull: Vec<T>,
    /// d loss / d hinge.
    weight: Vec<T>,
    sums: Vec<FormLosses>,
    /// Terms of each (slot and) class: twice the term, plus one where the class is its second.
    starts: Vec<u32>,
    incident: Vec<u32>,
    /// Terms of each relation.
    relation_starts: Vec<u32>,
    of_relation: Vec<u32>,
    /// Classes that the terms name, `[m + z]`.
    named: Vec<bool>,
    norms: SlotNorms<T>,
    partial: Vec<T>,
    rows: PerThread<Vec<T>>,
    /// Gradient of the centres, `[m + z, d]` once computed; rows of classes that are not named are stale.
    pub centres: Vec<T>,
    /// Gradient of the biases that radii go by, `[m + z]`.
    pub radii: Vec<T>,
    /// Gradient of the relation vectors, `[R, d]`.
    pub relations: Vec<T>,
    /// Gradient of the normalisation's scale, `[d]` or empty.
    pub bn_gamma: Vec<T>,
}

impl<T: Real> AxiomLoss<T> {
    /// The loss over these axioms; none where there is nothing to compute.
    #[must_use]
    pub fn new(axioms: &Axioms, shape: Shape, objective: &Objective) -> Option<Self> {
        let pad = |pairs: &[[u32; 2]]| pairs.iter().map(|a| [a[0], a[1], 0]).collect();
        let axioms: [Vec<[u32; 3]>; FORMS] = [
            pad(&axioms.nf1),
            axioms.nf2.clone(),
            axioms.nf3.clone(),
            axioms.nf4.clone(),
            pad(&axioms.disjoint),
        ];
        let nothing =
            shape.defined == 0 || objective.lambda_axiom == 0.0 || axioms.iter().all(Vec::is_empty);
        if nothing {
            return None;
        }
        let d = shape.width;
        let batchnorm = objective.axiom_norm == AxiomNorm::Batchnorm;
        let mut loss = Self {
            axioms,
            shape,
            norm: objective.axiom_norm,
            radius: objective.axiom_radius,
            margin: T::of(objective.margin),
            per_step: objective.axioms_per_step,
            terms: Vec::new(),
            drawn: [0; FORMS],
            pull: Vec::new(),
            weight: Vec::new(),
            sums: Vec::new(),
            starts: Vec::new(),
            incident: Vec::new(),
            relation_starts: Vec::new(),
            of_relation: Vec::new(),
            named: vec![false; shape.classes()],
            norms: SlotNorms::new(if batchnorm { shape } else { Shape::default() }),
            partial: Vec::new(),
            rows: PerThread::new(),
            centres: Vec::new(),
            radii: vec![T::ZERO; shape.classes()],
            relations: vec![T::ZERO; shape.relations * d],
            bn_gamma: vec![T::ZERO; if batchnorm { d } else { 0 }],
        };
        if loss.per_step.is_none() {
            loss.draw(None);
        }
        Some(loss)
    }

    /// Chooses the axioms of a step; `seed` and `step` decide which, where not all are taken.
    pub fn choose(&mut self, seed: u64, step: u64) {
        if self.per_step.is_some() {
            self.draw(Some(stream(seed, Purpose::Axioms, step)));
        }
    }

    /// Whether the axioms of this step name a class; otherwise its gradients are not there.
    #[expect(clippy::inline_always, reason = "asked once a class and step")]
    #[inline(always)]
    pub fn names(&self, class: usize) -> bool {
        self.named[class]
    }

    /// Computes the loss of each form over the axioms chosen last, and the gradients of `factor`
    /// times their sum.
    pub fn compute(&mut self, params: &Params<T>, factor: T) -> FormLosses {
        self.reserve();
        match self.norm {
            AxiomNorm::None => {}
            AxiomNorm::Unit => self.norms.unit_lengths(params),
            AxiomNorm::Batchnorm => self.norms.statistics(params),
        }
        let losses = self.hinges(params, factor);
        self.gather_relations(params);
        if self.norm == AxiomNorm::Batchnorm {
            self.gather_batchnorm(params);
        } else {
            self.gather(params);
        }
        losses
    }

    /// Makes room for gradients of centres, which another machine may not need.
    pub(crate) fn reserve(&mut self) {
        let centres = self.shape.classes() * self.shape.width;
        self.centres.resize(centres, T::ZERO);
    }

    /// Sizes of the model.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether each step draws axioms of its own.
    pub(crate) fn draws(&self) -> bool {
        self.per_step.is_some()
    }

    /// What was chosen last; not for batch normalisation, which indexes by column.
    pub(crate) fn drawn(&self) -> Drawn<'_> {
        let share = |form: usize| 1.0 / self.drawn[form].max(1) as f32;
        let kinds = KINDS.each_ref().map(|kind| {
            let sign = kind.relation.map_or(0, |(_, sign)| sign);
            [
                f32::from(kind.alpha),
                f32::from(kind.beta_a),
                f32::from(kind.beta_b),
                f32::from(kind.margin) * self.margin.f64() as f32,
                f32::from(sign),
                share(kind.form),
            ]
        });
        let ends = self.starts.windows(2).zip(0..).take(self.shape.classes());
        let named: Vec<(u32, u32)> = ends
            .filter(|(ends, _)| ends[0] < ends[1])
            .map(|(ends, class)| (class, ends[0]))
            .collect();
        let end = self.incident.len() as u32;
        Drawn {
            terms: self
                .terms
                .iter()
                .map(|t| [t.kind.into(), t.a, t.b, t.relation])
                .collect(),
            kinds,
            starts: named.iter().map(|&(_, at)| at).chain([end]).collect(),
            named: named.into_iter().map(|(class, _)| class).collect(),
            incident: &self.incident,
            relation_starts: &self.relation_starts[..=self.shape.relations],
            of_relation: &self.of_relation,
        }
    }

    /// Sums what each hinge of those chosen last adds to the loss, by form.
    pub(crate) fn by_form(&self, hinges: &[f32]) -> FormLosses {
        let mut sums = FormLosses::default();
        for (term, &hinge) in self.terms.iter().zip(hinges) {
            let form = KINDS[term.kind as usize].form;
            sums.losses[form] += f64::from(hinge);
            sums.active[form] += f64::from(u8::from(hinge > 0.0));
        }
        self.shares(sums)
    }

    /// Turns numbers of active hinges into shares.
    fn shares(&self, mut sums: FormLosses) -> FormLosses {
        for (form, active) in sums.active.iter_mut().enumerate() {
            let hinges = KINDS.iter().filter(|kind| kind.form == form).count();
            *active /= (hinges * self.drawn[form]).max(1) as f64;
        }
        sums
    }

    /// Chooses the axioms of this step and indexes them by class and relation.
    fn draw(&mut self, mut rng: Option<ChaCha8Rng>) {
        self.terms.clear();
        self.norms.clear_counts();
        let bn = self.norm == AxiomNorm::Batchnorm;
        for (form, axioms) in self.axioms.iter().enumerate() {
            let all = axioms.len();
            let sampled = self.per_step.filter(|&count| count < all);
            self.drawn[form] = sampled.unwrap_or(all);
            for i in 0..self.drawn[form] {
                let axiom = match (&mut rng, sampled) {
                    (Some(rng), Some(_)) => axioms[below(rng, all as u64) as usize],
                    _ => axioms[i],
                };
                for (number, kind) in (0..).zip(&KINDS) {
                    if kind.form == form {
                        self.terms.push(Term {
                            kind: number,
                            a: axiom[kind.a],
                            b: axiom[kind.b],
                            relation: kind.relation.map_or(NO_RELATION, |(at, _)| axiom[at]),
                        });
                    }
                }
                if bn {
                    self.norms.count(form, &axiom);
                }
            }
        }
        let classes = self.shape.classes();
        let terms = &self.terms;
        let key = |slot: usize, class: u32| class as usize + if bn { slot * classes } else { 0 };
        let of_class = terms.iter().zip(0u32..).flat_map(|(term, t)| {
            let kind = &KINDS[term.kind as usize];
            [
                (key(kind.slot_a, term.a), 2 * t),
                (key(kind.slot_b, term.b), 2 * t + 1),
            ]
        });
        let keys = if bn { SLOTS * classes } else { classes };
        index(keys, of_class, &mut self.starts, &mut self.incident);
        let of_relation = terms
            .iter()
            .zip(0u32..)
            .filter(|(term, _)| term.relation != NO_RELATION)
            .map(|(term, t)| (term.relation as usize, t));
        index(
            self.shape.relations,
            of_relation,
            &mut self.relation_starts,
            &mut self.of_relation,
        );
        self.named.fill(false);
        for term in terms {
            self.named[term.a as usize] = true;
            self.named[term.b as usize] = true;
        }
        self.pull.resize(terms.len(), T::ZERO);
        self.weight.resize(terms.len(), T::ZERO);
        self.sums
            .resize(terms.len().div_ceil(CHUNK), FormLosses::default());
    }

    /// First pass: which hinges are active, and how strongly each pulls.
    fn hinges(&mut self, params: &Params<T>, factor: T) -> FormLosses {
        let (norms, norm, margin, drawn) = (&self.norms, self.norm, self.margin, self.drawn);
        let (rows, kind_of_radius) = (&self.rows, self.radius);
        let d = self.shape.width;
        self.terms
            .par_chunks(CHUNK)
            .zip(self.pull.par_chunks_mut(CHUNK))
            .zip(self.weight.par_chunks_mut(CHUNK))
            .zip(&mut self.sums)
            .for_each(|(((terms, pulls), weights), sums)| {
                rows.with(|row| {
                    row.resize(d, T::ZERO);
                    *sums = FormLosses::default();
                    for ((term, pull), weight) in terms.iter().zip(pulls).zip(weights) {
                        let kind = &KINDS[term.kind as usize];
                        row.fill(T::ZERO);
                        let length = wide!(|| {
                            add_difference(params, norms, norm, term, T::ONE, row);
                            crate::math::vector::dot(row, row).sqrt()
                        });
                        let signed = |s: i8, value: T| T::of(f64::from(s)) * value;
                        let radius =
                            |class: u32| radius(params, kind_of_radius, class as usize).value;
                        let hinge = signed(kind.alpha, length)
                            + signed(kind.beta_a, radius(term.a))
                            + signed(kind.beta_b, radius(term.b))
                            + signed(kind.margin, margin);
                        let count = drawn[kind.form] as f64;
                        let active = hinge > T::ZERO;
                        *weight = if active {
                            factor / T::of(count)
                        } else {
                            T::ZERO
                        };
                        *pull = if active && length > T::ZERO {
                            signed(kind.alpha, *weight) / length
                        } else {
                            T::ZERO
                        };
                        if active {
                            sums.losses[kind.form] += hinge.f64() / count;
                            sums.active[kind.form] += 1.0;
                        }
                    }
                });
            });
        let mut all = FormLosses::default();
        for sums in &self.sums {
            for form in 0..FORMS {
                all.losses[form] += sums.losses[form];
                all.active[form] += sums.active[form];
            }
        }
        self.shares(all)
    }
}

/// Lists values by key: those of key k are `values[starts[k]..starts[k + 1]]`, in their order.
fn index(
    keys: usize,
    entries: impl Iterator<Item = (usize, u32)> + Clone,
    starts: &mut Vec<u32>,
    values: &mut Vec<u32>,
) {
    starts.clear();
    starts.resize(keys + 2, 0);
    // shifted by one, so that filling leaves the starts in place
    for (key, _) in entries.clone() {
        starts[key + 2] += 1;
    }
    for key in 2..starts.len() {
        starts[key] += starts[key - 1];
    }
    values.clear();
    values.resize(starts.last().map_or(0, |&end| end as usize), 0);
    for (key, value) in entries {
        let slot = &mut starts[key + 1];
        values[*slot as usize] = value;
        *slot += 1;
    }
}
