//! What was written, for `MultiQC`: counted on its way to the file.

use crate::report::{
    Catalogue, ProteinRanges, RangeWriter,
    calls::{CallWriter, ProteinCalls},
    multiqc::{self, Column},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io};

/// Concepts that are listed by name.
const MOST: usize = 10;

/// What was written.
#[derive(Default)]
pub(super) struct Tally {
    proteins: u64,
    /// Proteins of which something was written.
    annotated: u64,
    residues: u64,
    /// Residues that are in a range.
    covered: u64,
    /// Ranges, or calls.
    found: u64,
    /// Of these the ones whose probability is known, and its sum.
    probable: u64,
    probability: f64,
    /// How often each concept or latent was found, by name.
    by_name: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts the ranges that pass to a writer.
    pub(super) fn of_ranges<'a>(
        &'a mut self,
        writer: &'a mut dyn RangeWriter,
        catalogue: &'a Catalogue,
    ) -> CountedRanges<'a> {
        CountedRanges {
            tally: self,
            writer,
            catalogue,
        }
    }

    /// Counts the calls that pass to a writer.
    pub(super) fn of_calls<'a>(&'a mut self, writer: &'a mut dyn CallWriter) -> CountedCalls<'a> {
        CountedCalls {
            tally: self,
            writer,
        }
    }

    fn add(&mut self, name: &str, probability: Option<f64>) {
        self.found += 1;
        if let Some(probability) = probability {
            self.probable += 1;
            self.probability += probability;
        }
        if let Some(count) = self.by_name.get_mut(name) {
            *count += 1;
        } else {
            self.by_name.insert(name.to_owned(), 1);
        }
    }

    /// The most frequent concepts with their numbers, the first in the alphabet where two are as frequent.
    fn most_frequent(&self) -> String {
        let mut names: Vec<(&String, &u64)> = self.by_name.iter().collect();
        names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        let names = names.into_iter().take(MOST);
        let named: Vec<String> = names
            .map(|(name, count)| format!("{name} ({count})"))
            .collect();
        named.join(", ")
    }

    /// The table of a run that wrote ranges.
    pub(super) fn table_of_ranges(&self, sample: &str) -> Value {
        let share = (self.residues > 0).then(|| self.covered as f64 / self.residues as f64);
        let mut columns = self.columns("Ranges", "ranges of residues that were written");
        columns.insert(
            3,
            Column {
                key: "residues_in_ranges",
                title: "Residues in ranges",
                description: "share of all residues that are in a range",
                format: multiqc::SHARE,
                values: vec![json!(share)],
            },
        );
        let description = "Ranges of residues that protsae-annotate wrote";
        let section = "ProtSAE ranges";
        multiqc::table("protsae_annotate", section, description, &[sample], columns)
    }

    /// The table of a run that wrote calls.
    pub(super) fn table_of_calls(&self, sample: &str) -> Value {
        let columns = self.columns("Calls", "concepts of whole proteins that were written");
        let description = "Calls of whole proteins that protsae-annotate wrote";
        let section = "ProtSAE calls";
        multiqc::table(
            "protsae_annotate_calls",
            section,
            description,
            &[sample],
            columns,
        )
    }

    fn columns(&self, found: &'static str, description: &'static str) -> Vec<Column> {
        let column = |key, title, description, format, value| Column {
            key,
            title,
            description,
            format,
            values: vec![value],
        };
        let mean = (self.probable > 0).then(|| self.probability / self.probable as f64);
        let frequent = (self.found > 0).then(|| self.most_frequent());
        let count = multiqc::COUNT;
        vec![
            column(
                "proteins",
                "Proteins",
                "proteins that were read",
                count,
                self.proteins.into(),
            ),
            column(
                "annotated",
                "Annotated proteins",
                "proteins of which anything was written",
                count,
                self.annotated.into(),
            ),
            column("found", found, description, count, self.found.into()),
            column(
                "concepts",
                "Concepts",
                "concepts or latents that were found at least once",
                count,
                self.by_name.len().into(),
            ),
            column(
                "probability",
                "Mean probability",
                "mean of the probabilities that they are right, where a dictionary says it",
                multiqc::SHARE,
                json!(mean),
            ),
            column(
                "most_frequent",
                "Most frequent",
                "the ten concepts that were found most often, and how often",
                multiqc::TEXT,
                json!(frequent),
            ),
        ]
    }
}

