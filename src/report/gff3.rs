//! GFF3 (specification 1.26) for proteins, through noodles.

use super::{
    Catalogue, FeatureRange, PROGRAM, ProteinRanges, RangeWriter, catalogue::EVIDENCE, number,
};
use noodles::{
    core::Position,
    gff::{
        self, DirectiveBuf,
        directive_buf::{
            Value as DirectiveValue, key,
            value::{GffVersion, SequenceRegion},
        },
        feature::{
            RecordBuf,
            record_buf::attributes::field::{Value, tag},
        },
    },
};
use std::{
    fmt::Write as _,
    io::{self, Write},
};

/// Writes GFF3.
pub struct Gff3Writer<'a, W: Write> {
    out: gff::io::Writer<W>,
    catalogue: &'a Catalogue,
}

impl<'a, W: Write> Gff3Writer<'a, W> {
    /// A writer of ranges of the latents of a catalogue.
    pub fn new(out: W, catalogue: &'a Catalogue) -> Self {
        Self {
            out: gff::io::Writer::new(out),
            catalogue,
        }
    }

    /// Writes the range of a protein, whose line in `##sequence-region` names it as column 1 does.
    fn record(&mut self, protein: &str, range: &FeatureRange) -> io::Result<()> {
        let info = &self.catalogue.latents[range.entry as usize];
        let one = |v: String| Value::from(v);
        let mut attributes = vec![
            (tag::ID.into(), one(range.id(protein, info))),
            (tag::NAME.into(), one(info.name.clone())),
        ];
        if !info.ontology_terms.is_empty() {
            let terms = info
                .ontology_terms
                .iter()
                .map(String::as_str)
                .chain([EVIDENCE]);
            attributes.push((
                tag::ONTOLOGY_TERM.into(),
                terms.map(Into::into).collect::<Vec<_>>().into(),
            ));
        }
        if !info.dbxrefs.is_empty() {
            let refs = info.dbxrefs.iter().map(|r| r.as_str().into());
            attributes.push((tag::DBXREF.into(), refs.collect::<Vec<_>>().into()));
        }
        if let Some(concept) = &info.concept {
            attributes.push(("concept".into(), one(concept.clone())));
        }
        attributes.push(("latent".into(), one(info.latent.to_string())));
        if let Some(decoder) = range.decoder {
            attributes.push(("decoder".into(), one(decoder.to_owned())));
        }
        let numbers = [
            ("max_activation", range.max_activation),
            ("mean_pi", range.mean_pi),
            ("probability", range.probability),
        ];
        for (name, value) in numbers {
            attributes.extend(value.map(|v| (name.into(), one(number(v)))));
        }
        let record = RecordBuf::builder()
            .set_reference_sequence_name(protein)
            .set_source(PROGRAM)
            .set_type(info.so_type)
            .set_start(position(range.start)?)
            .set_end(position(range.end)?)
            // rounded, so that the text is short
            .set_score(number(range.score).parse().unwrap_or(range.score))
            .set_attributes(attributes.into_iter().collect())
            .build();
        self.out.write_record(&record)
    }
}

