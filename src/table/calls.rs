//! Calls of proteins as columns of lists, null where nothing calls.

use super::{
    TableError,
    column::{self, NullableLists},
    schema as s,
};
use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{Float32Builder, ListBuilder, StringBuilder, UInt32Builder},
};
use arrow_schema::DataType;
use std::sync::Arc;

/// What a protein is called to have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallList {
    /// Concepts, ascending.
    pub concepts: Vec<u32>,
    /// The probability that each is right.
    pub probabilities: Vec<f32>,
    /// Who is near and has them; none where no neighbours were asked.
    pub neighbours: Option<NeighbourList>,
}

/// What the nearest training proteins say of calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeighbourList {
    /// The nearest that has the concept, or an empty string; as many as calls.
    pub donors: Vec<String>,
    /// How near it is: the cosine of mean activations, 0 without one.
    pub donor_scores: Vec<f32>,
    /// The share of the neighbours, by similarity, that have the concept.
    pub neighbour_scores: Vec<f32>,
}

/// Calls being written.
pub(super) struct CallColumns {
    concept: ListBuilder<UInt32Builder>,
    probability: ListBuilder<Float32Builder>,
    donor: ListBuilder<StringBuilder>,
    donor_score: ListBuilder<Float32Builder>,
    neighbour_score: ListBuilder<Float32Builder>,
}

impl CallColumns {
    pub(super) fn new() -> Self {
        let floats =
            || ListBuilder::new(Float32Builder::new()).with_field(s::item(DataType::Float32));
        Self {
            concept: ListBuilder::new(UInt32Builder::new()).with_field(s::item(DataType::UInt32)),
            probability: floats(),
            donor: ListBuilder::new(StringBuilder::new()).with_field(s::item(DataType::Utf8)),
            donor_score: floats(),
            neighbour_score: floats(),
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, calls: Option<&CallList>) {
        let floats = |builder: &mut ListBuilder<Float32Builder>, values: Option<&Vec<f32>>| {
            builder.values().append_slice(values.map_or(&[], |v| v));
            builder.append(values.is_some());
        };
        let concepts = calls.map(|c| &c.concepts);
        self.concept
            .values()
            .append_slice(concepts.map_or(&[], |v| v));
        self.concept.append(concepts.is_some());
        floats(&mut self.probability, calls.map(|c| &c.probabilities));
        let neighbours = calls.and_then(|c| c.neighbours.as_ref());
        for donor in neighbours.iter().flat_map(|n| &n.donors) {
            self.donor.values().append_value(donor);
        }
        self.donor.append(neighbours.is_some());
        floats(&mut self.donor_score, neighbours.map(|n| &n.donor_scores));
        floats(
            &mut self.neighbour_score,
            neighbours.map(|n| &n.neighbour_scores),
        );
    }

    /// The columns, in the order of the schema; begins anew.
    pub(super) fn finish(&mut self) -> [ArrayRef; 5] {
        [
            Arc::new(self.concept.finish()),
            Arc::new(self.probability.finish()),
            Arc::new(self.donor.finish()),
            Arc::new(self.donor_score.finish()),
            Arc::new(self.neighbour_score.finish()),
        ]
    }
}

/// Calls of the rows of a batch.
pub(super) struct CallLists {
    rows: Vec<Option<CallList>>,
}

impl CallLists {
    pub(super) fn read(batch: &RecordBatch) -> Result<Self, TableError> {
        let concepts = column::optional_integer_lists(batch, s::CALL)?;
        let probabilities = column::optional_float_lists(batch, s::CALL_PROBABILITY)?;
        let donors = column::optional_string_lists(batch, s::DONOR)?;
        let donor_scores = column::optional_float_lists(batch, s::DONOR_SCORE)?;
        let neighbour_scores = column::optional_float_lists(batch, s::NEIGHBOUR_SCORE)?;
        let mut rows = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let Some(concepts) = concepts.as_ref().and_then(|lists| lists.row(row)) else {
                rows.push(None);
                continue;
            };
            let as_many = |column, found: usize| {
                (found == concepts.len())
                    .then_some(())
                    .ok_or_else(|| TableError::Value {
                        column,
                        row,
                        problem: format!("{found} values for {} calls", concepts.len()),
                    })
            };
            let floats = |name, lists: &Option<NullableLists<'_, f32>>| {
                let own = lists.as_ref().and_then(|lists| lists.row(row));
                let own = own.unwrap_or_default().to_vec();
                as_many(name, own.len()).map(|()| own)
            };
            let donors = donors.as_ref().and_then(|lists| lists.row(row));
            let neighbours = match donors {
                Some(donors) => {
                    as_many(s::DONOR, donors.len())?;
                    Some(NeighbourList {
                        donors: donors.to_vec(),
                        donor_scores: floats(s::DONOR_SCORE, &donor_scores)?,
                        neighbour_scores: floats(s::NEIGHBOUR_SCORE, &neighbour_scores)?,
                    })
                }
                None => None,
            };
            rows.push(Some(CallList {
                concepts: concepts.to_vec(),
                probabilities: floats(s::CALL_PROBABILITY, &probabilities)?,
                neighbours,
            }));
        }
        Ok(Self { rows })
    }

    /// The calls of a row, once.
    pub(super) fn take(&mut self, row: usize) -> Option<CallList> {
        self.rows.get_mut(row).and_then(Option::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{
        Container, TableSource,
        features::FeatureInfo,
        proteins::{self, ProteinFeatures, ProteinWriter},
    };

    #[test]
    fn calls_are_read_as_they_were_written() {
        let neighbours = NeighbourList {
            donors: vec!["Q1".into(), String::new()],
            donor_scores: vec![0.75, 0.0],
            neighbour_scores: vec![0.5, 0.0],
        };
        let full = CallList {
            concepts: vec![3, 7],
            probabilities: vec![0.5, 0.9],
            neighbours: Some(neighbours),
        };
        let alone = CallList {
            neighbours: None,
            ..full.clone()
        };
        let all = [None, Some(full), Some(alone), Some(CallList::default())];
        for container in [Container::File, Container::Stream] {
            let info = FeatureInfo::default();
            let mut writer = ProteinWriter::new(Vec::new(), container, &info).unwrap();
            for calls in &all {
                let row = ProteinFeatures {
                    calls: calls.clone(),
                    ..ProteinFeatures::default()
                };
                writer.push(&row).unwrap();
            }
            let bytes = writer.finish().unwrap();
            let source = TableSource::from_reader(Box::new(std::io::Cursor::new(bytes))).unwrap();
            let mut found = Vec::new();
            proteins::read(source, |_, row| {
                found.push(row.calls);
                Ok::<_, TableError>(())
            })
            .unwrap();
            assert_eq!(found, all);
        }
    }
}
