//! JSON: an array of ranges, one a line, with the fields of the table of ranges; what is not known is left out.

use super::{Catalogue, ProteinRanges, RangeWriter, number};
use serde::Serialize;
use std::io::{self, Write};

/// A range.
#[derive(Serialize)]
struct Record<'a> {
    protein: &'a str,
    start: u32,
    end: u32,
    id: String,
    latent: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    concept: Option<&'a str>,
    name: &'a str,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_activation: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_pi: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoder: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
}

/// Writes JSON.
pub struct JsonWriter<'a, W: Write> {
    out: W,
    catalogue: &'a Catalogue,
    any: bool,
}

impl<'a, W: Write> JsonWriter<'a, W> {
    /// A writer of ranges of the entries of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        Self {
            out,
            catalogue,
            any: false,
        }
    }
}

/// A number as the other text formats round it.
fn rounded(value: f32) -> f64 {
    // by way of the text, so that both agree
    number(value).parse().unwrap_or(f64::from(value))
}

impl<W: Write> RangeWriter for JsonWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        self.out.write_all(b"[")
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        for range in protein.ranges {
            let info = &self.catalogue.latents[range.entry as usize];
            let record = Record {
                protein: protein.protein,
                start: range.start,
                end: range.end,
                id: range.id(protein.protein, info),
                latent: info.latent,
                concept: info.concept.as_deref(),
                name: &info.name,
                score: rounded(range.score),
                max_activation: range.max_activation.map(rounded),
                mean_pi: range.mean_pi.map(rounded),
                decoder: range.decoder,
                probability: range.probability.map(rounded),
            };
            self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
            self.any = true;
            serde_json::to_writer(&mut self.out, &record)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n]\n")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FeatureRange, LatentInfo};

    #[test]
    fn ranges_are_objects_of_one_array() {
        let catalogue = Catalogue {
            latents: vec![LatentInfo::unnamed(0, 1.0)],
        };
        let range = |start| FeatureRange {
            start,
            end: 9,
            whole: [start, 9],
            score: 0.1,
            probability: Some(0.123_456),
            ..FeatureRange::default()
        };
        for ranges in [vec![], vec![range(1)], vec![range(1), range(2)]] {
            let mut out = Vec::new();
            let mut writer = JsonWriter::new(&mut out, &catalogue);
            writer.begin().unwrap();
            let protein = ProteinRanges {
                protein: "P\"1",
                length: 9,
                ranges: &ranges,
                tracks: &[],
            };
            writer.protein(&protein).unwrap();
            writer.end().unwrap();
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            let read = read.as_array().unwrap();
            assert_eq!(read.len(), ranges.len());
            for object in read {
                assert_eq!(object["probability"], 0.1235);
                assert_eq!(
                    (&object["score"], &object["protein"]),
                    (&0.1.into(), &"P\"1".into())
                );
                assert!(object.get("decoder").is_none());
            }
        }
    }
}
