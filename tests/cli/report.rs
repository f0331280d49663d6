//! The page of a model and its annotations: what is in it, what is refused, and that what comes from files is text.

use crate::{
    arguments,
    fixture::{Fixture, plm, run, succeed},
    ranges::{path as calibrated, with_neighbours},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

/// Options of a page of all that the fixture has, with features that are calibrated by a dictionary.
fn whole(input: &Path) -> Vec<String> {
    let fixture = Fixture::get();
    arguments![
        "-i",
        input,
        "-m",
        fixture.path("model"),
        "--dictionary",
        calibrated("dictionary.json"),
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json"),
        "--split",
        fixture.path("split.tsv"),
        "--min-precision",
        "0.2"
    ]
}

/// The page that a run writes to standard output.
fn page(arguments: &[String]) -> String {
    String::from_utf8(succeed("protsae-report", arguments).stdout).unwrap()
}

/// The data in a page.
fn data(page: &str) -> Value {
    serde_json::from_str(protsae::report::page::data_in(page).unwrap()).unwrap()
}

fn strings<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item[key].as_str().unwrap()).collect()
}

#[test]
fn a_page_holds_every_concept_and_the_proteins_of_its_examples() {
    let text = page(&whole(&calibrated("proteins.arrow")));
    let data = data(&text);
    let concepts = data["concepts"].as_array().unwrap();
    let vocabulary: Value =
        serde_json::from_slice(&fs::read(Fixture::get().path("concepts.json")).unwrap()).unwrap();
    let ids = strings(&vocabulary["concepts"], "id");
    assert_eq!(strings(&data["concepts"], "id"), ids);
    let proteins: BTreeSet<&str> = strings(&data["proteins"], "id").into_iter().collect();
    let mut kinds = BTreeSet::new();
    for (concept, index) in concepts.iter().zip(0..) {
        for example in concept["examples"].as_array().unwrap() {
            let protein = example["protein"].as_str().unwrap();
            assert!(proteins.contains(protein), "{example}");
            kinds.insert(example["kind"].as_str().unwrap());
            let shown = data["proteins"].as_array().unwrap().iter();
            let shown = shown.filter(|p| p["id"] == protein).collect::<Vec<_>>();
            assert!(shown[0]["tracks"].get(index.to_string()).is_some());
        }
    }
    assert!(
        kinds.contains("right") && kinds.contains("missed"),
        "{kinds:?}"
    );
    let written: u64 = concepts.iter().filter_map(|c| c["written"].as_u64()).sum();
    assert!(written > 0);
    let file = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    fs::write(file.path(), &text).unwrap();
    let checked = succeed("protsae-schema", &arguments!["check", file.path()]).stdout;
    assert!(String::from_utf8_lossy(&checked).contains("\treport/1"));
}

#[test]
fn activations_give_the_page_of_their_features() {
    let of_features = page(&whole(&calibrated("proteins.arrow")));
    let activations = Fixture::get().path("proteins.activations.arrow");
    assert!(page(&whole(&activations)) == of_features);
}

#[test]
fn ranges_are_those_that_annotate_writes() {
    let data = data(&page(&whole(&calibrated("proteins.arrow"))));
    let all = arguments![
        "-i",
        calibrated("proteins.arrow"),
        "--dictionary",
        calibrated("dictionary.json"),
        "--min-precision",
        "0.2",
        "--format",
        "tsv"
    ];
    let table = String::from_utf8(succeed("protsae-annotate", &all).stdout).unwrap();
    let of_annotate: BTreeSet<(String, String, String)> = (table.lines().skip(1))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            (fields[0].into(), fields[4].into(), fields[1].into())
        })
        .collect();
    let mut of_page = 0;
    for protein in data["proteins"].as_array().unwrap() {
        for range in protein["ranges"].as_array().unwrap() {
            if range[4] == 0 {
                continue;
            }
            let concept = &data["concepts"][range[0].as_u64().unwrap() as usize]["id"];
            let [id, concept] = [&protein["id"], concept].map(|v| v.as_str().unwrap().to_owned());
            assert!(
                of_annotate.contains(&(id, concept, range[1].to_string())),
                "{range}"
            );
            of_page += 1;
        }
    }
    assert!(of_page > 0);
}

#[test]
fn calls_have_the_neighbours_that_corroborate_them() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let [dictionary, means] = with_neighbours(folder.path());
    let proteins = folder.path().join("proteins.arrow");
    let features = folder.path().join("features.arrow");
    let encode = arguments![
        "-i",
        fixture.path("proteins.activations.arrow"),
        "-m",
        fixture.path("model"),
        "--dictionary",
        dictionary,
        "--neighbours",
        means,
        "--proteins",
        proteins,
        "-o",
        features
    ];
    succeed("protsae-encode", &encode);
    let all = arguments![
        "-i",
        features,
        "-m",
        fixture.path("model"),
        "--dictionary",
        dictionary,
        "--proteins",
        proteins,
        "--min-precision",
        "0.1"
    ];
    let data = data(&page(&all));
    let proteins = data["proteins"].as_array().unwrap().iter();
    let calls = proteins.flat_map(|p| p["calls"].as_array().unwrap());
    let donors: Vec<f64> = calls
        .filter_map(|call| call["donor_score"].as_f64())
        .collect();
    assert!(!donors.is_empty() && donors.iter().all(|d| (0.0..=1.0).contains(d)));
}

