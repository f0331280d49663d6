//! Evidence: GO's codes, their ECO terms, and which of them a user trusts.

use super::error::AnnotError;
use std::{collections::BTreeSet, fmt, str::FromStr};

/// GO evidence codes, each with the ECO term that it stands for by default
/// (<https://wiki.geneontology.org/Evidence_Code_Ontology_(ECO)>).
const CODES: [(&str, &str); 27] = [
    ("EXP", "ECO:0000269"),
    ("IDA", "ECO:0000314"),
    ("IPI", "ECO:0000353"),
    ("IMP", "ECO:0000315"),
    ("IGI", "ECO:0000316"),
    ("IEP", "ECO:0000270"),
    ("HTP", "ECO:0006056"),
    ("HDA", "ECO:0007005"),
    ("HMP", "ECO:0007001"),
    ("HGI", "ECO:0007003"),
    ("HEP", "ECO:0007007"),
    ("TAS", "ECO:0000304"),
    ("NAS", "ECO:0000303"),
    ("IC", "ECO:0000305"),
    ("ND", "ECO:0000307"),
    ("ISS", "ECO:0000250"),
    ("ISO", "ECO:0000266"),
    ("ISA", "ECO:0000247"),
    ("ISM", "ECO:0000255"),
    ("IGC", "ECO:0000317"),
    ("IBA", "ECO:0000318"),
    ("IBD", "ECO:0000319"),
    ("IKR", "ECO:0000320"),
    ("IMR", "ECO:0000320"),
    ("IRD", "ECO:0000321"),
    ("RCA", "ECO:0000245"),
    ("IEA", "ECO:0000501"),
];

/// ECO terms of automatic assertions, next to `IEA`'s own.
const AUTOMATIC_ECO: [&str; 5] = [
    "ECO:0007669",
    "ECO:0000256",
    "ECO:0000259",
    "ECO:0000203",
    "ECO:0000313",
];

/// Codes of experiments, with traceable statements and curators' inferences as in CAFA.
const EXPERIMENTAL: [&str; 13] = [
    "EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP", "TAS", "IC",
];

/// ECO terms that `UniProt` gives to large-scale experiments and structures.
const EXPERIMENTAL_ECO: [&str; 2] = ["ECO:0007744", "ECO:0007829"];

/// The GO code of an evidence (a code or an ECO id), where it has one.
#[must_use]
pub fn go_code(evidence: &str) -> Option<&'static str> {
    if AUTOMATIC_ECO.contains(&evidence) {
        return Some("IEA");
    }
    CODES
        .iter()
        .find(|(code, eco)| *code == evidence || *eco == evidence)
        .map(|(code, _)| *code)
}

/// Which evidence is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EvidenceFilter {
    /// All of it.
    #[default]
    Any,
    /// Experiments.
    Experimental,
    /// All that a curator looked at: neither automatic nor "no data".
    Curated,
    /// The codes or ECO ids listed.
    Listed(BTreeSet<String>),
}

impl EvidenceFilter {
    /// Whether an annotation with this evidence (a GO code or an ECO id) is taken.
    #[must_use]
    pub fn accepts(&self, evidence: &str) -> bool {
        let code = go_code(evidence);
        match self {
            Self::Any => true,
            Self::Experimental => {
                code.is_some_and(|code| EXPERIMENTAL.contains(&code))
                    || EXPERIMENTAL_ECO.contains(&evidence)
            }
            Self::Curated => !evidence.is_empty() && !matches!(code, Some("IEA" | "ND")),
            Self::Listed(list) => {
                list.contains(evidence) || code.is_some_and(|code| list.contains(code))
            }
        }
    }
}

impl FromStr for EvidenceFilter {
    type Err = AnnotError;

    fn from_str(text: &str) -> Result<Self, AnnotError> {
        match text {
            "any" => return Ok(Self::Any),
            "experimental" => return Ok(Self::Experimental),
            "curated" => return Ok(Self::Curated),
            _ => {}
        }
        let mut list = BTreeSet::new();
        for word in text.split(',').map(str::trim) {
            let eco = word
                .strip_prefix("ECO:")
                .is_some_and(|n| n.len() == 7 && n.bytes().all(|b| b.is_ascii_digit()));
            match go_code(word) {
                Some(code) if code == word => list.insert(code.to_owned()),
                _ if eco => list.insert(word.to_owned()),
                _ => {
                    return Err(AnnotError::Option {
                        value: word.to_owned(),
                        what: "evidence",
                        known: format!(
                            "any, experimental, curated, ECO:0000000, {}",
                            CODES.map(|(code, _)| code).join(", ")
                        ),
                    });
                }
            };
        }
        Ok(Self::Listed(list))
    }
}

impl fmt::Display for EvidenceFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Experimental => f.write_str("experimental"),
            Self::Curated => f.write_str("curated"),
            Self::Listed(list) => {
                let words: Vec<&str> = list.iter().map(String::as_str).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_lists_select() {
        let experimental: EvidenceFilter = "experimental".parse().unwrap();
        assert!(experimental.accepts("IDA") && experimental.accepts("ECO:0000314"));
        assert!(experimental.accepts("TAS") && !experimental.accepts("IEA"));
        assert!(!experimental.accepts("") && !experimental.accepts("ISS"));
        let curated: EvidenceFilter = "curated".parse().unwrap();
        assert!(
            curated.accepts("ISS") && !curated.accepts("ECO:0000256") && !curated.accepts("ND")
        );
        let listed: EvidenceFilter = "IDA,ECO:0000269".parse().unwrap();
        assert!(listed.accepts("ECO:0000314") && listed.accepts("ECO:0000269"));
        assert!(!listed.accepts("IMP"));
        assert_eq!(listed.to_string(), "ECO:0000269,IDA");
    }

    #[test]
    fn what_is_no_evidence_is_refused() {
        let error = "IDA,nonsense".parse::<EvidenceFilter>().unwrap_err();
        assert!(error.to_string().contains("nonsense"), "{error}");
    }
}
