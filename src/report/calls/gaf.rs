//! GAF 2.2 and GPAD 2.0: annotations of the Gene Ontology, inferred electronically.
//!
//! With/From names the protein whose activations are nearest, or, without one, the model by an id of its own.

use super::{Aspect, Call, CallWriter, ProteinCalls, Provenance};
use crate::{
    annot::evidence::AUTOMATIC,
    report::{PROGRAM, catalogue::EVIDENCE, tsv::write_line},
};
use std::io::{self, Write};

/// The kind of gene product.
const PRODUCT: &str = "protein";

/// Writes GAF.
pub(super) struct GafWriter<'a, W: Write> {
    out: W,
    provenance: &'a Provenance,
}

/// Writes GPAD.
pub(super) struct GpadWriter<'a, W: Write> {
    out: W,
    provenance: &'a Provenance,
}

impl<'a, W: Write> GafWriter<'a, W> {
    pub(super) fn new(out: W, provenance: &'a Provenance) -> Self {
        Self { out, provenance }
    }
}

impl<'a, W: Write> GpadWriter<'a, W> {
    pub(super) fn new(out: W, provenance: &'a Provenance) -> Self {
        Self { out, provenance }
    }
}

/// The lines before the first annotation.
fn header(out: &mut impl Write, format: &str, provenance: &Provenance) -> io::Result<()> {
    writeln!(out, "!{format}")?;
    writeln!(out, "!generated-by: {PROGRAM}")?;
    let date = provenance
        .date
        .map(|date| date.format("%Y-%m-%d").to_string());
    writeln!(out, "!date-generated: {}", date.unwrap_or_default())?;
    if !provenance.ontology.is_empty() {
        writeln!(out, "!go-version: {}", provenance.ontology)?;
    }
    writeln!(out, "!")?;
    let (prefix, id) = provenance
        .model
        .split_once(':')
        .unwrap_or(("", &provenance.model));
    writeln!(
        out,
        "! {prefix}: ids of sparse autoencoders, the first digits of the SHA-256 of their weights; these are predictions of {prefix}:{id}"
    )?;
    writeln!(
        out,
        "! Evidence: {EVIDENCE}, deep learning method evidence used in automatic assertion"
    )
}

/// What supports a call: the protein it could be transferred from, or the model.
fn with(call: &Call, provenance: &Provenance) -> String {
    match &call.donor {
        Some(donor) => format!("{}:{donor}", provenance.database),
        None => provenance.model.clone(),
    }
}

/// Calls that are terms of an aspect.
fn terms<'a>(calls: &ProteinCalls<'a>) -> impl Iterator<Item = (&'a Call, Aspect)> {
    calls
        .calls
        .iter()
        .filter_map(|call| Some((call, call.aspect?)))
}

impl<W: Write> CallWriter for GafWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        header(&mut self.out, "gaf-version: 2.2", self.provenance)
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        let p = self.provenance;
        let date = p.date.map(|date| date.format("%Y%m%d").to_string());
        let date = date.unwrap_or_default();
        let taxon = p
            .taxon
            .map_or(String::new(), |taxon| format!("taxon:{taxon}"));
        for (call, aspect) in terms(calls) {
            let with = with(call, p);
            let fields = [
                &p.database,
                calls.protein,
                // nothing else is known of its name
                calls.protein,
                aspect.relation().0,
                &call.concept,
                &p.reference,
                AUTOMATIC,
                &with,
                aspect.letter(),
                "",
                "",
                PRODUCT,
                &taxon,
                &date,
                &p.assigned_by,
                "",
                "",
            ];
            write_line(&mut self.out, &fields)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> CallWriter for GpadWriter<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        header(&mut self.out, "gpad-version: 2.0", self.provenance)
    }

    fn protein(&mut self, calls: &ProteinCalls<'_>) -> io::Result<()> {
        let p = self.provenance;
        let date = p.date.map(|date| date.format("%Y-%m-%d").to_string());
        let date = date.unwrap_or_default();
        for (call, aspect) in terms(calls) {
            let product = format!("{}:{}", p.database, calls.protein);
            let with = with(call, p);
            let properties = format!("go_evidence={AUTOMATIC}");
            let fields = [
                &product,
                "",
                aspect.relation().1,
                &call.concept,
                &p.reference,
                EVIDENCE,
                &with,
                "",
                &date,
                &p.assigned_by,
                "",
                &properties,
            ];
            write_line(&mut self.out, &fields)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{provenance, written};

    #[test]
    fn lines_of_gaf_have_seventeen_columns_and_gpad_twelve() {
        let gaf = written("gaf", &provenance());
        assert!(gaf.starts_with(
            "!gaf-version: 2.2\n!generated-by: ProtSAE\n!date-generated: 2026-11-28\n"
        ));
        let lines: Vec<&str> = gaf.lines().filter(|l| !l.starts_with('!')).collect();
        assert_eq!(
            lines[0],
            "UniProtKB\tP12345\tP12345\tenables\tGO:0005524\tDOI:10.48550/arXiv.2509.05309\tIEA\tUniProtKB:Q00001\tF\t\t\
             \tprotein\ttaxon:559292\t20261128\tProtSAE\t\t"
        );
        assert!(
            lines[1].contains("\tlocated_in\t") && lines[1].contains("\tProtSAE:0123456789ab\tC\t")
        );
        assert!(lines[2].contains("\tpart_of\t") && lines[3].contains("\tinvolved_in\t"));
        assert!(lines.iter().all(|line| line.split('\t').count() == 17));
        let gpad = written("gpad", &provenance());
        let lines: Vec<&str> = gpad.lines().filter(|l| !l.starts_with('!')).collect();
        assert_eq!(
            lines[3],
            "UniProtKB:P99999\t\tRO:0002331\tGO:0006412\tDOI:10.48550/arXiv.2509.05309\tECO:0008006\t\
             ProtSAE:0123456789ab\t\t2026-11-28\tProtSAE\t\tgo_evidence=IEA"
        );
        assert!(lines.iter().all(|line| line.split('\t').count() == 12));
    }
}
