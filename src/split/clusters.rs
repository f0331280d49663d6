//! Clusters of homologues: MMseqs2's two columns (representative, member) and CD-HIT's `.clstr`.

use crate::annot::{
    error::AnnotError,
    lines::{Line, Lines, is_directive},
};
use std::{
    collections::{BTreeMap, HashMap},
    io::BufRead,
};

/// Title of a cluster in CD-HIT's file.
const CDHIT: &str = ">Cluster";

/// Proteins by cluster; clusters are named by their smallest member, members are sorted.
pub type Clusters = BTreeMap<String, Vec<String>>;

/// Names of columns in tables of clusters: of a cluster, of its representative, of its members.
const COLUMN_NAMES: [&str; 26] = [
    "representative",
    "representativeid",
    "rep",
    "repr",
    "reference",
    "centroid",
    "cseqid",
    "query",
    "cluster",
    "clusterid",
    "clusterrepresentative",
    "clustermember",
    "group",
    "groupid",
    "member",
    "members",
    "mseqid",
    "target",
    "memberid",
    "protein",
    "proteinid",
    "sequence",
    "sequenceid",
    "accession",
    "entry",
    "id",
];

/// Whether a word is a name of a column, in whatever way it is written: `Cluster ID`, `#cluster_id`.
fn is_column_name(word: &str) -> bool {
    let letters = word
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-' | '#' | '"'));
    let word: String = letters.collect::<String>().to_ascii_lowercase();
    COLUMN_NAMES.contains(&word.as_str())
}

/// A first row that may name columns by words that nobody knows.
struct Suspect {
    line: u64,
    cluster: String,
    member: String,
}

impl Suspect {
    /// Refuses it where its words stand nowhere else, and either hold no number, as nearly every id of a protein does,
    /// or are the only ones that labels and sequences do not know.
    fn check(
        &self,
        cluster_of: &HashMap<String, String>,
        others_are_known: bool,
    ) -> Result<(), AnnotError> {
        let words = [&self.cluster, &self.member];
        let mut others = (cluster_of.iter()).filter(|(member, _)| **member != self.member);
        let is_elsewhere =
            others.any(|(member, cluster)| words.contains(&member) || words.contains(&cluster));
        let is_word = |text: &&String| !text.bytes().any(|b| b.is_ascii_digit());
        let looks_so = others_are_known || words.iter().all(is_word);
        if is_elsewhere || cluster_of.len() < 2 || !looks_so {
            return Ok(());
        }
        Err(AnnotError::record(
            self.line,
            format!(
                "{:?} and {:?} look like names of columns: no protein is called so, and they stand in no other line; \
                 leave this line out",
                self.cluster, self.member
            ),
        ))
    }
}

/// A protein and the cluster that it belongs to.
struct Membership {
    cluster: String,
    member: String,
}

/// Rows of a table of clusters, told from rows of names of columns.
struct Rows<N, P> {
    name: N,
    is_protein: P,
    is_first: bool,
    suspect: Option<Suspect>,
    /// Whether labels or sequences know the members of all rows but the first.
    others_are_known: bool,
}

impl<N: Fn(&str) -> String, P: Fn(&str) -> bool> Rows<N, P> {
    fn new(name: N, is_protein: P) -> Self {
        Self {
            name,
            is_protein,
            is_first: true,
            suspect: None,
            others_are_known: true,
        }
    }

    /// The membership that a row states; none where it names columns.
    fn take(&mut self, line: u64, text: &str) -> Result<Option<Membership>, AnnotError> {
        let mut columns = text.split('\t').map(str::trim);
        let (representative, member) = match (columns.next(), columns.next(), columns.next()) {
            (Some(representative), Some(member), None)
                if !representative.is_empty() && !member.is_empty() =>
            {
                (representative, member)
            }
            _ => {
                return Err(AnnotError::record(
                    line,
                    "expected two columns, representative and member, separated by a tab (MMseqs2), \
                     or a CD-HIT .clstr file",
                ));
            }
        };
        let is_first = std::mem::replace(&mut self.is_first, false);
        let named = [representative, member].map(is_column_name);
        let (cluster, member) = ((self.name)(representative), (self.name)(member));
        let is_known = (self.is_protein)(&member);
        let nobody = !is_known && !(self.is_protein)(&cluster);
        // one known word will do in the first row, and both where files are one behind the other
        if nobody && (named == [true; 2] || is_first && named.contains(&true)) {
            return Ok(None);
        }
        if !is_first {
            self.others_are_known &= is_known;
        } else if nobody && cluster != member {
            self.suspect = Some(Suspect {
                line,
                cluster: cluster.clone(),
                member: member.clone(),
            });
        }
        Ok(Some(Membership { cluster, member }))
    }
}

/// The member in a line of CD-HIT's file, `0  120aa, >ID... *`.
fn cdhit_member(line: u64, text: &str) -> Result<&str, AnnotError> {
    let member = text
        .split_once(", >")
        .and_then(|(_, rest)| rest.split_once("... "));
    member.map(|(member, _)| member).ok_or_else(|| {
        AnnotError::record(
            line,
            "no member of a CD-HIT cluster: expected `0  120aa, >ID... *`",
        )
    })
}

