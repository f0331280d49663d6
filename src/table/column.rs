//! Columns as they come from strangers: every type that holds the same values is taken.
//!
//! Strings may be utf8, `large_utf8`, `utf8_view` or a dictionary of them; numbers any integer that
//! fits; lists and vectors a fixed-size list, list, `large_list` or a view of either, of float16, float32 or float64 where they hold
//! fractions. A column of type null fits where there is no row.

use super::TableError;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, FixedSizeListArray, GenericListArray,
    GenericListViewArray, OffsetSizeTrait, PrimitiveArray, RecordBatch, StringArray,
    cast::AsArray,
    types::{
        ArrowDictionaryKeyType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use half::slice::HalfFloatSliceExt;
use std::borrow::Cow;

/// The column of this name.
///
/// # Errors
/// [`TableError::MissingColumn`].
pub(crate) fn find<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<&'a ArrayRef, TableError> {
    batch.column_by_name(name).ok_or_else(|| {
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        TableError::MissingColumn {
            column: name,
            found: names.join(", "),
        }
    })
}

fn wrong_type(column: &'static str, expected: &'static str, array: &dyn Array) -> TableError {
    TableError::ColumnType {
        column,
        expected,
        found: Box::new(array.data_type().clone()),
    }
}

/// Refuses nulls.
fn no_nulls(column: &'static str, array: &dyn Array) -> Result<(), TableError> {
    if array.logical_null_count() == 0 {
        return Ok(());
    }
    let row = (0..array.len())
        .find(|&i| array.logical_nulls().is_some_and(|n| n.is_null(i)))
        .unwrap_or(0);
    Err(TableError::Null { column, row })
}

fn dictionary_strings<K: ArrowDictionaryKeyType>(
    name: &'static str,
    array: &ArrayRef,
) -> Result<StringArray, TableError> {
    let dictionary = array.as_dictionary::<K>();
    let values = any_strings(name, dictionary.values())?;
    let one = |key: Option<usize>| key.filter(|&k| !values.is_null(k)).map(|k| values.value(k));
    Ok((0..dictionary.len())
        .map(|row| one(dictionary.key(row)))
        .collect())
}

fn any_strings(name: &'static str, array: &ArrayRef) -> Result<StringArray, TableError> {
    Ok(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().clone(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().collect(),
        DataType::Utf8View => array.as_string_view().iter().collect(),
        DataType::Dictionary(key, _) => match key.as_ref() {
            DataType::Int8 => dictionary_strings::<Int8Type>(name, array)?,
            DataType::Int16 => dictionary_strings::<Int16Type>(name, array)?,
            DataType::Int32 => dictionary_strings::<Int32Type>(name, array)?,
            DataType::Int64 => dictionary_strings::<Int64Type>(name, array)?,
            DataType::UInt8 => dictionary_strings::<UInt8Type>(name, array)?,
            DataType::UInt16 => dictionary_strings::<UInt16Type>(name, array)?,
            DataType::UInt32 => dictionary_strings::<UInt32Type>(name, array)?,
            DataType::UInt64 => dictionary_strings::<UInt64Type>(name, array)?,
            _ => return Err(wrong_type(name, "strings", array)),
        },
        DataType::Null => StringArray::new_null(array.len()),
        _ => return Err(wrong_type(name, "strings", array)),
    })
}

/// A column of strings without nulls.
///
/// # Errors
/// [`TableError`] where it is missing, of another type, or holds a null.
pub(crate) fn strings(batch: &RecordBatch, name: &'static str) -> Result<StringArray, TableError> {
    let array = find(batch, name)?;
    no_nulls(name, array)?;
    any_strings(name, array)
}

/// A column of strings that may be null; absent counts as all null.
///
/// # Errors
/// [`TableError`] where it is of another type.
pub(crate) fn optional_strings(
    batch: &RecordBatch,
    name: &'static str,
) -> Result<StringArray, TableError> {
    match batch.column_by_name(name) {
        Some(array) => any_strings(name, array),
        None => Ok(StringArray::new_null(batch.num_rows())),
    }
}

