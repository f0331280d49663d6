//! XML, JSON, GFF and GPAD against the counts of independent readers.

use crate::support::{open, read, shared, skipping, text};
use protsae::annot::{
    collect::{Collector, DropReason, Settings},
    concept::ConceptKind,
    format::{self, Format},
    label::Label,
    vocabulary::{Choice, Vocabulary},
};
use std::collections::BTreeSet;

/// File, entries, features, GO references, `InterPro` references, keywords: as Biopython 1.88 counts them.
const UNIPROT_XML: &[(&str, [u64; 5])] = &[
    ("biopython/F2CXE6.xml", [1, 0, 2, 3, 3]),
    ("biopython/H2CNN8.xml", [1, 2, 1, 2, 2]),
    ("biopython/P62330.xml", [1, 33, 60, 5, 20]),
    ("biopython/P84001.xml", [1, 2, 1, 0, 4]),
    ("biopython/P97881.xml", [1, 21, 4, 2, 12]),
    ("biopython/Q13639.xml", [1, 26, 5, 3, 14]),
    ("biopython/R5HY77.xml", [1, 2, 2, 4, 5]),
    ("biopython/multi_ex.xml", [8, 170, 30, 25, 62]),
    // one feature with two ligands is two labels
    ("biopython/multiligand.xml", [1, 2, 0, 0, 0]),
    ("mzLib/O43653.xml", [1, 15, 8, 1, 11]),
    ("mzLib/P08709.xml", [1, 211, 0, 0, 0]),
    ("mzLib/disulfidetests.xml", [1, 8, 11, 4, 11]),
    ("mzLib/humanGAPDH.xml", [1, 122, 39, 6, 25]),
    ("mzLib/humanInsulin.xml", [1, 47, 0, 0, 14]),
    ("mzLib/modified_start.xml", [1, 44, 30, 4, 16]),
    ("mzLib/unknownStatus.xml", [1, 52, 4, 3, 10]),
    ("mzLib/xml.xml", [1, 43, 30, 4, 16]),
    ("mzLib/xml2.xml", [2, 47, 17, 11, 20]),
    // byte-order mark, no namespace, another root
    (
        "mzLib/UP000005640_reviewedproteinPruned.xml.gz",
        [948, 0, 0, 0, 0],
    ),
];

#[test]
fn uniprot_xml_has_the_counts_of_biopython() {
    for (path, expected) in UNIPROT_XML {
        let Some(file) = shared(&format!("uniprot/xml/{path}")) else {
            continue;
        };
        let (_, report) = read(&file, Settings::default()).unwrap();
        assert_eq!(report.format, "uniprot-xml", "{path}");
        let dropped: u64 = [DropReason::Isoform, DropReason::UncertainPosition]
            .iter()
            .filter_map(|reason| report.dropped.get(reason))
            .sum();
        let kept = |what| report.kept_by_kind.get(what).copied().unwrap_or(0);
        let found = [
            report.records,
            kept("feature, residue") + dropped,
            kept("go, protein"),
            kept("interpro, protein"),
            kept("keyword, protein"),
        ];
        assert_eq!(found, *expected, "{path}");
    }
}

/// All labels of what was read.
fn labels_of(collector: Collector) -> Vec<Label> {
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    let mut labels = Vec::new();
    let counted = Vocabulary::new(collector, None, &choice)
        .unwrap()
        .labels(|label| {
            labels.push(Label::from(label));
            Ok::<(), ()>(())
        });
    counted.unwrap();
    labels
}

#[test]
fn the_same_entries_say_the_same_in_flat_file_and_xml() {
    let (Some(flat), Some(xml)) = (
        shared("uniprot/dat/biopython/multi_ex.txt"),
        shared("uniprot/xml/biopython/multi_ex.xml"),
    ) else {
        return;
    };
    let load = |file| {
        let settings = Settings {
            kinds: vec![ConceptKind::Interpro, ConceptKind::Feature],
            ..Settings::default()
        };
        let (_, all) = read(file, Settings::default()).unwrap();
        let (collector, _) = read(file, settings).unwrap();
        let labels: BTreeSet<_> = (labels_of(collector).into_iter())
            .map(|label| {
                let place = (label.start, label.end, label.instance);
                (label.protein, label.concept, place)
            })
            .collect();
        (all, labels)
    };
    let ((flat, flat_labels), (xml, xml_labels)) = (load(&flat), load(&xml));
    assert_eq!(flat.kept_by_kind, xml.kept_by_kind);
    assert_eq!(flat.dropped, xml.dropped);
    let differ: Vec<_> = flat_labels.symmetric_difference(&xml_labels).collect();
    assert!(differ.is_empty() && flat_labels.len() > 200, "{differ:?}");
}

