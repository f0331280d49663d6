//! Generated sequences as lines of a table, and as records of FASTA.

use super::{
    change::Mode,
    generator::Generated,
    goal::Goal,
    motif::Motif,
    positions::ranges,
    reader::{ConceptScore, Reading},
    structure::Structure,
    treatment::Treatment,
};
use crate::{
    report::{number, tsv},
    seq::{Protein, fasta},
};
use std::io::{self, Write};

/// Columns of the table.
pub(crate) const COLUMNS: [&str; 25] = [
    "id",
    "protein",
    "concept",
    "arm",
    "latents",
    "mode",
    "scale",
    "sample",
    "rounds",
    "masked",
    "changed",
    "identity",
    "log_likelihood_before",
    "log_likelihood_after",
    "score_before",
    "score_after",
    "score_max_before",
    "score_max_after",
    "motif_before",
    "motif_after",
    "tm_score",
    "plddt",
    "seed",
    "original",
    "generated",
];

/// What holds for all sequences of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// Units of scales; none where latents are set to 0.
    pub(crate) mode: Option<Mode>,
    /// Rounds of masking.
    pub(crate) rounds: u32,
    /// Seed.
    pub(crate) seed: u64,
    /// What is counted.
    pub(crate) motif: Option<&'a Motif>,
}

/// Matches of a motif.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matches {
    /// In the original.
    pub(crate) before: usize,
    /// In the generated sequence.
    pub(crate) after: usize,
}

/// A generated sequence beside its original.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    /// The run.
    pub(crate) run: &'a Run<'a>,
    /// The original.
    pub(crate) protein: &'a Protein,
    /// What was steered towards.
    pub(crate) goal: &'a Goal,
    /// What was done.
    pub(crate) treatment: &'a Treatment<'a>,
    /// What came out.
    pub(crate) generated: &'a Generated,
    /// How the original is read.
    pub(crate) before: &'a Reading,
    /// Which of the read scores is the goal's.
    pub(crate) score: Option<usize>,
}

impl Record<'_> {
    /// An id that follows from the protein, the goal, the arm, its scale and the sample alone.
    #[must_use]
    pub(crate) fn id(&self) -> String {
        let Treatment { arm, scale, .. } = self.treatment;
        let (protein, tag) = (&self.protein.accession, &self.goal.tag);
        let scale = scale.map(|s| format!("_s{s}")).unwrap_or_default();
        let sample = self.generated.sample;
        format!("{protein}_{}_{tag}{scale}_{sample}", arm.name())
    }

    /// Residues that differ, from 0.
    fn changed(&self) -> Vec<usize> {
        let pairs = self.protein.sequence.iter().zip(&self.generated.residues);
        let differing = pairs.enumerate().filter(|(_, (a, b))| a != b);
        differing.map(|(residue, _)| residue).collect()
    }

    /// Share of the residues that are the original's.
    #[must_use]
    pub(crate) fn identity(&self) -> f64 {
        1.0 - self.changed().len() as f64 / self.protein.sequence.len().max(1) as f64
    }

    /// The concept's scores before and after, where the goal is of a concept.
    #[must_use]
    pub(crate) fn scores(&self) -> Option<[ConceptScore; 2]> {
        let at = self.score?;
        let of = |reading: &Reading| reading.scores.get(at).copied();
        Some([of(self.before)?, of(&self.generated.after)?])
    }

    /// Matches of the motif, where one is counted.
    #[must_use]
    pub(crate) fn matches(&self) -> Option<Matches> {
        let motif = self.run.motif?;
        Some(Matches {
            before: motif.count(&self.protein.sequence),
            after: motif.count(&self.generated.residues),
        })
    }

    /// Writes its line; `structure` is what is known of it from elsewhere.
    ///
    /// # Errors
    /// Where writing fails.
    pub(crate) fn write_line(&self, out: impl Write, structure: &Structure) -> io::Result<()> {
        let Self {
            run,
            treatment,
            generated,
            ..
        } = self;
        let short = |value: f64| number(value as f32);
        let latents: Vec<String> = treatment.latents.iter().map(u32::to_string).collect();
        let scale = treatment.scale.map(|s| s.to_string()).unwrap_or_default();
        let mode = run.mode.filter(|_| treatment.scale.is_some());
        let scores = self.scores();
        let score = |at: usize, of: fn(&ConceptScore) -> f64| {
            scores.map(|s| precise(of(&s[at]))).unwrap_or_default()
        };
        let matches = self.matches();
        let count =
            |of: fn(Matches) -> usize| matches.map(|m| of(m).to_string()).unwrap_or_default();
        let optional = |value: Option<f64>| value.map(short).unwrap_or_default();
        let fields: [&str; COLUMNS.len()] = [
            &self.id(),
            &self.protein.accession,
            &self.goal.id,
            treatment.arm.name(),
            &latents.join(","),
            mode.map(Mode::name).unwrap_or_default(),
            &scale,
            &generated.sample.to_string(),
            &run.rounds.to_string(),
            &ranges(&generated.masked),
            &ranges(&self.changed()),
            &short(self.identity()),
            &short(self.before.log_likelihood),
            &short(generated.after.log_likelihood),
            &score(0, |s| s.mean),
            &score(1, |s| s.mean),
            &score(0, |s| f64::from(s.max)),
            &score(1, |s| f64::from(s.max)),
            &count(|m| m.before),
            &count(|m| m.after),
            &optional(structure.tm_score),
            &optional(structure.plddt),
            &run.seed.to_string(),
            &String::from_utf8_lossy(&self.protein.sequence),
            &String::from_utf8_lossy(&generated.residues),
        ];
        tsv::write_line(out, &fields)
    }

    /// Writes its record of FASTA.
    ///
    /// # Errors
    /// Where writing fails.
    pub(crate) fn write_fasta(&self, out: impl Write) -> io::Result<()> {
        let Treatment { arm, scale, .. } = self.treatment;
        let scale = match (scale, self.run.mode) {
            (Some(scale), Some(mode)) => format!(" scale={scale} mode={}", mode.name()),
            _ => String::new(),
        };
        let header = format!(
            "{} concept={} arm={}{scale} seed={}",
            self.id(),
            self.goal.id,
            arm.name(),
            self.run.seed
        );
        fasta::write_record(out, &header, &self.generated.residues)
    }
}

