//! Tables as other writers lay them out, made here: old metadata, lists of no fixed size, columns without a type,
//! batches without rows.

use crate::lists::{Lists, batch};
use crate::support::{
    Row, open, read_activations, read_features, read_labels, read_proteins, rows,
};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, Int32Array, ListArray, NullArray, RecordBatch,
    StringArray, builder::StringDictionaryBuilder, types::Int32Type,
};
use arrow_ipc::{
    MetadataVersion,
    writer::{FileWriter, IpcWriteOptions, StreamWriter},
};
use arrow_schema::{DataType, Field, Schema};
use protsae::table::{TableError, activations::ActivationReader};
use std::{collections::HashMap, sync::Arc};

/// Which layout of messages a file or stream has.
#[derive(Clone, Copy, Debug)]
struct Layout {
    file: bool,
    /// Four bytes before a message, as before Arrow 0.15.
    legacy: bool,
    version: MetadataVersion,
}

impl Layout {
    const NOW: [Self; 2] = [
        Self {
            file: true,
            legacy: false,
            version: MetadataVersion::V5,
        },
        Self {
            file: false,
            legacy: false,
            version: MetadataVersion::V5,
        },
    ];

    fn write(self, schema: &Schema, batches: &[RecordBatch]) -> Vec<u8> {
        let options = IpcWriteOptions::try_new(8, self.legacy, self.version).unwrap();
        let mut out = Vec::new();
        if self.file {
            let mut writer = FileWriter::try_new_with_options(&mut out, schema, options).unwrap();
            for batch in batches {
                writer.write(batch).unwrap();
            }
            writer.finish().unwrap();
        } else {
            let mut writer = StreamWriter::try_new_with_options(&mut out, schema, options).unwrap();
            for batch in batches {
                writer.write(batch).unwrap();
            }
            writer.finish().unwrap();
        }
        out
    }
}

/// Puts V5 into the footer of a file, as pyarrow does whatever its messages are of.
fn with_new_footer(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - 10;
    let number = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    let start = end - number(&file, end);
    let footer = &mut file[start..end];
    // a flatbuffer: the root's place; there, how far before it the places of its fields are listed
    let root = number(footer, 0);
    let fields = root - number(footer, root);
    let version = usize::from(u16::from_le_bytes([footer[fields + 4], footer[fields + 5]]));
    assert!(version > 0, "a footer with a version");
    footer[root + version..][..2].copy_from_slice(&MetadataVersion::V5.0.to_le_bytes());
    file
}

fn all(bytes: &[u8], file: bool) -> Result<Vec<Row>, TableError> {
    read_activations(open(bytes, file)?)
}

#[test]
fn metadata_of_version_4_is_read() {
    let batch = batch(&rows(), Lists::Fixed);
    for file in [true, false] {
        for legacy in [true, false] {
            let layout = Layout {
                file,
                legacy,
                version: MetadataVersion::V4,
            };
            let bytes = layout.write(&batch.schema(), &[batch.slice(0, 1), batch.slice(1, 2)]);
            assert_eq!(all(&bytes, file).unwrap(), rows(), "{layout:?}");
            // a file from front to back, as from a pipe
            assert_eq!(all(&bytes, false).unwrap(), rows(), "{layout:?}");
            if file {
                let bytes = with_new_footer(bytes);
                assert_eq!(all(&bytes, true).unwrap(), rows(), "{layout:?}");
                assert_eq!(all(&bytes, false).unwrap(), rows(), "{layout:?}");
                let source = open(&bytes, true).unwrap();
                assert_eq!(source.rows().unwrap(), Some(3), "{layout:?}");
            }
        }
    }
}

#[test]
fn old_streams_without_an_end_are_cut_streams() {
    let batch = batch(&rows(), Lists::Fixed);
    let layout = Layout {
        file: false,
        legacy: true,
        version: MetadataVersion::V4,
    };
    let bytes = layout.write(&batch.schema(), std::slice::from_ref(&batch));
    let cut = &bytes[..bytes.len() - 4];
    assert!(matches!(all(cut, false), Err(TableError::Truncated(_))));
}

