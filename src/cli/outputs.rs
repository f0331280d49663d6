//! The owner of every file and folder that a run writes.
//!
//! Before any work all of them are known, lead to places of their own, away from the inputs, and can be written.
//! What is finished is staged under its temporary name; at the end of the run everything is put in place together,
//! and where that fails nothing is.

mod staged;
mod trial;

use super::{
    files::Named,
    input::Source,
    place::{self, Place},
    provenance::Location,
    target::{Destination, Target},
    temporary::hold_signals,
};
use crate::{Error, Result, error::Context as _, mapped};
pub(super) use staged::Stage;
use staged::{Replaced, Staged};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Finds the first entry of a folder that no executable writes there, so that the folder is not replaced.
pub type FirstForeign = fn(&Path) -> Option<PathBuf>;

/// What is to be done once all outputs are in place.
type AfterPlacing = Box<dyn FnOnce() -> Result<()> + Send>;

/// Something that the run reads or writes, and where that is.
struct Claim<T> {
    named: Named<T>,
    place: Place,
}

#[derive(Default)]
struct Claims {
    inputs: Vec<Claim<Source>>,
    outputs: Vec<Claim<Destination>>,
}

/// All outputs of a run.
pub(super) struct Outputs {
    claims: Mutex<Claims>,
    first_foreign: FirstForeign,
    /// Outputs that are complete, but not yet in place.
    staged: Arc<Mutex<Vec<Staged>>>,
    after: Mutex<Vec<AfterPlacing>>,
    /// Outputs of the run, the standard streams among them.
    count: Arc<AtomicUsize>,
    refused: AtomicBool,
}

impl Outputs {
    pub(super) fn new(first_foreign: FirstForeign) -> Self {
        Self {
            claims: Mutex::default(),
            first_foreign,
            staged: Arc::default(),
            after: Mutex::default(),
            count: Arc::default(),
            refused: AtomicBool::new(false),
        }
    }

    fn with_claims<T>(&self, f: impl FnOnce(&mut Claims) -> T) -> T {
        f(&mut lock(&self.claims))
    }

