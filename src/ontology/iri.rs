//! Short forms of IRIs.

/// IRIs of this form are written as `PREFIX:LOCAL`.
const OBO_PURL: &str = "http://purl.obolibrary.org/obo/";

/// `http://purl.obolibrary.org/obo/GO_0005575` as `GO:0005575`; others unchanged.
pub(super) fn compact_iri(iri: &str) -> String {
    iri.strip_prefix(OBO_PURL)
        .and_then(|local| local.rsplit_once('_'))
        .filter(|(prefix, local)| {
            // relations without a number (`part_of`) have no prefix
            !prefix.contains('#') && local.contains(|c: char| c.is_ascii_digit())
        })
        .map_or_else(
            || iri.to_owned(),
            |(prefix, local)| format!("{prefix}:{local}"),
        )
}

/// The name of a subset without its ontology, `http://.../go#goslim_generic`.
pub(super) fn local_name(name: &str) -> String {
    let local = name.rsplit(['#', '/']).next();
    local.unwrap_or_default().to_owned()
}
