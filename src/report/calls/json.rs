//! Calls as one JSON document, a protein a line.

use super::{CallWriter, Corroboration, ProteinCalls, Provenance};
use crate::annot::concept::ConceptKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// Format name and version of the document.
pub const FORMAT: &str = "calls/1";

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// `calls/1`.
    pub format: String,
    /// Id of the model.
    pub model: String,
    /// Whether scores are probabilities that calls are right.
    pub calibrated: bool,
    /// Proteins, in the order of the table.
    pub proteins: Vec<DocumentProtein>,
}

/// A protein of the document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentProtein {
    /// Accession.
    pub protein: String,
    /// Its calls, by kind and concept.
    pub calls: Vec<DocumentCall>,
}

/// A call of the document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentCall {
    /// Id of the concept.
    pub concept: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ConceptKind,
    /// F, P or C of a term of the Gene Ontology.
    pub aspect: Option<String>,
    /// The probability that this is right, or a score.
    pub score: f64,
    /// What speaks for it beside the model.
    pub corroborated_by: Vec<Corroboration>,
    /// The protein from which it could be transferred.
    pub donor: Option<String>,
    /// How like that is.
    pub donor_score: Option<f64>,
}

/// Writes JSON.
pub(super) struct JsonWriter<'a, W: Write> {
    out: W,
    provenance: &'a Provenance,
    is_first: bool,
}

impl<'a, W: Write> JsonWriter<'a, W> {
    pub(super) fn new(out: W, provenance: &'a Provenance) -> Self {
        Self {
            out,
            provenance,
            is_first: true,
        }
    }
}

impl<W: Write> CallWriter for JsonWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        let p = self.provenance;
        let text = |text: &str| serde_json::to_string(text);
        write!(
            self.out,
            "{{\"format\":{},\n\"model\":{},\n\"calibrated\":{},\n\"proteins\":[",
            text(FORMAT)?,
            text(&p.model)?,
            p.calibrated
        )
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        let call = |call: &super::Call| DocumentCall {
            concept: call.concept.clone(),
            name: call.name.clone(),
            kind: call.kind,
            aspect: call.aspect.map(|aspect| aspect.letter().to_owned()),
            score: call.score,
            corroborated_by: call.corroborated_by.clone(),
            donor: call.donor.clone(),
            donor_score: call.donor_score,
        };
        let protein = DocumentProtein {
            protein: calls.protein.to_owned(),
            calls: calls.calls.iter().map(call).collect(),
        };
        let separator = if std::mem::take(&mut self.is_first) {
            "\n"
        } else {
            ",\n"
        };
        self.out.write_all(separator.as_bytes())?;
        Ok(serde_json::to_writer(&mut self.out, &protein)?)
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.out, "]}}")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{provenance, written};
    use serde_json::Value;

    #[test]
    fn the_document_has_all_proteins() {
        let document: Value = serde_json::from_str(&written("json", &provenance())).unwrap();
        let proteins = document["proteins"].as_array().unwrap();
        assert_eq!(proteins.len(), 3);
        let call = &proteins[0]["calls"][0];
        assert_eq!(
            (&call["donor"], &call["score"]),
            (&"Q00001".into(), &0.912_34.into())
        );
        assert_eq!(proteins[2]["calls"], Value::Array(Vec::new()));
    }
}