/// A protein's id as column 1 has it, which noodles escapes there and not in `##sequence-region`.
fn sequence_id(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b".:^*$@!+_?-|".contains(&byte) {
            text.push(byte.into());
        } else {
            // writing to a string cannot fail
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn position(value: u32) -> io::Result<Position> {
    Position::try_from(value as usize).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

impl<W: Write> RangeWriter for Gff3Writer<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        let version = DirectiveValue::GffVersion(GffVersion::default());
        self.out
            .write_directive(&DirectiveBuf::new(key::GFF_VERSION, Some(version)))
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        let id = sequence_id(protein.protein);
        let region = SequenceRegion::new(id, position(1)?, position(protein.length)?);
        let region = DirectiveValue::SequenceRegion(region);
        self.out
            .write_directive(&DirectiveBuf::new(key::SEQUENCE_REGION, Some(region)))?;
        for range in protein.ranges {
            self.record(protein.protein, range)?;
        }
        if protein.ranges.is_empty() {
            return Ok(());
        }
        let resolved = DirectiveBuf::new(key::FORWARD_REFERENCES_ARE_RESOLVED, None);
        self.out.write_directive(&resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LatentInfo;

    #[test]
    fn a_line_reads_as_the_specification_says() {
        let mut info = LatentInfo::unnamed(0, 1.0);
        info.name = "ATP; binding, 100 %".into();
        info.ontology_terms.push("GO:0005524".into());
        info.concept = Some("GO:0005524".into());
        let catalogue = Catalogue {
            latents: vec![info],
        };
        let mut writer = Gff3Writer::new(Vec::new(), &catalogue);
        let range = FeatureRange {
            start: 10,
            end: 42,
            whole: [10, 42],
            score: 0.93,
            max_activation: Some(3.25),
            mean_pi: Some(0.75),
            ..FeatureRange::default()
        };
        writer.begin().unwrap();
        let protein = ProteinRanges {
            protein: "P12345",
            length: 99,
            ranges: &[range],
            tracks: &[],
        };
        writer.protein(&protein).unwrap();
        let text = String::from_utf8(writer.out.into_inner()).unwrap();
        let expected = "##gff-version 3\n##sequence-region P12345 1 99\n\
            P12345\tProtSAE\tpolypeptide_region\t10\t42\t0.93\t.\t.\tID=P12345.f0.10.42;\
            Name=ATP%3B binding%2C 100 %25;Ontology_term=GO:0005524,ECO:0008006;\
            concept=GO:0005524;latent=0;max_activation=3.25;mean_pi=0.75\n###\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_ends_of_a_bond_have_one_id_and_probability_is_that_of_being_right() {
        let mut info = LatentInfo::unnamed(7, 1.0);
        info.name = "Disulfide bond".into();
        info.set_concept("DISULFID", crate::annot::concept::ConceptKind::Feature);
        let catalogue = Catalogue {
            latents: vec![info],
        };
        let end = |position| FeatureRange {
            start: position,
            end: position,
            whole: [5, 20],
            score: 0.875,
            decoder: Some("bonds"),
            probability: Some(0.875),
            ..FeatureRange::default()
        };
        let mut writer = Gff3Writer::new(Vec::new(), &catalogue);
        let ranges = ProteinRanges {
            protein: "P1",
            length: 30,
            ranges: &[end(5), end(20)],
            tracks: &[],
        };
        writer.protein(&ranges).unwrap();
        let text = String::from_utf8(writer.out.into_inner()).unwrap();
        let attributes = "ID=P1.f7.5.20;Name=Disulfide bond;concept=DISULFID;latent=7;decoder=bonds;probability=0.875";
        let line = |at| {
            format!("P1\tProtSAE\tpolypeptide_region\t{at}\t{at}\t0.875\t.\t.\t{attributes}\n")
        };
        assert!(text.contains(&(line(5) + &line(20))), "{text}");
    }

    #[test]
    fn an_id_is_escaped_alike_in_its_region_and_in_its_lines() {
        let catalogue = Catalogue {
            latents: vec![LatentInfo::unnamed(0, 1.0)],
        };
        for (protein, expected) in [
            ("a=b;c", "a%3Db%3Bc"),
            ("x,y&z", "x%2Cy%26z"),
            ("50%id", "50%25id"),
            (">gt", "%3Egt"),
            ("#hash", "%23hash"),
            ("q\"uote", "q%22uote"),
            ("sp|P1|N/x", "sp|P1|N%2Fx"),
            ("caf\u{e9}", "caf%C3%A9"),
        ] {
            let mut writer = Gff3Writer::new(Vec::new(), &catalogue);
            let range = FeatureRange {
                start: 1,
                end: 2,
                whole: [1, 2],
                score: 1.0,
                ..FeatureRange::default()
            };
            let ranges = ProteinRanges {
                protein,
                length: 9,
                ranges: &[range],
                tracks: &[],
            };
            writer.protein(&ranges).unwrap();
            let text = String::from_utf8(writer.out.into_inner()).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines[0], format!("##sequence-region {expected} 1 9"));
            assert_eq!(lines[1].split('\t').next(), Some(expected));
        }
    }
}
