//! Entries, tree and GO mapping of `InterPro`; accessions of keywords.

use crate::support::{EXAMPLE, open, run, shared, stderr};
use protsae::annot::mappings::References;
use std::{fmt::Write, fs};

#[test]
fn real_lists_have_the_counts_of_their_releases() {
    let mut references = References::default();
    if let Some(file) = shared("interpro/entry.list.gz") {
        references.read_entries(open(&file)).unwrap();
        assert_eq!(references.entries.len(), 38_088);
        let families = references.entries.values().filter(|e| e.kind == "Family");
        assert_eq!(families.count(), 21_200);
    }
    if let Some(file) = shared("interpro/interpro2go.gz") {
        references.read_external2go(open(&file)).unwrap();
        assert_eq!(references.go.len(), 14_548);
        assert_eq!(references.go.values().map(Vec::len).sum::<usize>(), 30_205);
    }
    if let Some(file) = shared("interpro/pfam2go.gz") {
        let mut references = References::default();
        references.read_external2go(open(&file)).unwrap();
        assert_eq!(references.go.values().map(Vec::len).sum::<usize>(), 10_095);
    }
    if let Some(file) = shared("uniprot/vocab/keywlist.txt.gz") {
        references.read_keywords(open(&file)).unwrap();
        assert_eq!(references.keywords["3D-structure"], "KW-0002");
        assert!(references.keywords.len() > 1_100);
    }
}

