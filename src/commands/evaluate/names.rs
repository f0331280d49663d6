//! Names of several models.

use std::path::{Path, PathBuf};

/// Names of folders: of each its last parts, as many as tell all of them apart.
pub(super) fn distinct(folders: &[PathBuf]) -> Vec<String> {
    let longest = folders.iter().map(|f| parts(f).len()).max().unwrap_or(0);
    let of = |count: usize| -> Vec<String> {
        let name = |folder: &PathBuf| {
            let parts = parts(folder);
            parts[parts.len().saturating_sub(count)..].join("/")
        };
        folders.iter().map(name).collect()
    };
    let are_distinct = |names: &Vec<String>| {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] != pair[1])
    };
    (1..=longest)
        .map(of)
        .find(are_distinct)
        .unwrap_or_else(|| of(longest))
}

fn parts(folder: &Path) -> Vec<String> {
    let parts = folder
        .components()
        .filter(|part| matches!(part, std::path::Component::Normal(_)));
    parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_tells_them_apart() {
        let of =
            |folders: &[&str]| distinct(&folders.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["a/model/", "../b"]), ["model", "b"]);
        assert_eq!(of(&["x/a/model", "x/b/model"]), ["a/model", "b/model"]);
        assert_eq!(of(&["model"]), ["model"]);
        // one folder twice has one name
        assert_eq!(of(&["m", "m"]), ["m", "m"]);
    }
}