/// Before 2015 evidence was a remark in the flat file and a status elsewhere.
#[test]
fn remarks_of_old_releases_are_evidence_in_every_format() {
    let dat = "ID   A_B   STANDARD;      PRT;     9 AA.\nAC   P1;\nFT   COILED        1      3       Potential.\n\
        FT   METAL         4      4       Zinc (BY SIMILARITY).\nFT   DISULFID      5      9       By similarity.\n//\n";
    let xml = "<uniprot><entry><accession>P1</accession>\
        <feature type=\"coiled-coil region\" status=\"potential\"><location><begin position=\"1\"/><end position=\"3\"/></location></feature>\
        <feature type=\"metal ion-binding site\" description=\"Zinc\" status=\"by similarity\"><location><position position=\"4\"/></location></feature>\
        <feature type=\"disulfide bond\" status=\"by similarity\"><location><begin position=\"5\"/><end position=\"9\"/></location></feature>\
        </entry></uniprot>";
    let gff = "##gff-version 3\nP1\tUniProtKB\tCoiled coil\t1\t3\t.\t.\t.\tStatus=Potential\t\n\
        P1\tUniProtKB\tMetal binding\t4\t4\t.\t.\t.\tNote=Zinc;Status=By similarity\t\n\
        P1\tUniProtKB\tDisulfide bond\t5\t9\t.\t.\t.\tStatus=By similarity\t\n";
    for text in [dat, xml, gff] {
        let mut collector = Collector::new(Settings::default());
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
        let labels: BTreeSet<_> = (labels_of(collector).into_iter())
            .map(|label| (label.concept, label.evidence.unwrap_or_default()))
            .collect();
        let expected = [
            ("COILED", "ECO:0000255"),
            ("DISULFID", "ECO:0000250"),
            ("METAL:Zinc", "ECO:0000250"),
        ];
        let expected = expected.map(|(concept, eco)| (concept.to_owned(), eco.to_owned()));
        assert_eq!(labels, expected.into(), "{text}");
        let mut collector = Collector::new(Settings {
            evidence: "experimental".parse().unwrap(),
            ..Settings::default()
        });
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
        assert_eq!(collector.reports[0].kept, 0, "{text}");
    }
}

#[test]
fn features_without_evidence_pass_every_filter_and_are_counted() {
    let csv = "protein,feature,start,end,evidence\nP1,HELIX,1,3,\nP1,HELIX,5,7,ECO:0000255\nP1,HELIX,8,9,ECO:0000269\n";
    for (filter, kept, without) in [("any", 3, 0), ("experimental", 2, 1)] {
        let mut collector = Collector::new(Settings {
            evidence: filter.parse().unwrap(),
            ..Settings::default()
        });
        format::read(csv.as_bytes(), None, "x", &mut collector).unwrap();
        let report = &collector.reports[0];
        assert_eq!(
            (report.kept, report.without_evidence),
            (kept, without),
            "{filter}"
        );
    }
}

#[test]
fn lines_that_are_no_utf8_are_bad_records() {
    let row = "D\tP1\tS\t\tGO:0005524\tR:1\tIDA\t\tP\tNAME\t\tprotein\ttaxon:1\t20200101\tX\n";
    let entry =
        "ID   A_B   Reviewed;   5 AA.\nAC   P1;\nDE   NAME\nFT   HELIX           2..4\n//\n";
    let table =
        "Entry\tProtein names\tHelix\nP1\tNAME\tHELIX 2\nP2\tNAME\tHELIX 2\nP3\tNAME\tHELIX 3\n";
    for (text, line) in [
        (row.repeat(3), 2),
        (entry.repeat(3), 8),
        (table.to_owned(), 3),
    ] {
        let place = text.match_indices("NAME").nth(1).unwrap().0;
        let mut bytes = text.into_bytes();
        bytes[place] = 0xe9;
        let mut collector = Collector::new(Settings::default());
        let error = format::read(bytes.as_slice(), None, "x", &mut collector).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(&format!("line {line}")) && error.contains("UTF-8"),
            "{error}"
        );
        let mut collector = Collector::new(skipping());
        format::read(bytes.as_slice(), None, "x", &mut collector).unwrap();
        let report = &collector.reports[0];
        assert_eq!((report.records, report.kept), (3, 2), "{report:?}");
        assert_eq!(report.dropped, [(DropReason::Bad, 1)].into());
    }
}

