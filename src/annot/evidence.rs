//! Evidence: GO's codes, their ECO terms, and which of them a user trusts.

mod codes;

use super::error::AnnotError;
pub(crate) use codes::AUTOMATIC;
use codes::{CODES, is_eco};
use std::{borrow::Cow, collections::BTreeSet, fmt, str::FromStr};

pub use codes::{EcoCodes, go_code};

/// Codes of experiments, with traceable statements and curators' inferences as in CAFA.
///
/// A curator's inference is one of GO's terms alone: it follows from other terms, which experiments gave. That of a
/// feature, a comment or a keyword of `UniProt` (once "Probable") follows from no experiment.
const EXPERIMENTAL: [&str; 13] = [
    "EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP", "TAS", "IC",
];

/// The code of what a curator inferred.
const CURATOR_INFERENCE: &str = "IC";

/// Codes of what no curator found in the evidence: automatic ones, and "no data".
const NOT_CURATED: [&str; 2] = [AUTOMATIC, "ND"];

/// ECO terms that `UniProt` gives to large-scale experiments and structures; until 2020 the general ones.
const EXPERIMENTAL_ECO: [&str; 4] = ["ECO:0007744", "ECO:0007829", "ECO:0000244", "ECO:0000213"];

/// Remarks on evidence of `UniProt`'s older releases, with the ECO ids that took their place.
const REMARKS: [(&str, &str); 3] = [
    ("By similarity", "ECO:0000250"),
    ("Potential", "ECO:0000255"),
    ("Probable", "ECO:0000305"),
];

/// The ECO id that took the place of a remark, in whatever case it is.
pub(super) fn of_remark(text: &str) -> Option<&'static str> {
    let remark = REMARKS
        .iter()
        .find(|(remark, _)| remark.eq_ignore_ascii_case(text));
    remark.map(|(_, eco)| *eco)
}

/// A text whose remarks of evidence were taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remarked<'a> {
    /// The text without remarks in parentheses and blanks at its end.
    pub(super) text: &'a str,
    /// The ECO id that the first remark stands for, or nothing.
    pub(super) eco: &'static str,
}

/// Takes off the remarks at the end of a text. A text may be a remark and nothing else, without parentheses.
pub(super) fn without_remark(text: &str) -> Remarked<'_> {
    let mut text = text.trim_end();
    let mut first = "";
    if let Some(eco) = of_remark(text.trim()) {
        return Remarked { text: "", eco };
    }
    while let Some((rest, eco)) = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
        .and_then(|(rest, remark)| Some((rest.trim_end(), of_remark(remark)?)))
    {
        text = rest;
        first = eco;
    }
    Remarked { text, eco: first }
}

/// The ECO ids of an evidence text (`ECO:0000269|PubMed:1, ECO:0000305`), without repeats, joined by commas.
#[must_use]
pub(crate) fn eco_ids(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut ids = memchr::memchr_iter(b':', bytes).filter_map(|colon| {
        let is_eco = bytes[..colon].ends_with(b"ECO");
        let digits = bytes.get(colon + 1..colon + 8).filter(|_| is_eco)?;
        (digits.iter().all(u8::is_ascii_digit)).then(|| &text[colon - 3..colon + 8])
    });
    let Some(first) = ids.next() else {
        return Cow::Borrowed("");
    };
    // most texts name one
    let Some(other) = ids.find(|&id| id != first) else {
        return Cow::Borrowed(first);
    };
    let mut ids: Vec<&str> = [first, other].into_iter().chain(ids).collect();
    ids.sort_unstable();
    ids.dedup();
    Cow::Owned(ids.join(","))
}