/// A probability, of which small ones matter too: six decimal places, no trailing zeros.
fn precise(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steer::treatment::Arm;

    fn lines(scale: Option<f64>, score: Option<usize>) -> (String, String) {
        let motif = Motif::new("N-{P}-[ST]").unwrap();
        let run = Run {
            mode: Some(Mode::Absolute),
            rounds: 2,
            seed: 7,
            motif: Some(&motif),
        };
        let protein = Protein {
            accession: "P1".into(),
            sequence: b"MAAAAAAA".to_vec(),
        };
        let goal = Goal {
            id: "GO:1".into(),
            tag: "GO1".into(),
            concept: Some(4),
            latents: vec![0, 4],
        };
        let treatment = Treatment {
            goal: 0,
            arm: if scale.is_some() {
                Arm::Steered
            } else {
                Arm::Plain
            },
            scale,
            latents: if scale.is_some() {
                vec![0, 4]
            } else {
                Vec::new()
            },
            insertion: None,
        };
        let reading = |mean: f64| Reading {
            log_likelihood: -mean * 10.0,
            norms: Vec::new(),
            scores: vec![ConceptScore { mean, max: 0.5 }],
        };
        let generated = Generated {
            protein: 0,
            treatment: 0,
            sample: 3,
            masked: vec![1, 2, 3, 7],
            residues: b"MANGSAAA".to_vec(),
            after: reading(0.25),
        };
        let before = reading(0.000_125);
        let record = Record {
            run: &run,
            protein: &protein,
            goal: &goal,
            treatment: &treatment,
            generated: &generated,
            before: &before,
            score,
        };
        let structure = Structure {
            tm_score: Some(0.75),
            plddt: None,
        };
        let (mut line, mut fasta) = (Vec::new(), Vec::new());
        record.write_line(&mut line, &structure).unwrap();
        record.write_fasta(&mut fasta).unwrap();
        (
            String::from_utf8(line).unwrap(),
            String::from_utf8(fasta).unwrap(),
        )
    }

    #[test]
    fn a_line_says_all_of_a_sequence() {
        let (line, fasta) = lines(Some(-0.2), Some(0));
        let want = "P1_steered_GO1_s-0.2_3\tP1\tGO:1\tsteered\t0,4\tabsolute\t-0.2\t3\t2\t2-4,8\t3-5\t0.625\t-0.0012\t-2.5\t\
                    0.000125\t0.25\t0.5\t0.5\t0\t1\t0.75\t\t7\tMAAAAAAA\tMANGSAAA\n";
        assert_eq!(line, want);
        let header =
            ">P1_steered_GO1_s-0.2_3 concept=GO:1 arm=steered scale=-0.2 mode=absolute seed=7\n";
        assert_eq!(fasta, format!("{header}MANGSAAA\n"));
    }

    #[test]
    fn what_means_nothing_is_empty() {
        let (line, fasta) = lines(None, None);
        let want = "P1_plain_GO1_3\tP1\tGO:1\tplain\t\t\t\t3\t2\t2-4,8\t3-5\t0.625\t-0.0012\t-2.5\t\t\t\t\t0\t1\t0.75\t\t7\t\
                    MAAAAAAA\tMANGSAAA\n";
        assert_eq!(line, want);
        assert!(fasta.starts_with(">P1_plain_GO1_3 concept=GO:1 arm=plain seed=7\n"));
    }
}
