//! `protsae-split`: proteins to training, validation and test.

pub(super) mod write_split;

use super::shared;
use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Source, Target, Tool, log},
    error::Context as _,
    seq::{checksum, fasta},
    split::stratification::Fractions,
    table::{TableError, labels},
};
use clap::Parser;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use write_split::Deal;

const EXAMPLE: &str = "Example:
  protsae-split --labels labels.arrow --sequences yeast.fasta --clusters clusters.tsv \\
    --fractions 0.8,0.1,0.1 -o split.tsv";

/// Deal proteins out to training, validation and test.
///
/// Clusters of homologues stay together, proteins of one sequence (--sequences) too, and every concept keeps its share of proteins in each part as well as
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

    /// Proteins to deal out too if they have no label; those of one sequence stay together. Repeatable
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
        let identical = self.read_sequences(context, &mut proteins)?;
        let is_protein = |name: &str| proteins.contains_key(name);
        let clusters =
            write_split::read_clusters(context, &self.clusters, self.raw_ids, is_protein)?;
        let without_cluster = (!self.clusters.is_empty())
            .then(|| write_split::count_alone(&proteins, &clusters))
            .transpose()?;
        for members in clusters.values() {
            for member in members {
                proteins.entry(member.clone()).or_default();
            }
        }
        let deal = Deal {
            proteins: &proteins,
            clusters: &clusters,
            identical: (!self.sequences.is_empty()).then_some(identical.as_slice()),
            concepts: concepts.names.iter().map(String::as_str).collect(),
        };
        let dealt = deal.out(self.fractions, context.seed(), without_cluster);
        dealt.count(context);
        if context.is_dry_run() {
            return Ok(log::plan(&dealt.plan())?);
        }
        let mut output = context.create(&self.output)?;
        dealt.write(&mut output).during(&self.output.to_string())?;
        output.commit()
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
            .map_err(source.in_input())?;
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

    /// Adds the proteins of the sequences; gives those that have one sequence.
    fn read_sequences(
        &self,
        context: &Context,
        proteins: &mut BTreeMap<String, BTreeSet<u32>>,
    ) -> Result<Vec<Vec<String>>> {
        let mut by_sequence: HashMap<[u8; 16], Vec<String>> = HashMap::new();
        let mut seen: HashMap<String, [u8; 16]> = HashMap::new();
        for source in &self.sequences {
            let mut reader = fasta::Reader::new(context.open(source)?, self.raw_ids);
            for protein in reader.by_ref() {
                let protein = protein.map_err(source.in_input())?;
                let (id, md5) = (protein.accession, checksum::md5(&protein.sequence));
                match seen.get(&id) {
                    Some(known) if *known == md5 => continue,
                    Some(_) => {
                        return Err(Error::data(format!(
                            "{source}: the id '{id}' is in another of the --sequences too, with another sequence"
                        )));
                    }
                    None => {}
                }
                proteins.entry(id.clone()).or_default();
                by_sequence.entry(md5).or_default().push(id.clone());
                seen.insert(id, md5);
            }
            shared::warn_of_nucleotides(source, &reader);
        }
        let several = by_sequence.into_values().filter(|ids| ids.len() > 1);
        Ok(several.collect())
    }
}
