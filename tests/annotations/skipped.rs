//! What `--on-bad skip` leaves of bad records, and of proteins whose positions an input counts along another sequence.

use crate::support::{run, skipping, stderr};
use protsae::annot::{
    collect::{Collector, DropReason, InputReport, Settings},
    evidence::EvidenceFilter,
    format,
    vocabulary::{Choice, Vocabulary},
};
use std::{fs, path::Path};

const SEQUENCE: &str = "MKTAYIAKQR";

/// Labels of P1 of which one lies past its end, and one of P2, in many formats: the proof stands between the others.
fn texts() -> Vec<(&'static str, String, u64)> {
    let md5 =
        |sequence: &str| protsae::hash::hex(&protsae::seq::checksum::md5(sequence.as_bytes()));
    let (p1, p2) = (md5(SEQUENCE), md5("MKV"));
    let scan = |protein: &str, md5: &str, length: u32, start: u32, end: u32| {
        format!(
            "{protein}\t{md5}\t{length}\tPfam\tPF1\tx\t{start}\t{end}\t1\tT\t01-01-2020\tIPR000001\tx\tGO:0000001\t-\n"
        )
    };
    let location = |start: u32, end: u32| format!("{{\"start\": {start}, \"end\": {end}}}");
    let result = |protein: &str, md5: &str, at: &str| {
        format!(
            "{{\"md5\": \"{md5}\", \"xref\": [{{\"id\": \"{protein}\"}}], \"matches\": [{{\"signature\": {{\"accession\": \
             \"x\", \"entry\": {{\"accession\": \"IPR000001\"}}}}, \"locations\": [{at}]}}]}}"
        )
    };
    vec![
        (
            "feature-csv",
            "protein,feature,start,end\nP1,DOMAIN,3,9\nP1,HELIX,120,300\nP2,HELIX,1,2\nP1,TURN,4,\n".to_owned(),
            1,
        ),
        (
            "uniprot-tsv",
            "Entry\tHelix\tKeywords\nP1\tHELIX 3..9; HELIX 120..300\tATP-binding\nP2\tHELIX 1..2\t\n".to_owned(),
            1,
        ),
        (
            "uniprot-gff",
            "##gff-version 3\nP1\tUniProtKB\tHelix\t3\t9\t.\t.\t.\t.\t\nP1\tUniProtKB\tHelix\t120\t300\t.\t.\t.\t.\t\n\
             P2\tUniProtKB\tHelix\t1\t2\t.\t.\t.\t.\t\nP1\tUniProtKB\tTurn\t4\t4\t.\t.\t.\t.\t\n"
                .to_owned(),
            1,
        ),
        (
            "uniprot-dat",
            "ID   A_B   Reviewed;   10 AA.\nAC   P1;\nDR   GO; GO:0000001; P:x; IDA:y.\nKW   ATP-binding.\n\
             FT   HELIX           3..9\nFT   HELIX           120..300\nFT   TURN            4\n//\n\
             ID   C_D   Reviewed;   3 AA.\nAC   P2;\nFT   HELIX           1..2\n//\n"
                .to_owned(),
            1,
        ),
        (
            "uniprot-xml",
            "<uniprot><entry><accession>P1</accession><keyword id=\"KW-0067\">ATP-binding</keyword>\
             <feature type=\"helix\"><location><begin position=\"3\"/><end position=\"9\"/></location></feature>\
             <feature type=\"helix\"><location><begin position=\"120\"/><end position=\"300\"/></location></feature></entry>\
             <entry><accession>P2</accession><feature type=\"helix\"><location><begin position=\"1\"/>\
             <end position=\"2\"/></location></feature></entry></uniprot>"
                .to_owned(),
            1,
        ),
        (
            "interproscan-tsv",
            scan("P1", &p1, 10, 3, 9) + &scan("P1", &p1, 10, 120, 300) + &scan("P2", &p2, 3, 1, 2)
                + &scan("P1", &p1, 10, 1, 2),
            2,
        ),
        // the MD5 of the last is that of another sequence
        (
            "interproscan-tsv",
            scan("P1", &p1, 10, 3, 9) + &scan("P2", &p2, 3, 1, 2) + &scan("P1", &md5("MKL"), 3, 1, 2),
            2,
        ),
        (
            "interproscan-gff",
            format!(
                "##gff-version 3\nP1\tPfam\tprotein_match\t3\t9\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n\
                 P2\tPfam\tprotein_match\t1\t2\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n\
                 P1\t.\tpolypeptide\t1\t12\t.\t+\t.\tID=P1;md5={p1}\n\
                 P1\tPfam\tprotein_match\t1\t2\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n"
            ),
            1,
        ),
        // a region of another length, and one of nucleotides
        (
            "interproscan-gff",
            "##gff-version 3\n##sequence-region n1 1 99\n##sequence-region P1 1 12\n\
             n1\t.\tnucleic_acid\t1\t99\t.\t+\t.\tID=n1\n\
             P1\tPfam\tprotein_match\t3\t9\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n\
             P1\tPfam\tprotein_match\t1\t2\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n\
             P2\tPfam\tprotein_match\t1\t2\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n"
                .to_owned(),
            1,
        ),
        (
            "interproscan-json",
            format!(
                "{{\"results\": [{}, {}, {}]}}",
                result("P1", &p1, &location(3, 9)),
                result("P1", &p1, &location(120, 300)),
                result("P2", &p2, &location(1, 2))
            ),
            1,
        ),
        (
            "protein2ipr",
            "P1\tIPR000001\tx\tPF1\t3\t9\nP2\tIPR000001\tx\tPF1\t1\t2\nP1\tIPR000001\tx\tPF1\t120\t300\n".to_owned(),
            1,
        ),
    ]
}

