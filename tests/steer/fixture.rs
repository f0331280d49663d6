//! An autoencoder that reconstructs exactly, one of whose latents is the direction of lysines.

use protsae::{
    annot::concept::{CONCEPTS_FORMAT, Concept, ConceptKind, ConceptsFile, Level},
    plm::{
        batch::Batch,
        encoder::{LoadPlan, Model},
        place::Place,
        weights::{ModelFolder, Precision},
    },
    sae::{
        ModelConfig, Sae,
        config::{Objective, PredictorCenter, Shape, Variant},
        folder::{
            CONCEPTS_FILE, CONFIG_FILE, MODEL_FORMAT, ModelTensors, WEIGHTS_FILE, write_file,
            write_weights,
        },
        params::Params,
        settings::Training,
    },
    table::{
        PlmIdentity,
        metadata::{Convention, Site},
    },
};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};
use tempfile::TempDir;

/// Features of a residue in the embedded PLM.
pub(crate) const WIDTH: usize = 128;
/// Where the autoencoder stands.
pub(crate) const LAYER: usize = 3;
/// The concept of lysines.
pub(crate) const LYSINE: &str = "residue:K";
/// A concept whose latent is never decoded, below another such.
pub(crate) const SILENT: &str = "GO:0000002";

/// Proteins of all lengths, of which the last is several windows of 60.
pub(crate) const PROTEINS: [(&str, &str); 5] = [
    (
        "A1",
        "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ",
    ),
    (
        "A2",
        "GLSDGEWQLVLNVWGKVEADIPGHGQEVLIRLFKGHPETLEKFDKFKHLKSEDEMKASEDLKK",
    ),
    ("A3", "MW"),
    (
        "A4",
        "MSDNGPQNQRNAPRITFGGPSDSTGSNQNGERSGARSKQRRPQGLPNNTASWFTALTQHG",
    ),
    (
        "A5",
        "MALWMRLLPLLALLALWGPDPAAAFVNQHLCGSHLVEALYLVCGERGFFYTPKTRREAEDLQVGQVELGGGPGAGSLQPLALEGSLQKRGIVEQCCTSICSLYQLENYCN\
         MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHGKKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFKLLSHCLLVTL",
    ),
];

/// The embedded PLM.
pub(crate) fn plm() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test_data/mini_esm2")
}

/// Activations at the site of every protein, row-major.
pub(crate) fn activations() -> Vec<Vec<f32>> {
    let folder = ModelFolder::open(&plm()).unwrap();
    let place = Place::new(Site::Residual, LAYER, &folder.architecture).unwrap();
    let model = Model::load(&folder, LoadPlan::places(&[place], Precision::F32)).unwrap();
    let mut batch = Batch::new();
    for (_, sequence) in PROTEINS {
        batch.push(&folder.vocabulary, sequence.as_bytes());
    }
    let all = model.forward(&batch, &[place], None);
    let rows = |s: usize| {
        let tokens = batch.residues(s);
        let mut rows = vec![0f32; tokens.len() * WIDTH];
        all.rows(0, tokens, &mut rows);
        rows
    };
    (0..PROTEINS.len()).map(rows).collect()
}