/// The codes of a text in free form: its ECO ids where it has any, else its words; joined by commas.
pub(super) fn codes_of(text: &str) -> Cow<'_, str> {
    if text.contains("ECO:") {
        return eco_ids(text);
    }
    if !text.contains([',', ';', '|', ' ']) {
        return Cow::Borrowed(text);
    }
    let words = text
        .split([',', ';', '|', ' '])
        .filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(","))
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
    /// Whether an annotation with this evidence (a GO code or an ECO id) is taken; `code` is the GO code of the
    /// evidence, where it has one, and `of_term` says whether the annotation is one with a term of GO.
    #[must_use]
    pub fn accepts(&self, evidence: &str, code: Option<&str>, of_term: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Experimental => {
                code.is_some_and(|code| {
                    EXPERIMENTAL.contains(&code) && (of_term || code != CURATOR_INFERENCE)
                }) || EXPERIMENTAL_ECO.contains(&evidence)
            }
            Self::Curated => {
                !evidence.is_empty() && !code.is_some_and(|code| NOT_CURATED.contains(&code))
            }
            Self::Listed(list) => {
                list.contains(evidence) || code.is_some_and(|code| list.contains(code))
            }
        }
    }

    /// Whether it is only guessed what becomes of this evidence, since it has no GO code.
    #[must_use]
    pub fn guesses(&self, evidence: &str, code: Option<&str>) -> bool {
        code.is_none()
            && match self {
                Self::Any => !evidence.starts_with("ECO:"),
                Self::Experimental | Self::Curated => !EXPERIMENTAL_ECO.contains(&evidence),
                Self::Listed(list) => !list.contains(evidence),
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
            match go_code(word) {
                Some(code) if code == word => list.insert(code.to_owned()),
                _ if is_eco(word) => list.insert(word.to_owned()),
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

    fn accepts(filter: &EvidenceFilter, evidence: &str) -> bool {
        filter.accepts(evidence, go_code(evidence), true)
    }

    #[test]
    fn words_and_lists_select() {
        let experimental: EvidenceFilter = "experimental".parse().unwrap();
        for (evidence, taken) in [
            ("IDA", true),
            ("ECO:0000314", true),
            ("TAS", true),
            ("ECO:0007744", true),
            ("IEA", false),
            ("ISS", false),
            ("", false),
        ] {
            assert_eq!(accepts(&experimental, evidence), taken, "{evidence}");
        }
        let curated: EvidenceFilter = "curated".parse().unwrap();
        for (evidence, taken) in [
            ("ISS", true),
            ("ECO:0000312", true),
            ("ECO:0000256", false),
            ("ECO:0000265", false),
            ("ND", false),
        ] {
            assert_eq!(accepts(&curated, evidence), taken, "{evidence}");
        }
        let listed: EvidenceFilter = "IDA,ECO:0000269".parse().unwrap();
        assert!(accepts(&listed, "ECO:0000314") && accepts(&listed, "ECO:0000269"));
        assert!(!accepts(&listed, "IMP"));
        assert_eq!(listed.to_string(), "ECO:0000269,IDA");
    }

    #[test]
    fn evidence_is_its_eco_ids() {
        assert_eq!(
            eco_ids("ECO:0000305|PubMed:1, ECO:0000269|PubMed:2, ECO:0000269"),
            "ECO:0000269,ECO:0000305"
        );
        assert_eq!(eco_ids("none; ECO:12"), "");
        assert_eq!(
            eco_ids("{ECO:0000269|PubMed:1, ECO:0000269}"),
            "ECO:0000269"
        );
        assert_eq!(eco_ids("ECO:000030é ECO:0000305é"), "ECO:0000305");
    }

    #[test]
    fn texts_in_free_form_have_codes() {
        let remarked = |text| {
            let Remarked { text, eco } = without_remark(text);
            (text, eco)
        };
        for (text, codes) in [
            ("", ""),
            ("IDA", "IDA"),
            ("IDA, IMP", "IDA,IMP"),
            (
                "ECO:0000269|PubMed:1; ECO:0000255",
                "ECO:0000255,ECO:0000269",
            ),
        ] {
            assert_eq!(codes_of(text), codes);
        }
        assert_eq!(
            remarked("Zinc (Probable) (By similarity) "),
            ("Zinc", "ECO:0000305")
        );
        assert_eq!(remarked("Zinc"), ("Zinc", ""));
        assert_eq!(remarked("Potential"), ("", "ECO:0000255"));
        assert_eq!(remarked("IRON (BY SIMILARITY)"), ("IRON", "ECO:0000250"));
    }

    #[test]
    fn a_code_from_elsewhere_decides() {
        let eco = "ECO:0005542";
        assert!(!EvidenceFilter::Experimental.accepts(eco, None, false));
        assert!(EvidenceFilter::Experimental.accepts(eco, Some("IDA"), false));
        assert!(EvidenceFilter::Experimental.guesses(eco, None));
        assert!(!EvidenceFilter::Experimental.guesses(eco, Some("IDA")));
        assert!(!EvidenceFilter::Any.guesses(eco, None));
        assert!(EvidenceFilter::Any.guesses("MADEUP", None));
    }

    #[test]
    fn a_curator_s_inference_is_an_experiment_for_terms_alone() {
        for evidence in ["IC", "ECO:0000305"] {
            let code = go_code(evidence);
            assert!(EvidenceFilter::Experimental.accepts(evidence, code, true));
            assert!(!EvidenceFilter::Experimental.accepts(evidence, code, false));
            assert!(EvidenceFilter::Curated.accepts(evidence, code, false));
        }
    }

    #[test]
    fn what_is_no_evidence_is_refused() {
        let error = "IDA,nonsense".parse::<EvidenceFilter>().unwrap_err();
        assert!(error.to_string().contains("nonsense"), "{error}");
    }
}