fn collector() -> Collector {
    let mut collector = Collector::new(skipping());
    collector.restrict_to_sequences();
    collector.add_sequence("P1", SEQUENCE.as_bytes());
    collector.add_sequence("P2", b"MKV");
    collector
}

/// What was counted without the input's name.
fn counts(report: &InputReport) -> (u64, u64, u64) {
    let dropped = |reason| report.dropped.get(&reason).copied().unwrap_or(0);
    let (bad, wrong) = (DropReason::Bad, DropReason::WrongNumbering);
    (report.kept, dropped(bad), dropped(wrong))
}

#[test]
fn one_label_past_the_end_takes_all_labels_of_its_protein_and_input_along() {
    for (name, text, of_the_other) in texts() {
        let mut collector = collector();
        let good = "protein,feature,start,end\nP1,STRAND,1,2\n";
        format::read(good.as_bytes(), None, "before", &mut collector).unwrap();
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
        format::read(good.as_bytes(), None, "after", &mut collector).unwrap();
        let [before, report, after] = &collector.reports[..] else {
            panic!("three inputs");
        };
        assert_eq!(report.format, name);
        let (kept, bad, wrong) = counts(report);
        assert_eq!((kept, bad), (of_the_other, 1), "{name}: {report:?}");
        // where everything stands in one record that is bad as a whole, nothing is left to take back
        assert!(wrong > 0, "{name}: {report:?}");
        assert_eq!(report.kept_by_kind.values().sum::<u64>(), kept, "{name}");
        assert_eq!((before.kept, after.kept), (1, 1), "{name}");
    }
}

/// Labels of the inputs, and what was counted of each, where nothing is known of sequences beforehand.
fn of_inputs(texts: &[&str], evidence: &str) -> Vec<InputReport> {
    let mut collector = Collector::new(Settings {
        evidence: evidence.parse().unwrap(),
        ..skipping()
    });
    for text in texts {
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
    }
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    let mut vocabulary = Vocabulary::new(collector, None, &choice).unwrap();
    let mut labels = 0;
    let counted = vocabulary.labels(|_| {
        labels += 1;
        Ok::<_, ()>(())
    });
    counted.unwrap();
    let inputs = vocabulary.inputs;
    assert_eq!(labels, inputs.iter().map(|input| input.kept).sum::<u64>());
    inputs
}

#[test]
fn the_length_may_come_from_an_input_that_follows() {
    let features = "protein,feature,start,end,evidence\nP1,HELIX,4,6,\nP1,HELIX,1,5,MADEUP\nP2,HELIX,4,6,\nP1,TURN,2,,\n";
    let dat = "ID   A_B   Reviewed;   5 AA.\nAC   P1;\nFT   HELIX           2..4\nSQ   SEQUENCE   5 AA;  600 MW;  0 CRC99;\n     MKTAY\n//\n";
    for (texts, place) in [([features, dat], 0), ([dat, features], 1)] {
        for evidence in ["any", "curated"] {
            let inputs = of_inputs(&texts, evidence);
            let report = &inputs[place];
            assert_eq!(counts(report), (1, 1, 2), "{report:?}");
            assert_eq!(report.unknown_evidence, 0, "{report:?}");
            let listed =
                "P1 has a label at residue 6, but its sequence has 5 residues by another input";
            if place == 0 {
                assert_eq!(report.bad, [listed]);
            }
            assert_eq!(report.without_evidence, u64::from(evidence == "curated"));
            assert_eq!(counts(&inputs[1 - place]), (1, 0, 0));
        }
    }
}

#[test]
fn a_bad_record_leaves_nothing_in_any_count() {
    let good = "Entry\tHelix\tKeywords\tGene Ontology (GO)\nP1\tHELIX 2\t\t\n";
    // an unknown isoform, uncertain positions and keywords stand before what is wrong
    let bad = "P9\tHELIX ?..3; HELIX P9-2:1..2; HELIX 1..2\tNever heard of\tnonsense\n";
    let load = |text: &str| {
        let mut collector = Collector::new(skipping());
        collector.keep_sequences();
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
        let report = collector.reports[0].clone();
        (collector, report)
    };
    let (collector, mut report) = load(&(good.to_owned() + bad));
    let (_, expected) = load(good);
    assert!(!collector.knows("P9") && collector.protein_count() == 1);
    assert_eq!(report.dropped.remove(&DropReason::Bad), Some(1));
    assert_eq!(report.bad.len(), 1);
    report.bad.clear();
    report.records -= 1;
    assert_eq!(report, expected);
    // what a bad record says of a sequence does not make others bad
    let rows =
        "Entry\tLength\tHelix\tGene Ontology (GO)\nP1\t5\tHELIX 2\tnonsense\nP1\t9\tHELIX 7\t\n";
    assert_eq!(counts(&load(rows).1), (1, 1, 0));
}

