//! What proteins are annotated with as a whole: calls of terms, and the files that others read.

mod cafa;
mod gaf;
mod json;
mod parquet;
mod table;
mod topgo;

pub use json::{Document, FORMAT};
pub(crate) use parquet::schema as parquet_schema;
pub use table::COLUMNS;

use super::formats::{Format, Level, Packing};
use crate::annot::concept::ConceptKind;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// The reference of the method, where none of the model is given.
pub const REFERENCE: &str = "DOI:10.48550/arXiv.2509.05309";

/// The aspect of a term, by its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Molecular function.
    Function,
    /// Biological process.
    Process,
    /// Cellular component; whether it is a complex, of which a protein is part.
    Component {
        /// A complex.
        complex: bool,
    },
}

impl Aspect {
    /// The aspect of a namespace.
    #[must_use]
    pub fn of(namespace: &str, complex: bool) -> Option<Self> {
        Some(match namespace {
            "molecular_function" => Self::Function,
            "biological_process" => Self::Process,
            "cellular_component" => Self::Component { complex },
            _ => return None,
        })
    }

    /// GAF's letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Function => "F",
            Self::Process => "P",
            Self::Component { .. } => "C",
        }
    }

    /// The relation of a gene product to a term, by its name and by its id.
    fn relation(self) -> (&'static str, &'static str) {
        match self {
            Self::Function => ("enables", "RO:0002327"),
            Self::Process => ("involved_in", "RO:0002331"),
            Self::Component { complex: false } => ("located_in", "RO:0001025"),
            Self::Component { complex: true } => ("part_of", "BFO:0000050"),
        }
    }
}

/// What speaks for a call beside the model.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Corroboration {
    /// A training protein of like activations has the term.
    Neighbour,
    /// A homologue has it.
    Homologue,
    /// An `InterPro` entry of the protein is mapped to it.
    Interpro2go,
}

impl Corroboration {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Neighbour, Self::Homologue, Self::Interpro2go];

    /// The word in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Neighbour => "neighbour",
            Self::Homologue => "homologue",
            Self::Interpro2go => "interpro2go",
        }
    }
}

/// That a protein has a concept.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Id of the concept.
    pub concept: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ConceptKind,
    /// The aspect of a term, where it is known.
    pub aspect: Option<Aspect>,
    /// The probability that this is right; or a score, where nothing was calibrated.
    pub score: f64,
    /// What speaks for it beside the model.
    pub corroborated_by: Vec<Corroboration>,
    /// The protein from which it could be transferred.
    pub donor: Option<String>,
    /// How like that is: the cosine of activations, or the share of identical residues.
    pub donor_score: Option<f64>,
}

/// The calls of one protein.
#[derive(Clone, Copy, Debug)]
pub struct ProteinCalls<'a> {
    /// Accession.
    pub protein: &'a str,
    /// Calls, by concept.
    pub calls: &'a [Call],
}

/// What files say of all their calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// Date of the annotations.
    pub date: Option<NaiveDate>,
    /// NCBI's number of the organism.
    pub taxon: Option<u32>,
    /// Database of the accessions.
    pub database: String,
    /// Reference of the model.
    pub reference: String,
    /// Who says so.
    pub assigned_by: String,
    /// Id of the model, `ProtSAE:` and the beginning of its SHA-256.
    pub model: String,
    /// Version of the ontology, or empty.
    pub ontology: String,
    /// What a submission to CAFA says of itself.
    pub submission: Submission,
    /// Whether scores are probabilities that calls are right.
    pub calibrated: bool,
}

/// What a submission to CAFA says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Submission {
    /// Team.
    pub author: String,
    /// Number of the model.
    pub model: u8,
    /// Key words.
    pub keywords: Vec<String>,
}

/// Writes calls protein by protein.
pub trait CallWriter {
    /// Writes what stands before the first protein.
    ///
    /// # Errors
    /// Where writing fails.
    fn begin(&mut self) -> io::Result<()>;

    /// Writes the calls of a protein.
    ///
    /// # Errors
    /// Where writing fails.
    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()>;

    /// Writes what stands behind the last protein.
    ///
    /// # Errors
    /// Where writing fails.
    fn end(&mut self) -> io::Result<()>;
}

