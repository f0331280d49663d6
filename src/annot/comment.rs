//! Comments of `UniProt` entries that are concepts of the whole protein: cofactors and subcellular
//! locations.

use super::uniprot_cell::eco_ids;

/// A concept that a comment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commented {
    /// `COFACTOR:Zn(2+)`, `LOCATION:Cell membrane`.
    pub id: String,
    /// Name for people, with the `ChEBI` id of a cofactor.
    pub name: String,
    /// ECO ids, joined by commas.
    pub evidence: String,
}

/// Cofactors of `COFACTOR: Name=Zn(2+); Xref=ChEBI:...; Evidence={...}; Name=...`.
#[must_use]
pub fn cofactors(text: &str) -> Vec<Commented> {
    text.split("Name=")
        .skip(1)
        .filter_map(|part| {
            let name = part.split(';').next()?.trim();
            let chebi = part
                .split(';')
                .find_map(|field| field.trim().strip_prefix("Xref=ChEBI:"));
            (!name.is_empty()).then(|| Commented {
                id: format!("COFACTOR:{name}"),
                name: match chebi {
                    Some(id) => format!("Cofactor: {name} [{}]", id.trim()),
                    None => format!("Cofactor: {name}"),
                },
                evidence: eco_ids(part).into_owned(),
            })
        })
        .collect()
}

/// Locations of `SUBCELLULAR LOCATION: Nucleus {ECO:...}. Cell membrane; Single-pass membrane
/// protein. Note=...`: every location and topology, isoforms' (`[Isoform 2]:`) left out.
#[must_use]
pub fn locations(text: &str) -> Vec<Commented> {
    let mut found: Vec<Commented> = Vec::new();
    for comment in text.split("SUBCELLULAR LOCATION:") {
        let comment = comment.split("Note=").next().unwrap_or_default().trim();
        if comment.is_empty() || comment.starts_with('[') {
            continue;
        }
        for part in outside_braces(comment) {
            let name = part.split('{').next().unwrap_or_default();
            let mut name = name.trim();
            for remark in ["(By similarity)", "(Potential)", "(Probable)"] {
                name = name.strip_suffix(remark).unwrap_or(name).trim_end();
            }
            if name.is_empty() {
                continue;
            }
            found.push(Commented {
                id: format!("LOCATION:{name}"),
                name: format!("Subcellular location: {name}"),
                evidence: eco_ids(part).into_owned(),
            });
        }
    }
    found
}

/// Parts between periods, semicolons and commas that are not inside `{...}`.
fn outside_braces(text: &str) -> Vec<&str> {
    let mut depth = 0u32;
    text.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(c, '.' | ';' | ',')
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cofactors_by_name() {
        let text = "COFACTOR: Name=Zn(2+); Xref=ChEBI:CHEBI:29105; Evidence={ECO:0000269|PubMed:1}; Note=Binds 2.; COFACTOR: Name=NAD(+); Xref=x;";
        let found = cofactors(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].id, "COFACTOR:Zn(2+)");
        assert_eq!(found[0].name, "Cofactor: Zn(2+) [CHEBI:29105]");
        assert_eq!(found[0].evidence, "ECO:0000269");
        assert_eq!(found[1].id, "COFACTOR:NAD(+)");
    }

    #[test]
    fn locations_and_topologies() {
        let text = "SUBCELLULAR LOCATION: Cell membrane {ECO:0000250|UniProtKB:P1.2}; Single-pass membrane protein {ECO:0000255}. Nucleus. Note=In mitosis.; SUBCELLULAR LOCATION: [Isoform 2]: Secreted.";
        let ids: Vec<String> = locations(text).into_iter().map(|l| l.id).collect();
        assert_eq!(
            ids,
            [
                "LOCATION:Cell membrane",
                "LOCATION:Single-pass membrane protein",
                "LOCATION:Nucleus"
            ]
        );
    }
}
