//! Many models on one pass over the data.

use crate::{
    Error, Result,
    cli::Source,
    commands::output_folder::{GRID_FILE, GRID_FORMAT},
    sae::SaeError,
    train::{
        driver::{Task, Trained},
        meter::Measures,
    },
};
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// What a grid can vary.
const AXES: [&str; 15] = [
    "k",
    "seed",
    "lr",
    "lambda-annot",
    "lambda-axiom",
    "lambda-implication",
    "lambda-sparsity",
    "detach",
    "forced-activation",
    "rescale",
    "predictor-center",
    "axiom-radius",
    "axiom-norm",
    "forced-by",
    "ablation",
];
/// Parts of the method that an ablation leaves out, one at a time; `none` is the whole method.
const ABLATIONS: [&str; 6] = [
    "none",
    "detach",
    "axioms",
    "implication",
    "forced-activation",
    "rescale",
];
/// Most models of a grid.
const MAX_MODELS: usize = 1024;

/// The settings of one model, by name; none for the only model of a run without a grid.
type Point = Vec<(String, String)>;

/// Every combination of the values of `NAME=VALUE,...`; empty without any.
pub(super) fn points(grid: &[String]) -> Result<Vec<Point>> {
    let mut points: Vec<Point> = Vec::new();
    for axis in grid {
        let bad = || Error::usage(format!("--grid '{axis}': expected NAME=VALUE,VALUE"));
        let (name, values) = axis.split_once('=').ok_or_else(bad)?;
        if values.split(',').any(str::is_empty) {
            return Err(bad());
        }
        // each has a folder of its own
        let mut seen = BTreeSet::new();
        if let Some(twice) = values.split(',').find(|value| !seen.insert(*value)) {
            return Err(Error::usage(format!(
                "--grid {name}: {twice} is given twice"
            )));
        }
        if points.iter().flatten().any(|(other, _)| other == name) {
            return Err(Error::usage(format!("--grid names '{name}' twice")));
        }
        if points.is_empty() {
            points.push(Vec::new());
        }
        points = points
            .iter()
            .flat_map(|point| {
                values.split(',').map(|value| {
                    let mut point = point.clone();
                    point.push((name.to_owned(), value.to_owned()));
                    point
                })
            })
            .collect();
        if points.len() > MAX_MODELS {
            return Err(Error::usage(format!(
                "--grid has more than {MAX_MODELS} models"
            )));
        }
    }
    Ok(points)
}

/// The tasks of the points; the task itself where there are none.
pub(super) fn tasks<'a>(task: &Task<'a>, points: &[Point]) -> Result<Vec<Task<'a>>> {
    if points.is_empty() {
        return Ok(vec![task.clone()]);
    }
    let of = |point: &Point| {
        let mut task = task.clone();
        task.training.order_seed = Some(task.training.seed);
        for (name, value) in point {
            set(&mut task, name, value)?;
        }
        task.name = name_of(point);
        task.training.check().map_err(SaeError::from)?;
        Ok(task)
    };
    points.iter().map(of).collect()
}

/// An option of a variant that has it.
fn own<'a, T>(name: &str, variant: &str, option: Option<&'a mut T>) -> Result<&'a mut T> {
    option.ok_or_else(|| Error::usage(format!("--grid {name}: {variant} has no such option")))
}

/// A value of a choice by its name.
fn choice<T: ValueEnum>(name: &str, value: &str) -> Result<T> {
    T::from_str(value, false).map_err(|_| {
        let all = T::value_variants().iter().filter_map(T::to_possible_value);
        let all: Vec<String> = all.map(|v| v.get_name().to_owned()).collect();
        Error::usage(format!(
            "--grid {name}: '{value}' is none of {}",
            all.join(", ")
        ))
    })
}

