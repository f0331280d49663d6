//! Runs of executables, and of the workflow as a whole.

use super::{
    Step, Workflow, command_line,
    entities::{Graph, encoded, last, reference, references},
    links::{Link, Linked, Links},
    short,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Languages of workflows: their names and addresses, and how files in them end.
const LANGUAGES: [(&str, &str, &[&str]); 6] = [
    ("Nextflow", "https://www.nextflow.io/", &[".nf"]),
    (
        "Snakemake",
        "https://snakemake.readthedocs.io/",
        &["Snakefile", ".smk"],
    ),
    (
        "Common Workflow Language",
        "https://www.commonwl.org/",
        &[".cwl"],
    ),
    (
        "Workflow Description Language",
        "https://openwdl.org/",
        &[".wdl"],
    ),
    (
        "Galaxy",
        "https://galaxyproject.org/",
        &[".ga", ".gxwf.yml"],
    ),
    ("Bash", "https://www.gnu.org/software/bash/", &[".sh"]),
];

/// The language of a workflow's script, by its name.
#[must_use]
pub fn language_of(name: &str) -> Option<&'static str> {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let language = LANGUAGES.iter().find(|(.., suffixes)| ends(suffixes));
    language.map(|(language, ..)| *language)
}

impl Graph<'_> {
    /// Adds a run of an executable.
    pub(super) fn add_step(&mut self, step: &Step, linked: &Linked) {
        let Step { tool, version, .. } = step;
        let software = format!("#{}", encoded(format!("{tool}-{version}").as_bytes()));
        let software = self.add(
            software,
            json!({
                "@type": "SoftwareApplication",
                "name": tool,
                "softwareVersion": version,
            }),
        );
        let objects = self.link_all(step, &linked.objects);
        let results = self.link_all(step, &linked.results);
        let mut action = json!({
            "@type": "CreateAction",
            "name": tool,
            "description": command_line(step),
            "instrument": reference(software),
            "object": references(objects),
            "result": references(results),
            "startTime": step.started,
            "endTime": step.ended,
            "actionStatus": status(step.failure.is_none()),
        });
        if let Some(failure) = &step.failure {
            action["error"] = (**failure).into();
        }
        let id = self.add(format!("#run-{}", short(&step.identity)), action);
        self.actions.push(id);
    }

    fn link_all(&mut self, step: &Step, links: &[Link]) -> BTreeSet<String> {
        (links.iter())
            .map(|link| self.link(&step.identity, link))
            .collect()
    }

    /// Adds the workflow and its run: it read what no step wrote, and wrote what is published of what steps wrote.
    /// Whether its script is published.
    pub(super) fn add_workflow(
        &mut self,
        workflow: &Workflow,
        steps: &[Step],
        links: &Links,
    ) -> bool {
        let Workflow { file, language } = workflow;
        let published = (self.files.iter())
            .find(|published| Some(&published.sha256) == file.sha256.as_ref())
            .map(|published| encoded(&published.name));
        let main = match &published {
            Some(id) => id.clone(),
            None => self.elsewhere("", file),
        };
        let address = LANGUAGES.iter().find(|(name, ..)| name == language);
        let language = self.add(
            format!("#{}", encoded(language.as_bytes())),
            json!({
                "@type": "ComputerLanguage",
                "name": language,
                "url": address.map(|(_, address, _)| *address),
            }),
        );
        if let Some(script) = self.entities.get_mut(&main) {
            script["@type"] = json!(["File", "SoftwareSourceCode", "ComputationalWorkflow"]);
            script["programmingLanguage"] = reference(language);
        }
        let ids = |graph: &mut Self, of: fn(&Linked) -> &Vec<Link>| -> BTreeSet<String> {
            let linked = steps.iter().zip(&links.steps);
            linked
                .flat_map(|(step, linked)| graph.link_all(step, of(linked)))
                .collect()
        };
        let (read, written) = (ids(self, |l| &l.objects), ids(self, |l| &l.results));
        // what lies in a folder that a step wrote is written too
        let mut made = written.clone();
        let in_folders = self.files.iter().zip(&links.folder_of);
        made.extend(
            in_folders
                .filter(|(_, f)| f.is_some())
                .map(|(file, _)| encoded(&file.name)),
        );
        let is_published = |id: &&String| !id.starts_with('#');
        let all_done = steps.iter().all(|step| step.failure.is_none());
        let identities: Vec<&str> = steps.iter().map(|step| step.identity.as_str()).collect();
        let mut action = json!({
            "@type": "CreateAction",
            "name": format!("Run of {}", last(file.name.as_bytes())),
            "description": "The run of the workflow as a whole",
            "instrument": reference(main.clone()),
            "object": references(read.difference(&made).cloned()),
            "result": references(written.iter().filter(is_published).cloned()),
            "startTime": steps.iter().map(|step| &step.started).min(),
            "endTime": steps.iter().map(|step| &step.ended).max(),
            "actionStatus": status(all_done),
        });
        if let Some(failed) = steps.iter().find(|step| step.failure.is_some()) {
            let why = failed.failure.as_deref().unwrap_or_default();
            action["error"] = format!("{}: {why}", failed.tool).into();
        }
        let id = self.add(
            format!("#workflow-run-{}", short(&identities.join(" "))),
            action,
        );
        self.actions.insert(0, id);
        self.main = Some(main);
        published.is_some()
    }
}

/// As the profile's examples have it: the address as text.
fn status(done: bool) -> Value {
    let word = if done { "Completed" } else { "Failed" };
    format!("http://schema.org/{word}ActionStatus").into()
}