    /// The number of outputs of the run, as it is when it is asked for.
    #[must_use]
    pub(super) fn count(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.count)
    }

    /// Where complete outputs go.
    pub(super) fn stage(&self) -> Stage {
        Stage::of(&self.staged)
    }

    /// Notes an input.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] where an output is in its way, naming both.
    pub(super) fn claim_input(&self, named: Named<Source>) -> Result<()> {
        let place = match &named.value {
            Source::Stdin => Place::of_stdin(),
            Source::File(path) => Place::of_path(path),
        };
        let claim = Claim { named, place };
        self.claim(|claims| {
            if claims
                .inputs
                .iter()
                .any(|i| i.named.value == claim.named.value)
            {
                return Ok(());
            }
            for output in &claims.outputs {
                check_against_input(output, &claim)?;
            }
            claims.inputs.push(claim);
            Ok(())
        })
    }

    /// Changes the claims; the first that is refused is remembered.
    fn claim(&self, change: impl FnOnce(&mut Claims) -> Result<()>) -> Result<()> {
        let changed = self.with_claims(change);
        if changed.is_err() {
            self.refused.store(true, Ordering::Relaxed);
        }
        changed
    }

    /// Whether an output was found in the way of something: then nothing at all is written, whatever else would be.
    pub(super) fn are_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Notes an output and tries whether it can be written; one that the options name is known already.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] where it is in the way of an input or of another output, naming both, or a folder
    /// with what none of our executables writes; otherwise where it cannot be written.
    pub(super) fn claim_output(&self, named: Named<Destination>) -> Result<()> {
        let place = match named.value.path() {
            None => Place::of_stdout(),
            Some(path) => Place::of_path(path),
        };
        let claim = Claim { named, place };
        self.claim(|claims| {
            for input in &claims.inputs {
                check_against_input(&claim, input)?;
            }
            for other in &claims.outputs {
                check_against_output(&claim, other)?;
            }
            claims.outputs.push(claim);
            self.count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }

    /// Whether the options name an output.
    pub(super) fn knows(&self, destination: &Destination) -> bool {
        self.with_claims(|c| c.outputs.iter().any(|o| o.named.value == *destination))
    }

    /// Whether the run writes this file, whatever the path is written with.
    pub(super) fn is_output(&self, path: &Path) -> bool {
        let place = Place::of_path(path);
        self.with_claims(|c| c.outputs.iter().any(|output| output.place.is(&place)))
    }

    /// Tries whether every output could be written, and nothing of others would be lost.
    ///
    /// # Errors
    /// The first that could not be, named.
    pub(super) fn try_all(&self) -> Result<()> {
        self.with_claims(|claims| {
            for claim in &claims.outputs {
                let named = &claim.named;
                let shown = || format!("{} {}", named.option, named.value);
                match &named.value {
                    Destination::File(Target::Stdout) => Ok(()),
                    Destination::File(Target::File(path)) => trial::file(path).map_err(Error::from),
                    Destination::Folder(folder) => trial::folder(folder.path(), self.first_foreign),
                    Destination::Shared(folder) => {
                        trial::shared(folder.path()).map_err(Error::from)
                    }
                }
                .map_err(|error| error.context(shown()))?;
            }
            Ok(())
        })
    }

    /// What has been written so far, as the options name it, and where its bytes lie until they are put in place.
    pub(super) fn written(&self) -> Vec<Location> {
        let staged = lock(&self.staged);
        let lies = |path: &Path| {
            let real = place::resolve(path);
            let one = staged.iter().find(|one| one.target() == real);
            one.map(|one| one.lies().to_owned())
        };
        self.with_claims(|claims| {
            let paths = claims.outputs.iter().filter_map(|o| o.named.value.path());
            paths
                .filter_map(|path| {
                    let stream = || place::is_stream(path).then(|| path.to_owned());
                    Some(Location {
                        named: path.to_owned(),
                        lies: lies(path).or_else(stream)?,
                    })
                })
                .collect()
        })
    }

    /// Drops what is staged: the run has failed.
    pub(super) fn discard(&self) {
        lock(&self.staged).clear();
        lock(&self.after).clear();
    }

    /// What happens once all outputs are in place.
    pub(super) fn after_placing(&self, then: AfterPlacing) {
        lock(&self.after).push(then);
    }

    /// Puts all staged outputs in place, or none.
    ///
    /// # Errors
    /// The first that cannot be put there, named; what was in all places before is there again.
    pub(super) fn place(&self) -> Result<()> {
        // what was read of a file that was shortened meanwhile is not what it held
        mapped::check()?;
        let staged = std::mem::take(&mut *lock(&self.staged));
        let placed = {
            let _held = hold_signals();
            let mut placed = Vec::with_capacity(staged.len());
            for one in staged {
                let target = one.target().to_owned();
                match one.replace(self.first_foreign) {
                    Ok(replaced) => placed.push(replaced),
                    Err(error) => {
                        placed.into_iter().rev().for_each(Replaced::undo);
                        return Err(error).path(&target);
                    }
                }
            }
            placed
        };
        placed.into_iter().for_each(Replaced::forget);
        for then in std::mem::take(&mut *lock(&self.after)) {
            // the outputs are there, whatever else is left
            if let Err(error) = then() {
                super::log::warn(&error.to_string());
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses an output that would replace an input, or lie among the files of an input folder.
fn check_against_input(output: &Claim<Destination>, input: &Claim<Source>) -> Result<()> {
    let refuse = |how: &str| {
        Err(Error::usage(format!(
            "{} {how} {} {}: an input is never replaced",
            output.named.shown(),
            input.named.option,
            input.named.value,
        )))
    };
    if output.place.is(&input.place) {
        return refuse("is also the input of");
    }
    if input.place.is_folder() && output.place.is_inside(&input.place) {
        return refuse("lies inside the input folder of");
    }
    let is_replaced = matches!(output.named.value, Destination::Folder(_));
    if is_replaced && input.place.is_inside(&output.place) {
        return refuse("is a folder that holds the input of");
    }
    Ok(())
}

/// Refuses two outputs of which one would replace the other.
fn check_against_output(one: &Claim<Destination>, other: &Claim<Destination>) -> Result<()> {
    let refuse = |how: &str| {
        Err(Error::usage(format!(
            "{} {how} {}",
            one.named.shown(),
            other.named.shown()
        )))
    };
    let both_stdout = [one, other]
        .iter()
        .all(|claim| claim.named.value == Destination::File(Target::Stdout));
    if both_stdout || one.place.is(&other.place) {
        return refuse("is also the output of");
    }
    let is_replaced =
        |claim: &Claim<Destination>| matches!(claim.named.value, Destination::Folder(_));
    if is_replaced(other) && one.place.is_inside(&other.place) {
        return refuse("lies inside the output folder of");
    }
    if is_replaced(one) && other.place.is_inside(&one.place) {
        return refuse("is a folder that holds the output of");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::target::TargetFolder;
    use crate::cli::temporary::Temporary;
    use std::{ffi::OsString, fs, io::Write as _};

    fn nothing_foreign(_: &Path) -> Option<PathBuf> {
        None
    }

    fn output(outputs: &Outputs, option: &str, value: Destination) -> Result<()> {
        outputs.claim_output(Named::new(option, value))
    }

    fn file(path: &Path) -> Destination {
        Destination::File(Target::File(path.to_owned()))
    }

    fn folder(path: &Path) -> Destination {
        Destination::Folder(TargetFolder::from(OsString::from(path)))
    }

    #[test]
    fn outputs_in_the_way_of_inputs_or_of_each_other_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("model")).unwrap();
        fs::write(at("a"), "a").unwrap();
        let outputs = Outputs::new(nothing_foreign);
        let input = |name: &str| Named::new("-i", Source::File(at(name)));
        outputs.claim_input(input("a")).unwrap();
        outputs.claim_input(input("model")).unwrap();
        for (bad, text) in [
            (file(&at("./a")), "is also the input"),
            (file(&at("model/x")), "lies inside"),
            (folder(&at("model")), "is also the input"),
            (folder(root.path()), "holds the input"),
        ] {
            let error = output(&outputs, "-o", bad).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(error.to_string().contains(text), "{error}");
        }
        output(&outputs, "-o", folder(&at("new"))).unwrap();
        let inside = output(&outputs, "--metrics", file(&at("new/x"))).unwrap_err();
        assert!(inside.to_string().contains("lies inside"), "{inside}");
        output(&outputs, "--metrics", file(&at("b"))).unwrap();
        let twice = output(&outputs, "--provenance", file(&at("../x/../b"))).is_ok();
        assert!(twice, "another folder");
        let twice = output(&outputs, "--provenance", file(&at("model/../b"))).unwrap_err();
        assert!(twice.to_string().contains("--metrics"), "{twice}");
        let late = outputs.claim_input(input("b")).unwrap_err();
        assert!(late.to_string().contains("is also the input"), "{late}");
    }

    #[test]
    fn a_failing_rename_leaves_everything_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("model")).unwrap();
        fs::write(at("model/x"), "old").unwrap();
        fs::write(at("a"), "old").unwrap();
        let outputs = Outputs::new(nothing_foreign);
        let stage = |name: &str| {
            let (temporary, mut file) = Temporary::file(&at(name)).unwrap();
            file.write_all(b"new").unwrap();
            outputs.stage().push(temporary, at(name));
        };
        let stage_model = || {
            let temporary = Temporary::folder(&at("model")).unwrap();
            fs::write(temporary.path().join("x"), "new").unwrap();
            outputs.stage().push(temporary, at("model"));
        };
        let read = |name: &str| fs::read_to_string(at(name)).unwrap_or_default();
        stage("a");
        stage("b");
        stage_model();
        // a file cannot be renamed into a folder that is not there
        let (lost, _) = Temporary::file(&at("c")).unwrap();
        outputs.stage().push(lost, at("missing/c"));
        outputs.place().unwrap_err();
        assert_eq!(read("a") + &read("model/x") + &read("b"), "oldold");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
        stage("a");
        stage_model();
        outputs.place().unwrap();
        assert_eq!(read("a") + &read("model/x"), "newnew");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
