//! A small crate, entity by entity.

use super::*;

fn file(name: &[u8], sha256: &str) -> PublishedFile {
    PublishedFile {
        name: name.to_vec(),
        bytes: 7,
        sha256: sha256.into(),
    }
}

fn of_step(name: &str, sha256: &str) -> StepFile {
    StepFile {
        name: name.into(),
        bytes: Some(7),
        sha256: (!sha256.is_empty()).then(|| sha256.into()),
    }
}

fn step(tool: &str, hour: u32, inputs: Vec<StepFile>, outputs: Vec<StepFile>) -> Step {
    Step {
        started: format!("2026-01-31T{hour:02}:00:00+00:00"),
        ended: format!("2026-01-31T{hour:02}:30:00+00:00"),
        tool: tool.into(),
        version: "0.1.0".into(),
        arguments: vec!["-i".into(), "it's a.fa".into()],
        inputs,
        outputs,
        failure: None,
        identity: format!("{tool} {hour}"),
    }
}

fn files() -> Vec<PublishedFile> {
    vec![
        file(b"x/annotations 1.gff3", "a1"),
        file(b"x/model/config.yaml", "c1"),
        file(b"x/model/model.safetensors", "m1"),
        file(b"x/empty.fasta", "e0"),
        file(b"y/empty.fasta", "e0"),
        file(b"caf\xe9.txt", "t1"),
    ]
}

fn steps() -> Vec<Step> {
    let model = || {
        vec![
            of_step("work/model/config.yaml", "c1"),
            of_step("work/model/model.safetensors", "m1"),
        ]
    };
    let mut annotated = model();
    annotated.push(of_step("fifo", ""));
    vec![
        step(
            "protsae-annotate",
            9,
            annotated,
            vec![of_step("a.gff3", "a1")],
        ),
        step(
            "protsae-train",
            8,
            vec![of_step("/home/me/p.fa", "f1")],
            model(),
        ),
        step(
            "protsae-shard",
            7,
            vec![of_step("p.fa", "f1")],
            vec![of_step("w/y/empty.fasta", "e0")],
        ),
    ]
}

fn about() -> About {
    About {
        name: NAME.into(),
        description: DESCRIPTION.into(),
        license: Some("CC-BY-4.0".into()),
        workflow: None,
    }
}

fn entity(document: &Value, is: impl Fn(&Value) -> bool) -> Value {
    let graph = document["@graph"].as_array().unwrap();
    let found: Vec<&Value> = graph.iter().filter(|entity| is(entity)).collect();
    assert_eq!(found.len(), 1, "{found:#?} in {document:#}");
    found[0].clone()
}

fn with_id(document: &Value, id: &str) -> Value {
    entity(document, |entity| entity["@id"] == id)
}

fn run_of(document: &Value, tool: &str) -> Value {
    entity(document, |e| {
        e["@type"] == "CreateAction" && e["name"] == tool
    })
}

#[test]
fn files_are_matched_to_steps_by_content_and_folders_are_whole() {
    let Described {
        document,
        unpublished,
        ..
    } = describe(&about(), steps(), files());
    assert_eq!(unpublished, 0);
    let train = run_of(&document, "protsae-train");
    assert_eq!(train["result"], json!({"@id": "x/model/"}));
    assert_eq!(train["object"], json!({"@id": "#sha256-f1"}));
    assert_eq!(train["description"], "protsae-train -i 'it'\\''s a.fa'");
    let folder = with_id(&document, "x/model/");
    assert_eq!(folder["hasPart"].as_array().unwrap().len(), 2);
    let annotate = run_of(&document, "protsae-annotate");
    assert_eq!(annotate["result"], json!({"@id": "x/annotations%201.gff3"}));
    assert_eq!(annotate["object"][1], json!({"@id": "x/model/"}));
    // of two files of one content the one that is named alike
    let shard = run_of(&document, "protsae-shard");
    assert_eq!(shard["result"], json!({"@id": "y/empty.fasta"}));
    assert_eq!(with_id(&document, "caf%E9.txt")["name"], "caf\u{fffd}.txt");
    // no path of the machine
    assert_eq!(with_id(&document, "#sha256-f1")["name"], "p.fa");
    assert!(!document["@graph"].to_string().contains("/home/me"));
}

