//! Sequence Ontology terms: the type of a range in GFF3, always by name.

/// The safe choice for a part of a polypeptide (SO:0000839); also in SOFA.
pub const POLYPEPTIDE_REGION: &str = "polypeptide_region";

/// UniProt feature keys and the SO terms that so.obo names as their equivalents.
const FEATURE_TYPES: &[(&str, &str)] = &[
    ("ACT_SITE", "catalytic_residue"),
    ("BINDING", "polypeptide_binding_motif"),
    ("CA_BIND", "polypeptide_calcium_ion_contact_site"),
    ("CHAIN", "mature_protein_region"),
    ("COILED", "coiled_coil"),
    ("COMPBIAS", "compositionally_biased_region_of_peptide"),
    ("CONFLICT", "sequence_conflict"),
    ("DOMAIN", "polypeptide_domain"),
    ("HELIX", "alpha_helix"),
    ("INIT_MET", "cleaved_initiator_methionine"),
    ("MOD_RES", "post_translationally_modified_region"),
    ("MOTIF", "polypeptide_motif"),
    ("MUTAGEN", "mutated_variant_site"),
    ("NON_CONS", "non_adjacent_residues"),
    ("NON_TER", "non_terminal_residue"),
    ("PEPTIDE", "active_peptide"),
    ("PROPEP", "propeptide"),
    ("REGION", POLYPEPTIDE_REGION),
    ("REPEAT", "polypeptide_repeat"),
    ("SIGNAL", "signal_peptide"),
    ("SITE", POLYPEPTIDE_REGION),
    ("STRAND", "beta_strand"),
    ("TOPO_DOM", "extramembrane_polypeptide_region"),
    ("TRANSIT", "transit_peptide"),
    ("TRANSMEM", "transmembrane_polypeptide_region"),
    ("TURN", "polypeptide_turn_motif"),
    ("UNSURE", "sequence_uncertainty"),
    ("VARIANT", "natural_variant_site"),
    ("VAR_SEQ", "alternate_sequence_site"),
];

/// SO term of a UniProt feature concept (`BINDING:Zn(2+)`, `HELIX`), by its key.
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
        assert_eq!(of_feature("BINDING:Zn(2+)"), "polypeptide_binding_motif");
        assert_eq!(of_feature("HELIX"), "alpha_helix");
        assert_eq!(of_feature("NOVEL:x"), POLYPEPTIDE_REGION);
    }

    /// Names and accessions of one term, mixed, would be two types to whoever selects by column 3.
    #[test]
    fn types_are_names_and_never_accessions() {
        for (key, name) in FEATURE_TYPES {
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(name.chars().all(is_name), "{key}: {name}");
        }
    }
}