/// Ranges on their way to a file.
pub(super) struct CountedRanges<'a> {
    tally: &'a mut Tally,
    writer: &'a mut dyn RangeWriter,
    catalogue: &'a Catalogue,
}

impl RangeWriter for CountedRanges<'_> {
    fn begin(&mut self) -> io::Result<()> {
        self.writer.begin()
    }

    fn protein(&mut self, protein: &ProteinRanges<'_>) -> io::Result<()> {
        let tally = &mut *self.tally;
        tally.proteins += 1;
        tally.residues += u64::from(protein.length);
        tally.annotated += u64::from(!protein.ranges.is_empty());
        // by start: what lies behind the last residue so far is new
        let mut last = 0;
        for range in protein.ranges {
            let first = range.start.max(last + 1);
            tally.covered += u64::from((range.end + 1).saturating_sub(first));
            last = last.max(range.end);
            // a bond has two lines, of which one begins where the whole does
            if range.start == range.whole[0] {
                let info = self.catalogue.latents.get(range.entry as usize);
                let name = info.map_or("", |info| info.name.as_str());
                tally.add(name, range.probability.map(f64::from));
            }
        }
        self.writer.protein(protein)
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer.end()
    }
}

/// Calls on their way to a file.
pub(super) struct CountedCalls<'a> {
    tally: &'a mut Tally,
    writer: &'a mut dyn CallWriter,
}

impl CallWriter for CountedCalls<'_> {
    fn begin(&mut self) -> io::Result<()> {
        self.writer.begin()
    }

    fn protein(&mut self, protein: &ProteinCalls<'_>) -> io::Result<()> {
        self.tally.proteins += 1;
        self.tally.annotated += u64::from(!protein.calls.is_empty());
        for call in protein.calls {
            self.tally.add(&call.name, None);
        }
        self.writer.protein(protein)
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FeatureRange, LatentInfo};

    struct Nowhere;

    impl RangeWriter for Nowhere {
        fn begin(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn protein(&mut self, _: &ProteinRanges<'_>) -> io::Result<()> {
            Ok(())
        }
    }

    fn range(entry: u32, start: u32, end: u32, whole: [u32; 2]) -> FeatureRange {
        FeatureRange {
            entry,
            start,
            end,
            whole,
            score: 0.5,
            max_activation: None,
            mean_pi: None,
            decoder: None,
            probability: Some(0.5),
        }
    }

    #[test]
    fn residues_are_counted_once_and_bonds_too() {
        let latents = ["Helix", "Disulfide"].map(|name| LatentInfo {
            name: name.into(),
            ..LatentInfo::default()
        });
        let catalogue = Catalogue {
            latents: latents.into(),
        };
        let mut tally = Tally::default();
        let mut writer = Nowhere;
        let mut counted = tally.of_ranges(&mut writer, &catalogue);
        let ranges = [
            range(0, 1, 4, [1, 4]),
            range(1, 3, 3, [3, 9]),
            range(0, 4, 6, [4, 6]),
            range(1, 9, 9, [3, 9]),
        ];
        let mut protein = ProteinRanges {
            protein: "P1",
            length: 10,
            ranges: &ranges,
            tracks: &[],
        };
        counted.protein(&protein).unwrap();
        protein.ranges = &[];
        counted.protein(&protein).unwrap();
        let table = tally.table_of_ranges("s");
        let expected = json!({
            "proteins": 2, "annotated": 1, "found": 3, "concepts": 2, "probability": 0.5,
            "residues_in_ranges": 0.35, "most_frequent": "Helix (2), Disulfide (1)",
        });
        assert_eq!(table["data"]["s"], expected);
        let empty = Tally::default().table_of_ranges("s");
        assert_eq!(empty["headers"], table["headers"]);
        assert_eq!(empty["data"]["s"]["found"], 0);
    }
}
