//! Dealing proteins out: what `protsae-split` and `protsae-concepts --split` do alike.

use crate::{
    Error, Result,
    cli::{Context, Source, log, output::Output},
    seq::accession,
    split::{
        clusters::{self, Clusters},
        grouping::{self, Identical},
        partition::{HEADER, Part},
        stratification::{self, Fractions, Group, Shares},
    },
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

/// Proteins are listed up to this number.
const LISTED: usize = 3;

/// Proteins with the numbers of their concepts, and the clusters that keep proteins together.
pub(in crate::commands) struct Deal<'a> {
    pub(in crate::commands) proteins: &'a BTreeMap<String, BTreeSet<u32>>,
    pub(in crate::commands) clusters: &'a Clusters,
    /// Lists of proteins of one sequence; none where no sequences are known.
    pub(in crate::commands) identical: Option<&'a [Vec<String>]>,
    /// Ids of the concepts, by number.
    pub(in crate::commands) concepts: Vec<&'a str>,
}

/// The part of every protein, and what each concept got.
pub(in crate::commands) struct Dealt {
    parts: BTreeMap<String, &'static str>,
    report: Report,
}

/// What is said of a split.
#[derive(Serialize)]
pub(in crate::commands) struct Report {
    proteins: Shares,
    groups: usize,
    clusters_given: bool,
    /// Proteins that no cluster names, each a group of its own unless another has its sequence.
    without_cluster: usize,
    sequences_given: bool,
    identical_sequences: Identical,
    fractions: [f64; 3],
    concepts: BTreeMap<String, Achieved>,
}

/// Proteins of a concept by part, and the shares that they are of all its proteins.
#[derive(Serialize)]
struct Achieved {
    #[serde(flatten)]
    proteins: Shares,
    shares: [f64; 3],
}

impl Achieved {
    fn of(proteins: Shares) -> Self {
        let counts = [proteins.train, proteins.valid, proteins.test];
        let total = counts.iter().sum::<u64>().max(1) as f64;
        Self {
            proteins,
            shares: counts.map(|n| n as f64 / total),
        }
    }
}

impl Deal<'_> {
    /// Deals the proteins out, and says how many went where; `without_cluster` is what [`count_alone`] says where
    /// clusters were given.
    pub(in crate::commands) fn out(
        &self,
        fractions: Fractions,
        seed: u64,
        without_cluster: Option<usize>,
    ) -> Dealt {
        let identical = self.identical.unwrap_or_default();
        let grouping = grouping::group(self.clusters, identical, |protein| {
            self.proteins.contains_key(protein)
        });
        let identical = grouping.identical;
        let groups = groups_of(self.proteins, grouping.groups);
        let assignment = stratification::assign(&groups, fractions, seed);
        let mut parts = BTreeMap::new();
        for (group, &part) in groups.iter().zip(&assignment.parts) {
            for protein in &group.proteins {
                parts.insert(protein.clone(), Part::ALL[part].name());
            }
        }
        if without_cluster.is_none() {
            log::warn(
                "no --clusters: homologues may be in training and test alike, unless they have one sequence",
            );
        }
        self.tell_identical(identical);
        let Shares { train, valid, test } = assignment.proteins;
        log::info(&format!(
            "{} proteins in {} groups: {train} train, {valid} valid, {test} test",
            parts.len(),
            groups.len()
        ));
        let concepts = assignment.concepts.iter();
        let concepts = concepts.map(|(&concept, shares)| {
            let name = self.concepts[concept as usize].to_owned();
            (name, Achieved::of(*shares))
        });
        Dealt {
            parts,
            report: Report {
                proteins: assignment.proteins,
                groups: groups.len(),
                clusters_given: without_cluster.is_some(),
                without_cluster: without_cluster.unwrap_or(self.proteins.len()),
                sequences_given: self.identical.is_some(),
                identical_sequences: identical,
                fractions: fractions.0,
                concepts: concepts.collect(),
            },
        }
    }

    /// Says which groups are there because of their sequence.
    fn tell_identical(&self, identical: Identical) {
        if self.identical.is_none() {
            log::warn(
                "no sequences: proteins of one sequence may be in training and test alike, unless clusters join them",
            );
        }
        if identical.groups > 0 || identical.clusters_joined > 0 {
            log::info(&format!(
                "{} proteins have a sequence that another one has too: they are {} groups, and {} clusters were joined for them",
                identical.proteins, identical.groups, identical.clusters_joined
            ));
        }
    }
}

