//! GO's evidence codes and the terms of ECO that stand for them.

use crate::annot::{
    error::AnnotError,
    lines::{Line, Lines},
};
use foldhash::fast::FixedState;
use std::{collections::HashMap, io::BufRead};

/// GO evidence codes, each with the ECO term that it stands for by default
/// (<https://wiki.geneontology.org/Evidence_Code_Ontology_(ECO)>).
pub(super) const CODES: [(&str, &str); 27] = [
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
    (AUTOMATIC, "ECO:0000501"),
];

/// The code of what no curator looked at.
pub(crate) const AUTOMATIC: &str = "IEA";

/// The general ECO terms "used in automatic assertion", next to the code's own: those that `UniProt`, GOA and
/// `interpro2go` write (orthologues of Ensembl 265, signatures of `InterPro` 256 and 259, imports 313 and 322, ...).
const AUTOMATIC_ECO: [&str; 19] = [
    "ECO:0007669",
    "ECO:0000203",
    "ECO:0000213",
    "ECO:0000248",
    "ECO:0000249",
    "ECO:0000251",
    "ECO:0000254",
    "ECO:0000256",
    "ECO:0000258",
    "ECO:0000259",
    "ECO:0000261",
    "ECO:0000263",
    "ECO:0000265",
    "ECO:0000313",
    "ECO:0000322",
    "ECO:0000323",
    "ECO:0000363",
    "ECO:0000364",
    "ECO:0000366",
];

/// Word of a mapping's row whose ECO term is the code's own.
const DEFAULT: &str = "Default";

/// The GO code of an evidence (a code or an ECO id), where it is known without a mapping.
#[must_use]
pub fn go_code(evidence: &str) -> Option<&'static str> {
    if AUTOMATIC_ECO.contains(&evidence) {
        return Some(AUTOMATIC);
    }
    CODES
        .iter()
        .find(|(code, eco)| *code == evidence || *eco == evidence)
        .map(|(code, _)| *code)
}

/// Whether a text has the form `ECO:0000000`.
pub(super) fn is_eco(text: &str) -> bool {
    text.strip_prefix("ECO:")
        .is_some_and(|n| n.len() == 7 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// The code that a mapping gives to an ECO term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mapped {
    code: &'static str,
    is_default: bool,
}

/// GO codes of the terms of ECO, beyond those that are known without a mapping.
#[derive(Clone, Debug, Default)]
pub struct EcoCodes {
    codes: HashMap<String, Mapped, FixedState>,
}

impl EcoCodes {
    /// Reads ECO's mapping to GO codes: `gaf-eco-mapping-derived.txt` (ECO id, code, `Default` or nothing) or
    /// `gaf-eco-mapping.txt` (code, reference or `Default`, ECO id).
    ///
    /// A term under several codes has the one that it stands for by default; else it is automatic where one of them
    /// is, and has the first otherwise.
    ///
    /// # Errors
    /// [`AnnotError::Record`] for a row without a known code or a term of ECO, or where there is no row at all; the
    /// reader's errors.
    pub fn read(&mut self, reader: impl BufRead) -> Result<(), AnnotError> {
        let mut lines = Lines::new(reader);
        let mut last = 0;
        while let Some(Line { number: line, text }) = lines.next_line()? {
            last = line;
            if text.starts_with('#') || text.trim().is_empty() {
                continue;
            }
            let words = || text.split('\t').map(str::trim);
            let eco = words().find(|word| word.starts_with("ECO:"));
            let code = words().find_map(|word| CODES.iter().find(|(code, _)| *code == word));
            let (Some(eco), Some(&(code, _))) = (eco, code) else {
                return Err(AnnotError::record(
                    line,
                    format!("{text:?} has no GO code and ECO id, as ECO's mapping to GO codes has"),
                ));
            };
            let is_default = words().any(|word| word == DEFAULT);
            self.add(eco, Mapped { code, is_default });
        }
        if self.codes.is_empty() {
            return Err(AnnotError::record(
                last,
                "no GO codes of ECO terms: expected ECO's gaf-eco-mapping-derived.txt",
            ));
        }
        Ok(())
    }

    fn add(&mut self, eco: &str, mapped: Mapped) {
        let known = self.codes.entry(eco.to_owned()).or_insert(mapped);
        let takes_over = if known.is_default == mapped.is_default {
            !known.is_default && mapped.code == AUTOMATIC
        } else {
            mapped.is_default
        };
        if takes_over {
            *known = mapped;
        }
    }

    /// The GO code of an evidence (a code or an ECO id), where it has one.
    #[must_use]
    pub fn code(&self, evidence: &str) -> Option<&'static str> {
        go_code(evidence).or_else(|| self.codes.get(evidence).map(|mapped| mapped.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_of_the_mapping_are_read() {
        let mut codes = EcoCodes::default();
        assert_eq!(codes.code("ECO:0000001"), None);
        codes
            .read(&b"# derived\nECO:0000001\tIDA\t\nECO:0000314\tIDA\tDefault\n"[..])
            .unwrap();
        codes
            .read(&b"# by code\nISS\tGO_REF:0000011\tECO:0000002\n"[..])
            .unwrap();
        assert_eq!(codes.code("ECO:0000001"), Some("IDA"));
        assert_eq!(codes.code("ECO:0000002"), Some("ISS"));
        assert_eq!(codes.code("IDA"), Some("IDA"));
    }

    #[test]
    fn of_several_codes_the_default_and_then_the_automatic_one_counts() {
        for rows in [
            "ECO:1\tEXP\t\nECO:1\tIEA\t\n",
            "ECO:1\tIEA\t\nECO:1\tEXP\t\n",
        ] {
            let mut codes = EcoCodes::default();
            codes.read(rows.as_bytes()).unwrap();
            assert_eq!(codes.code("ECO:1"), Some(AUTOMATIC), "{rows}");
            codes.read(&b"ISM\tDefault\tECO:1\n"[..]).unwrap();
            codes.read(rows.as_bytes()).unwrap();
            assert_eq!(codes.code("ECO:1"), Some("ISM"), "{rows}");
        }
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        for text in ["", "# nothing\n", "ECO:0000001\tNONE\t\n", "IDA\tx\ty\n"] {
            assert!(EcoCodes::default().read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn general_terms_of_automatic_assertions_are_known() {
        for eco in ["ECO:0000501", "ECO:0000265", "ECO:0007669"] {
            assert_eq!(go_code(eco), Some(AUTOMATIC));
        }
        assert!(is_eco("ECO:0000269") && !is_eco("ECO:269") && !is_eco("IDA"));
    }
}