fn cast_integers<T>(
    name: &'static str,
    array: &PrimitiveArray<T>,
) -> Result<Vec<Option<u32>>, TableError>
where
    T: ArrowPrimitiveType,
    T::Native: TryInto<u32> + std::fmt::Display,
{
    let one = |(row, value): (usize, Option<T::Native>)| {
        value
            .map(|v| {
                v.try_into().map_err(|_| TableError::Value {
                    column: name,
                    row,
                    problem: format!("{v} does not fit in 32 bits without sign"),
                })
            })
            .transpose()
    };
    array.iter().enumerate().map(one).collect()
}

fn any_integers(name: &'static str, array: &ArrayRef) -> Result<Vec<Option<u32>>, TableError> {
    match array.data_type() {
        DataType::UInt8 => cast_integers(name, array.as_primitive::<UInt8Type>()),
        DataType::UInt16 => cast_integers(name, array.as_primitive::<UInt16Type>()),
        DataType::UInt32 => cast_integers(name, array.as_primitive::<UInt32Type>()),
        DataType::UInt64 => cast_integers(name, array.as_primitive::<UInt64Type>()),
        DataType::Int8 => cast_integers(name, array.as_primitive::<Int8Type>()),
        DataType::Int16 => cast_integers(name, array.as_primitive::<Int16Type>()),
        DataType::Int32 => cast_integers(name, array.as_primitive::<Int32Type>()),
        DataType::Int64 => cast_integers(name, array.as_primitive::<Int64Type>()),
        DataType::Null => Ok(vec![None; array.len()]),
        _ => Err(wrong_type(name, "integers", array)),
    }
}

/// The values of an integer array without nulls, shared where they are uint32 already.
fn plain_integers<'a>(
    name: &'static str,
    array: &'a ArrayRef,
) -> Result<Cow<'a, [u32]>, TableError> {
    no_nulls(name, array)?;
    if let Some(numbers) = array.as_primitive_opt::<UInt32Type>() {
        return Ok(Cow::Borrowed(numbers.values()));
    }
    let values = any_integers(name, array)?;
    Ok(Cow::Owned(values.into_iter().flatten().collect()))
}

/// A column of numbers without nulls.
///
/// # Errors
/// [`TableError`] where it is missing, of another type, out of range, or holds a null.
pub(crate) fn integers<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Cow<'a, [u32]>, TableError> {
    plain_integers(name, find(batch, name)?)
}

/// A column of numbers that may be null; absent counts as all null.
///
/// # Errors
/// [`TableError`] where it is of another type or out of range.
pub(crate) fn optional_integers(
    batch: &RecordBatch,
    name: &'static str,
) -> Result<Vec<Option<u32>>, TableError> {
    match batch.column_by_name(name) {
        Some(array) => any_integers(name, array),
        None => Ok(vec![None; batch.num_rows()]),
    }
}

/// The values of a float array without nulls, shared where they are float32 already.
fn plain_floats<'a>(name: &'static str, array: &'a ArrayRef) -> Result<Cow<'a, [f32]>, TableError> {
    no_nulls(name, array)?;
    match array.data_type() {
        DataType::Float32 => Ok(Cow::Borrowed(array.as_primitive::<Float32Type>().values())),
        DataType::Float16 => {
            let halves: &[half::f16] = array.as_primitive::<Float16Type>().values();
            let mut out = vec![0.0; halves.len()];
            halves.convert_to_f32_slice(&mut out);
            Ok(Cow::Owned(out))
        }
        DataType::Float64 => Ok(Cow::Owned(
            array
                .as_primitive::<Float64Type>()
                .values()
                .iter()
                .map(|&v| v as f32)
                .collect(),
        )),
        // without nulls there are no rows: whoever had no number to write had no type for it either
        DataType::Null => Ok(Cow::Owned(Vec::new())),
        _ => Err(wrong_type(name, "floating-point numbers", array)),
    }
}

/// A column of lists: offsets (rows + 1, from 0) and the concatenated values.
pub struct Lists<'a, T: Clone> {
    /// Row i holds values `offsets[i]..offsets[i + 1]`.
    pub offsets: Vec<usize>,
    /// The values of all rows.
    pub values: Cow<'a, [T]>,
}

impl<T: Clone> Lists<'_, T> {
    /// The values of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[T] {
        self.values
            .get(self.offsets[row]..self.offsets[row + 1])
            .unwrap_or_default()
    }
}

/// A column of lists that may be null.
pub(crate) struct NullableLists<'a, T: Clone> {
    lists: Lists<'a, T>,
    nulls: Option<NullBuffer>,
}

