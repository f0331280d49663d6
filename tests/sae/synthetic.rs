//! Activations with a planted dictionary: sparse mixtures of atoms, some of which are concepts.

use protsae::{
    annot::label::Label,
    math::random::{Purpose, below, normal, stream, unit},
    table::{
        Container, PlmIdentity,
        activations::{ActivationInfo, ActivationWriter},
        labels,
        metadata::{Convention, Site},
        schema::ActivationType,
    },
};
use rand_chacha::ChaCha8Rng;
use std::{fs, path::Path};

pub(crate) const WIDTH: usize = 24;
/// Atoms; the first ones are concepts.
pub(crate) const ATOMS: usize = 40;
pub(crate) const CONCEPTS: usize = 6;
const LENGTH: u32 = 30;

pub(crate) struct Data {
    pub(crate) proteins: Vec<(String, Vec<f32>)>,
    pub(crate) labels: Vec<Label>,
    pub(crate) atoms: Vec<Vec<f64>>,
    /// How many of the atoms, the first, are concepts.
    pub(crate) concepts: usize,
}

fn atoms(rng: &mut ChaCha8Rng, count: usize) -> Vec<Vec<f64>> {
    (0..count)
        .map(|_| {
            let row: Vec<f64> = (0..WIDTH).map(|_| normal(rng)).collect();
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter().map(|v| v / length).collect()
        })
        .collect()
}

/// Proteins whose residues are mixtures of the atoms that `draw` names.
fn mix(
    proteins: usize,
    (atoms, concepts): (usize, usize),
    mut draw: impl FnMut(&mut ChaCha8Rng) -> Vec<usize>,
) -> Data {
    let mut rng = stream(11, Purpose::Weights, 0);
    let atoms = self::atoms(&mut rng, atoms);
    let mut data = Data {
        proteins: Vec::new(),
        labels: Vec::new(),
        atoms,
        concepts,
    };
    for number in 0..proteins {
        let accession = format!("P{number:04}");
        let mut x = Vec::new();
        for position in 1..=LENGTH {
            let mut row = [0.0; WIDTH];
            let used = draw(&mut rng);
            for &atom in &used {
                let size = 3.0 + 2.0 * unit(&mut rng);
                for (value, a) in row.iter_mut().zip(&data.atoms[atom]) {
                    *value += size * a;
                }
            }
            x.extend(row.iter().map(|&v| (v + 0.02 * normal(&mut rng)) as f32));
            for atom in used.into_iter().filter(|&a| a < concepts) {
                data.labels.push(Label {
                    protein: accession.clone(),
                    concept: format!("SITE:c{atom:02}"),
                    start: Some(position),
                    end: Some(position),
                    instance: position,
                    source: "test".into(),
                    evidence: None,
                });
            }
        }
        data.proteins.push((accession, x));
    }
    data
}

pub(crate) fn make(proteins: usize) -> Data {
    mix(proteins, (ATOMS, CONCEPTS), |rng| {
        let mut used = Vec::new();
        for _ in 0..4 {
            // concepts are rare
            let atom = if unit(rng) < 0.12 {
                below(rng, CONCEPTS as u64)
            } else {
                CONCEPTS as u64 + below(rng, (ATOMS - CONCEPTS) as u64)
            } as usize;
            if !used.contains(&atom) {
                used.push(atom);
            }
        }
        used
    })
}

/// Concepts that others are below, and how many are below each.
const PARENTS: usize = 4;
const CHILDREN: usize = 2;
/// Atoms of the hierarchy's data that are no concept.
const OTHERS: usize = 20;
const FAMILY: usize = PARENTS * (1 + CHILDREN);

/// Proteins with parents, now and then, and in two of three cases one of the parent's children too.
pub(crate) fn make_hierarchy(proteins: usize) -> Data {
    mix(proteins, (FAMILY + OTHERS, FAMILY), |rng| {
        let mut used = Vec::new();
        if unit(rng) < 0.35 {
            let parent = below(rng, PARENTS as u64) as usize;
            used.push(parent);
            if unit(rng) < 0.67 {
                let child = below(rng, CHILDREN as u64) as usize;
                used.push(PARENTS + parent * CHILDREN + child);
            }
        }
        for _ in 0..2 {
            let atom = FAMILY + below(rng, OTHERS as u64) as usize;
            if !used.contains(&atom) {
                used.push(atom);
            }
        }
        used
    })
}

/// The hierarchy's vocabulary: every child is a kind of its parent.
pub(crate) fn hierarchy_json() -> String {
    let parent = |i: usize| (i - PARENTS) / CHILDREN;
    let concept = |i: usize| {
        let parents: Vec<usize> = (i >= PARENTS).then(|| parent(i)).into_iter().collect();
        serde_json::json!({
            "index": i, "id": format!("SITE:c{i:02}"), "name": "", "kind": "feature",
            "namespace": null, "level": "residue", "parents": parents, "proteins": 1,
            "residues": 1, "information_content": 0.0,
        })
    };
    let is_a: Vec<[usize; 2]> = (PARENTS..FAMILY).map(|i| [i, parent(i)]).collect();
    serde_json::json!({
        "format": "concepts/1", "ontology": null,
        "concepts": (0..FAMILY).map(concept).collect::<Vec<_>>(),
        "zero_classes": [], "relations": [],
        "axioms": {"nf1": is_a, "nf2": [], "nf3": [], "nf4": [], "disjoint": []},
    })
    .to_string()
}

pub(crate) fn info() -> ActivationInfo {
    ActivationInfo {
        plm: Some(PlmIdentity {
            name: "toy".into(),
            sha256: "ab".repeat(32),
            layer: 3,
            site: Site::Residual,
            convention: Convention::HiddenStates,
            family: None,
            width: WIDTH as u32,
        }),
        sample: None,
        pool: None,
        compute: Some("f32".into()),
    }
}

impl Data {
    /// An activation table of some of the proteins, in this order.
    pub(crate) fn write_activations(&self, path: &Path, numbers: &[usize], container: Container) {
        let mut writer =
            ActivationWriter::new(Vec::new(), container, WIDTH, ActivationType::F32, &info())
                .unwrap();
        for &number in numbers {
            let (accession, x) = &self.proteins[number];
            let positions: Vec<u32> = (1..=LENGTH).collect();
            let residues = vec![b'A'; LENGTH as usize];
            writer.push(accession, &positions, &residues, x).unwrap();
        }
        fs::write(path, writer.finish().unwrap()).unwrap();
    }

    pub(crate) fn write_labels(&self, path: &Path) {
        let bytes = labels::write(Vec::new(), Container::File, &self.labels).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Every fifth protein validates, every seventh tests.
    pub(crate) fn write_split(&self, path: &Path) {
        let mut text = "protein\tsplit\n".to_owned();
        for (number, (accession, _)) in self.proteins.iter().enumerate() {
            let part = match (number % 5, number % 7) {
                (0, _) => "valid",
                (_, 0) => "test",
                _ => "train",
            };
            text.extend([accession, "\t", part, "\n"]);
        }
        fs::write(path, text).unwrap();
    }
}
