//! What several executables do alike.

use crate::{
    Error, Result,
    annot::{
        concept::ConceptsFile,
        label_index::{LabelCollector, LabelIndex},
    },
    cli::{Context, Source, log},
    hash,
    ontology::{
        self, Ontology,
        graph::{Hierarchy, Relations},
    },
    sae::folder::{self, Sae},
    score::dictionary::Dictionary,
    seq::fasta,
    split::partition::Partition,
    table::{PlmIdentity, TableError, TableSource, activations::ActivationReader, labels},
};
use std::{
    collections::HashSet,
    io::{BufRead, Read},
    path::Path,
};

/// Says of a FASTA that was read to its end where it looks like nucleotides.
pub(super) fn warn_of_nucleotides<R: BufRead>(source: &Source, reader: &fasta::Reader<R>) {
    if reader.looks_like_nucleotides() {
        log::warn(&format!(
            "{source}: nine tenths of its letters are A, C, G, T, U or N: these look like nucleotides, which are read as \
             proteins here"
        ));
    }
}

/// Says how many proteins were left out since the split does not list them, even under `--quiet` where none is left.
pub(super) fn warn_of_unlisted(unlisted: usize, proteins: usize) {
    if unlisted < proteins {
        log::warn(&format!(
            "{unlisted} proteins are not in the split and were left out"
        ));
    } else {
        log::warn_always(&format!(
            "none of the {unlisted} proteins is in the split: all were left out"
        ));
    }
}

/// Loads a model folder.
///
/// # Errors
/// Where it is incomplete or damaged.
pub(super) fn load_model(context: &Context, folder: &Path) -> Result<Sae> {
    context.note_input(folder)?;
    Ok(Sae::load(folder)?)
}

/// Demands that activations are of the model's PLM, layer and site; warns where nobody can tell.
///
/// # Errors
/// [`TableError::Identity`], naming both.
fn check_plm(
    model: &Sae,
    folder: &Path,
    plm: Option<&PlmIdentity>,
    width: usize,
    table: &Source,
) -> Result<()> {
    let folder = folder.display().to_string();
    if !model.check_plm(&folder, plm, width, &table.to_string())? {
        log::warn(&format!(
            "{table} or {folder} does not say which PLM its activations are of; taken as fitting by their width, {width}"
        ));
    }
    Ok(())
}

/// Reads a vocabulary of concepts.
///
/// # Errors
/// Where it is none, naming the file.
pub(super) fn read_concepts(context: &Context, path: &Path) -> Result<ConceptsFile> {
    let source = Source::File(path.to_owned());
    let mut text = Vec::new();
    let mut reader = context.open(&source)?;
    reader.read_to_end(&mut text).map_err(source.in_input())?;
    Ok(folder::parse_concepts(&text, &source.to_string())?)
}

/// Reads a split, where one is given.
///
/// # Errors
/// Where it is none, naming the file and the line.
pub(super) fn read_split(context: &Context, source: Option<&Source>) -> Result<Option<Partition>> {
    let Some(source) = source else {
        return Ok(None);
    };
    let partition = Partition::read(context.open(source)?).map_err(source.in_input())?;
    Ok(Some(partition))
}

/// A dictionary that was read.
pub(super) struct ReadDictionary {
    pub(super) content: Dictionary,
    /// Of the file.
    pub(super) sha256: String,
}

/// An ontology, and the hierarchy along which its terms imply others.
pub(super) struct Terms {
    pub(super) ontology: Ontology,
    pub(super) hierarchy: Hierarchy,
}

impl Terms {
    /// Reads both.
    ///
    /// # Errors
    /// Where there is no ontology in the file, or its terms are in a circle.
    pub(super) fn read(context: &Context, source: &Source, along: Relations) -> Result<Self> {
        let ontology = ontology::read(context.open_ahead(source)?).map_err(source.in_input())?;
        let hierarchy = Hierarchy::new(&ontology, along).map_err(source.in_input())?;
        Ok(Self {
            ontology,
            hierarchy,
        })
    }
}

/// Reads a dictionary.
///
/// # Errors
/// Where it is none, naming the file.
pub(super) fn read_dictionary(context: &Context, path: &Path) -> Result<ReadDictionary> {
    let source = Source::File(path.to_owned());
    let mut text = Vec::new();
    let mut reader = context.open(&source)?;
    reader.read_to_end(&mut text).map_err(source.in_input())?;
    let content = Dictionary::read(text.as_slice()).map_err(source.in_input())?;
    Ok(ReadDictionary {
        content,
        sha256: hash::sha256(&text),
    })
}

/// Says in a plan how many rows a table has, or that this is not known.
pub(super) fn plan_rows(source: &Source, rows: Option<u64>, what: &str) -> Result<()> {
    let rows = rows.map_or("a stream of unknown length".into(), |n| {
        format!("{n} {what}")
    });
    Ok(log::plan(&format!("{source}: {rows}"))?)
}

/// Says where maxima of latents come from that the model does not know.
pub(super) fn warn_of_unknown_maxima(folder: &Path) {
    log::warn(&format!(
        "{} does not know the maxima of its latents: they are taken over the training proteins of these tables, or over all where no split says which these are",
        folder.display()
    ));
}