#[test]
fn batches_without_rows_leave_the_width_open() {
    for lists in Lists::ALL {
        let (empty, whole) = (batch(&[], lists), batch(&rows(), lists));
        let (first, rest) = (whole.slice(0, 1), whole.slice(1, 2));
        for batches in [
            vec![empty.clone(), whole.clone()],
            vec![
                empty.clone(),
                empty.clone(),
                first.clone(),
                empty.clone(),
                rest,
                empty.clone(),
            ],
        ] {
            for layout in Layout::NOW {
                let bytes = layout.write(&whole.schema(), &batches);
                assert_eq!(
                    all(&bytes, layout.file).unwrap(),
                    rows(),
                    "{lists:?} {layout:?}"
                );
            }
        }
        for batches in [vec![], vec![empty.clone()], vec![empty.clone(); 3]] {
            for layout in Layout::NOW {
                let bytes = layout.write(&whole.schema(), &batches);
                assert_eq!(
                    all(&bytes, layout.file).unwrap(),
                    [],
                    "{lists:?} {layout:?}"
                );
            }
        }
    }
}

#[test]
fn a_width_is_that_of_the_metadata_and_of_whoever_demands_one() {
    for lists in Lists::ALL {
        let (empty, whole) = (batch(&[], lists), batch(&rows(), lists));
        let [_, stream] = Layout::NOW;
        let named = |width: &str| {
            let entries = [
                ("plm.name", "tiny"),
                ("plm.sha256", &"ab".repeat(32)),
                ("plm.layer", "3"),
                ("plm.site", "residual"),
                ("plm.width", width),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
            let schema = whole
                .schema()
                .as_ref()
                .clone()
                .with_metadata(HashMap::from(entries));
            let with =
                |batch: &RecordBatch| batch.clone().with_schema(Arc::new(schema.clone())).unwrap();
            stream.write(&schema, &[with(&empty), with(&whole)])
        };
        assert_eq!(all(&named("2"), false).unwrap(), rows(), "{lists:?}");
        let source = open(&named("2"), false).unwrap();
        assert_eq!(
            ActivationReader::new(source).unwrap().width(),
            Some(2),
            "{lists:?}"
        );
        let error = all(&named("3"), false).unwrap_err();
        assert!(
            matches!(error, TableError::Identity { .. }),
            "{lists:?}: {error}"
        );

        let bytes = stream.write(&whole.schema(), &[empty, whole.clone()]);
        let mut reader = ActivationReader::new(open(&bytes, false).unwrap()).unwrap();
        reader.demand_width(4, "model/");
        let error = reader.find_map(Result::err).unwrap().to_string();
        assert!(
            error.contains("model/ has '4'") && error.contains("has '2'"),
            "{error}"
        );
    }
}

#[test]
fn a_row_of_another_width_is_an_error_in_any_batch() {
    let mut narrow = rows();
    narrow[2].3.pop();
    for lists in Lists::OPEN {
        let whole = batch(&narrow, lists);
        for batches in [
            vec![whole.clone()],
            vec![whole.slice(0, 2), whole.slice(2, 1)],
        ] {
            for layout in Layout::NOW {
                let bytes = layout.write(&whole.schema(), &batches);
                let error = all(&bytes, layout.file).unwrap_err().to_string();
                assert!(error.contains("width 1, expected 2"), "{error}");
            }
        }
    }
}

/// A batch without rows whose columns are all of type null: what a writer makes of empty lists.
fn untyped(columns: &[&str]) -> RecordBatch {
    let column = |&name: &&str| {
        (
            name.to_owned(),
            Arc::new(NullArray::new(0)) as ArrayRef,
            true,
        )
    };
    RecordBatch::try_from_iter_with_nullable(columns.iter().map(column)).unwrap()
}

#[test]
fn tables_without_rows_need_no_types() {
    let activations = ["protein", "position", "residue", "activation"];
    let features = [
        "protein",
        "position",
        "residue",
        "latent",
        "activation",
        "concept",
        "probability",
    ];
    let proteins = [
        "protein",
        "length",
        "concept",
        "probability_mean",
        "probability_max",
        "latent",
        "activation_mean",
        "activation_max",
    ];
    let labels = [
        "protein", "concept", "start", "end", "instance", "source", "evidence",
    ];
    for layout in Layout::NOW {
        for batches in [0, 1, 2] {
            let source = |columns: &[&str]| {
                let batch = untyped(columns);
                let bytes = layout.write(&batch.schema(), &vec![batch.clone(); batches]);
                open(&bytes, layout.file).unwrap()
            };
            assert_eq!(read_activations(source(&activations)).unwrap(), []);
            assert_eq!(read_features(source(&features)).unwrap(), []);
            assert_eq!(read_proteins(source(&proteins)).unwrap(), []);
            assert_eq!(read_labels(source(&labels)).unwrap(), []);
        }
    }
}

#[test]
fn rows_without_a_type_are_nulls() {
    let row = batch(&rows()[..1], Lists::Fixed);
    let mut columns = row.columns().to_vec();
    columns[3] = Arc::new(NullArray::new(1));
    let names = ["protein", "position", "residue", "activation"];
    let row = RecordBatch::try_from_iter_with_nullable(
        names
            .into_iter()
            .zip(columns)
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let [file, _] = Layout::NOW;
    let error = all(&file.write(&row.schema(), std::slice::from_ref(&row)), true).unwrap_err();
    assert!(
        matches!(
            error,
            TableError::Null {
                column: "activation",
                row: 0
            }
        ),
        "{error}"
    );
}

#[test]
fn lists_of_nothing_and_of_a_fixed_size_are_lists() {
    let nothing = || {
        let item = Arc::new(Field::new_list_field(DataType::Null, true));
        let offsets = arrow_buffer::OffsetBuffer::from_lengths([0, 0]);
        Arc::new(ListArray::new(
            item,
            offsets,
            Arc::new(NullArray::new(0)),
            None,
        )) as ArrayRef
    };
    let pairs = |values: ArrayRef| {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        Arc::new(FixedSizeListArray::new(item, 2, values, None)) as ArrayRef
    };
    let text = |values: [&str; 2]| Arc::new(StringArray::from_iter_values(values)) as ArrayRef;
    let row = RecordBatch::try_from_iter_with_nullable([
        ("protein", text(["P1", "P1"]), true),
        (
            "position",
            Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef,
            true,
        ),
        ("residue", text(["M", "K"]), true),
        (
            "latent",
            pairs(Arc::new(Int32Array::from(vec![0, 5, 1, 2]))),
            true,
        ),
        (
            "activation",
            pairs(Arc::new(Float32Array::from(vec![0.5, 2.0, 1.0, 4.0]))),
            true,
        ),
        ("concept", nothing(), true),
        ("probability", nothing(), true),
    ])
    .unwrap();
    for layout in Layout::NOW {
        for batches in [vec![row.clone()], vec![row.slice(0, 1), row.slice(1, 1)]] {
            let bytes = layout.write(&row.schema(), &batches);
            let read = read_features(open(&bytes, layout.file).unwrap()).unwrap();
            let want = [
                (1, vec![0, 5], vec![0.5, 2.0]),
                (2, vec![1, 2], vec![1.0, 4.0]),
            ];
            assert_eq!(read, want, "{layout:?}");
        }
    }
}

#[test]
fn dictionaries_of_a_stream_may_change() {
    let of = |rows: &[Row]| {
        let mut names = StringDictionaryBuilder::<Int32Type>::new();
        for row in rows {
            names.append_value(&row.0);
        }
        let plain = batch(rows, Lists::List);
        let mut columns = plain.columns().to_vec();
        columns[0] = Arc::new(names.finish());
        let names = ["protein", "position", "residue", "activation"];
        let columns = names
            .into_iter()
            .zip(columns)
            .map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let batches = [of(&[]), of(&rows()[..2]), of(&rows()[2..])];
    let [_, stream] = Layout::NOW;
    let bytes = stream.write(&batches[0].schema(), &batches);
    assert_eq!(all(&bytes, false).unwrap(), rows());
}