/// File, format, records, labels of entries (each fragment of a discontinuous domain), labels of GO terms (those of the
/// signature too): as a second reader counts them (Python's json and xml.etree, a regular expression for GFF).
const INTERPROSCAN: &[(&str, &str, [u64; 3])] = &[
    (
        "iprscan6_expected/expected_output.xml",
        "interproscan-xml",
        [12, 0, 0],
    ),
    (
        "iprscan6_expected/expected_output_nt.xml",
        "interproscan-xml",
        [40, 4, 0],
    ),
    (
        "iprscan6_expected/expected_output_prosite_profiles.xml",
        "interproscan-xml",
        [11, 11, 15],
    ),
    (
        "iprscan5/test_convert_mode.xml",
        "interproscan-xml",
        [5, 19, 12],
    ),
    (
        "iprscan5/test_nt_seqs_convert_mode.xml",
        "interproscan-xml",
        [55, 55, 41],
    ),
    (
        "iprscan5/test_proteins_convert_mode.xml",
        "interproscan-xml",
        [6, 64, 43],
    ),
    (
        "iprscan6_expected/expected_output.json.gz",
        "interproscan-json",
        [12, 113, 76],
    ),
    (
        "iprscan6_expected/expected_output_representative.json.gz",
        "interproscan-json",
        [12, 42, 41],
    ),
    (
        "iprscan6_acinetobacter/test.faa.gff3.gz",
        "interproscan-gff",
        [10_844, 6_434, 6_508],
    ),
    (
        "iprscan6_acinetobacter/test.faa.early.gff3.gz",
        "interproscan-gff",
        [10_844, 6_434, 6_508],
    ),
    // genomic features and proteins, FASTA at the end
    (
        "sanger_wrapper/expected_merged_proteins.gff",
        "interproscan-gff",
        [20, 17, 27],
    ),
    ("protein2ipr_sample.tsv", "protein2ipr", [10, 10, 0]),
];

#[test]
fn interproscan_files_have_the_counts_of_a_second_reader() {
    for (path, format, expected) in INTERPROSCAN {
        let Some(file) = shared(&format!("interpro/{path}")) else {
            continue;
        };
        let (_, report) = read(&file, Settings::default()).unwrap();
        assert_eq!(report.format, *format, "{path}");
        let kept = |what| report.kept_by_kind.get(what).copied().unwrap_or(0);
        let found = [
            report.records,
            kept("interpro, residue"),
            kept("go, protein"),
        ];
        assert_eq!(found, *expected, "{path}");
    }
}

/// Everything in `InterProScan`'s files fits the sequences that it ran on: ids, lengths and MD5.
#[test]
fn interproscan_files_fit_their_sequences() {
    let (Some(fasta), Some(tsv)) = (
        shared("interpro/iprscan6_acinetobacter/test.faa.gz"),
        shared("interpro/iprscan6_acinetobacter/test.faa.tsv.gz"),
    ) else {
        return;
    };
    let mut collector = Collector::new(Settings::default());
    collector.restrict_to_sequences();
    for protein in protsae::seq::fasta::Reader::new(open(&fasta), false) {
        let protein = protein.unwrap();
        collector.add_sequence(&protein.accession, &protein.sequence);
    }
    assert_eq!(collector.protein_count(), 1_027);
    format::read(open(&tsv), None, "tsv", &mut collector).unwrap();
    assert_eq!(collector.reports[0].kept, 14_221);
    // one id is changed: its matches are found by sequence; one MD5 is: that is an error
    let rows = text(&tsv);
    let renamed = rows.replace("tr|A0A009GZB7|A0A009GZB7_9GAMM", "other");
    format::read(renamed.as_bytes(), None, "renamed", &mut collector).unwrap();
    assert_eq!(collector.reports[1].kept, 14_221);
    assert!(collector.reports[1].by_sequence > 0);
    let changed = rows.replacen("C9213649DF61783334D847497F629317", &"0".repeat(32), 1);
    let error = format::read(changed.as_bytes(), None, "changed", &mut collector).unwrap_err();
    assert!(error.to_string().contains("MD5"), "{error}");
}