impl<T: Clone> NullableLists<'_, T> {
    /// The values of a row; none where it is null.
    #[must_use]
    pub(crate) fn row(&self, row: usize) -> Option<&[T]> {
        let null = self.nulls.as_ref().is_some_and(|n| n.is_null(row));
        (!null).then(|| self.lists.row(row))
    }
}

/// Lists of values whose type is not looked at yet.
struct ListParts<'a> {
    /// Row i holds values `offsets[i]..offsets[i + 1]`.
    offsets: Vec<usize>,
    /// The values of all rows.
    values: &'a ArrayRef,
}

fn list_parts<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> ListParts<'_> {
    let offsets = lists.value_offsets().iter().map(|o| o.as_usize()).collect();
    ListParts {
        offsets,
        values: lists.values(),
    }
}

/// Views of lists whose values stand in the order of the rows, as whoever writes lists that way puts them.
fn view_parts<'a, O: OffsetSizeTrait>(
    name: &'static str,
    lists: &'a GenericListViewArray<O>,
) -> Result<ListParts<'a>, TableError> {
    let ends = lists.value_offsets().iter().zip(lists.value_sizes());
    let ends = ends.map(|(start, size)| (start.as_usize(), size.as_usize()));
    // an empty list may lie anywhere
    let first = ends.clone().find(|&(_, size)| size > 0);
    let mut at = first.map_or(0, |(start, _)| start);
    let mut offsets = vec![at];
    for (start, size) in ends {
        if size > 0 && start != at {
            return Err(wrong_type(name, "lists in the order of their rows", lists));
        }
        let end = at.checked_add(size);
        let end = end.filter(|&end| size == 0 || end <= lists.values().len());
        at = end.ok_or_else(|| wrong_type(name, "lists within their values", lists))?;
        offsets.push(at);
    }
    Ok(ListParts {
        offsets,
        values: lists.values(),
    })
}

fn any_lists<'a>(name: &'static str, array: &'a ArrayRef) -> Result<ListParts<'a>, TableError> {
    no_nulls(name, array)?;
    lists_of(name, array)
}

/// Offsets and values of lists, of which some may be null.
fn lists_of<'a>(name: &'static str, array: &'a ArrayRef) -> Result<ListParts<'a>, TableError> {
    match array.data_type() {
        DataType::List(_) => Ok(list_parts(array.as_list::<i32>())),
        DataType::LargeList(_) => Ok(list_parts(array.as_list::<i64>())),
        DataType::FixedSizeList(..) => {
            let lists: &FixedSizeListArray = array.as_fixed_size_list();
            let offsets = (0..=lists.len()).map(|row| lists.value_offset_at(row));
            Ok(ListParts {
                offsets: offsets.collect(),
                values: lists.values(),
            })
        }
        DataType::ListView(_) => view_parts(name, array.as_list_view::<i32>()),
        DataType::LargeListView(_) => view_parts(name, array.as_list_view::<i64>()),
        DataType::Null => Ok(ListParts {
            offsets: vec![0],
            values: array,
        }),
        _ => Err(wrong_type(name, "lists", array)),
    }
}

/// A column of lists of numbers.
///
/// # Errors
/// [`TableError`] where it is missing, of another type, out of range, or holds a null.
pub(crate) fn integer_lists<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Lists<'a, u32>, TableError> {
    let ListParts { offsets, values } = any_lists(name, find(batch, name)?)?;
    let values = plain_integers(name, values)?;
    Ok(Lists { offsets, values })
}

/// A column of lists of floating-point numbers.
///
/// # Errors
/// [`TableError`] where it is missing, of another type, or holds a null.
pub(crate) fn float_lists<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Lists<'a, f32>, TableError> {
    let ListParts { offsets, values } = any_lists(name, find(batch, name)?)?;
    let values = plain_floats(name, values)?;
    Ok(Lists { offsets, values })
}

/// A column of lists of numbers that may be null; none where it is absent or all null.
///
/// # Errors
/// [`TableError`] where it is of another type, or out of range.
pub(crate) fn optional_integer_lists<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Option<NullableLists<'a, u32>>, TableError> {
    let Some(OptionalLists { parts, nulls }) = optional_lists(batch, name)? else {
        return Ok(None);
    };
    let ListParts { offsets, values } = parts;
    let values = plain_integers(name, values)?;
    let lists = Lists { offsets, values };
    Ok(Some(NullableLists { lists, nulls }))
}

