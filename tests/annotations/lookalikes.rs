//! What looks like something else: missing values that are words, comments that begin like directives, bytes that are
//! no text.

use crate::support::skipping;
use protsae::annot::{
    collect::{Collector, DropReason, InputReport},
    format::{self, Format},
};

fn read(text: &[u8]) -> InputReport {
    let mut collector = Collector::new(skipping());
    format::read(text, None, "x", &mut collector).unwrap();
    collector.reports[0].clone()
}

#[test]
fn none_is_a_missing_value_in_every_format_of_interproscan() {
    let md5 = "5f2c601afbcadbe61bf0f50e3296ed5d";
    let row = |entry: &str, name: &str, terms: &str| {
        format!(
            "P1\t{md5}\t126\tPfam\tPF1\tNone\t1\t9\tNone\tT\t01-01-2020\t{entry}\t{name}\t{terms}\tNone\n"
        )
    };
    let tsv = row("None", "None", "None") + &row("IPR000001", "None", "None|GO:0000001");
    let line = |attributes: &str| format!("P1\tPfam\tprotein_match\t1\t9\t.\t+\t.\t{attributes}\n");
    let gff = "##gff-version 3\n".to_owned()
        + &line("Name=PF1;Ontology_term=\"None\";Dbxref=\"InterPro:None\"")
        + &line("Name=PF1;Ontology_term=\"GO:0000001\";InterPro=IPR000001");
    let entry = |accession: &str, term: &str| {
        format!(
            "{{\"signature\": {{\"accession\": null, \"entry\": {{\"accession\": {accession}, \"name\": null, \
             \"description\": \"None\", \"goXRefs\": [{{\"id\": {term}}}]}}}}, \"locations\": [{{\"start\": 1, \"end\": 9}}]}}"
        )
    };
    let json = format!(
        "{{\"results\": [{{\"md5\": \"{md5}\", \"sequence\": null, \"xref\": [{{\"id\": \"P1\"}}], \"matches\": [{}, {}, {}]}}]}}",
        entry("\"None\"", "\"None\""),
        entry("null", "null"),
        entry("\"IPR000001\"", "\"GO:0000001\"")
    );
    let matched = |accession: &str, term: &str| {
        format!(
            "<hmmer3-match><signature ac=\"None\"><entry ac=\"{accession}\" desc=\"None\"><go-xref id=\"{term}\"/></entry>\
             </signature><locations><hmmer3-location start=\"1\" end=\"3\"/></locations></hmmer3-match>"
        )
    };
    let xml = format!(
        "<protein-matches><protein><sequence md5=\"{}\">MKT</sequence><xref id=\"P1\"/><matches>{}{}</matches></protein>\
         </protein-matches>",
        protsae::hash::hex(&protsae::seq::checksum::md5(b"MKT")),
        matched("None", "None"),
        matched("IPR000001", "GO:0000001")
    );
    for (text, nothing) in [(tsv, 1), (gff, 1), (json, 2), (xml, 1)] {
        let report = read(text.as_bytes());
        assert_eq!(report.kept, 2, "{text}: {report:?}");
        let expected = [(DropReason::NoConcept, nothing)].into();
        assert_eq!(report.dropped, expected, "{text}");
    }
}

#[test]
fn a_comment_that_begins_like_a_directive_is_a_comment() {
    let line = |protein: &str| format!("{protein}\tUniProtKB\tHelix\t2\t4\t.\t.\t.\t.\t\n");
    let text = format!(
        "##gff-version 3\n##FASTAword\n##sequence-regions of all P1 1 3\n{}##FASTA-like: none\n{}##FASTA\n>x\nMK\n##gff-versions\n{}",
        line("P1"),
        line("P2"),
        line("P3")
    );
    let report = read(text.as_bytes());
    assert_eq!((report.kept, report.dropped.len()), (2, 0), "{report:?}");

    let entry = |line: &str| {
        format!("ID   A_B   Reviewed;   5 AA.\nAC   P1;\n{line}\nFT   HELIX           2..4\n//\n")
    };
    let text = entry("//www.example.org/")
        + &entry("CC   -!- COFACTORS AND OTHERS: Name=Zn(2+);")
        + &entry("CC   x");
    let report = read(text.replace("//\nID", "// \nID").as_bytes());
    assert_eq!((report.records, report.kept), (3, 3), "{report:?}");
}

