//! Sequence Ontology terms: the type of a range in GFF3.

/// The safe choice for a part of a polypeptide (SO:0000839); also in SOFA.
pub const POLYPEPTIDE_REGION: &str = "polypeptide_region";

/// UniProt feature keys and the SO accessions that so.obo names as their equivalents.
const FEATURE_TYPES: &[(&str, &str)] = &[
    ("ACT_SITE", "SO:0001104"),
    ("BINDING", "SO:0100018"),
    ("CA_BIND", "SO:0001094"),
    ("CHAIN", "SO:0000419"),
    ("COILED", "SO:0001080"),
    ("COMPBIAS", "SO:0001066"),
    ("CONFLICT", "SO:0001085"),
    ("DOMAIN", "SO:0000417"),
    ("HELIX", "SO:0001117"),
    ("INIT_MET", "SO:0000691"),
    ("MOD_RES", "SO:0001089"),
    ("MOTIF", "SO:0001067"),
    ("MUTAGEN", "SO:0001148"),
    ("NON_CONS", "SO:0001083"),
    ("NON_TER", "SO:0001084"),
    ("PEPTIDE", "SO:0001064"),
    ("PROPEP", "SO:0001062"),
    ("REGION", "SO:0000839"),
    ("REPEAT", "SO:0001068"),
    ("SIGNAL", "SO:0000418"),
    ("SITE", "SO:0000839"),
    ("STRAND", "SO:0001111"),
    ("TOPO_DOM", "SO:0001072"),
    ("TRANSIT", "SO:0000725"),
    ("TRANSMEM", "SO:0001077"),
    ("TURN", "SO:0001128"),
    ("UNSURE", "SO:0001086"),
    ("VARIANT", "SO:0001147"),
    ("VAR_SEQ", "SO:0001149"),
];

/// SO type of a UniProt feature concept (`BINDING:Zn(2+)`, `HELIX`), by its key.
#[must_use]
pub fn of_feature(concept: &str) -> &'static str {
    let key = concept.split(':').next().unwrap_or_default();
    FEATURE_TYPES
        .iter()
        .find(|(k, _)| *k == key)
        .map_or(POLYPEPTIDE_REGION, |(_, so)| so)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_their_type_and_others_the_safe_one() {
        assert_eq!(of_feature("BINDING:Zn(2+)"), "SO:0100018");
        assert_eq!(of_feature("HELIX"), "SO:0001117");
        assert_eq!(of_feature("NOVEL:x"), POLYPEPTIDE_REGION);
    }
}
