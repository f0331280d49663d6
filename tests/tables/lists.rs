//! Batches of activations whose vectors are lists of every type.

use crate::support::Row;
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, LargeListArray, LargeListViewArray, ListArray,
    ListViewArray, RecordBatch, StringArray, UInt32Array,
};
use arrow_schema::{DataType, Field};
use std::sync::Arc;

/// How vectors lie in a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lists {
    Fixed,
    List,
    LargeList,
    View,
    LargeView,
}

impl Lists {
    pub(crate) const ALL: [Self; 5] = [
        Self::Fixed,
        Self::List,
        Self::LargeList,
        Self::View,
        Self::LargeView,
    ];
    /// Those whose type says no width.
    pub(crate) const OPEN: [Self; 4] = [Self::List, Self::LargeList, Self::View, Self::LargeView];
}

fn narrow(numbers: Vec<usize>) -> Vec<i32> {
    let all: Result<_, _> = numbers.into_iter().map(i32::try_from).collect();
    all.unwrap()
}

/// A batch of an activation table; an empty one where there are no rows.
pub(crate) fn batch(rows: &[Row], lists: Lists) -> RecordBatch {
    let flat: Vec<f32> = rows.iter().flat_map(|row| row.3.iter().copied()).collect();
    let lengths = rows.iter().map(|row| row.3.len());
    let before = |row: usize| rows[..row].iter().map(|row| row.3.len()).sum();
    let starts: Vec<usize> = (0..rows.len()).map(before).collect();
    let item = || Arc::new(Field::new_list_field(DataType::Float32, true));
    let vectors: ArrayRef = match lists {
        Lists::Fixed => Arc::new(FixedSizeListArray::new(
            item(),
            2,
            Arc::new(Float32Array::from(flat)),
            None,
        )),
        Lists::List => Arc::new(ListArray::new(
            item(),
            arrow_buffer::OffsetBuffer::from_lengths(lengths),
            Arc::new(Float32Array::from(flat)),
            None,
        )),
        Lists::LargeList => Arc::new(LargeListArray::new(
            item(),
            arrow_buffer::OffsetBuffer::from_lengths(lengths),
            Arc::new(Float32Array::from(flat)),
            None,
        )),
        Lists::View => Arc::new(ListViewArray::new(
            item(),
            narrow(starts).into(),
            narrow(lengths.collect()).into(),
            Arc::new(Float32Array::from(flat)),
            None,
        )),
        Lists::LargeView => Arc::new(LargeListViewArray::new(
            item(),
            narrow(starts)
                .into_iter()
                .map(i64::from)
                .collect::<Vec<_>>()
                .into(),
            narrow(lengths.collect())
                .into_iter()
                .map(i64::from)
                .collect::<Vec<_>>()
                .into(),
            Arc::new(Float32Array::from(flat)),
            None,
        )),
    };
    let proteins: StringArray = rows.iter().map(|row| Some(row.0.as_str())).collect();
    let residues: StringArray = rows
        .iter()
        .map(|row| Some(char::from(row.2).to_string()))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("protein", Arc::new(proteins) as ArrayRef, true),
        (
            "position",
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.1))),
            true,
        ),
        ("residue", Arc::new(residues), true),
        ("activation", vectors, true),
    ])
    .unwrap()
}
