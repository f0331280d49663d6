//! The entities of a crate: what each is called, and what is said of it.

use super::{
    METADATA, PublishedFile, StepFile,
    encoding::{Encoding, edam_address},
    links::{Link, Links},
    short,
};
use crate::report::UNRESERVED;
use percent_encoding::percent_encode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Entities by their ids.
pub(super) struct Graph<'a> {
    pub(super) files: &'a [PublishedFile],
    pub(super) links: &'a Links,
    pub(super) entities: BTreeMap<String, Value>,
    /// Runs, in order.
    pub(super) actions: Vec<String>,
    /// The id of the main script.
    pub(super) main: Option<String>,
}

impl<'a> Graph<'a> {
    /// Of files and folders.
    pub(super) fn new(files: &'a [PublishedFile], links: &'a Links) -> Self {
        let mut graph = Self {
            files,
            links,
            entities: BTreeMap::new(),
            actions: Vec::new(),
            main: None,
        };
        for file in files {
            let about = [
                ("contentSize", file.bytes.to_string().into()),
                ("sha256", (*file.sha256).into()),
            ];
            graph.add_file(encoded(&file.name), &last(&file.name), about);
        }
        for folder in &links.folders {
            let parts = folder.files.iter().map(|&file| encoded(&files[file].name));
            let entity = json!({
                "@type": "Dataset",
                "name": last(&folder.name),
                "hasPart": references(parts),
            });
            graph.add(encoded(&folder.name) + "/", entity);
        }
        graph
    }

    /// Adds an entity without what is null in it, unless it is there.
    pub(super) fn add(&mut self, id: String, mut entity: Value) -> String {
        entity["@id"] = id.clone().into();
        if let Value::Object(fields) = &mut entity {
            fields.retain(|_, value| !value.is_null());
        }
        self.entities.entry(id.clone()).or_insert(entity);
        id
    }

    fn add_file<const N: usize>(
        &mut self,
        id: String,
        name: &str,
        about: [(&str, Value); N],
    ) -> String {
        let encoding = Encoding::of(name);
        let mut entity = json!({ "@type": "File", "name": name });
        for (key, value) in about {
            entity[key] = value;
        }
        entity["encodingFormat"] = match encoding.edam {
            None => encoding.media.into(),
            Some((format, name)) => {
                let address = edam_address(format);
                let format = json!({ "@type": "WebSite", "name": name, "url": address });
                json!([encoding.media, reference(self.add(address, format))])
            }
        };
        self.add(id, entity)
    }

    /// The id of what a step read or wrote; what is not published gets an entity here.
    pub(super) fn link(&mut self, step: &str, link: &Link) -> String {
        match link {
            Link::File(file) => encoded(&self.files[*file].name),
            Link::Folder(folder) => encoded(&self.links.folders[*folder].name) + "/",
            Link::Elsewhere(file) => self.elsewhere(step, file),
        }
    }

    /// A file that is not published: its name, not where it lay.
    pub(super) fn elsewhere(&mut self, step: &str, file: &StepFile) -> String {
        let name = last(file.name.as_bytes());
        let Some(sha256) = &file.sha256 else {
            let id = format!("#stream-{}", short(&format!("{step} {}", file.name)));
            let description = "A stream, or a file that was not there: its content is not known";
            return self.add_file(id, &name, [("description", description.into())]);
        };
        let bytes = file.bytes.unwrap_or_default().to_string();
        let about = [("contentSize", bytes.into()), ("sha256", (**sha256).into())];
        self.add_file(format!("#sha256-{sha256}"), &name, about)
    }

    /// All entities: the metadata and the crate first, the others by id.
    pub(super) fn into_entities(mut self) -> Vec<Value> {
        let first = [METADATA, "./"].map(|id| self.entities.remove(id));
        first
            .into_iter()
            .flatten()
            .chain(self.entities.into_values())
            .collect()
    }
}

/// A name below the root as a relative reference.
pub(super) fn encoded(name: &[u8]) -> String {
    let names = name.split(|&byte| byte == b'/');
    let names: Vec<String> = names
        .map(|name| percent_encode(name, UNRESERVED).to_string())
        .collect();
    names.join("/")
}

/// The last of the names of a path.
pub(super) fn last(name: &[u8]) -> String {
    let last = name.rsplit(|&byte| byte == b'/').next();
    String::from_utf8_lossy(last.unwrap_or_default()).into_owned()
}

pub(super) fn reference(id: String) -> Value {
    let mut object = Map::new();
    object.insert("@id".into(), id.into());
    object.into()
}

/// References to entities: one alone is no list, as JSON-LD has it when it is compacted; of none there is nothing.
pub(super) fn references(ids: impl IntoIterator<Item = String>) -> Value {
    let mut all: Vec<Value> = ids.into_iter().map(reference).collect();
    match all.len() {
        0 => Value::Null,
        1 => all.remove(0),
        _ => all.into(),
    }
}