impl Dealt {
    /// How many proteins in how many groups.
    pub(in crate::commands) fn plan(&self) -> String {
        format!(
            "{} proteins in {} groups",
            self.parts.len(),
            self.report.groups
        )
    }

    /// What is said of it.
    pub(in crate::commands) fn report(&self) -> &Report {
        &self.report
    }

    /// Counts it for `--metrics`.
    pub(in crate::commands) fn count(&self, context: &Context) {
        let report = &self.report;
        context.metric("proteins", report.proteins);
        context.metric("groups", report.groups);
        context.metric("clusters_given", report.clusters_given);
        context.metric("without_cluster", report.without_cluster);
        context.metric("sequences_given", report.sequences_given);
        context.metric("identical_sequences", report.identical_sequences);
        context.metric("fractions", report.fractions);
        context.metric("concepts", &report.concepts);
    }

    /// Writes `split.tsv`, which the caller commits.
    pub(in crate::commands) fn write(&self, output: &mut Output) -> io::Result<()> {
        writeln!(output, "{HEADER}")?;
        for (protein, part) in &self.parts {
            writeln!(output, "{protein}\t{part}")?;
        }
        output.flush()
    }
}

/// Reads clusters of any number of files; `is_protein` says whether labels or sequences know a protein of this name.
///
/// # Errors
/// Where a file is none, or where a protein is in two clusters, naming it.
pub(in crate::commands) fn read_clusters(
    context: &Context,
    sources: &[Source],
    raw_ids: bool,
    is_protein: impl Fn(&str) -> bool,
) -> Result<Clusters> {
    let mut clusters = Clusters::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for source in sources {
        let name = |id: &str| {
            if raw_ids {
                id.to_owned()
            } else {
                accession::from_header_word(id).to_owned()
            }
        };
        let read =
            clusters::read(context.open(source)?, name, &is_protein).map_err(source.in_input())?;
        for (cluster, members) in read {
            for member in &members {
                if let Some(other) = seen.insert(member.clone(), source.to_string()) {
                    return Err(Error::data(format!(
                        "{member} is in a cluster of {other} and in one of {source}"
                    )));
                }
            }
            clusters.insert(cluster, members);
        }
    }
    Ok(clusters)
}

/// How many proteins no cluster names, with a warning where there are some: they have no group to stay with.
///
/// # Errors
/// Where none is named, since ids are then of different kinds.
pub(in crate::commands) fn count_alone(
    proteins: &BTreeMap<String, BTreeSet<u32>>,
    clusters: &Clusters,
) -> Result<usize> {
    let clustered: BTreeSet<&str> = clusters.values().flatten().map(String::as_str).collect();
    let alone: Vec<&str> = (proteins.keys().map(String::as_str))
        .filter(|protein| !clustered.contains(protein))
        .collect();
    let shown = |names: &[&str]| names[..names.len().min(LISTED)].join(", ");
    if let Some(other) = clustered.first()
        && alone.len() == proteins.len()
        && !alone.is_empty()
    {
        return Err(Error::data(format!(
            "no cluster names any of the {} proteins ({}), but others ({other}): ids must be alike; \
             CD-HIT cuts them to 20 characters unless it runs with -d 0",
            proteins.len(),
            shown(&alone)
        )));
    }
    if !alone.is_empty() {
        log::warn(&format!(
            "{} of {} proteins are in no cluster ({}), so clusters hold them together with nobody: their homologues may be in training \
             and test alike",
            alone.len(),
            proteins.len(),
            shown(&alone)
        ));
    }
    Ok(alone.len())
}

/// Groups with their concepts, and each other protein by itself.
fn groups_of(proteins: &BTreeMap<String, BTreeSet<u32>>, groups: Vec<Vec<String>>) -> Vec<Group> {
    let grouped: BTreeSet<&str> = groups.iter().flatten().map(String::as_str).collect();
    let alone: Vec<Vec<String>> = (proteins.keys())
        .filter(|protein| !grouped.contains(protein.as_str()))
        .map(|protein| vec![protein.clone()])
        .collect();
    (groups.into_iter().chain(alone))
        .map(|members| {
            let mut group = Group {
                proteins: members,
                ..Group::default()
            };
            let of_members = group.proteins.iter().filter_map(|m| proteins.get(m));
            for concept in of_members.flatten() {
                *group.concepts.entry(*concept).or_default() += 1;
            }
            group
        })
        .collect()
}
