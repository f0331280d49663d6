//! Extremes of every option that takes a number: a clear status, never a panic.

use crate::{
    arguments,
    fixture::{Fixture, command},
    rows::{Out, ROWS, Row},
};
use clap::{Arg, ArgAction, Command};
use std::any::TypeId;

/// What numbers are tried: ends of the types and what is no number.
const EXTREMES: [&str; 14] = [
    "0",
    "1",
    "-1",
    "0.5",
    "4294967295",
    "4294967296",
    "1000000000000",
    "18446744073709551615",
    "18446744073709551616",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-308",
];

/// The statuses that the table of exit statuses knows, without signals.
const KNOWN: [i32; 5] = [0, 1, 2, 3, 137];

/// Options whose numbers are within lists or names.
const LISTS: [(&str, &str); 9] = [
    ("fractions", "{},0.1,0.1"),
    ("fractions", "1,{},0"),
    ("prefixes", "{}"),
    ("prefixes", "1,{}"),
    ("layer", "{}"),
    ("grid", "k={}"),
    ("grid", "lr={}"),
    ("grid", "lambda-axiom={}"),
    ("device", "cuda:{}"),
];

fn is_number(arg: &Arg) -> bool {
    let id = arg.get_value_parser().type_id();
    let numbers = [
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<f32>(),
        TypeId::of::<f64>(),
    ];
    numbers.iter().any(|&number| id == number) && !matches!(arg.get_action(), ArgAction::SetTrue)
}

/// Every option of a tool with every value to try.
fn trials(tool: &Command) -> Vec<(String, String)> {
    let mut trials = Vec::new();
    for arg in tool.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        let mut forms: Vec<&str> = LISTS
            .iter()
            .filter(|(name, _)| *name == long)
            .map(|(_, form)| *form)
            .collect();
        if is_number(arg) {
            forms.push("{}");
        }
        for form in forms {
            let values = EXTREMES.iter().map(|value| form.replace("{}", value));
            trials.extend(values.map(|value| (long.to_owned(), value)));
        }
    }
    trials
}

/// What makes a long run of an accepted value short.
fn shorten(row: &Row, option: &str) -> Vec<String> {
    if row.tool != "protsae-train" {
        return Vec::new();
    }
    let steps = if option == "max-steps" {
        Vec::new()
    } else {
        arguments!["--max-steps", "2"]
    };
    // rows of a batch are few as they are
    [steps, arguments!["--checkpoint-every", "1"]].concat()
}

/// The options of a row but the one that is tried.
fn without(mut all: Vec<String>, option: &str) -> Vec<String> {
    let flag = format!("--{option}");
    while let Some(at) = all.iter().position(|a| *a == flag) {
        all.drain(at..(at + 2).min(all.len()));
    }
    all
}

#[test]
fn extremes_of_every_number_end_in_a_known_status() {
    let fixture = Fixture::get();
    let mut wrong = Vec::new();
    for tool in protsae::commands::all() {
        let row = ROWS.iter().find(|r| r.tool == tool.get_name()).unwrap();
        for (option, value) in trials(&tool) {
            // more threads than a machine has are the business of who starts them
            if option == "threads" {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let mut all = arguments![row.input, (row.source)(fixture)];
            all.extend((row.rest)(fixture));
            let mut all = without(all, &option);
            if row.output != Out::Stdout {
                let output = folder.path().join(row.output.name());
                all.extend(arguments!["-o", output]);
            }
            let shorter = shorten(row, &option);
            all.extend(without(shorter, &option));
            all.push(format!("--{option}={value}"));
            let output = command(row.tool, &all).output().unwrap();
            if output
                .status
                .code()
                .is_none_or(|code| !KNOWN.contains(&code))
            {
                let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
                wrong.push(format!(
                    "{} --{option}={value}: {}: {stderr}",
                    row.tool, output.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn numbers_that_are_none_are_refused() {
    let fixture = Fixture::get();
    for (tool, option, value) in [
        ("protsae-annotate", "--threshold", "nan"),
        ("protsae-annotate", "--threshold", "inf"),
        ("protsae-encode", "--min-probability", "nan"),
        ("protsae-encode", "--min-activation", "nan"),
        ("protsae-interpret", "--fdr", "nan"),
        ("protsae-interpret", "--min-f1", "2"),
        ("protsae-split", "--fractions", "nan,0.5,0.5"),
        ("protsae-train", "--lr", "inf"),
        ("protsae-train", "--lambda-axiom", "nan"),
        ("protsae-train", "--latents", "1000000000000"),
        ("protsae-report", "--max-mb", "nan"),
        ("protsae-report", "--min-precision", "1.5"),
        ("protsae-convert", "--input-scale", "nan"),
        ("protsae-steer", "--scale", "nan"),
        ("protsae-steer", "--scale", "1e39"),
        ("protsae-steer", "--mask-ratio", "0"),
        ("protsae-steer", "--mask-ratio", "nan"),
    ] {
        let row = ROWS.iter().find(|r| r.tool == tool).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut all = arguments![row.input, (row.source)(fixture)];
        all.extend((row.rest)(fixture));
        let mut all = without(all, option.trim_start_matches('-'));
        all.extend(arguments!["-o", folder.path().join(row.output.name())]);
        all.push(format!("{option}={value}"));
        let output = command(tool, &all).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{tool} {option} {value}: {stderr}"
        );
        assert!(stderr.contains(option), "{tool} {option} {value}: {stderr}");
    }
}

/// The largest gap bridges what is apart, and is not the smallest.
#[test]
fn the_largest_gap_is_large() {
    let fixture = Fixture::get();
    let lines = |gap: &str| {
        let all = arguments![
            "-i",
            fixture.path("proteins.features.arrow"),
            "-m",
            fixture.path("model"),
            "--latents",
            "all",
            "--format",
            "bed",
            "--max-gap",
            gap
        ];
        let output = command("protsae-annotate", &all).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().count()
    };
    assert_eq!(lines("4294967295"), lines("1000000"));
    assert!(lines("4294967295") < lines("0"));
}

/// A rate that carries the weights away is an error even in the last step, not a model of no numbers.
#[test]
fn weights_that_are_no_numbers_are_never_written() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let row = ROWS.iter().find(|r| r.tool == "protsae-train").unwrap();
    let mut all = arguments![row.input, (row.source)(fixture)];
    all.extend((row.rest)(fixture));
    let model = folder.path().join("model");
    all.extend(arguments!["-o", model, "--lr", "1e300", "--max-steps", "1"]);
    let output = command(row.tool, &all).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("step 1") && !model.exists(), "{stderr}");
}
