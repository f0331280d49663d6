//! Clusters of homologues: MMseqs2's two columns (representative, member) and CD-HIT's `.clstr`.

use super::{error::AnnotError, lines::Lines};
use std::{
    collections::{BTreeMap, HashMap},
    io::BufRead,
};

/// Proteins by cluster; clusters are named by their smallest member, members are sorted.
pub type Clusters = BTreeMap<String, Vec<String>>;

/// Reads clusters; `name` reduces an id (`sp|P12345|X`) to an accession.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is neither of the formats, or for a protein in two
/// clusters; the reader's errors.
pub fn read(reader: impl BufRead, name: impl Fn(&str) -> String) -> Result<Clusters, AnnotError> {
    let mut lines = Lines::new(reader);
    let mut cluster_of: HashMap<String, String> = HashMap::new();
    let mut current: Option<String> = None;
    let mut cdhit = false;
    while let Some((line, text)) = lines.next_line()? {
        if text.trim().is_empty() {
            continue;
        }
        if let Some(title) = text.strip_prefix(">Cluster") {
            cdhit = true;
            current = Some(format!("Cluster{title}"));
            continue;
        }
        let (cluster, member) = if cdhit {
            let cluster = current.clone().unwrap_or_default();
            let member = text
                .split_once(", >")
                .and_then(|(_, rest)| rest.split_once("... "))
                .map(|(member, _)| member)
                .ok_or_else(|| {
                    AnnotError::record(
                        line,
                        "no member of a CD-HIT cluster: expected `0  120aa, >ID... *`",
                    )
                })?;
            (cluster, member)
        } else {
            let mut columns = text.split('\t').map(str::trim);
            match (columns.next(), columns.next(), columns.next()) {
                (Some(representative), Some(member), None)
                    if !representative.is_empty() && !member.is_empty() =>
                {
                    (name(representative), member)
                }
                _ => {
                    return Err(AnnotError::record(
                        line,
                        "expected two columns, representative and member, separated by a tab (MMseqs2), \
                         or a CD-HIT .clstr file",
                    ));
                }
            }
        };
        let member = name(member);
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
        read(text.as_bytes(), |id| {
            crate::seq::accession::from_header_word(id).to_owned()
        })
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