#[test]
fn a_protein_that_is_taken_back_was_not_found_by_another_name_either() {
    let mut collector = collector();
    let md5 = protsae::hash::hex(&protsae::seq::checksum::md5(SEQUENCE.as_bytes()));
    let row =
        |end| format!("other\t{md5}\t10\tPfam\tPF1\tx\t1\t{end}\t1\tT\t01-01-2020\tIPR000001\tx\n");
    format::read((row(4) + &row(11)).as_bytes(), None, "x", &mut collector).unwrap();
    let entry = "ID   A_B   Reviewed;   3 AA.\nAC   P0; P2;\nFT   HELIX           1..2\nFT   HELIX           1..9\n//\n";
    format::read(entry.as_bytes(), None, "y", &mut collector).unwrap();
    for report in &collector.reports {
        assert_eq!(counts(report), (0, 1, 1), "{report:?}");
        assert_eq!((report.by_sequence, report.by_secondary_accession), (0, 0));
    }
}

#[test]
fn an_entry_that_contradicts_itself_takes_its_protein_along_and_no_other() {
    let entry = |accessions: &str, says: u32| {
        format!(
            "ID   A_B   Reviewed;   5 AA.\nAC   {accessions}\nFT   HELIX           2..4\nKW   ATP-binding.\n\
             SQ   SEQUENCE   {says} AA;  600 MW;  0 CRC99;\n     MKTAY\n//\n"
        )
    };
    // X is another protein's name since the two were parted
    let text = entry("A; X;", 5) + &entry("X;", 5) + &entry("A; X;", 6);
    let mut collector = Collector::new(skipping());
    format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
    assert_eq!(counts(&collector.reports[0]), (2, 1, 2));
}

#[test]
fn a_curator_s_inference_of_a_feature_is_no_experiment_and_that_of_a_term_is() {
    let dat = "ID   A_B   STANDARD;      PRT;     9 AA.\nAC   P1;\nDR   GO; GO:0000001; P:x; IC:UniProtKB.\n\
        KW   ATP-binding {ECO:0000305}.\nCC   -!- SUBCELLULAR LOCATION: Cytoplasm (Probable).\n\
        FT   METAL         4      4       Zinc (Probable).\n//\n";
    let gpad = "!gpad-version: 2.0\nUniProtKB:P1\t\tRO:1\tGO:0000001\tR:1\tECO:0000305\t\t\t2020-01-01\tX\t\t\n";
    let csv = "protein,feature,start,end,evidence\nP1,HELIX,1,3,ECO:0000305\nP1,HELIX,4,5,IC\nP1,HELIX,6,7,EXP\n";
    for (text, experimental, curated) in [(dat, 1, 4), (gpad, 1, 1), (csv, 1, 3)] {
        for (evidence, kept) in [("experimental", experimental), ("curated", curated)] {
            let evidence: EvidenceFilter = evidence.parse().unwrap();
            let mut collector = Collector::new(Settings {
                evidence: evidence.clone(),
                ..Settings::default()
            });
            format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
            assert_eq!(collector.reports[0].kept, kept, "{evidence}: {text}");
        }
    }
}

fn quiet(folder: &Path, features: &str, fasta: &str) -> std::process::Output {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (features, fasta) = (write("f.csv", features), write("p.fasta", fasta));
    let concepts = folder.join("c.json").display().to_string();
    let labels = folder.join("l.arrow").display().to_string();
    run(
        "protsae-concepts",
        &[
            "-q",
            "--on-bad",
            "skip",
            "--annotations",
            &features,
            "--sequences",
            &fasta,
            "--concepts",
            &concepts,
            "-o",
            &labels,
        ],
    )
}

#[test]
fn where_all_records_are_bad_quiet_runs_say_so_too() {
    let folder = tempfile::tempdir().unwrap();
    let header = "protein,feature,start,end\n";
    let good = format!("{header}P1,HELIX,1,3\n");
    let output = quiet(folder.path(), &good, ">P1\nMKTAY\n>P1\nMK\n");
    assert!(
        output.status.success() && stderr(&output).is_empty(),
        "{}",
        stderr(&output)
    );
    let output = quiet(
        folder.path(),
        &format!("{header}P1,HELIX,1,9\n"),
        ">P1\nMKTAY\n",
    );
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("f.csv: none of its"),
        "{}",
        stderr(&output)
    );
    let output = quiet(folder.path(), &good, ">P1\nMK1\n>P2\n\n");
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("all 2 records are bad"),
        "{}",
        stderr(&output)
    );
}