/// Demands that a vocabulary begins with the concepts that latents of the model were given.
///
/// # Errors
/// [`crate::ErrorKind::Mismatch`], naming the first that differs.
pub(super) fn check_vocabulary(
    sae: &Sae,
    folder: &Path,
    concepts: &ConceptsFile,
    path: &Path,
) -> Result<()> {
    for latent in 0..sae.config.shape.defined {
        let id = |file: &ConceptsFile| file.concepts.get(latent).map(|c| c.id.clone());
        let (model, given) = (id(&sae.concepts), id(concepts));
        if model != given {
            return Err(Error::mismatch(format!(
                "concept {latent} is '{}' in {}, '{}' in {}",
                given.as_deref().unwrap_or("none"),
                path.display(),
                model.as_deref().unwrap_or("none"),
                folder.display()
            )));
        }
    }
    Ok(())
}

/// Reads a label table.
///
/// # Errors
/// Where it is none, or names concepts that the vocabulary does not have.
pub(super) fn read_labels(
    context: &Context,
    source: &Source,
    concepts: &ConceptsFile,
) -> Result<LabelIndex> {
    let mut collector = LabelCollector::new(concepts);
    let table = context.open_table(source)?;
    let each = |label| {
        collector.add(label);
        Ok::<_, Error>(())
    };
    labels::read(table, each).map_err(source.in_input())?;
    collector.finish().map_err(source.in_input())
}

/// Opens tables of activations and checks that they fit the model, before any work.
///
/// # Errors
/// Where one is no such table, or is of another PLM, layer or site, naming both.
pub(super) fn open_activations<'a>(
    context: &Context,
    inputs: &'a [Source],
    sae: &Sae,
    folder: &Path,
) -> Result<Vec<(&'a Source, ActivationReader)>> {
    let mut readers = Vec::new();
    for source in inputs {
        let table = context.open_table(source)?;
        readers.push((source, open_activation_table(table, source, sae, folder)?));
    }
    Ok(readers)
}

/// Opens a table of activations and checks that it fits the model.
///
/// # Errors
/// Where it is none, or is of another PLM, layer or site, naming both.
pub(super) fn open_activation_table(
    table: TableSource,
    source: &Source,
    sae: &Sae,
    folder: &Path,
) -> Result<ActivationReader> {
    let mut reader = ActivationReader::new(table).map_err(source.in_input())?;
    check_residue_rows(&reader, source)?;
    let width = reader.width().unwrap_or(sae.config.shape.width);
    check_plm(sae, folder, reader.info().plm.as_ref(), width, source)?;
    reader.demand_width(sae.config.shape.width, folder.display().to_string());
    Ok(reader)
}

/// Demands a table with one row a residue.
///
/// # Errors
/// [`crate::ErrorKind::Mismatch`] where it holds one row a protein.
fn check_residue_rows(reader: &ActivationReader, source: &Source) -> Result<()> {
    match &reader.info().pool {
        None => Ok(()),
        Some(pool) => Err(Error::mismatch(format!(
            "{source} holds one row a protein (pooled by '{pool}'), expected one a residue"
        ))),
    }
}

/// Demands that every protein's rows are together, over all batches and tables.
#[derive(Default)]
pub(super) struct WholeProteins {
    /// The protein whose rows are being read.
    pub(super) current: String,
    seen: HashSet<String>,
}

impl WholeProteins {
    /// Notes the next run of rows; true where it begins a new protein.
    ///
    /// # Errors
    /// [`TableError::Scattered`] where the protein was there before.
    pub(super) fn next(&mut self, protein: &str) -> Result<bool, TableError> {
        if !self.current.is_empty() && self.current == protein {
            return Ok(false);
        }
        if !self.seen.insert(protein.to_owned()) {
            return Err(TableError::Scattered {
                protein: protein.to_owned(),
            });
        }
        protein.clone_into(&mut self.current);
        Ok(true)
    }

    /// The rows of another table follow: the protein that was last is complete.
    pub(super) fn end_of_table(&mut self) {
        self.current.clear();
    }

    /// Proteins so far.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }
}

/// Demands features whose probabilities are calibrated by a dictionary.
///
/// # Errors
/// [`crate::ErrorKind::Mismatch`], naming both.
pub(super) fn check_calibrated(
    source: &Source,
    found: Option<&str>,
    dictionary: &Path,
    sha256: &str,
) -> Result<()> {
    match found {
        Some(found) if found == sha256 => Ok(()),
        Some(found) => Err(Error::mismatch(format!(
            "{source} is calibrated by the dictionary {found}, {} is {sha256}",
            dictionary.display()
        ))),
        None => Err(Error::mismatch(format!(
            "{source} is not calibrated by {}: encode it with --dictionary",
            dictionary.display()
        ))),
    }
}

/// Refuses a share that is not between 0 and 1.
///
/// # Errors
/// [`crate::ErrorKind::Usage`].
pub(super) fn check_share(option: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{option} is {value}, expected 0 to 1"
    )))
}
