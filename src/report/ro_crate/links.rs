//! Which published file is what a step read or wrote, and which folders are one step's whole.

use super::{PublishedFile, Step, StepFile};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a step read or wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Link {
    /// A published file, by number.
    File(usize),
    /// A folder of published files that one step wrote, by number.
    Folder(usize),
    /// A file that is not published.
    Elsewhere(StepFile),
}

/// What one step read and wrote.
pub(super) struct Linked {
    pub(super) objects: Vec<Link>,
    pub(super) results: Vec<Link>,
}

/// A folder all of whose files one step wrote.
pub(super) struct Folder {
    /// Its name below the root, without `/` at its end.
    pub(super) name: Vec<u8>,
    /// Its files, those in its folders too.
    pub(super) files: Vec<usize>,
}

/// All of it.
pub(super) struct Links {
    pub(super) steps: Vec<Linked>,
    pub(super) folders: Vec<Folder>,
    /// The folder of each file, where it is in one.
    pub(super) folder_of: Vec<Option<usize>>,
}

impl Links {
    pub(super) fn new(steps: &[Step], files: &[PublishedFile]) -> Self {
        let by_content = ByContent::new(files);
        let read: Vec<_> = (steps.iter())
            .map(|step| by_content.find(&step.inputs))
            .collect();
        let written: Vec<_> = (steps.iter())
            .map(|step| by_content.find(&step.outputs))
            .collect();
        let folders = folders(&written, files);
        let mut folder_of = vec![None; files.len()];
        for (number, folder) in folders.iter().enumerate() {
            for &file in &folder.files {
                folder_of[file] = Some(number);
            }
        }
        let whole = |links: BTreeSet<Link>| whole_folders(links, &folders, &folder_of);
        Self {
            steps: (read.into_iter().zip(written))
                .map(|(read, written)| Linked {
                    objects: whole(read),
                    results: whole(written),
                })
                .collect(),
            folders,
            folder_of,
        }
    }
}

/// Puts a folder in the place of its files, where all of them are there.
fn whole_folders(
    links: BTreeSet<Link>,
    folders: &[Folder],
    folder_of: &[Option<usize>],
) -> Vec<Link> {
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for link in &links {
        if let Link::File(file) = link
            && let Some(folder) = folder_of[*file]
        {
            *found.entry(folder).or_default() += 1;
        }
    }
    found.retain(|folder, files| folders[*folder].files.len() == *files);
    let in_folder = |link: &Link| match link {
        Link::File(file) => folder_of[*file].is_some_and(|folder| found.contains_key(&folder)),
        _ => false,
    };
    let mut links: Vec<Link> = links.into_iter().filter(|link| !in_folder(link)).collect();
    links.extend(found.into_keys().map(Link::Folder));
    links.sort();
    links
}

/// Published files by their content.
struct ByContent<'a> {
    files: &'a [PublishedFile],
    numbers: HashMap<&'a str, Vec<usize>>,
}

impl<'a> ByContent<'a> {
    fn new(files: &'a [PublishedFile]) -> Self {
        let mut numbers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, file) in files.iter().enumerate() {
            numbers.entry(&file.sha256).or_default().push(number);
        }
        Self { files, numbers }
    }

    /// What the files of a step are. Of several published files of one content it is the one whose name ends most
    /// like the step's, and if possible one that is no other file of the step.
    fn find(&self, of_step: &[StepFile]) -> BTreeSet<Link> {
        let mut found = BTreeSet::new();
        for file in of_step {
            let same = file.sha256.as_deref().and_then(|sha| self.numbers.get(sha));
            let best = same.into_iter().flatten().max_by_key(|&&number| {
                let likeness = common_end(&self.files[number].name, file.name.as_bytes());
                let is_free = !found.contains(&Link::File(number));
                (likeness, is_free, std::cmp::Reverse(number))
            });
            found.insert(match best {
                Some(&number) => Link::File(number),
                None => Link::Elsewhere(file.clone()),
            });
        }
        found
    }
}

/// Names at the end of two paths that are the same.
fn common_end(one: &[u8], other: &[u8]) -> usize {
    let names = |path| <[u8]>::rsplit(path, |&byte| byte == b'/');
    let pairs = names(one).zip(names(other));
    pairs.take_while(|(a, b)| a == b).count()
}

/// The folders above a file, the topmost first.
fn above(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    ends.map(|(end, _)| &name[..end])
}

/// The topmost folders that hold several files, all written by one step.
fn folders(written: &[BTreeSet<Link>], files: &[PublishedFile]) -> Vec<Folder> {
    let mut writers: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); files.len()];
    for (step, links) in written.iter().enumerate() {
        for link in links {
            if let Link::File(file) = link {
                writers[*file].insert(step);
            }
        }
    }
    let mut all: BTreeMap<&[u8], (BTreeSet<usize>, Vec<usize>)> = BTreeMap::new();
    for (number, (file, writers)) in files.iter().zip(&writers).enumerate() {
        for folder in above(&file.name) {
            let (common, inside) = all
                .entry(folder)
                .or_insert_with(|| (writers.clone(), Vec::new()));
            common.retain(|step| writers.contains(step));
            inside.push(number);
        }
    }
    all.retain(|_, (common, inside)| !common.is_empty() && inside.len() > 1);
    let topmost = |name: &[u8]| !above(name).any(|folder| all.contains_key(folder));
    let names: Vec<&[u8]> = all.keys().copied().filter(|name| topmost(name)).collect();
    (names.into_iter())
        .filter_map(|name| {
            let (_, files) = all.get(name)?;
            Some(Folder {
                name: name.to_owned(),
                files: files.clone(),
            })
        })
        .collect()
}
