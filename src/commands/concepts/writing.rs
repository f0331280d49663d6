//! The outputs: concepts, labels, and on request a split and the labelled proteins' sequences.

use super::{Args, warnings};
use crate::{
    Error, Result,
    annot::{label::LabelRef, vocabulary::Vocabulary},
    cli::{Context, Output, Target, log, target::split_compression},
    commands::split::write_split::{self, Deal, Dealt},
    error::Context as _,
    ontology::Ontology,
    seq::fasta,
    split::clusters::Clusters,
    table::labels,
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

/// Proteins are listed up to this number.
const LISTED: usize = 10;

/// Namespaces of GO, with the word that stands for each in options and names of files.
const GO_NAMESPACES: [(&str, &[&str], &str); 3] = [
    ("bp", &["bp", "bpo", "p"], "biological_process"),
    ("mf", &["mf", "mfo", "f"], "molecular_function"),
    ("cc", &["cc", "cco", "c"], "cellular_component"),
];

/// Concepts that are written together: all, or those of one namespace.
pub(super) struct Set {
    /// What is put into names of files, none where there is one set.
    name: Option<String>,
    /// Namespaces of the ontology; empty for all.
    pub(super) namespaces: Vec<String>,
}

impl Set {
    /// A target with the name of the set before its suffix: `labels.mf.arrow`.
    pub(super) fn target(&self, target: &Target) -> Target {
        match (&self.name, target) {
            (Some(name), Target::File(path)) => {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                let (stem, packed) = split_compression(&file);
                let (stem, suffix) = match stem.rfind('.') {
                    Some(at) if at > 0 => stem.split_at(at),
                    _ => (stem, ""),
                };
                Target::File(path.with_file_name(format!("{stem}.{name}{suffix}{packed}")))
            }
            _ => target.clone(),
        }
    }

    /// Says what would be written.
    fn plan(&self, vocabulary: &Vocabulary<'_>) -> Result<()> {
        let concepts = vocabulary.file.concepts.len();
        let labels = vocabulary.report.labels;
        let name = self.name.as_deref();
        let name = name.map_or(String::new(), |name| format!("{name}: "));
        log::plan(&format!("{name}{concepts} concepts, {labels} labels"))?;
        Ok(())
    }
}

/// Proteins with labels.
struct Labelled {
    /// Numbers of the concepts, in the order of their ids, as `protsae-split` numbers them.
    numbers: BTreeMap<String, u32>,
    /// Concepts of each protein, by accession.
    proteins: BTreeMap<String, BTreeSet<u32>>,
}

impl Labelled {
    fn new(vocabulary: &Vocabulary<'_>) -> Self {
        let concepts = vocabulary.file.concepts.iter();
        let ids: BTreeSet<&str> = concepts.map(|concept| concept.id.as_str()).collect();
        Self {
            numbers: ids.into_iter().map(str::to_owned).zip(0..).collect(),
            proteins: BTreeMap::new(),
        }
    }

    fn add(&mut self, label: LabelRef<'_>) {
        let number = self.numbers[label.concept];
        if let Some(concepts) = self.proteins.get_mut(label.protein) {
            concepts.insert(number);
        } else {
            let concepts = BTreeSet::from([number]);
            self.proteins.insert(label.protein.to_owned(), concepts);
        }
    }
}

/// Which proteins a split keeps together.
pub(super) struct Together {
    pub(super) clusters: Clusters,
    /// Lists of proteins of one sequence.
    pub(super) identical: Vec<Vec<String>>,
    /// Whether anything is known of any sequence.
    pub(super) sequences_known: bool,
}

/// Outputs that are written but not yet in place, and what was counted.
#[derive(Default)]
pub(super) struct Written {
    outputs: Vec<Output>,
    counts: Map<String, Value>,
}

impl Args {
    /// The sets of concepts to write, at least one.
    pub(super) fn sets(&self, ontology: Option<&Ontology>) -> Result<Vec<Set>> {
        let namespaces = self.namespaces(ontology)?;
        if !self.by_namespace {
            let name = None;
            return Ok(vec![Set { name, namespaces }]);
        }
        let Some(ontology) = ontology else {
            return Err(Error::usage("--by-namespace needs --ontology"));
        };
        let asked = if namespaces.is_empty() {
            let used = ontology.used_namespaces().into_iter();
            used.map(str::to_owned).collect()
        } else {
            namespaces
        };
        if asked.is_empty() {
            return Err(Error::usage(
                "--by-namespace: the ontology's terms have no namespaces",
            ));
        }
        let short = |name: &str| {
            let go = GO_NAMESPACES.iter().find(|(_, _, full)| *full == name);
            go.map_or_else(
                || name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
                |(short, ..)| (*short).to_owned(),
            )
        };
        let mut by_name: BTreeMap<String, &str> = BTreeMap::new();
        for namespace in &asked {
            let name = short(namespace);
            if let Some(other) = by_name.insert(name.clone(), namespace) {
                return Err(Error::usage(format!(
                    "--by-namespace: the namespaces {other:?} and {namespace:?} would both be called {name:?} in names of files; take one at a time by --namespace"
                )));
            }
        }
        Ok(asked
            .iter()
            .map(|namespace| Set {
                name: Some(short(namespace)),
                namespaces: vec![namespace.clone()],
            })
            .collect())
    }

    /// Full names of the namespaces asked for.
    fn namespaces(&self, ontology: Option<&Ontology>) -> Result<Vec<String>> {
        let full = |name: &String| {
            let lower = name.to_ascii_lowercase();
            let go = (GO_NAMESPACES.iter()).find(|(_, words, _)| words.contains(&lower.as_str()));
            go.map_or_else(|| name.clone(), |(.., full)| (*full).to_owned())
        };
        let mut names: Vec<String> = Vec::new();
        for name in self.namespace.iter().map(full) {
            // `bp,biological_process` is one
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let used = ontology.map(Ontology::used_namespaces);
        if let Some(used) = used
            && let Some(name) = names.iter().find(|name| !used.contains(&name.as_str()))
        {
            return Err(Error::usage(format!(
                "the ontology has no namespace {name:?}; it has {}",
                used.join(", ")
            )));
        }
        Ok(names)
    }

    /// Writes what was chosen, which appears with [`Written::commit`].
    pub(super) fn write(
        &self,
        context: &Context,
        vocabulary: &mut Vocabulary<'_>,
        set: &Set,
        together: &Together,
        written: &mut Written,
    ) -> Result<()> {
        if !context.is_dry_run() {
            written.concepts(context, vocabulary, &set.target(&self.concepts))?;
        }
        let labelled = self.write_labels(context, vocabulary, set, written)?;
        warnings::report(vocabulary, set.name.as_deref());
        let mut counts = json!({
            "vocabulary": &vocabulary.report,
            "axioms": warnings::count_axioms(vocabulary),
        });
        if let Some(target) = &self.split {
            let dealt = self.deal(context, &labelled, together)?;
            counts["split"] = json!(dealt.report());
            if !context.is_dry_run() {
                let target = set.target(target);
                let mut output = context.create(&target)?;
                dealt.write(&mut output).during(&target.to_string())?;
                written.outputs.push(output);
            }
        }
        if let Some(target) = &self.write_sequences {
            let target = set.target(target);
            written.sequences(context, vocabulary, &target, &labelled.proteins)?;
        }
        if context.is_dry_run() {
            set.plan(vocabulary)?;
        }
        match (&set.name, counts) {
            (Some(name), counts) => {
                written.counts.insert(name.clone(), counts);
            }
            (None, Value::Object(counts)) => written.counts.extend(counts),
            (None, _) => {}
        }
        Ok(())
    }

    /// Writes the labels, or in a dry run counts them; the proteins that carry them, where those are asked for.
    fn write_labels(
        &self,
        context: &Context,
        vocabulary: &mut Vocabulary<'_>,
        set: &Set,
        written: &mut Written,
    ) -> Result<Labelled> {
        let target = set.target(&self.output);
        let mut writer = if context.is_dry_run() {
            None
        } else {
            let writer = labels::Writer::new(context.create(&target)?, target.container());
            Some(writer.during(&target.to_string())?)
        };
        let mut labelled = Labelled::new(vocabulary);
        let wanted = self.split.is_some() || self.write_sequences.is_some();
        vocabulary
            .labels(|label| {
                if wanted {
                    labelled.add(label);
                }
                match &mut writer {
                    Some(writer) => writer.push(label),
                    None => Ok(()),
                }
            })
            .during(&self.output.to_string())?;
        if let Some(writer) = writer {
            let output = writer.finish().during(&target.to_string())?;
            written.outputs.push(output);
        }
        Ok(labelled)
    }

    /// Deals the labelled proteins out; clusters of others do not matter here.
    fn deal(&self, context: &Context, labelled: &Labelled, together: &Together) -> Result<Dealt> {
        let proteins = &labelled.proteins;
        let without_cluster = (!self.clusters.is_empty())
            .then(|| write_split::count_alone(proteins, &together.clusters))
            .transpose()?;
        let deal = Deal {
            proteins,
            clusters: &together.clusters,
            identical: (together.sequences_known).then_some(together.identical.as_slice()),
            concepts: labelled.numbers.keys().map(String::as_str).collect(),
        };
        Ok(deal.out(self.fractions, context.seed(), without_cluster))
    }
}

impl Written {
    /// Writes the vocabulary.
    fn concepts(
        &mut self,
        context: &Context,
        vocabulary: &Vocabulary<'_>,
        target: &Target,
    ) -> Result<()> {
        let mut output = context.create(target)?;
        let written = vocabulary.file.write(&mut output);
        written
            .and_then(|()| output.flush())
            .during(&target.to_string())?;
        self.outputs.push(output);
        Ok(())
    }

    /// Writes the sequences of labelled proteins, in the order of their accessions.
    fn sequences(
        &mut self,
        context: &Context,
        vocabulary: &Vocabulary<'_>,
        target: &Target,
        proteins: &BTreeMap<String, BTreeSet<u32>>,
    ) -> Result<()> {
        let known = &vocabulary.sequences;
        let missing: Vec<&str> = (proteins.keys().map(String::as_str))
            .filter(|protein| !known.contains_key(*protein))
            .collect();
        if !missing.is_empty() {
            let shown = &missing[..missing.len().min(LISTED)];
            return Err(Error::data(format!(
                "{} labelled proteins have no sequence, such as {}: give --sequences, or annotations that hold \
                 sequences (UniProt's flat file, XML, or TSV with its Sequence)",
                missing.len(),
                shown.join(", ")
            )));
        }
        if context.is_dry_run() {
            return Ok(());
        }
        let mut output = context.create(target)?;
        let mut write = || -> std::io::Result<()> {
            for protein in proteins.keys() {
                fasta::write_record(&mut output, protein, &known[protein])?;
            }
            output.flush()
        };
        write().during(&target.to_string())?;
        self.outputs.push(output);
        Ok(())
    }

    /// Puts all outputs in place, and counts what they hold.
    pub(super) fn commit(self, context: &Context) -> Result<()> {
        for output in self.outputs {
            output.commit()?;
        }
        for (name, value) in self.counts {
            context.metric(&name, value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn names_of_files_take_the_name_of_the_set() {
        let set = Set {
            name: Some("mf".into()),
            namespaces: Vec::new(),
        };
        let name = |path: &str| {
            set.target(&Target::File(Path::new(path).into()))
                .to_string()
        };
        assert_eq!(name("a.b/labels.arrow"), "a.b/labels.mf.arrow");
        assert_eq!(name("x.fasta.gz"), "x.mf.fasta.gz");
        assert_eq!(name("labels"), "labels.mf");
        assert_eq!(set.target(&Target::Stdout), Target::Stdout);
    }
}
