//! `protsae-split`: proteins to training, validation and test.

use crate::{
    Error, Result,
    annot::{
        cluster::{self, Clusters},
        partition::{HEADER, Part},
        split::{self, Fractions, Group, Shares},
    },
    cli::{CommonArgs, Context, Source, Tool, log, output::Target},
    error::Context as _,
    seq::{accession, fasta},
    table::{TableError, labels},
};
use clap::Parser;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write,
};

const EXAMPLE: &str = "Example:
  protsae-split --labels labels.arrow --sequences yeast.fasta --clusters clusters.tsv \\
    --fractions 0.8,0.1,0.1 -o split.tsv";

/// Deal proteins out to training, validation and test.
///
/// Clusters of homologues stay together, and every concept keeps its share of proteins in each part as well as
/// whole clusters allow. The result depends on the seed, the proteins and their labels alone.
#[derive(Parser, Clone, Debug)]
#[command(name = "protsae-split", version, after_help = EXAMPLE)]
pub struct Args {
    /// Tables of labels, as protsae-concepts writes them; repeatable
    #[arg(long, value_name = "FILE.arrow", required = true)]
    pub labels: Vec<Source>,

    /// Clusters of homologues: two columns as MMseqs2 writes them, or CD-HIT's .clstr; repeatable
    #[arg(long, value_name = "FILE")]
    pub clusters: Vec<Source>,

    /// Proteins to deal out too if they have no label; repeatable
    #[arg(long, value_name = "FASTA")]
    pub sequences: Vec<Source>,

    /// Shares of train, valid and test
    #[arg(long, value_name = "A,B,C", default_value_t)]
    pub fractions: Fractions,

    /// Keep ids like `sp|P12345|NAME` as they are
    #[arg(long)]
    pub raw_ids: bool,

    /// Where the split goes
    #[arg(short, long, value_name = "FILE.tsv", default_value = "-")]
    pub output: Target,

    /// What all executables have.
    #[command(flatten)]
    pub common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-split";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let inputs = self
            .labels
            .iter()
            .chain(&self.clusters)
            .chain(&self.sequences);
        if inputs.filter(|source| **source == Source::Stdin).count() > 1 {
            return Err(Error::usage("standard input (-) can be read only once"));
        }
        let mut concepts = Concepts::default();
        let mut proteins = self.read_labels(context, &mut concepts)?;
        self.read_sequences(context, &mut proteins)?;
        let clusters = self.read_clusters(context)?;
        for members in clusters.values() {
            for member in members {
                proteins.entry(member.clone()).or_default();
            }
        }
        let groups = group(&proteins, &clusters);
        let assignment = split::assign(&groups, self.fractions, context.seed());
        let mut part_of: BTreeMap<&str, &str> = BTreeMap::new();
        for (group, &part) in groups.iter().zip(&assignment.parts) {
            for protein in &group.proteins {
                part_of.insert(protein, Part::ALL[part].name());
            }
        }
        if self.clusters.is_empty() {
            log::warn(
                "no --clusters: every protein is its own group, so homologues may be in training and test alike",
            );
        }
        let Shares { train, valid, test } = assignment.proteins;
        log::info(&format!(
            "{} proteins in {} groups: {train} train, {valid} valid, {test} test",
            proteins.len(),
            groups.len()
        ));
        context.metric("proteins", assignment.proteins);
        context.metric("groups", groups.len());
        context.metric("clusters_given", !self.clusters.is_empty());
        context.metric("fractions", self.fractions.0);
        context.metric(
            "concepts",
            assignment
                .concepts
                .iter()
                .map(|(&concept, shares)| {
                    (
                        concepts.names[concept as usize].as_str(),
                        Achieved::of(*shares),
                    )
                })
                .collect::<BTreeMap<_, _>>(),
        );
        if context.is_dry_run() {
            let (proteins, groups) = (part_of.len(), groups.len());
            return Ok(log::plan(&format!(
                "{proteins} proteins in {groups} groups"
            ))?);
        }
        let mut output = context.create(&self.output)?;
        let mut write = || -> std::io::Result<()> {
            writeln!(output, "{HEADER}")?;
            for (protein, part) in &part_of {
                writeln!(output, "{protein}\t{part}")?;
            }
            output.flush()
        };
        write().during(&self.output.to_string())?;
        output.commit()
    }
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

/// Concepts with numbers in the order of their ids, whatever the order of the tables.
#[derive(Default)]
struct Concepts {
    names: Vec<String>,
}

impl Args {
    /// Concepts of every labelled protein.
    fn read_labels(
        &self,
        context: &Context,
        concepts: &mut Concepts,
    ) -> Result<BTreeMap<String, BTreeSet<u32>>> {
        let mut found: HashMap<String, u32> = HashMap::new();
        let mut proteins: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        for source in &self.labels {
            let table = context.open_table(source)?;
            labels::read::<TableError>(table, |label| {
                let next = u32::try_from(found.len()).expect("fewer than 2^32 concepts");
                let concept = *found.entry(label.concept).or_insert(next);
                proteins.entry(label.protein).or_default().insert(concept);
                Ok(())
            })
            .map_err(source.blame())?;
        }
        let mut sorted: Vec<(String, u32)> = found.into_iter().collect();
        sorted.sort_unstable();
        let mut renumbered = vec![0; sorted.len()];
        for (number, (_, old)) in (0..).zip(&sorted) {
            renumbered[*old as usize] = number;
        }
        concepts.names = sorted.into_iter().map(|(name, _)| name).collect();
        Ok(proteins
            .into_iter()
            .map(|(protein, of_protein)| {
                let renumbered = of_protein.iter().map(|&old| renumbered[old as usize]);
                (protein, renumbered.collect())
            })
            .collect())
    }

    fn read_sequences(
        &self,
        context: &Context,
        proteins: &mut BTreeMap<String, BTreeSet<u32>>,
    ) -> Result<()> {
        for source in &self.sequences {
            for protein in fasta::Reader::new(context.open(source)?, self.raw_ids) {
                let protein = protein.map_err(source.blame())?;
                proteins.entry(protein.accession).or_default();
            }
        }
        Ok(())
    }

    fn read_clusters(&self, context: &Context) -> Result<Clusters> {
        let mut clusters = Clusters::new();
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for source in &self.clusters {
            let name = |id: &str| {
                if self.raw_ids {
                    id.to_owned()
                } else {
                    accession::from_header_word(id).to_owned()
                }
            };
            let read = cluster::read(context.open(source)?, name).map_err(source.blame())?;
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
}

/// Groups of proteins: clusters, and each other protein by itself.
fn group(proteins: &BTreeMap<String, BTreeSet<u32>>, clusters: &Clusters) -> Vec<Group> {
    let clustered: BTreeSet<&str> = clusters.values().flatten().map(String::as_str).collect();
    let alone = proteins
        .keys()
        .filter(|protein| !clustered.contains(protein.as_str()))
        .map(std::slice::from_ref);
    clusters
        .values()
        .map(Vec::as_slice)
        .chain(alone)
        .map(|members| {
            let mut group = Group {
                proteins: members.to_vec(),
                ..Group::default()
            };
            for concept in members.iter().filter_map(|m| proteins.get(m)).flatten() {
                *group.concepts.entry(*concept).or_default() += 1;
            }
            group
        })
        .collect()
}
