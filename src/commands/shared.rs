//! What several executables do alike.

use crate::{
    Error, Result,
    cli::{Context, Source, log},
    sae::store::Sae,
    table::{PlmIdentity, TableError},
};
use std::{collections::HashSet, path::Path};

/// Loads a model folder.
///
/// # Errors
/// Where it is incomplete or damaged.
pub(super) fn load_model(context: &Context, folder: &Path) -> Result<Sae> {
    context.note_input(folder);
    Ok(Sae::load(folder)?)
}

/// Demands that activations are of the model's PLM, layer and site; warns where nobody can tell.
///
/// # Errors
/// [`TableError::Identity`], naming both.
pub(super) fn check_plm(
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

/// Refuses a share that is not between 0 and 1.
///
/// # Errors
/// [`crate::ErrorKind::Usage`].
pub(super) fn check_share(option: &str, value: f32) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{option} is {value}, expected 0 to 1"
    )))
}
