//! Files of normal forms as the `DeepGO` family publishes them (`go.norm`): an axiom a line, in
//! Manchester syntax, with `_` for the colon of ids.

use super::{error::OntologyError, normal::NormalForms};
use std::{
    collections::HashMap,
    io::{BufRead, Read},
};

/// Axioms of a file, and what of it has no loss.
#[derive(Clone, Debug, Default)]
pub struct NormFile {
    /// The axioms.
    pub forms: NormalForms,
    /// Axioms about relations, which are passed over.
    pub role_axioms: u64,
    /// Axioms that name a term where an auxiliary class belongs: their producer gives auxiliaries
    /// the names of unrelated terms.
    pub suspicious: u64,
}

/// Lines longer than this are no axiom.
const MAX_LINE: u64 = 1 << 16;

/// Reads axioms.
///
/// # Errors
/// [`OntologyError::Axiom`] for a line that is none; the reader's error.
pub fn read(mut reader: impl BufRead) -> Result<NormFile, OntologyError> {
    let mut file = NormFile::default();
    let mut names = Names::default();
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        bytes.clear();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        line += 1;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Err(OntologyError::Axiom {
                line,
                text: String::from_utf8_lossy(&bytes).chars().take(80).collect(),
            });
        };
        let axiom = text.trim();
        if axiom.is_empty() {
            continue;
        }
        if axiom.contains("SubPropertyOf") {
            file.role_axioms += 1;
            continue;
        }
        let parsed = names.axiom(axiom, &mut file);
        parsed.ok_or_else(|| OntologyError::Axiom {
            line,
            text: axiom.chars().take(80).collect(),
        })?;
    }
    file.forms.classes = names.classes.list;
    file.forms.relations = names.relations.list;
    file.forms.tidy();
    Ok(file)
}

#[derive(Default)]
struct Numbers {
    of: HashMap<String, u32>,
    list: Vec<String>,
}

impl Numbers {
    fn get(&mut self, word: &str) -> u32 {
        let id = id(word);
        let next = u32::try_from(self.list.len()).expect("fewer than 2^32 names");
        *self.of.entry(id).or_insert_with_key(|id| {
            self.list.push(id.clone());
            next
        })
    }
}

/// `GO_0005524` as `GO:0005524`; names that do not end in digits as they are.
fn id(word: &str) -> String {
    match word.rsplit_once('_') {
        Some((prefix, local))
            if prefix != "AUX"
                && local.bytes().all(|b| b.is_ascii_digit())
                && !local.is_empty() =>
        {
            format!("{prefix}:{local}")
        }
        _ => word.to_owned(),
    }
}

#[derive(Default)]
struct Names {
    classes: Numbers,
    relations: Numbers,
}

impl Names {
    fn axiom(&mut self, text: &str, file: &mut NormFile) -> Option<()> {
        let (left, right) = text.split_once(" SubClassOf ")?;
        let left: Vec<&str> = left.split_whitespace().collect();
        let right: Vec<&str> = right.split_whitespace().collect();
        let forms = &mut file.forms;
        match (left.as_slice(), right.as_slice()) {
            ([c, "and", d], ["Nothing"]) => {
                let mut pair = [self.classes.get(c), self.classes.get(d)];
                pair.sort_by_key(|&class| self.classes.list[class as usize].clone());
                forms.disjoint.push(pair);
            }
            ([c], [d]) => forms.nf1.push([self.classes.get(c), self.classes.get(d)]),
            ([c, "and", d], [e]) => {
                let classes = [c, d, e].map(|word| self.classes.get(word));
                forms.nf2.push(classes);
            }
            ([r, "some", c], [d]) => {
                // after normalisation only auxiliaries stand for expressions
                file.suspicious += u64::from(!d.starts_with("AUX"));
                let relation = self.relations.get(r);
                forms
                    .nf3
                    .push([relation, self.classes.get(c), self.classes.get(d)]);
            }
            ([c], [r, "some", d]) => {
                let relation = self.relations.get(r);
                forms
                    .nf4
                    .push([self.classes.get(c), relation, self.classes.get(d)]);
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let text = "A_1 SubClassOf B_2\nA_1 and B_2 SubClassOf C_3\nR_9 some A_1 SubClassOf AUX_1\nA_1 SubClassOf R_9 some B_2\n\
            B_2 and A_1 SubClassOf Nothing\nR_9 o R_9 SubPropertyOf: R_9\nR_9 some A_1 SubClassOf C_3\n";
        let file = read(text.as_bytes()).unwrap();
        let forms = &file.forms;
        assert_eq!(forms.classes, ["A:1", "B:2", "C:3", "AUX_1"]);
        assert_eq!(forms.relations, ["R:9"]);
        assert_eq!(
            (forms.nf1.as_slice(), forms.nf2.as_slice()),
            (&[[0, 1]][..], &[[0, 1, 2]][..])
        );
        assert_eq!(forms.nf3, [[0, 0, 2], [0, 0, 3]]);
        assert_eq!(forms.nf4, [[0, 0, 1]]);
        assert_eq!(forms.disjoint, [[0, 1]]);
        assert_eq!((file.role_axioms, file.suspicious), (1, 1));
    }

    #[test]
    fn what_is_no_axiom_is_named() {
        let error = read(&b"A_1 SubClassOf B_2\nnonsense\n"[..]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: \"nonsense\" is no axiom in normal form"
        );
        let error = read(&b"A_1 SubClassOf B_2\n\xe9_1 SubClassOf B_2\n"[..]).unwrap_err();
        assert!(error.to_string().starts_with("line 2: "), "{error}");
    }
}
