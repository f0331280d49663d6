//! Which protein a record means, and what counts as one instance of a concept.

use protsae::annot::{
    collect::{Collector, DropReason, InputReport, Settings},
    format,
    label::Label,
    vocabulary::{Choice, Terminology, Vocabulary},
};
use protsae::ontology::{
    graph::{Hierarchy, Relations},
    obo,
};

const ONTOLOGY: &str = "ontology: toy\n\n[Term]\nid: T:9\nnamespace: n\n\n[Term]\nid: T:1\nnamespace: n\nis_a: T:9\n\n[Term]\nid: T:2\nnamespace: n\nis_a: T:9\n";

/// Labels of texts of annotations, restricted to sequences where some are given.
fn labels(texts: &[&str], sequences: &[(&str, &str)]) -> (Vec<Label>, Vec<InputReport>, u64) {
    let ontology = obo::read(ONTOLOGY.as_bytes()).unwrap();
    let hierarchy = Hierarchy::new(&ontology, Relations::IsAPartOf).unwrap();
    let mut collector = Collector::new(Settings::default());
    if !sequences.is_empty() {
        collector.restrict_to_sequences();
    }
    for (protein, sequence) in sequences {
        collector.add_sequence(protein, sequence.as_bytes());
    }
    for text in texts {
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
    }
    let reports = collector.reports.clone();
    let terminology = Terminology {
        ontology: &ontology,
        hierarchy: &hierarchy,
    };
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    let mut vocabulary = Vocabulary::new(collector, Some(terminology), &choice).unwrap();
    let mut labels = Vec::new();
    vocabulary
        .labels(|label| {
            labels.push(Label::from(label));
            Ok::<(), ()>(())
        })
        .unwrap();
    (labels, reports, vocabulary.report.repeated)
}

fn gaf(product: &str, term: &str, form: &str) -> String {
    format!(
        "UniProtKB\t{product}\tS\t\t{term}\tR:1\tIDA\t\tP\t\t\tprotein\ttaxon:1\t20200101\tX\t\t{form}\n"
    )
}

fn gpad(id: &str, term: &str) -> String {
    format!("UniProtKB:{id}\t\tRO:1\t{term}\tR:1\tECO:0000314\t\t\t2020-01-01\tX\t\t\n")
}

fn proteins(labels: &[Label]) -> Vec<(&str, &str)> {
    labels
        .iter()
        .map(|label| (label.protein.as_str(), label.concept.as_str()))
        .collect()
}

#[test]
fn what_is_said_of_an_isoform_holds_for_the_product_in_gaf_and_gpad_alike() {
    let by_gaf = gaf("P12345", "T:1", "UniProtKB:P12345-2") + &gaf("P12345", "T:2", "");
    let by_gpad = gpad("P12345-2", "T:1") + &gpad("P12345:PRO_0000000001", "T:2");
    for (text, forms) in [(&by_gaf, 1), (&by_gpad, 2)] {
        let (all, reports, _) = labels(&[text], &[]);
        assert_eq!(proteins(&all), [("P12345", "T:1"), ("P12345", "T:2")]);
        assert_eq!(reports[0].of_forms, forms);
    }
}

#[test]
fn an_isoform_that_is_a_sequence_has_what_is_said_of_it() {
    let sequences = [("P12345", "MKTAY"), ("P12345-2", "MKY"), ("P12345-3", "MK")];
    let by_gaf = gaf("P12345", "T:1", "UniProtKB:P12345-2") + &gaf("P12345", "T:2", "");
    let by_gpad = gpad("P12345-2", "T:1") + &gpad("P12345", "T:2");
    for text in [&by_gaf, &by_gpad] {
        let (all, _, _) = labels(&[text], &sequences);
        assert_eq!(
            proteins(&all),
            [("P12345", "T:1"), ("P12345", "T:2"), ("P12345-2", "T:1")]
        );
        // of the isoform alone, where only that is asked for
        let (all, reports, _) = labels(&[text], &sequences[1..]);
        assert_eq!(proteins(&all), [("P12345-2", "T:1")]);
        assert_eq!(reports[0].dropped[&DropReason::OtherProtein], 1);
    }
}