#[test]
fn kinds_are_told_by_whole_words() {
    let sniff = |text: &str| Format::sniff(text.as_bytes());
    let gpad = "UniProtKB:P1\t\tRO:1\tGO:0000001\tR:1\tECO:0000314\t\t\t2020-01-01\tX\t\t\n";
    for (text, expected) in [
        (format!("!gaf-versions are many\n{gpad}"), Format::Gpad),
        ("!gaf-version: 2.2\n".to_owned(), Format::Gaf),
        ("!gpad-version: 2.0\n".to_owned(), Format::Gpad),
        (
            "<!-- <uniprot> -->\n<protein-matches/>".to_owned(),
            Format::InterproscanXml,
        ),
        (
            "<?xml version=\"1.0\"?>\n<uniprot xmlns=\"x\">".to_owned(),
            Format::UniprotXml,
        ),
    ] {
        assert_eq!(sniff(&text).unwrap(), Some(expected), "{text}");
    }
    for text in [
        "##gff-version3\n",
        "<uniprotlike>\n",
        "<!-- <uniprot> -->\n<other/>\n",
    ] {
        assert!(sniff(text).is_err(), "{text}");
    }
}

#[test]
fn ids_that_are_no_utf8_are_refused_in_every_format() {
    for (text, line) in [
        (&b"<uniprot>\n<entry><accession>P\xe91</accession><keyword id=\"KW-0067\">x</keyword></entry></uniprot>"[..], 2),
        (b"{\"results\":\n[{\"md5\": \"5f2c601afbcadbe61bf0f50e3296ed5d\", \"xref\": [{\"id\": \"P\xe91\"}]}]}", 2),
        (b"protein,feature,start,end\nP\xe91,HELIX,1,2\n", 2),
        (b"##gff-version 3\nP%E91\tUniProtKB\tHelix\t2\t4\t.\t.\t.\t.\t\n", 2),
        (b"Entry\tHelix\nP\xe91\tHELIX 2\n", 2),
    ] {
        let mut collector = Collector::new(protsae::annot::collect::Settings::default());
        let error = format::read(text, None, "x", &mut collector).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}")), "{error}");
        assert_eq!(collector.protein_count(), 0, "{error}");
    }
}

#[test]
fn a_result_without_an_id_is_no_protein_without_a_name() {
    let result = |id: &str| {
        format!(
            "{{\"results\": [{{\"md5\": \"5f2c601afbcadbe61bf0f50e3296ed5d\", \"xref\": [{{\"id\": {id}}}], \"matches\": \
             [{{\"signature\": {{\"entry\": {{\"accession\": \"IPR000001\"}}}}, \"locations\": [{{\"start\": 1, \"end\": 2}}]}}]}}]}}"
        )
    };
    assert_eq!(read(result("\"P1\"").as_bytes()).kept, 1);
    for id in ["null", "\"\""] {
        let report = read(result(id).as_bytes());
        assert_eq!(report.kept, 0, "{report:?}");
        assert!(report.bad[0].contains("without an id"), "{report:?}");
    }
}

#[test]
fn what_follows_the_name_of_an_isoform_in_old_xml_is_of_the_isoform() {
    let comment = |kind: &str, inside: &str| format!("<comment type=\"{kind}\">{inside}</comment>");
    let place = |inside: &str| format!("<subcellularLocation>{inside}</subcellularLocation>");
    let location = "subcellular location";
    let entry = [
        comment(location, &place("<location>Nucleus</location>")),
        comment(
            location,
            &(place("<location>Isoform 2: Cell membrane</location><topology>Single-pass membrane protein</topology>")
                + &place("<location>Cytoplasm</location>")),
        ),
        // a note says nothing of the others
        comment(location, &(place("<location>Secreted</location>") + "<text>Isoform 3: unknown.</text>")),
        comment("cofactor", "<text>Isoform 2: Binds 1 zinc ion.</text>"),
        comment("cofactor", "<text>Binds metals: 2.</text>"),
        comment("cofactor", "<cofactor><name>FAD</name></cofactor><text>Isoform 2: none.</text>"),
    ]
    .concat();
    let text = format!("<uniprot><entry><accession>P1</accession>{entry}</entry></uniprot>");
    let report = read(text.as_bytes());
    assert_eq!(report.kept, 3, "{report:?}");
    let expected = [(DropReason::OtherForm, 2), (DropReason::NoConcept, 1)].into();
    assert_eq!(report.dropped, expected);
}
