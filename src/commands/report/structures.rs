//! Structures of the proteins that are shown: the chain in the page, and files in which others see a concept's values.

use super::survey::Survey;
use crate::{
    Error, ErrorKind, Result,
    cli::{Context, OutputFolder, Source, TargetFolder, log},
    error::{Classify as _, Context as _},
    report::{
        page::data::{Chain, Document, ProteinPage},
        structure::{NamedRange, RANGE_COLORS, Scene, Shown, Structure, Trace, names_protein},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Suffixes of views, beside the structure file of the same name.
const VIEWS: [&str; 2] = ["mvsj", "mvsx"];
/// Suffixes of structure files.
const STRUCTURES: [&str; 2] = ["pdb", "cif"];

/// A protein's structure.
struct Placed {
    file: PathBuf,
    chain: Chain,
}

/// Structures of the proteins that may be shown.
#[derive(Default)]
pub(super) struct Structures(BTreeMap<String, Placed>);

impl Structures {
    /// Finds those in a folder by the names of its files; of a protein in fragments the first alone.
    ///
    /// # Errors
    /// Where a file that is named after such a protein is no structure. One of another sequence is left out, and said.
    pub(super) fn read(
        folder: Option<&Path>,
        context: &Context,
        survey: &Survey<'_>,
    ) -> Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self::default());
        };
        let mut names = BTreeSet::new();
        for entry in folder.read_dir().path(folder)? {
            names.insert(entry.path(folder)?.file_name());
        }
        let pages = survey.pages();
        let mut found = BTreeMap::new();
        let mut left_out = Vec::new();
        for name in names {
            let text = name.to_string_lossy();
            let protein = names_protein(&text).filter(|protein| protein.fragment == 1);
            let page = protein.and_then(|protein| pages.get(protein.accession));
            let Some(page) = page.filter(|page| !found.contains_key(&page.id)) else {
                continue;
            };
            let file = folder.join(&name);
            match place(context, &file, page.sequence.as_bytes()) {
                Ok((structure, shown)) => {
                    let chain = Chain {
                        ca: Trace::new(&structure, &shown).ca,
                    };
                    found.insert(page.id.clone(), Placed { file, chain });
                }
                Err(error) if error.kind() == ErrorKind::Mismatch => {
                    log::warn(&format!("left out: {error}"));
                    left_out.push(page.id.clone());
                }
                Err(error) => return Err(error),
            }
        }
        context.metric("structures", found.len());
        context.metric("structures_left_out", left_out);
        Ok(Self(found))
    }

    /// The chain of a protein.
    pub(super) fn chain(&self, protein: &str) -> Option<Chain> {
        Some(self.0.get(protein)?.chain.clone())
    }

    /// Writes, of each protein that is shown and each concept that is written of it, the structure with the concept's values
    /// as B-factors, and views of it for Mol*.
    ///
    /// # Errors
    /// Where a structure cannot be read again, or writing fails.
    pub(super) fn write(
        &self,
        target: Option<&TargetFolder>,
        context: &Context,
        document: &Document,
    ) -> Result<()> {
        let Some(target) = target else {
            return Ok(());
        };
        let output = context.create_folder(target)?;
        let mut files = 0;
        for page in &document.proteins {
            let Some(placed) = self.0.get(&page.id) else {
                continue;
            };
            let sequence = page.sequence.as_bytes();
            let (structure, shown) = place(context, &placed.file, sequence)?;
            let written = page.ranges.iter().filter(|range| range.4 > 0).map(|r| r.0);
            let concepts: BTreeSet<u32> = written.collect();
            for concept in concepts {
                let view = View {
                    page,
                    structure: &structure,
                    shown: &shown,
                    concept,
                };
                view.write(&output, document)?;
                files += 1;
            }
        }
        context.metric("structures_written", files);
        output.commit();
        Ok(())
    }
}

/// Reads a structure, and finds a protein of this sequence in it.
fn place(context: &Context, file: &Path, sequence: &[u8]) -> Result<(Structure, Shown)> {
    let source = Source::File(file.to_owned());
    let structure = Structure::read(context.open(&source)?);
    let structure = structure.map_err(source.in_input())?;
    let shown = structure.shows(sequence).map_err(|e| {
        let kind = e.kind();
        Error::new(kind, e.to_string()).context(source.to_string())
    })?;
    Ok((structure, shown))
}

