//! The inputs: ontology, reference lists, sequences, annotations.

use super::{Args, Kind};
use crate::{
    Error, Result,
    annot::{
        collect::Collector,
        format::{self, Format},
        mappings::References,
    },
    cli::{Context, args::OnBad, log},
    commands::shared,
    ontology::{self, Ontology, norm_file, normal::NormalForms},
    seq::fasta,
};

impl Args {
    pub(super) fn read_ontology(&self, context: &Context) -> Result<Option<Ontology>> {
        let Some(source) = &self.ontology else {
            return Ok(None);
        };
        let ontology = ontology::read(context.open_ahead(source)?).map_err(source.in_input())?;
        log::detail(&format!(
            "{source}: {} terms, {} of them obsolete",
            ontology.counts.terms, ontology.counts.obsolete
        ));
        Ok(Some(ontology))
    }

    pub(super) fn read_normal_forms(&self, context: &Context) -> Result<Option<NormalForms>> {
        let Some(source) = &self.normal_forms else {
            return Ok(None);
        };
        let file = norm_file::read(context.open(source)?).map_err(source.in_input())?;
        if file.suspicious > 0 {
            log::warn(&format!(
                "{source}: {} axioms `some R.C SubClassOf D` name a term where an auxiliary class belongs; \
                 their producer is known to reuse names of unrelated terms, so they and some `C and D SubClassOf E` are wrong",
                file.suspicious
            ));
        }
        context.metric("normal_forms_role_axioms_skipped", file.role_axioms);
        Ok(Some(file.forms))
    }

    pub(super) fn read_references(&self, context: &Context) -> Result<References> {
        let mut references = References::default();
        for source in &self.interpro2go {
            let reader = context.open(source)?;
            references
                .read_external2go(reader)
                .map_err(source.in_input())?;
        }
        if let Some(source) = &self.interpro_entries {
            let reader = context.open(source)?;
            references.read_entries(reader).map_err(source.in_input())?;
        }
        // a tree without its entries would only make axioms about nothing
        if let Some(source) = self
            .interpro_tree
            .as_ref()
            .filter(|_| self.kinds.contains(&Kind::Interpro))
        {
            let reader = context.open(source)?;
            references.read_tree(reader).map_err(source.in_input())?;
        }
        if let Some(source) = &self.keyword_list {
            let reader = context.open(source)?;
            references
                .read_keywords(reader)
                .map_err(source.in_input())?;
        }
        if let Some(source) = &self.eco_mapping {
            let reader = context.open(source)?;
            references
                .evidence
                .read(reader)
                .map_err(source.in_input())?;
        }
        Ok(references)
    }

    pub(super) fn read_sequences(
        &self,
        context: &Context,
        collector: &mut Collector,
    ) -> Result<()> {
        if self.sequences.is_empty() {
            return Ok(());
        }
        collector.restrict_to_sequences();
        let mut skipped = 0u64;
        for source in &self.sequences {
            let skips = self.on_bad.on_bad == OnBad::Skip;
            let mut reader = fasta::Reader::new(context.open(source)?, self.raw_ids);
            let before = (collector.protein_count(), skipped);
            for protein in reader.by_ref() {
                let bad = match protein {
                    Ok(protein) if collector.has_sequence(&protein.accession) => {
                        let id = protein.accession;
                        Error::data(format!(
                            "{source}: the id '{id}' is in another of the --sequences too"
                        ))
                    }
                    Ok(protein) => {
                        collector.add_sequence(&protein.accession, &protein.sequence);
                        continue;
                    }
                    Err(error) if !error.is_of_one_record() => {
                        return Err(source.in_input()(error));
                    }
                    Err(error) => source.in_input()(error),
                };
                if !skips {
                    return Err(bad);
                }
                skipped += 1;
                log::warn(&format!("skipped: {bad}"));
            }
            shared::warn_of_nucleotides(source, &reader);
            if skipped > before.1 && collector.protein_count() == before.0 {
                log::warn_always(&format!(
                    "{source}: all {} records are bad and left out",
                    skipped - before.1
                ));
            }
        }
        context.metric("sequences", collector.protein_count());
        context.metric("sequences_skipped", skipped);
        Ok(())
    }

    pub(super) fn read_annotations(
        &self,
        context: &Context,
        collector: &mut Collector,
    ) -> Result<()> {
        for (i, source) in self.annotations.iter().enumerate() {
            let format = self
                .annotation_format
                .get(i)
                .or(self.annotation_format.first());
            let name = source.path().and_then(|path| path.file_name()).map_or_else(
                || "-".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            );
            let reader = context.open_ahead(source)?;
            let found = format::read(reader, format.copied(), &name, collector)
                .map_err(source.in_input())?;
            log::detail(&format!(
                "{source}: read as {}",
                found.map_or("nothing", Format::as_str)
            ));
        }
        Ok(())
    }
}
