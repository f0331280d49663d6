//! The table of scores at each threshold.

use crate::{
    report::tsv::write_line,
    score::function::{
        cafa::{Curves, Row},
        curve::{f_measure, semantic_distance},
        result::{Knowledge, Point},
    },
};
use std::io::{self, Write};

/// Columns; the last of them for terms by weight.
pub(in crate::commands) const COLUMNS: [&str; 27] = [
    "method",
    "aspect",
    "knowledge",
    "threshold",
    "predicted",
    "coverage",
    "true_positives",
    "misinformation",
    "remaining_uncertainty",
    "precision",
    "recall",
    "f",
    "s",
    "precision_micro",
    "recall_micro",
    "f_micro",
    "predicted_weighted",
    "coverage_weighted",
    "true_positives_weighted",
    "misinformation_weighted",
    "remaining_uncertainty_weighted",
    "precision_weighted",
    "recall_weighted",
    "f_weighted",
    "s_weighted",
    "precision_micro_weighted",
    "recall_micro_weighted",
];

/// The curve of a method in an aspect.
#[derive(Default)]
pub(super) struct Curve {
    pub(super) method: String,
    pub(super) aspect: String,
    pub(super) knowledge: Option<Knowledge>,
    /// Fields from the threshold on.
    rows: Vec<Vec<Option<f64>>>,
}

impl Curve {
    pub(super) fn of_points(points: Vec<Point>) -> Self {
        let row = |p: Point| {
            let fields = [
                Some(p.threshold),
                Some(p.predicted),
                None,
                None,
                Some(p.misinformation),
                Some(p.remaining_uncertainty),
                Some(p.precision),
                Some(p.recall),
                Some(p.f),
                Some(p.s),
            ];
            fields.to_vec()
        };
        Self {
            rows: points.into_iter().map(row).collect(),
            ..Self::default()
        }
    }

    pub(super) fn of_rows(curves: &Curves) -> Self {
        let rows = curves.thresholds.iter().enumerate().map(|(i, &threshold)| {
            let mut fields = vec![Some(threshold)];
            fields.extend(curves.plain[i].fields());
            let [precision, recall] = curves.plain[i].micro_average;
            fields.push(Some(f_measure(precision, recall)));
            if let Some(weighted) = &curves.weighted {
                fields.extend(weighted[i].fields());
            }
            fields
        });
        Self {
            rows: rows.collect(),
            ..Self::default()
        }
    }
}

impl Row {
    fn fields(&self) -> [Option<f64>; 11] {
        let [precision, recall] = self.macro_average;
        [
            self.predicted,
            self.coverage,
            self.true_positives,
            self.false_positives,
            self.false_negatives,
            precision,
            recall,
            f_measure(precision, recall),
            semantic_distance(self.false_negatives, self.false_positives),
            self.micro_average[0],
            self.micro_average[1],
        ]
        .map(Some)
    }
}

/// Writes curves as tab-separated values.
///
/// # Errors
/// Where writing fails.
pub(super) fn write(curves: &[Curve], mut out: impl Write) -> io::Result<()> {
    write_line(&mut out, &COLUMNS)?;
    for curve in curves {
        for row in &curve.rows {
            let knowledge = curve.knowledge.map_or("all", Knowledge::as_str);
            let mut fields = [&curve.method, &curve.aspect, knowledge]
                .map(str::to_owned)
                .to_vec();
            fields.extend(
                row.iter()
                    .map(|x| x.map_or(String::new(), |x| x.to_string())),
            );
            fields.resize(COLUMNS.len(), String::new());
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            write_line(&mut out, &fields)?;
        }
    }
    out.flush()
}