#[test]
fn what_the_page_cannot_show_it_says() {
    let model = Fixture::get().path("model");
    let text = page(&arguments!["-m", model]);
    for option in [
        "--dictionary",
        "-i with features",
        "--labels",
        "--scores",
        "--missing",
    ] {
        assert!(text.contains(option), "{option}");
    }
    assert_eq!(data(&text)["proteins"].as_array().unwrap().len(), 0);
}

#[test]
fn a_smaller_page_has_fewer_examples() {
    let mut all = whole(&calibrated("proteins.arrow"));
    let whole = page(&all);
    let megabytes = 0.8 * whole.len() as f64 / 1e6;
    all.extend(arguments!["--max-mb", megabytes.to_string()]);
    let output = succeed("protsae-report", &all);
    assert!((output.stdout.len() as f64) < megabytes * 1e6);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("--max-mb"), "{stderr}");
}

#[test]
fn names_in_files_are_text_and_listed_proteins_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let evil = "P</script><script>alert(1)</script>";
    fs::write(
        path("evil.fasta"),
        format!(">{evil}\nMKTAYIAKQRQISFVKSHFSRQ\n"),
    )
    .unwrap();
    let activations = path("evil.arrow");
    let embed = arguments![
        "-i",
        path("evil.fasta"),
        "-m",
        plm(),
        "--layer",
        "3",
        "-o",
        activations
    ];
    succeed("protsae-embed", &embed);
    fs::write(path("list.txt"), format!("{evil}\nQ00000\n")).unwrap();
    let mut all = arguments!["-i", activations, "-m", Fixture::get().path("model")];
    all.extend(arguments!["--proteins-listed", path("list.txt")]);
    let output = succeed("protsae-report", &all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("Q00000"), "{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("<script>alert"));
    assert_eq!(strings(&data(&text)["proteins"], "id"), [evil]);
}

#[test]
fn what_is_of_another_model_is_refused() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let status = |all: &[String]| {
        let output = run("protsae-report", all);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), stderr)
    };
    let (code, stderr) = status(&whole(&fixture.path("proteins.features.arrow")));
    assert!(
        code == Some(3) && stderr.contains("not calibrated"),
        "{stderr}"
    );
    let changed = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let dictionary = fs::read_to_string(calibrated("dictionary.json")).unwrap();
    let at = dictionary.find("\"sha256\": \"").unwrap() + 11;
    let mut other = dictionary;
    other.replace_range(at..at + 8, "00000000");
    let other = changed("other.json", other);
    let model = fixture.path("model");
    let (code, stderr) = status(&arguments!["-m", model, "--dictionary", other]);
    assert!(code == Some(3) && stderr.contains("other.json"), "{stderr}");
    let scores = changed("scores.json", "{\"format\": \"metrics/1\"}".into());
    let (code, stderr) = status(&arguments!["-m", model, "--scores", scores]);
    assert!(
        code == Some(1) && stderr.contains("scores.json"),
        "{stderr}"
    );
    let rows = changed("missing.tsv", "protein\tconcept\n".into());
    let (code, stderr) = status(&arguments!["-m", model, "--missing", rows]);
    assert!(
        code == Some(1) && stderr.contains("missing.tsv"),
        "{stderr}"
    );
}

/// A protein that a page shows, and the folder of a structure of it: a straight chain.
fn structure(folder: &Path) -> (String, String) {
    let data = data(&page(&whole(&calibrated("proteins.arrow"))));
    let proteins = data["proteins"].as_array().unwrap().iter();
    let mut written = proteins.filter(|protein| {
        let ranges = protein["ranges"].as_array().unwrap();
        ranges.iter().any(|range| range[4] == 1)
    });
    let protein = written.next().unwrap();
    let [id, sequence] = ["id", "sequence"].map(|key| protein[key].as_str().unwrap().to_owned());
    let name = |letter: u8| match letter {
        b'A' => "ALA",
        b'C' => "CYS",
        b'D' => "ASP",
        b'E' => "GLU",
        b'F' => "PHE",
        b'G' => "GLY",
        b'H' => "HIS",
        b'I' => "ILE",
        b'K' => "LYS",
        b'L' => "LEU",
        b'M' => "MET",
        b'N' => "ASN",
        b'P' => "PRO",
        b'Q' => "GLN",
        b'R' => "ARG",
        b'S' => "SER",
        b'T' => "THR",
        b'V' => "VAL",
        b'W' => "TRP",
        b'Y' => "TYR",
        _ => "UNK",
    };
    let atom = |(letter, i): (u8, usize)| {
        let (residue, x) = (name(letter), 3.8 * i as f64);
        format!(
            "ATOM  {i:>5}  CA  {residue} A{i:>4}    {x:8.3}   1.000   2.000  1.00 90.00           C  \n"
        )
    };
    let atoms: String = sequence.bytes().zip(1..).map(atom).collect();
    let file = folder.join(format!("AF-{id}-F1-model_v4.pdb"));
    fs::write(file, atoms + "END\n").unwrap();
    (id, sequence)
}