#[test]
fn positions_along_an_isoform_are_left_out_and_counted() {
    let dat = "ID   A_B   Reviewed;   5 AA.\nAC   P12345;\nFT   VAR_SEQ         P12345-2:1..3\nFT   HELIX           2..4\nSQ   SEQUENCE   5 AA;  600 MW;  0 CRC99;\n     MKTAY\n//\n";
    let tsv = "Entry\tHelix\nP12345\tHELIX 2..4; HELIX P12345-2:1..3\n";
    let csv =
        "protein,feature,isoform_id,start,end\nP12345,HELIX,,2,4\nP12345,HELIX,P12345-2,1,3\n";
    for text in [dat, tsv, csv] {
        let (all, reports, _) = labels(&[text], &[]);
        assert_eq!(proteins(&all), [("P12345", "HELIX")], "{text}");
        assert_eq!(reports[0].dropped[&DropReason::Isoform], 1, "{text}");
    }
}

#[test]
fn matches_of_interproscan_find_their_sequence_under_another_name() {
    let md5 = protsae::hash::hex(&protsae::seq::checksum::md5(b"MKTAY"));
    let row = |id: &str| {
        format!("{id}\t{md5}\t5\tPfam\tPF00001\tx\t1\t4\t1\tT\t01-01-2020\tIPR000001\tKringle\n")
    };
    let (all, reports, _) = labels(&[&row("renamed")], &[("P12345-2", "MKTAY")]);
    assert_eq!(proteins(&all), [("P12345-2", "InterPro:IPR000001")]);
    assert_eq!(reports[0].by_sequence, 1);
    let (all, reports, _) = labels(&[&row("other")], &[("P12345-2", "MKTAV")]);
    assert!(all.is_empty());
    assert_eq!(reports[0].dropped[&DropReason::OtherProtein], 1);
}

