//! Every reader on broken input: seeds of each format, cut, repeated and overwritten at random.
//! Whatever comes in, a reader ends with a result or an error; it never panics and never hangs.

use proptest::prelude::*;
use protsae::{
    annot::{
        collect::{Collector, Settings},
        format::{self, Format},
        mappings::References,
        vocabulary::{Choice, Vocabulary},
    },
    ontology::{
        self,
        graph::{Hierarchy, Relations},
        norm_file,
        normal::NormalForms,
    },
    split::clusters,
};

const GAF: &str = include_str!("../fuzz/corpus/gaf/seed");
const GPAD: &str = include_str!("../fuzz/corpus/gpad/seed");
const CSV: &str = include_str!("../fuzz/corpus/feature_csv/seed");
const TSV: &str = include_str!("../fuzz/corpus/uniprot_tsv/seed");
const DAT: &str = include_str!("../fuzz/corpus/uniprot_dat/seed");
const XML: &str = include_str!("../fuzz/corpus/uniprot_xml/seed");
const UNIPROT_GFF: &str = include_str!("../fuzz/corpus/uniprot_gff/seed");
const IPR_TSV: &str = include_str!("../fuzz/corpus/interproscan_tsv/seed");
const IPR_GFF: &str = include_str!("../fuzz/corpus/interproscan_gff/seed");
const IPR_JSON: &str = include_str!("../fuzz/corpus/interproscan_json/seed");
const IPR_XML: &str = include_str!("../fuzz/corpus/interproscan_xml/seed");
const P2I: &str = include_str!("../fuzz/corpus/protein2ipr/seed");

const FORMATS: [(Format, &str); 13] = [
    (Format::Gaf, GAF),
    (Format::Gpad, GPAD),
    (Format::FeatureCsv, CSV),
    (
        Format::FeatureTsv,
        "protein\tfeature\tstart\nP1\tHELIX\t3\n",
    ),
    (Format::UniprotDat, DAT),
    (Format::UniprotXml, XML),
    (Format::UniprotTsv, TSV),
    (Format::UniprotGff, UNIPROT_GFF),
    (Format::InterproscanTsv, IPR_TSV),
    (Format::InterproscanGff, IPR_GFF),
    (Format::InterproscanJson, IPR_JSON),
    (Format::InterproscanXml, IPR_XML),
    (Format::Protein2ipr, P2I),
];

const OBO: &str = include_str!("../fuzz/corpus/obo/seed");
const GRAPHS: &str = include_str!("../fuzz/corpus/obo_graphs/seed");

/// Places are shares of the length.
const SHARES: usize = 10_000;

