//! Keys of `UniProt` features as an option.

use crate::annot::{
    concept::{Concept, ConceptKind},
    feature,
};
use std::{fmt, str::FromStr};

/// What stands for no key at all.
const NONE: &str = "none";

/// A list of keys, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureKeys(Vec<String>);

impl FeatureKeys {
    /// Of these keys.
    pub(super) fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|&key| key.to_owned()).collect())
    }

    /// The keys.
    pub(super) fn keys(&self) -> &[String] {
        &self.0
    }

    /// Whether they leave a concept out.
    pub(super) fn exclude(&self, concept: &Concept) -> bool {
        concept.kind == ConceptKind::Feature && self.have(&concept.id)
    }

    /// Whether a concept of features is of one of the keys.
    pub(super) fn have(&self, concept: &str) -> bool {
        let key = feature::key_of_concept(concept);
        self.0.iter().any(|own| own == key)
    }
}

impl fmt::Display for FeatureKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str(NONE)
        } else {
            f.write_str(&self.0.join(","))
        }
    }
}

impl FromStr for FeatureKeys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == NONE {
            return Ok(Self(Vec::new()));
        }
        let one = |name: &str| {
            if feature::is_known(name) {
                Ok(feature::key(name))
            } else {
                Err(format!("'{name}' is no key of UniProt's features"))
            }
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_keys_read_as_they_are_written() {
        let list = FeatureKeys::of(&["CHAIN", "VAR_SEQ"]);
        assert_eq!(list.to_string().parse(), Ok(list.clone()));
        assert!(list.have("CHAIN") && !list.have("DOMAIN:CHAIN"));
        let none: FeatureKeys = "none".parse().unwrap();
        assert!(none.keys().is_empty());
        assert_eq!(none.to_string(), "none");
        assert!("CHAIN,NOVEL".parse::<FeatureKeys>().is_err());
    }
}