#[test]
fn an_instance_is_a_place_and_every_place_is_kept() {
    let csv = "protein,feature,start,end,note,evidence\n\
        P1,DOMAIN,1,50,Sushi 1,ECO:0000255\nP1,DOMAIN,40,90,Sushi 2,\nP1,DOMAIN,40,90,Sushi 3,ECO:0000269\nP1,DOMAIN,10,20,Sushi,\n\
        P1,DISULFID,5,60,,\nP1,DISULFID,60,5,,\nP1,DISULFID,5,70,,\n";
    let (all, reports, repeated) = labels(&[csv], &[]);
    let found: Vec<_> = (all.iter())
        .map(|l| {
            (
                l.concept.as_str(),
                l.start.unwrap(),
                l.end.unwrap(),
                l.instance,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("DISULFID", 5, 5, 1),
            ("DISULFID", 60, 60, 1),
            ("DISULFID", 5, 5, 2),
            ("DISULFID", 70, 70, 2),
            ("DOMAIN:Sushi", 1, 50, 1),
            ("DOMAIN:Sushi", 10, 20, 2),
            ("DOMAIN:Sushi", 40, 90, 3),
        ]
    );
    // what repeats a place adds its evidence to it and is counted
    assert_eq!(all[6].evidence.as_deref(), Some("ECO:0000269"));
    assert_eq!((reports[0].kept, repeated), (7, 2));
}

#[test]
fn two_sources_of_one_place_are_two_instances() {
    let tsv = "P1\t5f2c601afbcadbe61bf0f50e3296ed5d\t126\tPfam\tPF00001\tx\t1\t9\t1E-9\tT\t01-01-2020\tIPR000001\tKringle\tT:1\t-\n";
    let (all, _, _) = labels(&[tsv, &gaf("P1", "T:1", "")], &[]);
    let found: Vec<_> = (all.iter())
        .map(|l| (l.concept.as_str(), l.instance, l.source.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("T:1", 1, "GO"),
            ("T:1", 2, "InterPro"),
            ("InterPro:IPR000001", 1, "InterPro")
        ]
    );
}

/// Reads texts without sequences, and makes a vocabulary: the error of either, or the number of labels of each input.
fn kept(texts: &[&str], skip_bad: bool) -> Result<Vec<u64>, String> {
    let mut collector = Collector::new(Settings {
        skip_bad,
        ..Settings::default()
    });
    for (text, name) in texts.iter().zip(["a", "b", "c"]) {
        format::read(text.as_bytes(), None, name, &mut collector).map_err(|e| e.to_string())?;
    }
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    let vocabulary = Vocabulary::new(collector, None, &choice).map_err(|e| e.to_string())?;
    Ok(vocabulary.inputs.iter().map(|input| input.kept).collect())
}

#[test]
fn inputs_must_agree_on_a_protein_in_whatever_order_they_come() {
    let dat = "ID   A_B   Reviewed;   5 AA.\nAC   P1;\nFT   HELIX           2..4\nSQ   SEQUENCE   5 AA;  600 MW;  0 CRC99;\n     MKTAY\n//\n";
    let longer = "Entry\tLength\tHelix\nP1\t6\tHELIX 2\n";
    let past_end = "protein,feature,start,end\nP1,HELIX,4,6\nP1,HELIX,1,5\n";
    for texts in [[dat, longer], [longer, dat]] {
        let error = kept(&texts, false).unwrap_err();
        assert!(
            error.contains("P1") && error.contains("earlier record"),
            "{error}"
        );
        assert_eq!(kept(&texts, true).unwrap(), [1, 0]);
    }
    // its other label is counted along that other sequence too
    for (texts, labels) in [([dat, past_end], [1, 0]), ([past_end, dat], [0, 1])] {
        let error = kept(&texts, false).unwrap_err();
        assert!(
            error.contains("P1") && error.contains("residue 6") && error.contains("5 residues"),
            "{error}"
        );
        assert_eq!(kept(&texts, true).unwrap(), labels);
    }
}

#[test]
fn all_proteins_of_one_sequence_have_what_is_said_of_it() {
    let md5 = protsae::hash::hex(&protsae::seq::checksum::md5(b"MKTAY"));
    let row =
        format!("UPI1\t{md5}\t5\tPfam\tPF00001\tx\t1\t4\t1\tT\t01-01-2020\tIPR000001\tKringle\n");
    let (all, reports, _) = labels(&[&row], &[("B", "MKTAY"), ("C", "MKV"), ("A", "MKTAY")]);
    assert_eq!(
        proteins(&all),
        [("A", "InterPro:IPR000001"), ("B", "InterPro:IPR000001")]
    );
    assert_eq!((reports[0].kept, reports[0].by_sequence), (2, 1));
}

#[test]
fn keywords_with_both_names_say_what_names_alone_mean() {
    let names = "Entry\tKeywords\nP1\tATP-binding; Unheard of\n";
    let xml = "<uniprot><entry><accession>P2</accession><keyword id=\"KW-0067\">ATP-binding</keyword></entry></uniprot>";
    for texts in [[names, xml], [xml, names]] {
        let (all, ..) = labels(&texts, &[]);
        assert_eq!(
            proteins(&all),
            [
                ("P1", "UniProtKB-KW:KW-0067"),
                ("P1", "UniProtKB-KW:Unheard of"),
                ("P2", "UniProtKB-KW:KW-0067"),
            ]
        );
    }
}

#[test]
fn goa_names_the_code_of_evidence_that_eco_says_in_detail() {
    let row = |eco: &str, code: &str| {
        format!(
            "!gpa-version: 1.1\nUniProtKB\tP1\tenables\tT:1\tR:1\t{eco}\t\t\t20200101\tX\t\t{code}\n"
        )
    };
    for (eco, code, experimental, curated) in [
        ("ECO:0005542", "go_evidence=IDA", 1, 1),
        ("ECO:0005542", "go_evidence=IEA", 0, 0),
        ("ECO:0000314", "", 1, 1),
        ("ECO:0000314", "id=2113431320", 1, 1),
    ] {
        for (filter, expected) in [("experimental", experimental), ("curated", curated)] {
            let mut collector = Collector::new(Settings {
                evidence: filter.parse().unwrap(),
                ..Settings::default()
            });
            format::read(row(eco, code).as_bytes(), None, "x", &mut collector).unwrap();
            assert_eq!(collector.reports[0].kept, expected, "{eco} {code} {filter}");
        }
    }
}
