//! Every reader on broken input: seeds of each format, cut, repeated and overwritten at random.
//! Whatever comes in, a reader ends with a result or an error; it never panics and never hangs.

use proptest::prelude::*;
use protsae::{
    annot::{
        cluster,
        collect::{Collector, Settings},
        format::{self, Format},
        reference::References,
        vocabulary::{Choice, Vocabulary},
    },
    ontology::{self, graph::Hierarchy, graph::Relations, norm_file, normal::NormalForms},
};

const GAF: &str = "!gaf-version: 2.2\nUniProtKB\tP1\tA\tNOT|enables\tGO:0005524\tPMID:1\tIDA\t\tF\t\t\tprotein\ttaxon:1\t20200101\tX\t\t\n\
    UniProtKB\tP1\tA\tenables\tGO:0005524\tPMID:1\tIEA\t\tF\t\t\tprotein\ttaxon:1\t20200101\tX\t\t\n";
const GPAD: &str = "!gpad-version: 2.0\nUniProtKB:P1\t\tRO:0002327\tGO:0005524\tPMID:1\tECO:0000314\t\t\t2020-01-01\tX\t\t\n";
const CSV: &str = "protein,feature,isoform_id,start,end,note\nP1,BINDING,,3.0,,\"Zinc 1; via \"\"x\"\"\"\nP1,DISULFID,,1,4,\n";
const TSV: &str = "Entry\tBinding site\tGene Ontology IDs\tKeywords\tCofactor\tSubcellular location [CC]\n\
    P1\tBINDING 1..3; /ligand=\"ATP\"; /evidence=\"ECO:0000255|X\"; BINDING P1-2:5\tGO:0005524; GO:1\tATP-binding;Zinc\tCOFACTOR: Name=Zn(2+); Xref=ChEBI:CHEBI:29105;\tSUBCELLULAR LOCATION: Nucleus {ECO:0000250}. Note=x\n";
const DAT: &str = "ID   A_B   Reviewed;   5 AA.\nAC   P1; Q2;\nCC   -!- COFACTOR:\nCC       Name=Zn(2+); Xref=ChEBI:CHEBI:29105;\nDR   GO; GO:0005524; F:ATP binding; IDA:X.\n\
    DR   InterPro; IPR000001; Kringle.\nKW   ATP-binding {ECO:1}; Zinc.\nFT   BINDING         1..3\nFT                   /ligand=\"ATP\"\nFT                   /note=\"a-\nFT                   b\"\n\
    FT   HELIX         2      4       x (By similarity).\nSQ   SEQUENCE   5 AA;  600 MW;  0 CRC99;\n     MKTAY\n//\n";
const XML: &str = "<?xml version=\"1.0\"?>\n<uniprot xmlns=\"http://uniprot.org/uniprot\"><entry><accession>P1</accession><comment type=\"cofactor\"><cofactor evidence=\"1\"><name>Zn(2+)</name><dbReference type=\"ChEBI\" id=\"CHEBI:1\"/></cofactor></comment>\
    <dbReference type=\"GO\" id=\"GO:0005524\"><property type=\"evidence\" value=\"ECO:0000314\"/></dbReference><keyword id=\"KW-1\">x &amp; y</keyword>\
    <feature type=\"binding site\" description=\"a\" evidence=\"1 2\"><location><begin position=\"1\"/><end position=\"3\" status=\"greater than\"/></location><ligand><name>ATP</name></ligand></feature><evidence key=\"1\" type=\"ECO:0000255\"/></entry></uniprot>\n";
const UNIPROT_GFF: &str = "##gff-version 3\n##sequence-region P1 1 9\nP1\tUniProtKB\tBinding site\t1\t3\t.\t.\t.\tNote=ATP%3B x;evidence=ECO:0000255|X\t\n";
const IPR_TSV: &str = "P1\t5f2c601afbcadbe61bf0f50e3296ed5d\t126\tPfam\tPF00001\tx\t1\t9\t1E-9\tT\t01-01-2020\tIPR000001\tKringle\tGO:0005524(InterPro)|GO:1\t-\n";
const IPR_GFF: &str = "##gff-version 3\nP1\t.\tpolypeptide\t1\t126\t.\t+\t.\tID=P1;md5=5f2c601afbcadbe61bf0f50e3296ed5d\n\
    P1\tPfam\tprotein_match\t1\t9\t.\t+\t.\tName=PF00001;Ontology_term=\"GO:0005524\",\"GO:1\";Dbxref=\"InterPro:IPR000001\"\n##FASTA\n>P1\nMK\n";
const IPR_JSON: &str = "{\"interproscan-version\":\"6\",\"results\":[{\"sequence\":\"\",\"md5\":\"5f2c601afbcadbe61bf0f50e3296ed5d\",\"xref\":[{\"id\":\"P1\"}],\"matches\":[{\"signature\":{\"accession\":\"PF1\",\"entry\":{\"accession\":\"IPR000001\",\"name\":\"x\",\"description\":null,\"goXRefs\":[{\"id\":\"GO:0005524\"}]}},\"locations\":[{\"start\":1,\"end\":9}]}]}]}\n";
const IPR_XML: &str = "<protein-matches><protein><sequence md5=\"eb61eead90e3b899c6bcbe27ac581660\">HELLO</sequence><xref id=\"P1\"/><matches><m><signature ac=\"PF1\"><entry ac=\"IPR000001\" desc=\"d\"><go-xref id=\"GO:1\"/></entry></signature><locations><l start=\"1\" end=\"3\"/></locations></m></matches></protein></protein-matches>\n";
const P2I: &str = "P1\tIPR000001\tKringle\tPF00001\t1\t9\nP2\tIPR000002\tx\tPS00001\t3\t4\n";

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

const OBO: &str = "format-version: 1.2\nontology: x\ndate: 26:01:2015 15:00\n\n[Term]\nid: A:1\nname: a \\{b\nnamespace: n\nalt_id: A:9\nis_a: A:2 {x=\"y\"} ! c\n\
    intersection_of: A:2\nintersection_of: part_of A:3\nrelationship: part_of A:3\ndisjoint_from: A:4\n\n[Term]\nid: A:2\nis_obsolete: true\nreplaced_by: A:1\n\n[Typedef]\nid: part_of\nxref: BFO:0000050\nis_transitive: true\n";
const GRAPHS: &str = "{\"graphs\":[{\"id\":\"x\",\"nodes\":[{\"id\":\"http://purl.obolibrary.org/obo/A_1\",\"type\":\"CLASS\",\"lbl\":\"a\",\"meta\":{\"deprecated\":false}}],\"edges\":[{\"sub\":\"http://purl.obolibrary.org/obo/A_1\",\"pred\":\"is_a\",\"obj\":\"A_2\"}]}]}\n";

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
        let _ = cluster::read(changed("P1\tP1\nP1\tP2\n", &changes).as_slice(), str::to_owned);
        let _ = cluster::read(changed(">Cluster 0\n0\t9aa, >P1... *\n1\t8aa, >P2... at 99%\n", &changes).as_slice(), str::to_owned);
    }
}
