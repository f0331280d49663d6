//! The crate itself: what it holds, and which profiles it follows.

use super::{
    About, METADATA, Step,
    entities::{Graph, encoded, reference, references},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Versions of the profiles.
const PROCESS: (&str, &str) = ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate");
const WORKFLOW_RUN: (&str, &str) = (
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "Workflow Run Crate",
);
const WORKFLOW: (&str, &str) = (
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    "Workflow RO-Crate",
);

/// What is said where no licence is.
const NO_LICENSE: &str = "No licence is stated: ask whoever published these files";

impl Graph<'_> {
    /// Adds the crate itself.
    pub(super) fn add_root(&mut self, about: &About, steps: &[Step]) {
        let mut profiles = vec![PROCESS];
        let mut conforms = vec!["https://w3id.org/ro/crate/1.1".to_owned()];
        if self.main.is_some() {
            profiles.extend([WORKFLOW_RUN, WORKFLOW]);
            conforms.push(WORKFLOW.0.into());
        }
        for (id, name) in &profiles {
            let version = id.rsplit('/').next();
            let profile = json!({ "@type": "CreativeWork", "name": name, "version": version });
            self.add((*id).into(), profile);
        }
        let mut parts: BTreeSet<String> = (self.files.iter().zip(&self.links.folder_of))
            .filter(|(_, folder)| folder.is_none())
            .map(|(file, _)| encoded(&file.name))
            .collect();
        let folders = self.links.folders.iter();
        parts.extend(folders.map(|folder| encoded(&folder.name) + "/"));
        let license = self.license(about.license.as_deref());
        let mut root = json!({
            "@type": "Dataset",
            "name": about.name,
            "description": about.description,
            "datePublished": steps.iter().map(|step| &step.ended).max(),
            "license": license,
            "conformsTo": references(profiles.iter().map(|(id, _)| (*id).to_owned())),
            "hasPart": references(parts),
            "mentions": references(self.actions.clone()),
        });
        if let Some(main) = &self.main {
            root["mainEntity"] = reference(main.clone());
        }
        self.add("./".into(), root);
        self.add(
            METADATA.into(),
            json!({
                "@type": "CreativeWork",
                "about": reference("./".into()),
                "conformsTo": references(conforms),
            }),
        );
    }

    fn license(&mut self, license: Option<&str>) -> Value {
        let Some(license) = license else {
            return NO_LICENSE.into();
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
        let id = if license.starts_with("http://") || license.starts_with("https://") {
            license.to_owned()
        } else if !license.is_empty() && license.chars().all(is_name) {
            format!("https://spdx.org/licenses/{license}")
        } else {
            return license.into();
        };
        reference(self.add(id, json!({ "@type": "CreativeWork", "name": license })))
    }
}
