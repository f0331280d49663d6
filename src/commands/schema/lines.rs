//! Tab-separated files: the dictionary as a table, ranges as a table, BED.

use super::error::{CheckError, demand};
use crate::{
    commands::{interpret, shard},
    report::{calls, missing, tsv},
    split::partition,
    steer::{Mode, record, treatment::Arm},
};

/// Columns of BED6.
const BED: [&str; 6] = ["chrom", "start", "end", "name", "score", "strand"];
/// Largest score of BED.
const MOST_SCORE: u64 = 1000;

/// The fields of a line, by the names of their columns.
pub(super) struct Fields<'a> {
    line: usize,
    columns: &'a [&'a str],
    values: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(
        line: usize,
        text: &'a str,
        columns: &'a [&'a str],
    ) -> Result<Self, CheckError> {
        Self::new(line, text.split('\t').collect(), columns)
    }

    /// The values of a line, one for each column.
    pub(super) fn new(
        line: usize,
        values: Vec<&'a str>,
        columns: &'a [&'a str],
    ) -> Result<Self, CheckError> {
        let (found, expected) = (values.len().to_string(), columns.len().to_string());
        demand(
            values.len() == columns.len(),
            line,
            "number of columns",
            &found,
            &expected,
        )?;
        Ok(Self {
            line,
            columns,
            values,
        })
    }

    /// The value of a column; every file's columns are named above.
    pub(super) fn get(&self, column: &str) -> &'a str {
        let at = self.columns.iter().position(|c| *c == column);
        at.and_then(|at| self.values.get(at)).copied().unwrap_or("")
    }

    pub(super) fn demand(
        &self,
        holds: bool,
        column: &str,
        expected: &str,
    ) -> Result<(), CheckError> {
        demand(holds, self.line, column, self.get(column), expected)
    }

    fn integer(&self, column: &str, least: u64) -> Result<u64, CheckError> {
        let number = self.get(column).parse().ok().filter(|&n| n >= least);
        self.demand(
            number.is_some(),
            column,
            &format!("a whole number of at least {least}"),
        )?;
        Ok(number.unwrap_or(least))
    }

    /// A finite number from `least` to `most`, or nothing.
    pub(super) fn share(&self, column: &str, least: f64, most: f64) -> Result<(), CheckError> {
        let text = self.get(column);
        let number = text.parse::<f64>().ok();
        let fits = number.is_some_and(|n| n.is_finite() && least <= n && n <= most);
        let expected = if most.is_finite() {
            format!("a number from {least} to {most}, or nothing")
        } else {
            format!("a number of at least {least}, or nothing")
        };
        self.demand(fits || text.is_empty(), column, &expected)
    }

    pub(super) fn name(&self, column: &str, known: &[&str]) -> Result<(), CheckError> {
        let expected = format!("one of {}", known.join(", "));
        self.demand(known.contains(&self.get(column)), column, &expected)
    }

    pub(super) fn not_empty(&self, column: &str) -> Result<(), CheckError> {
        self.demand(!self.get(column).is_empty(), column, "something")
    }
}

/// A table with a header, if it is one of ours: what it is.
pub(super) fn table(text: &str) -> Option<Result<String, CheckError>> {
    let header = text.lines().next()?;
    let is = |columns: &[&str]| header == columns.join("\t");
    let rows = || text.lines().zip(1..).skip(1);
    let say = |what: &str| format!("{what} of {} rows", rows().count());
    if is(&interpret::COLUMNS) {
        let each = rows().try_for_each(|(row, line)| entry(line, row));
        return Some(each.map(|()| say("dictionary table")));
    }
    if is(&tsv::COLUMNS) {
        let each = rows().try_for_each(|(row, line)| range(&Fields::of(line, row, &tsv::COLUMNS)?));
        return Some(each.map(|()| say("table of ranges")));
    }
    if is(&record::COLUMNS) {
        let each =
            rows().try_for_each(|(row, line)| steered(&Fields::of(line, row, &record::COLUMNS)?));
        return Some(each.map(|()| say("table of steered sequences")));
    }
    if is(&shard::COLUMNS) {
        let each = rows().try_for_each(|(row, line)| one_shard(line, row));
        return Some(each.map(|()| say("table of shards")));
    }
    None
}

