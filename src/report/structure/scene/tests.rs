use super::*;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Ten residues 5, 6, 7, 7A, 8, ..., 13 in chain A, one in chain B, and a water.
fn structure() -> Structure {
    let mut text = String::new();
    let numbers = [
        "   5 ", "   6 ", "   7 ", "   7A", "   8 ", "   9 ", "  10 ", "  11 ", "  12 ", "  13 ",
    ];
    for (number, chain) in numbers
        .into_iter()
        .map(|n| (n, 'A'))
        .chain([("   1 ", 'B')])
    {
        writeln!(
            text,
            "ATOM      1  CA  ALA {chain}{number}      1.000   2.000   3.000  1.00 50.00"
        )
        .unwrap();
    }
    text += "HETATM    2  O   HOH A 900       1.000   2.000   3.000  1.00 33.00\n";
    Structure::read(text.as_bytes()).unwrap()
}

const SITE_RANGE: NamedRange<'_> = NamedRange {
    start: 2,
    end: 4,
    name: "Active \"site\"",
    color: "#d55e00",
};

fn scene<'a>(
    structure: &'a Structure,
    shown: &'a Shown,
    ranges: &'a [NamedRange<'a>],
) -> Scene<'a> {
    const VALUES: &[Option<f32>] = &[
        Some(0.0),
        Some(0.0),
        Some(1.0),
        None,
        Some(1.0),
        Some(1.0),
        Some(0.5),
        None,
        Some(0.0),
        None,
    ];
    Scene {
        title: "P1: BINDING",
        file_name: "P1 of #1.pdb",
        structure,
        shown,
        values: VALUES,
        ranges,
    }
}

fn children<'a>(node: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = node["children"].as_array().unwrap().iter();
    all.filter(|child| child["kind"] == kind).collect()
}

fn only<'a>(node: &'a Value, kind: &str) -> &'a Value {
    let [child] = children(node, kind)[..] else {
        panic!("{kind} in {node}")
    };
    child
}

fn written(ranges: &[NamedRange<'_>]) -> Value {
    let structure = structure();
    let shown = structure.shows(b"AAAAAAAAAA").unwrap();
    let mut out = Vec::new();
    scene(&structure, &shown, ranges)
        .write_mvsj(&mut out)
        .unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn the_tree_is_one_of_molviewspec() {
    let state = written(&[]);
    assert_eq!(
        state["metadata"],
        json!({"version": "1", "title": "P1: BINDING"})
    );
    let download = only(&state["root"], "download");
    assert_eq!(download["params"], json!({"url": "P1%20of%20%231.pdb"}));
    let parse = only(download, "parse");
    assert_eq!(parse["params"], json!({"format": "pdb"}));
    let model = only(parse, "structure");
    assert_eq!(model["params"], json!({"type": "model"}));
    let components = children(model, "component");
    let selectors: Vec<_> = components
        .iter()
        .map(|c| &c["params"]["selector"])
        .collect();
    assert_eq!(
        selectors,
        [
            &json!([{"auth_asym_id": "A"}]),
            &json!([{"auth_asym_id": "B"}]),
            &json!("ligand")
        ]
    );
}

#[test]
fn values_are_colours_of_runs_and_inserted_residues_come_last() {
    let state = written(&[]);
    let model = only(only(only(&state["root"], "download"), "parse"), "structure");
    let cartoon = only(children(model, "component")[0], "representation");
    assert_eq!(cartoon["params"], json!({"type": "cartoon"}));
    let colors: Vec<_> = children(cartoon, "color")
        .iter()
        .map(|c| &c["params"])
        .collect();
    let run = |beg: i32, end: i32| json!({"auth_asym_id": "A", "beg_auth_seq_id": beg, "end_auth_seq_id": end});
    let inserted = json!({"auth_asym_id": "A", "auth_seq_id": 7, "pdbx_PDB_ins_code": "A"});
    assert_eq!(
        colors,
        [
            &json!({"selector": "all", "color": NO_VALUE}),
            &json!({"selector": [run(5, 6), run(12, 12)], "color": VIRIDIS[0]}),
            &json!({"selector": [run(10, 10)], "color": VIRIDIS[5]}),
            &json!({"selector": [run(7, 9)], "color": VIRIDIS[10]}),
            &json!({"selector": [inserted], "color": NO_VALUE}),
        ]
    );
}

#[test]
fn a_range_is_a_component_with_a_label() {
    let beyond = NamedRange {
        start: 11,
        end: 40,
        ..SITE_RANGE
    };
    let state = written(&[SITE_RANGE, beyond]);
    let model = only(only(only(&state["root"], "download"), "parse"), "structure");
    let components = children(model, "component");
    // what has no coordinates is left out
    assert_eq!(components.len(), 4);
    let range = components[3];
    assert_eq!(
        range["params"]["selector"],
        json!([
            {"auth_asym_id": "A", "beg_auth_seq_id": 6, "end_auth_seq_id": 7},
            {"auth_asym_id": "A", "auth_seq_id": 7, "pdbx_PDB_ins_code": "A"},
        ])
    );
    assert_eq!(only(range, "label")["params"]["text"], "Active \"site\"");
    assert_eq!(
        only(range, "tooltip")["params"]["text"],
        "Active \"site\": 2-4"
    );
    let sticks = only(range, "representation");
    assert_eq!(only(sticks, "color")["params"]["color"], "#d55e00");
}

#[test]
fn an_archive_holds_view_and_structure_and_no_time() {
    let structure = structure();
    let shown = structure.shows(b"AAAAAAAAAA").unwrap();
    let scene = scene(&structure, &shown, &[SITE_RANGE]);
    let mut out = Vec::new();
    scene.write_mvsx(&mut out, b"ATOM").unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(&out)).unwrap();
    let mut text = Vec::new();
    io::copy(&mut archive.by_name("P1 of #1.pdb").unwrap(), &mut text).unwrap();
    assert_eq!(text, b"ATOM");
    let view = io::read_to_string(archive.by_name("index.mvsj").unwrap()).unwrap();
    let mut alone = Vec::new();
    scene.write_mvsj(&mut alone).unwrap();
    assert_eq!(view.as_bytes(), alone);
    let time = archive.by_name("index.mvsj").unwrap().last_modified();
    assert_eq!(time, Some(zip::DateTime::default()));
}