/// A column of lists of floating-point numbers that may be null; none where it is absent or all null.
///
/// # Errors
/// [`TableError`] where it is of another type.
pub(crate) fn optional_float_lists<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Option<NullableLists<'a, f32>>, TableError> {
    let Some(OptionalLists { parts, nulls }) = optional_lists(batch, name)? else {
        return Ok(None);
    };
    let ListParts { offsets, values } = parts;
    let values = plain_floats(name, values)?;
    let lists = Lists { offsets, values };
    Ok(Some(NullableLists { lists, nulls }))
}

/// A column of lists of strings that may be null; none where it is absent or all null.
///
/// # Errors
/// [`TableError`] where it is of another type, or a list holds a null.
pub(crate) fn optional_string_lists<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Option<NullableLists<'a, String>>, TableError> {
    let Some(OptionalLists { parts, nulls }) = optional_lists(batch, name)? else {
        return Ok(None);
    };
    let ListParts { offsets, values } = parts;
    no_nulls(name, values)?;
    let strings = any_strings(name, values)?;
    let values = strings.iter().flatten().map(str::to_owned).collect();
    let lists = Lists { offsets, values };
    Ok(Some(NullableLists { lists, nulls }))
}

/// Lists of which some may be null.
struct OptionalLists<'a> {
    parts: ListParts<'a>,
    nulls: Option<NullBuffer>,
}

fn optional_lists<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Option<OptionalLists<'a>>, TableError> {
    let Some(array) = batch.column_by_name(name) else {
        return Ok(None);
    };
    if array.logical_null_count() == array.len() {
        return Ok(None);
    }
    Ok(Some(OptionalLists {
        parts: lists_of(name, array)?,
        nulls: array.logical_nulls(),
    }))
}

/// Width of the vectors in a column: of a fixed-size list, or of the first row of a list; none where there is no row.
///
/// # Errors
/// [`TableError`] where it is missing or holds no vectors.
pub(crate) fn vector_width(
    batch: &RecordBatch,
    name: &'static str,
) -> Result<Option<usize>, TableError> {
    let array = find(batch, name)?;
    if let DataType::FixedSizeList(_, width) = array.data_type() {
        return Ok(usize::try_from(*width).ok());
    }
    let ListParts { offsets, .. } = any_lists(name, array)?;
    let first = offsets.first().zip(offsets.get(1));
    Ok(first.map(|(a, b)| b - a))
}

/// A column of vectors, all of the same width, as `rows x width` numbers.
///
/// # Errors
/// [`TableError`] where it is missing, of another type or width, or holds a null.
pub(crate) fn vectors<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
    width: usize,
) -> Result<Cow<'a, [f32]>, TableError> {
    let array = find(batch, name)?;
    let bad_width = |row: usize, found: usize| TableError::Value {
        column: name,
        row,
        problem: format!("a vector of width {found}, expected {width}"),
    };
    if let DataType::FixedSizeList(_, found) = array.data_type() {
        let found = usize::try_from(*found).unwrap_or(0);
        if found != width {
            return Err(bad_width(0, found));
        }
        no_nulls(name, array)?;
        let lists: &FixedSizeListArray = array.as_fixed_size_list();
        let start = lists.value_offset_at(0);
        return slice_floats(name, lists.values(), start, lists.len() * width);
    }
    let ListParts { offsets, values } = any_lists(name, array)?;
    for (row, ends) in offsets.windows(2).enumerate() {
        if ends[1] - ends[0] != width {
            return Err(bad_width(row, ends[1] - ends[0]));
        }
    }
    let start = offsets.first().copied().unwrap_or(0);
    slice_floats(name, values, start, batch.num_rows() * width)
}

fn slice_floats<'a>(
    name: &'static str,
    values: &'a ArrayRef,
    start: usize,
    len: usize,
) -> Result<Cow<'a, [f32]>, TableError> {
    match plain_floats(name, values)? {
        Cow::Borrowed(all) => Ok(Cow::Borrowed(
            all.get(start..start + len).unwrap_or_default(),
        )),
        Cow::Owned(all) if start == 0 && all.len() == len => Ok(Cow::Owned(all)),
        Cow::Owned(all) => Ok(Cow::Owned(
            all.get(start..start + len).unwrap_or_default().to_vec(),
        )),
    }
}