/// The unit vector from the mean of other residues to that of lysines, and where on it each mean is.
fn direction() -> (Vec<f32>, f32, f32) {
    let mut sums = [vec![0f64; WIDTH], vec![0f64; WIDTH]];
    let mut counts = [0f64; 2];
    for ((_, sequence), rows) in PROTEINS.iter().zip(activations()) {
        for (letter, row) in sequence.bytes().zip(rows.chunks_exact(WIDTH)) {
            let which = usize::from(letter == b'K');
            counts[which] += 1.0;
            for (sum, &value) in sums[which].iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
    }
    let mean = |which: usize, i: usize| sums[which][i] / counts[which];
    let difference: Vec<f64> = (0..WIDTH).map(|i| mean(1, i) - mean(0, i)).collect();
    let length = difference.iter().map(|v| v * v).sum::<f64>().sqrt();
    let unit: Vec<f64> = difference.iter().map(|v| v / length).collect();
    let at = |which: usize| (0..WIDTH).map(|i| unit[i] * mean(which, i)).sum::<f64>() as f32;
    let unit = unit.iter().map(|&v| v as f32).collect();
    (unit, at(0), at(1))
}

fn concept(index: u32, id: &str, parents: Vec<u32>) -> Concept {
    Concept {
        index,
        id: id.into(),
        name: format!("name of {id}"),
        kind: ConceptKind::Residue,
        namespace: None,
        level: Level::Residue,
        parents,
        proteins: 1,
        residues: 1,
        partial: false,
        information_content: 0.0,
    }
}

/// Concepts 0 (lysines), 1 and 2 (1 below 2, neither decoded); latents from 3 on reconstruct the rest: the positive and
/// the negative part of each feature without its component along the direction, and the negative part of that.
pub(crate) fn sae() -> Sae {
    let shape = Shape {
        width: WIDTH,
        latents: 3 + 1 + 2 * WIDTH,
        defined: 3,
        ..Shape::default()
    };
    let objective = Objective {
        variant: Variant::default().with_k(shape.latents),
        predictor_center: PredictorCenter::BDec,
        forced_activation: false,
        ..Objective::default()
    };
    let mut params = Params::zeros_for(shape, &objective);
    let (unit, others, lysines) = direction();
    let row = |k: usize| k * WIDTH..(k + 1) * WIDTH;
    // a logit of 4 at the mean of lysines, of -4 at that of the others; an encoder row of unit length
    let gain = 8.0 / (lysines - others);
    for (i, &u) in unit.iter().enumerate() {
        params.enc[i] = gain * u;
        params.dec[i] = u;
        params.enc[3 * WIDTH + i] = -u;
        params.dec[3 * WIDTH + i] = -u;
    }
    params.r_pred[0] = -gain.ln();
    params.b_pred.fill(-20.0);
    params.b_pred[0] = -gain * f32::midpoint(lysines, others);
    for feature in 0..WIDTH {
        for (sign, k) in [(1.0, 4 + 2 * feature), (-1.0, 5 + 2 * feature)] {
            for (i, value) in params.enc[row(k)].iter_mut().enumerate() {
                *value = sign * (f32::from(u8::from(i == feature)) - unit[feature] * unit[i]);
            }
            params.dec[row(k)][feature] = sign;
        }
    }
    let folder = ModelFolder::open(&plm()).unwrap();
    let identity = PlmIdentity {
        name: folder.name(),
        sha256: folder.sha256().unwrap(),
        layer: LAYER as u32,
        site: Site::Residual,
        convention: Convention::HiddenStates,
        family: None,
        width: WIDTH as u32,
    };
    Sae {
        params,
        config: ModelConfig {
            format: MODEL_FORMAT.into(),
            plm: Some(identity),
            shape,
            input_scale: 1.0,
            objective,
            training: Training::default(),
            conversion: None,
        },
        concepts: ConceptsFile {
            format: CONCEPTS_FORMAT.into(),
            concepts: vec![
                concept(0, LYSINE, vec![]),
                concept(1, SILENT, vec![2]),
                concept(2, "GO:0000001", vec![]),
            ],
            ..ConceptsFile::default()
        },
        latent_max: vec![lysines; shape.latents],
        latent_scale: Vec::new(),
        positive_weight: Vec::new(),
        sha256: String::new(),
    }
}

/// Writes a model folder.
pub(crate) fn write_model(dir: &Path, sae: &Sae) {
    fs::create_dir_all(dir).unwrap();
    let tensors = ModelTensors {
        params: &sae.params,
        latent_max: &sae.latent_max,
        latent_scale: &[],
        positive_weight: &[],
    };
    write_weights(&dir.join(WEIGHTS_FILE), &tensors).unwrap();
    let yaml = sae.config.to_yaml().unwrap();
    write_file(&dir.join(CONFIG_FILE), yaml.as_bytes()).unwrap();
    let mut concepts = Vec::new();
    sae.concepts.write(&mut concepts).unwrap();
    write_file(&dir.join(CONCEPTS_FILE), &concepts).unwrap();
}

/// The model, the proteins together and in two files, and room for outputs.
pub(crate) struct Fixture(TempDir);

impl Fixture {
    /// Made once.
    pub(crate) fn get() -> &'static Self {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        FIXTURE.get_or_init(|| {
            let fixture = Self(tempfile::tempdir().unwrap());
            write_model(&fixture.path("model"), &sae());
            let records = PROTEINS.map(|(id, sequence)| format!(">{id}\n{sequence}\n"));
            fs::write(fixture.path("all.fasta"), records.concat()).unwrap();
            fs::write(fixture.path("first.fasta"), records[..2].concat()).unwrap();
            fs::write(fixture.path("last.fasta"), records[2..].concat()).unwrap();
            fixture
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Runs the executable on all proteins with these words, besides what it always needs.
pub(crate) fn run(words: &str) -> Output {
    let fixture = Fixture::get();
    command(fixture, "all.fasta", words).output().unwrap()
}

/// A command on a file of the fixture; words that begin with `@` are files of it.
pub(crate) fn command(fixture: &Fixture, fasta: &str, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_protsae-steer"));
    command.args(["-q", "--device", "cpu", "-m"]);
    command.arg(plm()).arg("--sae").arg(fixture.path("model"));
    command.arg("-i").arg(fixture.path(fasta));
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        match word.strip_prefix('@') {
            Some(name) => command.arg(fixture.path(name)),
            None => command.arg(word),
        };
    }
    command
}

/// The FASTA and the table of a run.
pub(crate) fn outputs(fasta: &str, words: &str) -> [Vec<u8>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let [out, table] = ["out.fasta", "out.tsv"].map(|name| folder.path().join(name));
    let mut command = command(Fixture::get(), fasta, words);
    command.arg("-o").arg(&out).arg("--table").arg(&table);
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {stderr}");
    [fs::read(out).unwrap(), fs::read(table).unwrap()]
}

/// A line of a table by the names of its columns.
pub(crate) struct Line(HashMap<String, String>);

impl Line {
    pub(crate) fn get(&self, column: &str) -> &str {
        &self.0[column]
    }

    pub(crate) fn number(&self, column: &str) -> f64 {
        let text = self.get(column);
        text.parse().unwrap_or_else(|_| panic!("{column}: {text}"))
    }

    /// The residues of a column of ranges, from 0.
    pub(crate) fn residues(&self, column: &str) -> Vec<usize> {
        let parts = self.get(column).split(',').filter(|part| !part.is_empty());
        let ends = parts.map(|part| part.split_once('-').unwrap_or((part, part)));
        ends.flat_map(|(a, b)| a.parse::<usize>().unwrap() - 1..b.parse().unwrap())
            .collect()
    }
}

/// The lines of the table of a run on all proteins.
pub(crate) fn table(words: &str) -> Vec<Line> {
    let [_, table] = outputs("all.fasta", words);
    let text = String::from_utf8(table).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split('\t').map(Into::into).collect();
    let line = |text: &str| {
        let fields = text.split('\t').map(ToOwned::to_owned);
        Line(names.iter().cloned().zip(fields).collect())
    };
    lines.map(line).collect()
}

/// The lines of an arm.
pub(crate) fn of_arm<'l>(lines: &'l [Line], arm: &str) -> Vec<&'l Line> {
    lines.iter().filter(|line| line.get("arm") == arm).collect()
}