#[test]
fn structures_are_drawn_and_written_with_the_values_of_concepts() {
    let folder = tempfile::tempdir().unwrap();
    let (given, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&given).unwrap();
    let (id, sequence) = structure(&given);
    let mut all = whole(&calibrated("proteins.arrow"));
    all.extend(arguments!["--structures", given]);
    let with_out = [all.clone(), arguments!["--structures-out", out]].concat();
    let data = data(&page(&with_out));
    let proteins = data["proteins"].as_array().unwrap();
    let drawn = proteins.iter().filter(|p| p.get("structure").is_some());
    let drawn: Vec<&Value> = drawn.collect();
    assert_eq!((drawn.len(), drawn[0]["id"].as_str()), (1, Some(&*id)));
    let ca = drawn[0]["structure"]["ca"].as_str().unwrap();
    assert_eq!(ca.len(), 8 * sequence.len(), "eight characters a residue");
    let names: BTreeSet<String> = (fs::read_dir(&out).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for suffix in [".pdb", ".mvsj", ".mvsx"] {
        let of_suffix = names.iter().filter(|name| name.ends_with(suffix)).count();
        assert!(of_suffix > 0 && 3 * of_suffix == names.len(), "{names:?}");
    }
    // a second run replaces what the first wrote, and no folder of others
    assert!(page(&with_out).len() > 1000);
    let onto_input = [all.clone(), arguments!["--structures-out", given]].concat();
    assert_eq!(run("protsae-report", &onto_input).status.code(), Some(2));
    // a structure of another protein is left out, and said
    let other = given.join("other.pdb");
    fs::rename(given.join(format!("AF-{id}-F1-model_v4.pdb")), &other).unwrap();
    let others = proteins.iter().map(|p| p["id"].as_str().unwrap());
    let wrong = others.into_iter().find(|other| *other != id).unwrap();
    fs::rename(other, given.join(format!("{wrong}.pdb"))).unwrap();
    let output = succeed("protsae-report", &all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&format!("{wrong}.pdb")), "{stderr}");
}

#[test]
fn what_labels_lack_is_what_annotate_finds_missing() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let interpret = |input: &str| {
        arguments![
            "-i",
            input,
            "-m",
            fixture.path("model"),
            "--labels",
            fixture.path("labels.arrow"),
            "--concepts",
            fixture.path("concepts.json"),
            "--missing",
            path("missing.tsv"),
            "--min-precision",
            "0.1",
            "-o",
            path("dictionary.json")
        ]
    };
    let activations = fixture.path("proteins.activations.arrow");
    succeed(
        "protsae-interpret",
        &interpret(activations.to_str().unwrap()),
    );
    let dictionary = fs::read(path("dictionary.json")).unwrap();
    assert!(dictionary == fs::read(calibrated("dictionary.json")).unwrap());
    succeed("protsae-schema", &arguments!["check", path("missing.tsv")]);
    let rows = protsae::report::missing::read(&*fs::read(path("missing.tsv")).unwrap()).unwrap();
    let dictionary: Value = serde_json::from_slice(&dictionary).unwrap();
    let concepts = dictionary["concepts"].as_array().unwrap().iter();
    let partial = concepts.filter(|c| c["partial"] == true).map(|c| &c["id"]);
    let partial: BTreeSet<&str> = partial.map(|id| id.as_str().unwrap()).collect();
    let of_interpret: BTreeSet<(String, String, u32)> = rows
        .iter()
        .filter(|row| !partial.contains(row.concept.as_str()))
        .filter_map(|row| Some((row.protein.clone(), row.concept.clone(), row.range?[0])))
        .collect();
    let annotate = arguments![
        "-i",
        calibrated("proteins.arrow"),
        "--dictionary",
        calibrated("dictionary.json"),
        "--min-precision",
        "0.1",
        "--missing-from",
        fixture.path("labels.arrow"),
        "--format",
        "tsv"
    ];
    let table = String::from_utf8(succeed("protsae-annotate", &annotate).stdout).unwrap();
    let of_annotate: BTreeSet<(String, String, u32)> = (table.lines().skip(1))
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| !partial.contains(fields[4]))
        .map(|fields| {
            (
                fields[0].into(),
                fields[4].into(),
                fields[1].parse().unwrap(),
            )
        })
        .collect();
    assert!(!of_annotate.is_empty());
    assert_eq!(of_interpret, of_annotate);
    // a page shows them
    let mut all = whole(&calibrated("proteins.arrow"));
    all.extend(arguments!["--missing", path("missing.tsv")]);
    let shown = data(&page(&all))["missing"].as_array().unwrap().len();
    assert_eq!(shown, rows.len());
    // activations are read twice
    let output = run("protsae-interpret", &interpret("-"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && stderr.contains("--missing"),
        "{stderr}"
    );
}