/// Reads clusters; `name` reduces an id (`sp|P12345|X`) to an accession, `is_protein` says whether labels or sequences
/// know a protein of this name. Rows of names of columns are passed.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is neither of the formats, for a protein in two clusters, or for a first line
/// that seems to name columns; the reader's errors.
pub fn read(
    reader: impl BufRead,
    name: impl Fn(&str) -> String,
    is_protein: impl Fn(&str) -> bool,
) -> Result<Clusters, AnnotError> {
    let mut lines = Lines::new(reader);
    let mut cluster_of: HashMap<String, String> = HashMap::new();
    let mut current: Option<String> = None;
    let mut rows = Rows::new(name, is_protein);
    while let Some(Line { number: line, text }) = lines.next_line()? {
        if text.trim().is_empty() {
            continue;
        }
        if let Some(title) = text.strip_prefix(CDHIT)
            && is_directive(text, CDHIT)
        {
            current = Some(format!("Cluster{title}"));
            continue;
        }
        let Membership { cluster, member } = match &current {
            Some(cluster) => Membership {
                cluster: cluster.clone(),
                member: (rows.name)(cdhit_member(line, text)?),
            },
            None => match rows.take(line, text)? {
                Some(row) => row,
                None => continue,
            },
        };
        match cluster_of.get(&member) {
            Some(other) if *other != cluster => {
                return Err(AnnotError::record(
                    line,
                    format!("{member} is in two clusters, {other} and {cluster}"),
                ));
            }
            Some(_) => {}
            None => {
                cluster_of.insert(member, cluster);
            }
        }
    }
    if let Some(suspect) = rows.suspect {
        suspect.check(&cluster_of, rows.others_are_known)?;
    }
    let mut by_cluster: HashMap<String, Vec<String>> = HashMap::new();
    for (member, cluster) in cluster_of {
        by_cluster.entry(cluster).or_default().push(member);
    }
    Ok(by_cluster
        .into_values()
        .map(|mut members| {
            members.sort_unstable();
            (members[0].clone(), members)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Clusters, AnnotError> {
        read(
            text.as_bytes(),
            |id| crate::seq::accession::from_header_word(id).to_owned(),
            |_| false,
        )
    }

    #[test]
    fn a_row_of_names_of_columns_is_no_cluster() {
        let plain = parse("P1\tP1\nP1\tP2\n").unwrap();
        for header in [
            "representative\tmember",
            "cluster_id\tprotein",
            "#Cluster ID\tMembers",
            "UniRef90\tmember",
            "centroid\tmember",
            "cseqid\tmseqid",
            "query\ttarget",
            "\u{feff}rep\tsequence id",
        ] {
            let text = format!("{header}\nP1\tP1\nP1\tP2\n");
            assert_eq!(parse(&text).unwrap(), plain, "{header}");
        }
        // files one behind the other
        let text = "rep\tmember\nP1\tP1\nrep\tmember\nP1\tP2\n";
        assert_eq!(parse(text).unwrap(), plain);
        assert!(parse("representative\tmember\n").unwrap().is_empty());
        // words that nobody knows
        let known = |name: &str| name.starts_with('P');
        let error = read(&b"V1\tV2\nc1\tP1\n"[..], str::to_owned, known).unwrap_err();
        assert!(error.to_string().contains("\"V1\" and \"V2\""), "{error}");
        assert!(read(&b"c1\tQ1\nc2\tP1\nc3\tQ2\n"[..], str::to_owned, known).is_ok());
        let error = parse("vorher\tnachher\nP1\tP1\n").unwrap_err().to_string();
        assert!(
            error.contains("line 1") && error.contains("columns"),
            "{error}"
        );
        assert_eq!(parse("c1\tlacZ\nc1\tlacY\n").unwrap().len(), 1);
        assert_eq!(parse("lacZ\tlacZ\nlacY\tlacY\n").unwrap().len(), 2);
        assert_eq!(parse("lacZ\tlacY\nlacZ\tlacZ\n").unwrap().len(), 1);
    }

    #[test]
    fn a_protein_of_the_data_is_no_name_of_a_column() {
        let known = |name: &str| ["rep", "member"].contains(&name);
        let found = read(&b"rep\tmember\n"[..], str::to_owned, known).unwrap();
        assert_eq!(found["member"], ["member", "rep"].map(str::to_owned)[..1]);
    }

    #[test]
    fn both_formats_say_the_same() {
        let mmseqs = parse("P2\tP2\nP2\tsp|P1|A_B\nP3\tP3\n").unwrap();
        let cdhit = parse(
            ">Cluster 0\n0\t120aa, >P2... *\n1\t118aa, >sp|P1|A_B... at 93.2%\n>Cluster 1\n0\t90aa, >P3... *\n",
        )
        .unwrap();
        assert_eq!(mmseqs, cdhit);
        assert_eq!(mmseqs["P1"], ["P1", "P2"]);
        assert_eq!(mmseqs.len(), 2);
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_protein_belongs_to_one_cluster() {
        let error = parse("P1\tP1\nP2\tP1\n").unwrap_err().to_string();
        assert!(
            error.contains("line 2") && error.contains("two clusters"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_cluster_file_is_refused() {
        assert!(parse("P1 P2\n").is_err());
        assert!(parse(">Cluster 0\nP1\n").is_err());
    }
}