fn set(task: &mut Task<'_>, name: &str, value: &str) -> Result<()> {
    let bad = |_| Error::usage(format!("--grid {name}: '{value}' is no fitting number"));
    let number = || value.parse::<f64>().map_err(|e| bad(e.to_string()));
    let switch = || {
        value.parse::<bool>().map_err(|_| {
            Error::usage(format!(
                "--grid {name}: '{value}' is neither true nor false"
            ))
        })
    };
    let variant = task.objective.variant.name();
    match name {
        "k" => {
            *own(name, variant, task.objective.variant.k_mut())? =
                value.parse().map_err(|_| bad(String::new()))?;
        }
        "seed" => task.training.seed = value.parse().map_err(|_| bad(String::new()))?,
        "lr" => task.training.lr = number()?,
        "lambda-annot" => task.objective.lambda_annot = number()?,
        "lambda-axiom" => task.objective.lambda_axiom = number()?,
        "lambda-implication" => task.objective.lambda_implication = number()?,
        "lambda-sparsity" => {
            *own(name, variant, task.objective.variant.lambda_sparsity_mut())? = number()?;
        }
        "detach" => task.objective.detach = switch()?,
        "forced-activation" => task.objective.forced_activation = switch()?,
        "rescale" => task.objective.rescale = switch()?,
        "predictor-center" => task.objective.predictor_center = choice(name, value)?,
        "axiom-radius" => task.objective.axiom_radius = choice(name, value)?,
        "axiom-norm" => task.objective.axiom_norm = choice(name, value)?,
        "forced-by" => task.objective.forced_by = choice(name, value)?,
        "ablation" => match value {
            "none" => {}
            "detach" => task.objective.detach = false,
            "axioms" => task.objective.lambda_axiom = 0.0,
            "implication" => task.objective.lambda_implication = 0.0,
            "forced-activation" => task.objective.forced_activation = false,
            "rescale" => task.objective.rescale = false,
            _ => {
                let known = ABLATIONS.join(", ");
                return Err(Error::usage(format!(
                    "--grid ablation: '{value}' is none of {known}"
                )));
            }
        },
        _ => {
            let known = AXES.join(", ");
            return Err(Error::usage(format!("--grid takes {known}, not '{name}'")));
        }
    }
    Ok(())
}

/// Name of a model, and of its folder within the output: `k=50_seed=0`.
fn name_of(point: &Point) -> String {
    let parts: Vec<String> = point.iter().map(|(n, v)| format!("{n}={v}")).collect();
    parts.join("_")
}

/// The content of `grid.json`: a grid's models and how they fare.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// `grid/1`.
    pub(crate) format: String,
    /// One entry a model.
    pub(crate) models: Vec<Row>,
}

/// A model of a grid.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Its folder.
    pub(crate) folder: String,
    /// The settings that tell it from the others.
    settings: BTreeMap<String, String>,
    /// Of the model over the training rows.
    train: Measures,
    /// Of the model over the validation rows.
    valid: Option<Measures>,
}

/// Folders of the models of a grid; none where the folder is that of no grid.
///
/// # Errors
/// Where its table is none.
pub(crate) fn models(folder: &Path) -> Result<Option<Vec<PathBuf>>> {
    let source = Source::File(folder.join(GRID_FILE));
    if !source.path().is_some_and(Path::is_file) {
        return Ok(None);
    }
    let table: Table = serde_json::from_slice(&source.read_all()?)
        .map_err(|e| Error::data(e.to_string()))
        .map_err(source.in_input())?;
    let folders = table.models.iter().map(|row| folder.join(&row.folder));
    Ok(Some(folders.collect()))
}

/// The table of a grid.
pub(super) fn table(points: &[Point], trained: &[Trained]) -> Table {
    let row = |(point, trained): (&Point, &Trained)| Row {
        folder: name_of(point),
        settings: point.iter().cloned().collect(),
        train: trained.summary.train.clone(),
        valid: trained.summary.valid.clone(),
    };
    Table {
        format: GRID_FORMAT.into(),
        models: points.iter().zip(trained).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_once() {
        let grid = ["k=2,3".to_owned(), "seed=0,1,2".to_owned()];
        let points = points(&grid).unwrap();
        assert_eq!(points.len(), 6);
        assert_eq!(name_of(&points[5]), "k=3_seed=2");
        assert!(super::points(&["k".to_owned()]).is_err());
        assert!(super::points(&["k=1".to_owned(), "k=2".to_owned()]).is_err());
        assert!(super::points(&["k=1,".to_owned()]).is_err());
        assert!(super::points(&["k=1,2,1".to_owned()]).is_err());
    }
}
