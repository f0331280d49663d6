//! The log of a run as curves.

use crate::{
    Result,
    report::{
        curve::{self, Axes, Chart, Line},
        tensorboard,
    },
    sae::folder::ModelConfig,
    train::meter::{LogLine, Measures},
};

/// The lines of a log.
pub(in crate::commands) fn lines(log: &[u8]) -> Vec<LogLine> {
    // written by this program
    let lines = log.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    lines
        .filter_map(|l| serde_json::from_slice(l).ok())
        .collect()
}

/// What is known of some rows, by name; what does not exist is left out.
fn measures(m: &Measures) -> Vec<(&'static str, f64)> {
    let known = [
        ("l_rec", Some(m.l_rec)),
        ("l_annot", m.l_annot),
        ("fvu", m.fvu),
        ("l0", Some(m.l0)),
        ("dead", Some(m.dead as f64)),
        ("dense", Some(m.dense as f64)),
        ("participation", m.participation),
        ("defined_share", Some(m.defined_share)),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, v)| v.map(|v| (name, v)));
    known.collect()
}

/// What a step line says beside its measures. Speed is left out: it is no property of the model.
fn losses(line: &LogLine) -> Vec<(&'static str, f64)> {
    match line {
        LogLine::Step(line) => vec![
            ("loss", line.loss),
            ("l_axiom", line.l_axiom),
            ("l_penalty", line.l_penalty),
            ("lr", line.lr),
        ],
        LogLine::Epoch(_) => Vec::new(),
    }
}

/// A quantity over the steps between which it was logged.
fn of_steps(log: &[LogLine], name: &str) -> Vec<(f64, f64)> {
    let steps = log.iter().filter_map(|line| match line {
        LogLine::Step(step) => Some((step.step, &step.train, line)),
        LogLine::Epoch(_) => None,
    });
    let values = steps.flat_map(|(step, train, line)| {
        let all = measures(train).into_iter().chain(losses(line));
        all.filter(|(n, _)| *n == name)
            .map(move |(_, v)| (step as f64, v))
    });
    values.collect()
}

/// A quantity at the end of each epoch, over the validation rows or the training rows.
fn of_epochs(log: &[LogLine], name: &str, valid: bool) -> Vec<(f64, f64)> {
    let epochs = log.iter().filter_map(|line| match line {
        LogLine::Epoch(line) if valid => line.valid.as_ref().map(|m| (line.step, m)),
        LogLine::Epoch(line) => Some((line.step, &line.train)),
        LogLine::Step(_) => None,
    });
    let values = epochs.flat_map(|(step, m)| {
        let all = measures(m).into_iter();
        all.filter(|(n, _)| *n == name)
            .map(move |(_, v)| (step as f64, v))
    });
    values.collect()
}

/// A quantity while training, by epoch where steps do not tell it, and on the validation rows.
fn chart(log: &[LogLine], title: &'static str, name: &str) -> Chart {
    let steps = of_steps(log, name);
    let marked = steps.is_empty();
    let points = if marked {
        of_epochs(log, name, false)
    } else {
        steps
    };
    Chart {
        title,
        axes: Axes::Steps,
        lines: vec![
            Line {
                label: "training",
                points,
                marked,
            },
            Line {
                label: "validation",
                points: of_epochs(log, name, true),
                marked: true,
            },
        ],
    }
}

/// The curves of a log.
pub(in crate::commands) fn charts(log: &[LogLine]) -> [Chart; 10] {
    let chart = |title, name| chart(log, title, name);
    [
        chart("Loss", "loss"),
        chart("Variance unexplained (FVU)", "fvu"),
        chart("Annotation loss", "l_annot"),
        chart("Axiom loss", "l_axiom"),
        chart("Active latents per row (L0)", "l0"),
        chart("Dead latents", "dead"),
        chart("Dense latents", "dense"),
        chart("Participation", "participation"),
        chart("Share of defined latents", "defined_share"),
        chart("Learning rate", "lr"),
    ]
}

/// The curves as a page.
pub(super) fn page(log: &[LogLine], config: &ModelConfig) -> Result<Vec<u8>> {
    let shape = &config.shape;
    let heading = format!(
        "{}: {} latents, {} of concepts, width {}; by step",
        config.objective.variant.name(),
        shape.latents,
        shape.defined,
        shape.width
    );
    let mut out = Vec::new();
    curve::write(&mut out, &heading, &charts(log))?;
    Ok(out)
}

/// The log as an event file of `TensorBoard`.
pub(super) fn events(log: &[LogLine]) -> Result<Vec<u8>> {
    let names = |prefix: &str, values: Vec<(&'static str, f64)>| {
        let named = values
            .into_iter()
            .map(move |(n, v)| (format!("{prefix}/{n}"), v));
        named.collect::<Vec<_>>()
    };
    let steps: Vec<(u64, Vec<(String, f64)>)> = log
        .iter()
        .map(|line| match line {
            LogLine::Step(step) => {
                let values = [measures(&step.train), losses(line)].concat();
                (step.step, names("train", values))
            }
            LogLine::Epoch(epoch) => {
                let mut values = names("epoch", measures(&epoch.train));
                if let Some(valid) = &epoch.valid {
                    values.extend(names("valid", measures(valid)));
                }
                (epoch.step, values)
            }
        })
        .collect();
    let mut out = Vec::new();
    let borrowed = steps.iter().map(|(step, values)| {
        let values = values.iter().map(|(name, v)| (name.as_str(), *v));
        (*step, values.collect())
    });
    tensorboard::write(&mut out, borrowed)?;
    Ok(out)
}