/// Makes the writer of a format of calls.
pub type MakeWriter =
    for<'a> fn(&'a mut (dyn Write + Send), &'a Provenance) -> Box<dyn CallWriter + 'a>;

/// What formats of calls differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTraits {
    /// Whether it demands a date and a taxon, and an ontology whose rules hold.
    pub official: bool,
    /// Whether it has terms of the Gene Ontology alone.
    pub terms_only: bool,
    /// Whether it is of scores: all terms that have one are written.
    pub scored: bool,
}

impl CallTraits {
    /// Of annotations of the Gene Ontology as its consortium takes them.
    const OFFICIAL: Self = Self {
        official: true,
        ..Self::TERMS
    };
    /// Of scores of terms.
    const SCORES: Self = Self {
        scored: true,
        ..Self::TERMS
    };
    /// Of terms.
    const TERMS: Self = Self {
        terms_only: true,
        ..Self::ALL
    };
    /// Of concepts of every kind.
    const ALL: Self = Self {
        official: false,
        terms_only: false,
        scored: false,
    };
}

/// A format of calls.
pub type CallFormat = Format<MakeWriter, CallTraits>;

/// All formats.
pub const FORMATS: [CallFormat; 8] = [
    CallFormat {
        name: "gaf",
        suffixes: &["gaf"],
        level: Level::Proteins,
        packing: Packing::BySuffix,
        traits: CallTraits::OFFICIAL,
        writer: |out, provenance| Box::new(gaf::GafWriter::new(out, provenance)),
    },
    CallFormat {
        name: "gpad",
        suffixes: &["gpad", "gpa"],
        level: Level::Proteins,
        packing: Packing::BySuffix,
        traits: CallTraits::OFFICIAL,
        writer: |out, provenance| Box::new(gaf::GpadWriter::new(out, provenance)),
    },
    CallFormat {
        name: "cafa",
        suffixes: &["cafa"],
        level: Level::Proteins,
        packing: Packing::BySuffix,
        traits: CallTraits::SCORES,
        writer: |out, _| Box::new(cafa::CafaWriter::new(out)),
    },
    CallFormat {
        name: "cafa-submission",
        suffixes: &[],
        level: Level::Proteins,
        packing: Packing::BySuffix,
        traits: CallTraits::SCORES,
        writer: |out, provenance| Box::new(cafa::SubmissionWriter::new(out, provenance)),
    },
    CallFormat {
        name: "topgo",
        suffixes: &["map"],
        level: Level::Proteins,
        packing: Packing::BySuffix,
        traits: CallTraits::TERMS,
        writer: |out, _| Box::new(topgo::TopGoWriter::new(out)),
    },
    CallFormat {
        name: "tsv",
        suffixes: &["tsv", "txt"],
        level: Level::Proteins,
        packing: Packing::BySuffix,
        traits: CallTraits::ALL,
        writer: |out, _| Box::new(table::TsvWriter::new(out)),
    },
    CallFormat {
        name: "json",
        suffixes: &["json"],
        level: Level::Proteins,
        packing: Packing::BySuffix,
        traits: CallTraits::ALL,
        writer: |out, provenance| Box::new(json::JsonWriter::new(out, provenance)),
    },
    CallFormat {
        name: "parquet",
        suffixes: &["parquet"],
        level: Level::Proteins,
        packing: Packing::Within,
        traits: CallTraits::ALL,
        writer: |out, _| Box::new(parquet::ParquetWriter::new(out)),
    },
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        annot::evidence::AUTOMATIC,
        report::{
            PROGRAM,
            catalogue::EVIDENCE,
            formats::{by_file_name, by_name, tests::are_told_apart},
        },
        seq::accession::UNIPROT,
    };

    /// Calls of two proteins in a format.
    pub(crate) fn written(format: &str, provenance: &Provenance) -> String {
        String::from_utf8(bytes(format, provenance)).unwrap()
    }

    /// Calls of two proteins in a format, whatever it is made of.
    pub(crate) fn bytes(format: &str, provenance: &Provenance) -> Vec<u8> {
        let term = |id: &str, aspect, score| Call {
            concept: id.into(),
            name: format!("name of {id}"),
            kind: ConceptKind::Go,
            aspect: Some(aspect),
            score,
            corroborated_by: Vec::new(),
            donor: None,
            donor_score: None,
        };
        let mut with_donor = term("GO:0005524", Aspect::Function, 0.912_34);
        with_donor.donor = Some("Q00001".into());
        with_donor.donor_score = Some(0.75);
        with_donor.corroborated_by = vec![Corroboration::Neighbour, Corroboration::Interpro2go];
        let first = [
            with_donor,
            term("GO:0005829", Aspect::Component { complex: false }, 0.85),
            term("GO:0005840", Aspect::Component { complex: true }, 0.004),
        ];
        let second = [term("GO:0006412", Aspect::Process, 1.0)];
        let mut out = Vec::new();
        let format = by_name(&FORMATS, format).unwrap();
        {
            let mut writer = (format.writer)(&mut out, provenance);
            writer.begin().unwrap();
            for (protein, calls) in [("P12345", &first[..]), ("P99999", &second), ("P00000", &[])] {
                writer.protein(&ProteinCalls { protein, calls }).unwrap();
            }
            writer.end().unwrap();
        }
        out
    }

    pub(crate) fn provenance() -> Provenance {
        Provenance {
            date: NaiveDate::from_ymd_opt(2026, 11, 28),
            taxon: Some(559_292),
            database: UNIPROT.into(),
            reference: REFERENCE.into(),
            assigned_by: PROGRAM.into(),
            model: "ProtSAE:0123456789ab".into(),
            ontology: "releases/2026-03-25".into(),
            submission: Submission {
                author: "team".into(),
                model: 1,
                keywords: vec!["machine learning".into()],
            },
            calibrated: true,
        }
    }

    #[test]
    fn names_and_suffixes_are_of_one_format_each() {
        are_told_apart(&FORMATS);
        let found = by_file_name(&FORMATS, "a.b.gaf");
        assert_eq!(found.map(|format| format.name), Some("gaf"));
    }

    /// Terms of proteins that our own reader finds in what was written.
    fn reread(text: &str) -> Vec<(String, String)> {
        use crate::annot::vocabulary::{Choice, Terminology, Vocabulary};
        use crate::annot::{
            collect::{Collector, Settings},
            concept::ConceptKind,
            format,
        };
        use crate::ontology::{
            graph::{Hierarchy, Relations},
            obo,
        };
        let obo_text = "ontology: go\n\n[Term]\nid: GO:0005524\n\n[Term]\nid: GO:0005829\n\n[Term]\nid: GO:0005840\n\n[Term]\nid: GO:0006412\n";
        let ontology = obo::read(obo_text.as_bytes()).unwrap();
        let hierarchy = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap();
        let settings = Settings {
            kinds: vec![ConceptKind::Go],
            ..Settings::default()
        };
        let mut collector = Collector::new(settings);
        format::read(text.as_bytes(), None, "calls", &mut collector).unwrap();
        let terminology = Terminology {
            ontology: &ontology,
            hierarchy: &hierarchy,
        };
        let choice = Choice {
            min_count: 1,
            ..Choice::default()
        };
        let mut vocabulary = Vocabulary::new(collector, Some(terminology), &choice).unwrap();
        let mut found = Vec::new();
        vocabulary
            .labels(|label| {
                let is_electronic = |e| e == AUTOMATIC || e == EVIDENCE;
                assert!(label.evidence.is_some_and(is_electronic));
                found.push((label.protein.to_owned(), label.concept.to_owned()));
                Ok::<_, std::convert::Infallible>(())
            })
            .unwrap();
        found.sort();
        found
    }

    #[test]
    fn what_is_written_is_read_again_with_the_same_terms() {
        let expected = [
            ("P12345", "GO:0005524"),
            ("P12345", "GO:0005829"),
            ("P12345", "GO:0005840"),
            ("P99999", "GO:0006412"),
        ];
        let expected = expected.map(|(p, t)| (p.to_owned(), t.to_owned()));
        for format in ["gaf", "gpad"] {
            assert_eq!(
                reread(&written(format, &provenance())),
                expected,
                "{format}"
            );
        }
    }
}