#[test]
fn matches_propagate_along_the_tree_and_map_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let matches = file(
        "p2i.tsv",
        "P1\tIPR000002\tChild\tPF00001\t3\t9\nP2\tIPR000001\tRoot\tPS00001\t1\t5\nP1\tIPR000009\tOther\tPS00002\t1\t2\n",
    );
    let tree = file(
        "tree.txt",
        "IPR000001::Root::\n--IPR000002::Child::\n----IPR000003::Unseen::\n",
    );
    let entries = file(
        "entry.list",
        "ENTRY_AC\tENTRY_TYPE\tENTRY_NAME\nIPR000001\tDomain\tRoot domain\nIPR000002\tFamily\tChild family\n",
    );
    let go = file(
        "interpro2go",
        "!x\nInterPro:IPR000001 Root > GO:ATP binding ; GO:0005524\nPfam:PF00001 x > GO:zinc ion binding ; GO:0008270\n",
    );
    let (concepts, labels) = (
        folder.path().join("concepts.json"),
        folder.path().join("labels.arrow").display().to_string(),
    );
    let ontology = format!("{EXAMPLE}/go_mini.obo");
    let output = run(
        "protsae-concepts",
        &[
            "--ontology",
            &ontology,
            "--annotations",
            &matches,
            "--interpro-tree",
            &tree,
            "--interpro-entries",
            &entries,
            "--interpro2go",
            &go,
            "--min-count",
            "1",
            "--axioms",
            "module",
            "--concepts",
            &concepts.display().to_string(),
            "-o",
            &labels,
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(&concepts).unwrap()).unwrap();
    let concept = |id: &str| {
        let found = json["concepts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["id"] == id);
        found.unwrap_or_else(|| panic!("no concept {id}")).clone()
    };
    let (root, child) = (concept("InterPro:IPR000001"), concept("InterPro:IPR000002"));
    assert_eq!(
        (root["proteins"].as_u64(), root["residues"].as_u64()),
        (Some(2), Some(12))
    );
    assert_eq!(
        (root["name"].as_str(), root["namespace"].as_str()),
        (Some("Root domain"), Some("Domain"))
    );
    assert_eq!(child["parents"][0], root["index"]);
    assert_eq!(child["information_content"].as_f64(), Some(1.0));
    assert_eq!(concept("InterPro:IPR000009")["name"], "Other");
    assert_eq!(concept("GO:0008270")["proteins"], 1, "by Pfam");
    // the entry that the file names is mapped; what follows along the tree is not
    assert_eq!(concept("GO:0005524")["proteins"], 1);
    let edge = serde_json::json!([child["index"], root["index"]]);
    let nf1 = json["axioms"]["nf1"].as_array().unwrap();
    assert!(nf1.contains(&edge), "{nf1:?}");
    assert!(!json["zero_classes"].to_string().contains("IPR000003"));
}

#[test]
fn keywords_by_name_and_by_accession_are_one_concept() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let names = file("names.tsv", "Entry\tKeywords\nP1\t2Fe-2S;3D-structure\n");
    let ids = file("ids.tsv", "Entry\tKeyword ID\nP2\tKW-0001\n");
    let list = file(
        "keywlist.txt",
        "ID   2Fe-2S.\nAC   KW-0001\n//\nID   3D-structure.\nAC   KW-0002\n//\n",
    );
    let concepts = folder.path().join("concepts.json");
    let output = run(
        "protsae-concepts",
        &[
            "--annotations",
            &names,
            "--annotations",
            &ids,
            "--keyword-list",
            &list,
            "--min-count",
            "1",
            "--concepts",
            &concepts.display().to_string(),
            "-o",
            &folder.path().join("labels.arrow").display().to_string(),
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(&concepts).unwrap()).unwrap();
    let found: Vec<(&str, u64)> = json["concepts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["id"].as_str().unwrap(), c["proteins"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        found,
        [("UniProtKB-KW:KW-0001", 2), ("UniProtKB-KW:KW-0002", 1)]
    );
}

#[test]
fn a_mapping_of_eco_tells_which_evidence_is_experimental() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut gpad = String::from("!gpad-version: 2.0\n");
    for (protein, eco) in [
        ("P1", "ECO:0000314"),
        ("P2", "ECO:0005542"),
        ("P3", "ECO:0000265"),
        ("P4", "ECO:0007322"),
    ] {
        let rest = "\t\t\t2020-01-01\tX\t\t";
        writeln!(
            gpad,
            "UniProtKB:{protein}\t\tRO:0002327\tGO:0005524\tPMID:1\t{eco}{rest}"
        )
        .unwrap();
    }
    fs::write(path("x.gpad"), gpad).unwrap();
    fs::write(
        path("eco.txt"),
        "# derived\nECO:0005542\tIDA\t\nECO:0007322\tIEA\t\nECO:0000314\tIDA\tDefault\n",
    )
    .unwrap();
    // labels under a filter, without and with the mapping, and those that the filter only guesses at
    for (evidence, without, with) in [
        ("experimental", (1, 2), (2, 0)),
        ("curated", (3, 2), (2, 0)),
        ("IDA", (1, 2), (2, 0)),
        ("any", (4, 0), (4, 0)),
    ] {
        for (mapping, (labels, guessed)) in [(false, without), (true, with)] {
            let (metrics, table) = (path("metrics.json"), path("x_mqc.json"));
            let (annotations, eco) = (path("x.gpad"), path("eco.txt"));
            let (concepts, output) = (path("concepts.json"), path("labels.arrow"));
            let ontology = format!("{EXAMPLE}/go_mini.obo");
            let mut arguments = vec!["--ontology", &ontology, "--annotations", &annotations];
            arguments.extend(["--evidence", evidence, "--min-count", "1"]);
            arguments.extend(["--concepts", &concepts, "-o", &output]);
            arguments.extend(["--metrics", &metrics, "--multiqc", &table]);
            if mapping {
                arguments.extend(["--eco-mapping", &eco]);
            }
            let done = run("protsae-concepts", &arguments);
            assert!(done.status.success(), "{}", stderr(&done));
            let json = |path: &str| -> serde_json::Value {
                serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
            };
            let case = format!("{evidence}, with mapping: {mapping}");
            let input = &json(&metrics)["counts"]["inputs"][0];
            assert_eq!(input["kept"], labels, "{case}: {input}");
            assert_eq!(input["unknown_evidence"], guessed, "{case}: {input}");
            let row = &json(&table)["data"]["x.gpad"];
            assert_eq!(row["labels"], labels, "{case}: {row}");
            assert_eq!(
                stderr(&done).contains("--eco-mapping"),
                guessed > 0,
                "{case}"
            );
        }
    }
}