/// A change: at a place, cut, repeat or overwrite some bytes.
#[derive(Clone, Debug)]
enum Change {
    Cut(usize, usize),
    Repeat(usize, usize),
    Overwrite(usize, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let tokens = prop::sample::select(vec![
        &b"\t"[..],
        b"\n",
        b"\"",
        b":",
        b"..",
        b"99999999999",
        b"-1",
        b"<",
        b">",
        b"{",
        b"}",
        b"//\n",
        b"\xff",
        b"\xc3\xa9",
        b"&#0;",
        b"\\",
    ]);
    prop_oneof![
        (0..SHARES, 1usize..40).prop_map(|(at, n)| Change::Cut(at, n)),
        (0..SHARES, 1usize..60).prop_map(|(at, n)| Change::Repeat(at, n)),
        (0..SHARES, tokens).prop_map(|(at, token)| Change::Overwrite(at, token.to_vec())),
        (0..SHARES, prop::collection::vec(any::<u8>(), 1..6))
            .prop_map(|(at, bytes)| Change::Overwrite(at, bytes)),
    ]
}

fn changed(seed: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.as_bytes().to_vec();
    for change in changes {
        let place = |at: usize| bytes.len() * at / SHARES;
        match change {
            Change::Cut(at, n) => {
                let start = place(*at);
                let end = (start + n).min(bytes.len());
                bytes.drain(start..end);
            }
            Change::Repeat(at, n) => {
                let start = place(*at);
                let end = (start + n).min(bytes.len());
                let piece = bytes[start..end].to_vec();
                bytes.splice(end..end, piece);
            }
            Change::Overwrite(at, with) => {
                let start = place(*at);
                let end = (start + with.len()).min(bytes.len());
                bytes.splice(start..end, with.iter().copied());
            }
        }
    }
    bytes
}

fn load(bytes: &[u8], format: Option<Format>, skip_bad: bool) -> Result<Collector, String> {
    let mut collector = Collector::new(Settings {
        skip_bad,
        ..Settings::default()
    });
    let read = format::read(bytes, format, "x", &mut collector);
    read.map(|_| collector).map_err(|error| error.to_string())
}

#[test]
fn the_seeds_are_good() {
    for (format, seed) in FORMATS {
        let told = format::Format::sniff(seed.as_bytes()).unwrap();
        assert_eq!(told, Some(format));
        let collector = load(seed.as_bytes(), None, false).unwrap();
        assert!(collector.reports[0].kept > 0, "{format}");
    }
    assert!(ontology::read(OBO.as_bytes()).is_ok() && ontology::read(GRAPHS.as_bytes()).is_ok());
}

#[test]
fn every_cut_is_read_or_refused() {
    for (format, seed) in FORMATS {
        for end in 0..seed.len() {
            for skip in [false, true] {
                let _ = load(&seed.as_bytes()[..end], Some(format), skip);
            }
            let _ = load(&seed.as_bytes()[..end], None, false);
        }
    }
    for seed in [OBO, GRAPHS] {
        for end in 0..seed.len() {
            let _ = ontology::read(&seed.as_bytes()[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn annotations_are_read_or_refused(which in 0..FORMATS.len(), changes in prop::collection::vec(change(), 1..6), told in any::<bool>()) {
        let (format, seed) = FORMATS[which];
        let bytes = changed(seed, &changes);
        let format = told.then_some(format);
        let _ = load(&bytes, format, false);
        if let Ok(collector) = load(&bytes, format, true) {
            let report = collector.reports[0].clone();
            let choice = Choice { min_count: 1, ..Choice::default() };
            if let Ok(mut vocabulary) = Vocabulary::new(collector, None, &choice) {
                let mut rows = 0u64;
                vocabulary.labels(|_| { rows += 1; Ok::<(), ()>(()) }).unwrap();
                prop_assert!(rows <= 2 * report.kept);
            }
        }
    }

    #[test]
    fn ontologies_are_read_or_refused(graphs in any::<bool>(), changes in prop::collection::vec(change(), 1..6)) {
        let bytes = changed(if graphs { GRAPHS } else { OBO }, &changes);
        if let Ok(ontology) = ontology::read(bytes.as_slice()) {
            let _ = NormalForms::new(&ontology).len();
            let _ = Hierarchy::new(&ontology, Relations::All);
        }
    }

    #[test]
    fn lists_are_read_or_refused(changes in prop::collection::vec(change(), 1..6)) {
        let mut references = References::default();
        let _ = references.read_entries(changed("ENTRY_AC\tENTRY_TYPE\tENTRY_NAME\nIPR000001\tDomain\tx\n", &changes).as_slice());
        let _ = references.read_tree(changed("IPR000001::x::\n--IPR000002::y::\n----IPR000003::z::\n--IPR000004::w::\n", &changes).as_slice());
        let _ = references.read_external2go(changed("!x\nPfam:PF00001 x > GO:y ; GO:0005524\n", &changes).as_slice());
        let _ = references.read_keywords(changed("ID   2Fe-2S.\nAC   KW-0001\n//\n", &changes).as_slice());
        let _ = norm_file::read(changed("A_1 SubClassOf B_2\nA_1 and B_2 SubClassOf Nothing\nR_1 some A_1 SubClassOf AUX_1\n", &changes).as_slice());
        let _ = clusters::read(changed("P1\tP1\nP1\tP2\n", &changes).as_slice(), str::to_owned, |_| false);
        let _ = clusters::read(changed(">Cluster 0\n0\t9aa, >P1... *\n1\t8aa, >P2... at 99%\n", &changes).as_slice(), str::to_owned, |_| false);
    }
}
