//! What a folder holds that our executables wrote: model folders, grids of them, and layouts of other programs.

use crate::{
    exchange,
    sae::folder::{CONCEPTS_FILE, CONFIG_FILE, LOG_FILE, SUMMARY_FILE, WEIGHTS_FILE},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The curves of a model folder.
pub(super) const CURVES_FILE: &str = "curve.html";
/// Where a model folder holds an event file.
pub(super) const EVENTS_FOLDER: &str = "tensorboard";
/// The event file of a model folder.
pub(super) const EVENTS_NAME: &str = "events.out.tfevents.0.protsae";
/// The table of a grid's models.
pub(super) const GRID_FILE: &str = "grid.json";
/// Format name and version of the table.
pub(super) const GRID_FORMAT: &str = "grid/1";

/// Files of a model folder, without the one that tells it.
const MODEL_FILES: [&str; 5] = [
    WEIGHTS_FILE,
    CONCEPTS_FILE,
    SUMMARY_FILE,
    LOG_FILE,
    CURVES_FILE,
];

/// The first entry, by name, of a folder that is none of what our executables write there; so the folder is not ours
/// to replace. An empty folder has none.
pub(super) fn first_foreign(folder: &Path) -> Option<PathBuf> {
    let is_grid = holds(folder, GRID_FILE, |text| {
        json(text)["format"] == GRID_FORMAT
    });
    entries(folder).into_iter().find_map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir());
        match (name.as_ref(), is_folder) {
            (GRID_FILE, false) if is_grid => None,
            (_, true) if is_grid => foreign_to_model(&path),
            _ if is_grid => Some(path),
            _ => foreign_to_layout(folder, &path, &name).then_some(path),
        }
    })
}

fn foreign_to_model(folder: &Path) -> Option<PathBuf> {
    entries(folder).into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        foreign_to_layout(folder, path, &name)
    })
}

/// Whether an entry is neither of a model folder nor of a layout of another program, as they are written here.
fn foreign_to_layout(folder: &Path, path: &Path, name: &str) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|m| m.is_file());
    if name == EVENTS_FOLDER && !is_file {
        let events = path.join(EVENTS_NAME);
        return !is_model(folder) || entries(path).iter().any(|entry| *entry != events);
    }
    if !is_file {
        return true;
    }
    if name == CONFIG_FILE || MODEL_FILES.contains(&name) {
        return !is_model(folder);
    }
    if name == exchange::CONFIG || exchange::WEIGHT_FILES.contains(&name) {
        return !is_layout(folder);
    }
    true
}

fn is_model(folder: &Path) -> bool {
    // of a former format too: whoever trains anew with a newer version may put its model in the same place
    holds(folder, CONFIG_FILE, |text| {
        text.lines().any(|line| line.starts_with("format: model/"))
    })
}

fn is_layout(folder: &Path) -> bool {
    holds(folder, exchange::CONFIG, |text| {
        let config = json(text);
        let said = [&config, &config["metadata"]].map(|part| &part[exchange::WRITTEN_BY_KEY]);
        said.contains(&&Value::from(exchange::WRITTEN_BY))
    })
}

/// Whether a folder has a file of this name with such a content.
fn holds(folder: &Path, name: &str, is: impl Fn(&str) -> bool) -> bool {
    fs::read_to_string(folder.join(name)).is_ok_and(|text| is(&text))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The paths in a folder, by name; the folder itself where it cannot be read: what it holds is not known.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return vec![folder.to_owned()];
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::checkpoint::content::tests::found_in;

    fn foreign(files: &[(&str, &str)]) -> Option<String> {
        found_in(files, first_foreign)
    }

    #[test]
    fn folders_that_are_written_here_have_nothing_foreign() {
        let config = ("config.yaml", "format: model/2\n");
        assert_eq!(foreign(&[]), None);
        assert_eq!(foreign(&[config, ("model.safetensors", "")]), None);
        let former = ("config.yaml", "format: model/1\n");
        assert_eq!(foreign(&[former, ("model.safetensors", "")]), None);
        let events = "tensorboard/events.out.tfevents.0.protsae";
        assert_eq!(foreign(&[config, ("curve.html", ""), (events, "")]), None);
        let saelens = r#"{"metadata": {"written_by": "protsae"}}"#;
        let files = [("cfg.json", saelens), ("sae_weights.safetensors", "")];
        assert_eq!(foreign(&files), None);
        let grid = ("grid.json", r#"{"format": "grid/1"}"#);
        let model = ("k=1/config.yaml", "format: model/2\n");
        assert_eq!(foreign(&[grid, model]), None);
    }

    #[test]
    fn what_others_put_there_is_found() {
        let config = ("config.yaml", "format: model/2\n");
        let found = |files: &[(&str, &str)]| foreign(files).unwrap();
        assert_eq!(found(&[config, ("notes.txt", "")]), "notes.txt");
        assert_eq!(found(&[("config.yaml", "k: 3\n")]), "config.yaml");
        assert_eq!(found(&[("model.safetensors", "")]), "model.safetensors");
        assert_eq!(found(&[config, ("tensorboard/x", "")]), "tensorboard");
        // a folder that SAELens itself wrote
        let theirs = [("cfg.json", "{}"), ("sae_weights.safetensors", "")];
        assert_eq!(found(&theirs), "cfg.json");
        let grid = ("grid.json", r#"{"format": "grid/1"}"#);
        assert_eq!(found(&[grid, ("k=1/notes", "")]), "k=1/notes");
        assert_eq!(found(&[grid, ("notes", "")]), "notes");
        assert_eq!(found(&[("grid.json", "{}")]), "grid.json");
        // one bad folder inside a model
        assert_eq!(found(&[config, ("data/x", "")]), "data");
    }
}