/// A concept along a protein with a structure.
struct View<'a> {
    page: &'a ProteinPage,
    structure: &'a Structure,
    shown: &'a Shown,
    concept: u32,
}

impl View<'_> {
    fn write(&self, output: &OutputFolder, document: &Document) -> Result<()> {
        let concept = &document.concepts[self.concept as usize];
        let length = self.page.sequence.len();
        let track = self.page.tracks.get(&self.concept);
        let values = track.map_or_else(|| vec![0.0; length], |track| track.values(length));
        let values: Vec<Option<f32>> = values.into_iter().map(Some).collect();
        let own = (self.page.ranges.iter()).filter(|r| r.0 == self.concept && r.4 > 0);
        let ranges: Vec<NamedRange<'_>> = own
            .map(|range| NamedRange {
                start: range.1,
                end: range.2,
                name: &concept.name,
                color: RANGE_COLORS[0],
            })
            .collect();
        let stem = stem(&self.page.id, &concept.id, self.concept);
        let suffix = self.structure.format().suffix();
        let file_name = format!("{stem}.{suffix}");
        let title = format!("{}: {}", self.page.id, concept.name);
        let scene = Scene {
            title: &title,
            file_name: &file_name,
            structure: self.structure,
            shown: self.shown,
            values: &values,
            ranges: &ranges,
        };
        let (mut coloured, mut beside, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        let written = (self.structure)
            .write_b_factors(&mut coloured, self.shown, &values)
            .and_then(|()| scene.write_mvsj(&mut beside))
            .and_then(|()| scene.write_mvsx(&mut whole, &coloured));
        written.during(&file_name)?;
        output.write(&file_name, &coloured)?;
        for (suffix, content) in VIEWS.iter().zip([beside, whole]) {
            output.write(&format!("{stem}.{suffix}"), &content)?;
        }
        Ok(())
    }
}

/// The name of a concept's files of a protein: what file systems and shells take as it is, and the concept's index, since two
/// ids may look alike then.
fn stem(protein: &str, concept: &str, index: u32) -> String {
    let plain = |c: char| {
        let is_plain = c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if is_plain { c } else { '_' }
    };
    let concept: String = concept.chars().map(plain).collect();
    format!("{protein}.{index}.{concept}")
}

/// The first entry of a folder that [`Structures::write`] does not write: any but structure files with views of the same name.
pub(super) fn first_foreign(folder: &Path) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?.flatten();
    let paths: BTreeSet<PathBuf> = entries.map(|entry| entry.path()).collect();
    let suffix = |path: &Path| path.extension().map(|e| e.to_string_lossy().into_owned());
    let has = |path: &Path, suffixes: [&str; 2], all: bool| {
        let mut found = suffixes
            .map(|s| paths.contains(&path.with_extension(s)))
            .into_iter();
        if all {
            found.all(|f| f)
        } else {
            found.any(|f| f)
        }
    };
    let is_ours = |path: &PathBuf| {
        let suffix = suffix(path).unwrap_or_default();
        let known = STRUCTURES.contains(&&*suffix) || VIEWS.contains(&&*suffix);
        known && path.is_file() && has(path, VIEWS, true) && has(path, STRUCTURES, false)
    };
    paths.iter().find(|path| !is_ours(path)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain_and_differ() {
        assert_eq!(stem("P1", "DOMAIN:Zn(2+)/C6", 7), "P1.7.DOMAIN_Zn_2___C6");
        assert_ne!(stem("P1", "A:b", 1), stem("P1", "A/b", 2));
    }

    #[test]
    fn folders_of_structures_alone_are_others() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        assert_eq!(first_foreign(folder.path()), None);
        for name in ["P1.7.A.cif", "P1.7.A.mvsj", "P1.7.A.mvsx"] {
            put(name);
        }
        assert_eq!(first_foreign(folder.path()), None);
        put("P1.pdb");
        let foreign = first_foreign(folder.path()).unwrap();
        assert_eq!(foreign, folder.path().join("P1.pdb"));
    }
}