#[test]
fn uniprot_gff_is_read_with_and_without_header() {
    for (path, records) in [
        ("biopython/multi_ex.gff", 140),
        ("uniprot-core/core-P21802.gff", 0),
        ("uniprot-core/core-Q8IWB6.gff", 0),
    ] {
        let Some(file) = shared(&format!("uniprot/dat/{path}")) else {
            continue;
        };
        let lines = text(&file);
        let features = lines
            .lines()
            .filter(|line| line.split('\t').nth(1) == Some("UniProtKB"))
            .count() as u64;
        assert!(records == 0 || records == features);
        let (_, report) = read(&file, Settings::default()).unwrap();
        assert_eq!(report.format, "uniprot-gff", "{path}");
        let uncertain = report.dropped.values().sum::<u64>();
        assert_eq!(report.kept + uncertain, features, "{path}: {report:?}");
    }
}

#[test]
fn gff_of_genes_is_no_annotation_of_proteins() {
    let genes = "##gff-version 3\n##sequence-region chr1 1 15000\n\
        chr1\tProdigal\tCDS\t172\t1131\t.\t-\t0\tID=g1;Ontology_term=\"GO:0005576\"\n##FASTA\n>InterPro\nACGT\n";
    let mut collector = Collector::new(Settings::default());
    let error = format::read(genes.as_bytes(), None, "x", &mut collector).unwrap_err();
    assert!(error.to_string().contains("--annotation-format"), "{error}");
    // a run that found nothing
    let empty = "##gff-version 3\n##FASTA\n>P1\nMKT\n";
    let format = format::read(empty.as_bytes(), None, "x", &mut collector).unwrap();
    assert_eq!(format, Some(Format::InterproscanGff));
    if let Some(file) = shared("interpro/sanger_wrapper/expected.go.gff") {
        assert!(read(&file, Settings::default()).is_err());
    }
}

#[test]
fn gpad_of_three_versions() {
    for (path, records) in [
        ("ontobio/single_relation.gpad", 1),
        ("ontobio/truncated-pombase.gpad", 1_984),
        ("biopython/goa_yeast.gpa.59.gpa", 300),
    ] {
        let Some(file) = shared(&format!("gaf/{path}")) else {
            continue;
        };
        let negated = text(&file)
            .lines()
            .filter(|line| !line.starts_with('!') && line.contains("NOT|"))
            .count() as u64;
        let (_, report) = read(&file, Settings::default()).unwrap();
        assert_eq!(
            (report.format.as_str(), report.records),
            ("gpad", records),
            "{path}"
        );
        assert_eq!(report.kept, records - negated, "{path}");
    }
    // four rows have 13 or 14 columns
    if let Some(file) = shared("gaf/ontobio/mgi.test.gpad") {
        assert!(read(&file, Settings::default()).is_err());
        let (_, report) = read(&file, skipping()).unwrap();
        assert_eq!((report.records, report.dropped[&DropReason::Bad]), (231, 4));
    }
    let version2 = "!gpad-version: 2.0\nUniProtKB:P1\tNOT\tRO:0002327\tGO:0005524\tPMID:1\tECO:0000314\t\t\t2020-01-01\tX\t\t\n\
        UniProtKB:P1\t\tRO:0002327\tGO:0005524\tPMID:1\tECO:0000314\t\t\t2020-01-01\tX\t\t\n";
    let mut collector = Collector::new(Settings {
        evidence: "IDA".parse().unwrap(),
        ..Settings::default()
    });
    let format = format::read(version2.as_bytes(), None, "2.0", &mut collector).unwrap();
    assert_eq!(format, Some(Format::Gpad));
    let report = &collector.reports[0];
    assert_eq!((report.kept, report.dropped[&DropReason::Negated]), (1, 1));
}