/// The error of a table whose header is none of ours.
pub(super) fn unknown_header(header: &str) -> CheckError {
    CheckError::Line {
        line: 1,
        what: "the header".into(),
        found: header.into(),
        expected: format!(
            "'{}' of a split, '{}' of ranges, '{}' of calls, '{}' of what labels lack, '{}' of steered sequences, '{}' of shards or '{}' of a dictionary",
            partition::HEADER,
            tsv::COLUMNS.join("\t"),
            calls::COLUMNS.join("\t"),
            missing::COLUMNS.join("\t"),
            record::COLUMNS.join("\t"),
            shard::COLUMNS.join("\t"),
            interpret::COLUMNS.join("\t")
        ),
    }
}

/// What holds of a shard: they are numbered from 1, and have residues where they have proteins.
fn one_shard(line: usize, text: &str) -> Result<(), CheckError> {
    let fields = Fields::of(line, text, &shard::COLUMNS)?;
    let number = fields.integer("shard", 1)?;
    let expected = line as u64 - 1;
    fields.demand(number == expected, "shard", &expected.to_string())?;
    fields.not_empty("file")?;
    let proteins = fields.integer("proteins", 0)?;
    fields.integer("residues", proteins)?;
    Ok(())
}

fn entry(line: usize, text: &str) -> Result<(), CheckError> {
    let fields = Fields::of(line, text, &interpret::COLUMNS)?;
    let index = fields.integer("latent", 0)?;
    // one line a latent, below the header
    fields.demand(
        index == line as u64 - 2,
        "latent",
        &format!("{}, one line a latent", line - 2),
    )?;
    fields.name("kind", &["defined", "unknown"])?;
    fields.name("status", &["defined", "named", "unnamed", "dead"])?;
    for column in ["f1", "precision", "recall", "auroc", "q_value", "density"] {
        fields.share(column, 0.0, 1.0)?;
    }
    fields.share("threshold", 0.0, f64::INFINITY)?;
    fields.integer("support", 0)?;
    Ok(())
}

/// What holds of a range, by the columns of its table.
pub(super) fn range(fields: &Fields<'_>) -> Result<(), CheckError> {
    fields.not_empty("protein")?;
    let start = fields.integer("start", 1)?;
    fields.integer("end", start)?;
    fields.integer("latent", 0)?;
    fields.not_empty("score")?;
    fields.not_empty("id")?;
    for column in ["score", "max_activation"] {
        fields.share(column, 0.0, f64::INFINITY)?;
    }
    fields.share("mean_pi", 0.0, 1.0)?;
    fields.share("probability", 0.0, 1.0)
}

/// What holds of a generated sequence, by the columns of its table.
fn steered(fields: &Fields<'_>) -> Result<(), CheckError> {
    for column in ["id", "protein", "concept", "masked"] {
        fields.not_empty(column)?;
    }
    fields.name("arm", &Arm::ALL.map(Arm::name))?;
    let mode = fields.get("mode");
    let known = mode.is_empty() || Mode::ALL.iter().any(|m| m.name() == mode);
    fields.demand(known, "mode", "nothing, or a mode of steering")?;
    fields.share("scale", f64::NEG_INFINITY, f64::INFINITY)?;
    fields.integer("sample", 1)?;
    fields.integer("rounds", 1)?;
    fields.integer("seed", 0)?;
    for column in ["log_likelihood_before", "log_likelihood_after"] {
        fields.not_empty(column)?;
        fields.share(column, f64::NEG_INFINITY, 0.0)?;
    }
    let shares = [
        "identity",
        "score_before",
        "score_after",
        "score_max_before",
        "score_max_after",
    ];
    for column in shares {
        fields.share(column, 0.0, 1.0)?;
    }
    for column in ["motif_before", "motif_after", "tm_score", "plddt"] {
        fields.share(column, 0.0, f64::INFINITY)?;
    }
    let (original, generated) = (fields.get("original"), fields.get("generated"));
    fields.not_empty("original")?;
    let expected = "as many residues as the original";
    fields.demand(original.len() == generated.len(), "generated", expected)
}

