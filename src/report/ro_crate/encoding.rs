//! What kind of file a name promises: media types, and EDAM's formats where there is one.

/// A format of EDAM, and its name.
type Edam = (&'static str, &'static str);

/// A media type, and the number and name of EDAM's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) media: &'static str,
    pub(super) edam: Option<Edam>,
}

/// By suffix. IANA's list has no type for FASTA, GFF3 and BED: those in use begin with `x-`.
const ENCODINGS: [(&str, &str, Option<Edam>); 30] = [
    ("arrow", "application/vnd.apache.arrow.file", None),
    ("bed", "text/x-bed", Some(("format_3003", "BED"))),
    (
        "bedgraph",
        "text/x-bedgraph",
        Some(("format_3583", "bedgraph")),
    ),
    ("bgz", "application/gzip", None),
    ("cif", "chemical/x-mmcif", Some(("format_1477", "mmCIF"))),
    ("csv", "text/csv", Some(("format_3752", "CSV"))),
    ("fa", "text/x-fasta", Some(FASTA)),
    ("faa", "text/x-fasta", Some(FASTA)),
    ("fasta", "text/x-fasta", Some(FASTA)),
    ("gaf", "text/x-gaf", None),
    ("gff3", "text/x-gff3", Some(("format_1975", "GFF3"))),
    ("gpad", "text/x-gpad", None),
    ("gz", "application/gzip", None),
    ("html", "text/html", Some(("format_2331", "HTML"))),
    ("json", "application/json", Some(("format_3464", "JSON"))),
    ("jsonl", "application/x-ndjson", None),
    ("log", "text/plain", None),
    ("md", "text/markdown", None),
    ("nf", "text/x-nextflow", None),
    ("obo", "text/x-obo", Some(("format_2549", "OBO"))),
    ("parquet", "application/vnd.apache.parquet", None),
    ("pdb", "chemical/x-pdb", Some(("format_1476", "PDB"))),
    ("png", "image/png", None),
    ("smk", "text/x-snakemake", None),
    ("svg", "image/svg+xml", None),
    (
        "tsv",
        "text/tab-separated-values",
        Some(("format_3475", "TSV")),
    ),
    ("txt", "text/plain", None),
    ("xml", "application/xml", None),
    ("yaml", "application/yaml", Some(("format_3750", "YAML"))),
    ("zst", "application/zstd", None),
];

const FASTA: Edam = ("format_1929", "FASTA");

/// What nothing is known of.
const BYTES: Encoding = Encoding {
    media: "application/octet-stream",
    edam: None,
};

impl Encoding {
    /// Of a file of this name.
    pub(super) fn of(name: &str) -> Self {
        let suffix = name
            .rsplit_once('.')
            .map(|(_, suffix)| suffix.to_lowercase());
        let suffix = match suffix.as_deref() {
            Some("yml") => "yaml",
            Some(suffix) => suffix,
            None => return BYTES,
        };
        let known = ENCODINGS.iter().find(|(of, ..)| *of == suffix);
        known.map_or(BYTES, |&(_, media, edam)| Self { media, edam })
    }
}

/// The address of a format of EDAM.
pub(super) fn edam_address(format: &str) -> String {
    format!("http://edamontology.org/{format}")
}
