//! Activations with a planted dictionary: sparse mixtures of atoms, some of which are concepts.

use protsae::{
    annot::label::Label,
    sae::random::{Purpose, below, normal, stream, unit},
    table::{
        Container, PlmIdentity,
        activations::{ActivationInfo, ActivationWriter},
        labels,
        metadata::Site,
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
}

fn atoms(rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    (0..ATOMS)
        .map(|_| {
            let row: Vec<f64> = (0..WIDTH).map(|_| normal(rng)).collect();
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter().map(|v| v / length).collect()
        })
        .collect()
}

pub(crate) fn make(proteins: usize) -> Data {
    let mut rng = stream(11, Purpose::Weights, 0);
    let atoms = atoms(&mut rng);
    let mut data = Data {
        proteins: Vec::new(),
        labels: Vec::new(),
        atoms,
    };
    for number in 0..proteins {
        let accession = format!("P{number:04}");
        let mut x = Vec::new();
        for position in 1..=LENGTH {
            let mut row = [0.0; WIDTH];
            let mut used = Vec::new();
            for _ in 0..4 {
                // concepts are rare
                let atom = if unit(&mut rng) < 0.12 {
                    below(&mut rng, CONCEPTS as u64)
                } else {
                    CONCEPTS as u64 + below(&mut rng, (ATOMS - CONCEPTS) as u64)
                } as usize;
                if used.contains(&atom) {
                    continue;
                }
                used.push(atom);
                let size = 3.0 + 2.0 * unit(&mut rng);
                for (value, a) in row.iter_mut().zip(&data.atoms[atom]) {
                    *value += size * a;
                }
            }
            x.extend(row.iter().map(|&v| (v + 0.02 * normal(&mut rng)) as f32));
            for atom in used.into_iter().filter(|&a| a < CONCEPTS) {
                data.labels.push(Label {
                    protein: accession.clone(),
                    concept: format!("SITE:c{atom}"),
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

pub(crate) fn info() -> ActivationInfo {
    ActivationInfo {
        plm: Some(PlmIdentity {
            name: "toy".into(),
            sha256: "ab".repeat(32),
            layer: 3,
            site: Site::Residual,
            width: WIDTH as u32,
        }),
        sample: None,
        pool: None,
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