/// BED: what it is.
pub(super) fn bed(text: &str) -> Result<String, CheckError> {
    let mut rows = 0;
    for (row, line) in text.lines().zip(1..) {
        let fields = Fields::of(line, row, &BED)?;
        fields.not_empty("chrom")?;
        fields.not_empty("name")?;
        let start = fields.integer("start", 0)?;
        fields.integer("end", start.saturating_add(1))?;
        let score = fields.integer("score", 0)?;
        fields.demand(score <= MOST_SCORE, "score", "0 to 1000")?;
        fields.name("strand", &[".", "+", "-"])?;
        rows += 1;
    }
    Ok(format!("BED of {rows} ranges"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(checked: Result<String, CheckError>) -> String {
        checked.unwrap_or_else(|e| e.to_string())
    }

    #[test]
    fn wrong_lines_of_tables_are_found() {
        let with =
            |row: &str| message(table(&format!("{}\n{row}\n", tsv::COLUMNS.join("\t"))).unwrap());
        assert_eq!(
            with("P1\t1\t9\t3\t\tlatent 3\t0.5\t1\t\t\t\ti"),
            "table of ranges of 1 rows"
        );
        assert!(with("P1\t9\t1\t3\t\tlatent 3\t0.5\t1\t\t\t\ti").starts_with("line 2: end is '1'"));
        assert!(with("P1\t1\t9\t3\t\tlatent 3\tnan\t1\t\t\t\ti").contains("score is 'nan'"));
        assert!(with("P1\t1\t9").contains("number of columns is '3', expected 12"));
        let header = interpret::COLUMNS.join("\t");
        let with = |row: &str| message(table(&format!("{header}\n{row}\n")).unwrap());
        let fine = "0\tdefined\tdefined\tGO:1\tx\t0.5\t\t\t\t1e-3\t0.15\t4\t0.1\tP1,P2";
        assert_eq!(with(fine), "dictionary table of 1 rows");
        assert!(with(&fine.replacen('0', "1", 1)).contains("latent is '1'"));
        assert!(
            with(&fine.replace("defined\tdefined", "defined\tfine")).contains("status is 'fine'")
        );
        assert!(table("a\tb\n").is_none());
        let header = shard::COLUMNS.join("\t");
        let with = |row: &str| message(table(&format!("{header}\n{row}\n")).unwrap());
        assert_eq!(with("1\t1.fasta\t2\t90"), "table of shards of 1 rows");
        assert!(with("2\t1.fasta\t2\t90").contains("shard is '2'"));
        assert!(with("1\t1.fasta\t2\t1").contains("residues is '1'"));
        let header = record::COLUMNS.join("\t");
        let with = |row: &str| message(table(&format!("{header}\n{row}\n")).unwrap());
        let fine = "a\tP1\tGO:1\tsteered\t0,4\tabsolute\t-0.2\t1\t1\t2-4\t3\t0.75\t-2.5\t-2.1\t0.1\t0.2\t0.3\t0.4\t\t\t\t\t0\t\
                    MAAA\tMACA";
        assert_eq!(with(fine), "table of steered sequences of 1 rows");
        assert!(with(&fine.replace("steered", "driven")).contains("arm is 'driven'"));
        assert!(with(&fine.replace("absolute", "mild")).contains("mode is 'mild'"));
        assert!(with(&fine.replace("MACA", "MAC")).contains("generated is 'MAC'"));
        assert!(with(&fine.replace("-2.5", "2.5")).contains("log_likelihood_before is '2.5'"));
    }

    #[test]
    fn wrong_lines_of_bed_are_found() {
        assert_eq!(message(bed("P1\t0\t9\tx\t930\t.\n")), "BED of 1 ranges");
        assert!(message(bed("P1\t9\t9\tx\t930\t.\n")).contains("end is '9'"));
        assert!(message(bed("P1\t0\t9\tx\t1001\t.\n")).contains("score is '1001'"));
    }
}