#[test]
fn the_root_says_what_the_crate_holds_and_by_which_profile() {
    let Described { document, .. } = describe(&about(), steps(), files());
    let root = with_id(&document, "./");
    assert_eq!(root["datePublished"], "2026-01-31T09:30:00+00:00");
    assert_eq!(
        root["conformsTo"],
        json!({"@id": "https://w3id.org/ro/wfrun/process/0.5"})
    );
    assert_eq!(
        root["license"],
        json!({"@id": "https://spdx.org/licenses/CC-BY-4.0"})
    );
    assert_eq!(root["mentions"].as_array().unwrap().len(), 3);
    let parts: Vec<&str> = root["hasPart"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["@id"].as_str())
        .collect();
    let expected = [
        "caf%E9.txt",
        "x/annotations%201.gff3",
        "x/empty.fasta",
        "x/model/",
        "y/empty.fasta",
    ];
    assert_eq!(parts, expected);
    assert!(root.get("mainEntity").is_none());
    let none = About {
        license: None,
        ..about()
    };
    let root = with_id(&describe(&none, steps(), files()).document, "./");
    assert!(root["license"].is_string());
}

#[test]
fn the_order_of_steps_and_files_and_what_is_given_twice_change_nothing() {
    let (mut again, mut other) = (steps(), files());
    again.reverse();
    again.extend(steps());
    other.reverse();
    let one = describe(&about(), steps(), files()).document;
    assert_eq!(one, describe(&about(), again, other).document);
}

#[test]
fn failed_steps_and_outputs_that_are_not_published_are_described() {
    let mut all = steps();
    all[0].failure = Some("features.arrow: no such file".into());
    all[0].outputs = vec![of_step("/scratch/lost.gff3", "l1")];
    let described = describe(&about(), all, files());
    assert_eq!(described.unpublished, 1);
    let annotate = run_of(&described.document, "protsae-annotate");
    assert_eq!(
        annotate["actionStatus"],
        "http://schema.org/FailedActionStatus"
    );
    assert_eq!(annotate["error"], "features.arrow: no such file");
    assert_eq!(annotate["result"], json!({"@id": "#sha256-l1"}));
    assert_eq!(
        with_id(&described.document, "#sha256-l1")["name"],
        "lost.gff3"
    );
}

#[test]
fn a_workflow_is_the_main_entity_and_its_run_reads_what_no_step_wrote() {
    let workflow = |sha256: &str| Workflow {
        file: of_step("workflows/main.nf", sha256),
        language: language_of("workflows/main.nf").unwrap(),
    };
    let with = |sha256| {
        describe(
            &About {
                workflow: Some(workflow(sha256)),
                ..about()
            },
            steps(),
            files(),
        )
    };
    let published = with("t1");
    assert!(published.has_workflow);
    let root = with_id(&published.document, "./");
    assert_eq!(root["mainEntity"], json!({"@id": "caf%E9.txt"}));
    assert_eq!(root["conformsTo"].as_array().unwrap().len(), 3);
    let script = with_id(&published.document, "caf%E9.txt");
    assert_eq!(script["programmingLanguage"], json!({"@id": "#Nextflow"}));
    let run = run_of(&published.document, "Run of main.nf");
    assert_eq!(run["instrument"], root["mainEntity"]);
    assert_eq!(run["startTime"], "2026-01-31T07:00:00+00:00");
    let read: Vec<&str> = run["object"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["@id"].as_str())
        .collect();
    assert!(
        read.contains(&"#sha256-f1") && !read.contains(&"x/model/"),
        "{read:?}"
    );
    assert!(!with("other").has_workflow);
    assert_eq!(language_of("workflow/Snakefile"), Some("Snakemake"));
    assert_eq!(language_of("main.c"), None);
}