#[test]
fn json_may_have_a_result_a_line_and_must_not_be_cut_off() {
    let Some(file) = shared("interpro/iprscan6_expected/expected_output.json.gz") else {
        return;
    };
    let document = text(&file);
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    let results = value["results"].as_array().unwrap();
    let lines: Vec<String> = results.iter().map(ToString::to_string).collect();
    let load = |text: &str| {
        let mut collector = Collector::new(Settings::default());
        format::read(text.as_bytes(), None, "x", &mut collector)
            .map(|_| collector.reports[0].clone())
    };
    let report = load(&lines.join("\n")).unwrap();
    assert_eq!((report.records, report.kept), (12, 189));
    for cut in [document.len() - 3, document.len() / 2, 20] {
        assert!(load(&document[..cut]).is_err(), "{cut}");
    }
    let wrong = document.replacen("\"MSKIGKSIRL", "\"MSKIGKSIRV", 1);
    assert!(load(&wrong).unwrap_err().to_string().contains("MD5"));
}

#[test]
fn json_of_nucleotides_has_the_proteins_of_its_reading_frames() {
    let sequence = "MKTAYIAK";
    let md5 = protsae::hash::hex(&protsae::seq::checksum::md5(sequence.as_bytes()));
    let text = format!(
        "\u{feff}{{\"results\": [{{\"sequence\": \"ACGT\", \"md5\": \"x\", \"crossReferences\": [], \"openReadingFrames\": [\
         {{\"start\": 1, \"protein\": {{\"sequence\": \"{sequence}\", \"md5\": \"{md5}\", \"xref\": [{{\"id\": \"orf1\"}}], \
         \"matches\": [{{\"signature\": {{\"accession\": \"PTHR1\", \"entry\": null}}, \"locations\": [], \
         \"goXRefs\": [{{\"id\": \"GO:0005524\"}}]}}, {{\"signature\": {{\"accession\": \"x\"}}, \"goXRefs\": null, \
         \"locations\": [{{\"start\": 1, \"end\": 2, \"location-fragments\": null}}]}}], \"openReadingFrames\": null}}}}]}}]}}"
    );
    let mut collector = Collector::new(Settings::default());
    format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
    let report = &collector.reports[0];
    assert_eq!((report.records, report.kept), (1, 1), "{report:?}");
    assert_eq!(report.kept_by_kind["go, protein"], 1);
    assert_eq!(report.dropped, [(DropReason::NoConcept, 1)].into());
}

#[test]
fn gff_of_several_runs_is_read_to_its_end() {
    let run = |protein: &str| {
        format!(
            "##gff-version 3\n{protein}\tPfam\tprotein_match\t2\t4\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n\
             ##FASTA\n>{protein}\nMKTAYIAK\n"
        )
    };
    let mut collector = Collector::new(Settings::default());
    let text = run("P1") + &run("P2");
    format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
    assert_eq!(collector.reports[0].kept, 2);
    assert_eq!(collector.protein_count(), 2);
}

#[test]
fn broken_xml_is_refused() {
    for path in ["uniprot-core/A0A6A5BR32.xml", "uniprot-core/A0A8C6XQ33.xml"] {
        let Some(file) = shared(&format!("uniprot/xml/{path}")) else {
            continue;
        };
        let error = read(&file, Settings::default()).unwrap_err().to_string();
        assert!(error.contains("CRC64"), "{path}: {error}");
        let (_, report) = read(&file, skipping()).unwrap();
        assert_eq!(report.dropped[&DropReason::Bad], 1);
    }
    for path in [
        "uniprot/xml/biopython/UniRef90_P99999.xml",
        "interpro/bioperl/interpro_sample.xml",
    ] {
        let Some(file) = shared(path) else {
            continue;
        };
        let error = read(&file, Settings::default()).unwrap_err().to_string();
        assert!(error.contains("--annotation-format"), "{path}: {error}");
    }
    let Some(file) = shared("uniprot/xml/biopython/P84001.xml") else {
        return;
    };
    let document = text(&file);
    let mut collector = Collector::new(skipping());
    let cut = &document[..document.len() - 100];
    assert!(format::read(cut.as_bytes(), None, "x", &mut collector).is_err());
}
