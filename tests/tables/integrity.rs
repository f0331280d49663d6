//! What is written comes back, and what is incomplete never passes for whole.

use crate::support::*;
use arrow_ipc::{
    CompressionType,
    reader::FileReader,
    writer::{FileWriter, IpcWriteOptions, StreamWriter},
};
use proptest::prelude::*;
use protsae::{
    ErrorKind,
    error::Classify,
    table::{
        Container, TableError,
        activations::{ActivationInfo, ActivationReader, ActivationWriter},
        schema::ActivationType,
    },
};

#[test]
fn every_table_comes_back_from_both_containers() {
    for container in [Container::File, Container::Stream] {
        // an IPC file can be mapped, and read from front to back
        let ways: &[bool] = if container == Container::File {
            &[true, false]
        } else {
            &[false]
        };
        for &mapped in ways {
            let bytes = write_activations(&rows(), container, ActivationType::F16);
            assert_eq!(
                read_activations(open(&bytes, mapped).unwrap()).unwrap(),
                rows()
            );
            let bytes = write_labels(container);
            assert_eq!(
                read_labels(open(&bytes, mapped).unwrap()).unwrap(),
                label_rows()
            );
            let bytes = write_features(container);
            let features = read_features(open(&bytes, mapped).unwrap()).unwrap();
            assert_eq!(
                features,
                [(1, vec![0, 5], vec![0.5, 2.0]), (2, vec![], vec![])]
            );
            let bytes = write_proteins(container);
            assert_eq!(
                read_proteins(open(&bytes, mapped).unwrap()).unwrap(),
                protein_rows()
            );
        }
    }
}

#[test]
fn a_table_without_rows_is_a_table() {
    for container in [Container::File, Container::Stream] {
        let bytes = write_activations(&[], container, ActivationType::F32);
        let source = open(&bytes, container == Container::File).unwrap();
        let reader = ActivationReader::new(source).unwrap();
        assert_eq!(reader.info(), &activation_info(2));
        assert_eq!(reader.count(), 0);
    }
}

#[test]
fn every_cut_of_a_table_is_an_error() {
    for container in [Container::File, Container::Stream] {
        let bytes = write_activations(&rows(), container, ActivationType::F32);
        let whole = read_activations(open(&bytes, false).unwrap()).unwrap();
        assert_eq!(whole.len(), 3);
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let stream = open(cut, false).and_then(read_activations);
            assert!(
                stream.is_err(),
                "{container:?} cut at {length} of {} read as a stream",
                bytes.len()
            );
            if container == Container::File {
                let file = open(cut, true).and_then(read_activations);
                assert!(file.is_err(), "cut at {length} of {} mapped", bytes.len());
            }
        }
    }
}

#[test]
fn a_stream_cut_between_two_batches_is_named_truncated() {
    let bytes = write_activations(&rows(), Container::Stream, ActivationType::F32);
    // without the end-of-stream marker, Arrow's own reader takes it for a whole table
    let cut = &bytes[..bytes.len() - 8];
    assert_eq!(
        arrow_ipc::reader::StreamReader::try_new(cut, None)
            .unwrap()
            .count(),
        1
    );
    let error = open(cut, false).and_then(read_activations).unwrap_err();
    assert!(matches!(error, TableError::Truncated(_)), "{error}");
}

#[test]
fn bytes_behind_the_end_are_an_error() {
    for container in [Container::File, Container::Stream] {
        let one = write_activations(&rows(), container, ActivationType::F32);
        let two = [one.clone(), one.clone()].concat();
        let read = |mapped| open(&two, mapped).and_then(read_activations).unwrap_err();
        assert!(
            matches!(read(false), TableError::TrailingBytes(_)),
            "{container:?}: {}",
            read(false)
        );
        if container == Container::File {
            assert!(
                matches!(read(true), TableError::TrailingBytes(_)),
                "{}",
                read(true)
            );
        }
        let more = [&one[..], b"x"].concat();
        assert!(open(&more, false).and_then(read_activations).is_err());
    }
}

#[test]
fn a_buffer_that_ends_behind_its_data_is_an_error() {
    let rows: Vec<Row> = (1..=1003)
        .map(|i| ("P1".into(), i, b'M', vec![0.5]))
        .collect();
    for container in [Container::File, Container::Stream] {
        let mut bytes = write_activations(&rows, container, ActivationType::F32);
        // the length of the positions' and of the values' buffers, where the metadata names it
        let length = 4 * 1003_i64;
        let places: Vec<usize> = bytes
            .windows(8)
            .enumerate()
            .filter(|(_, w)| *w == length.to_le_bytes())
            .map(|(at, _)| at)
            .collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + 8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
        }
        for mapped in [false, true] {
            let error = open(&bytes, mapped).and_then(read_activations);
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Data, "{container:?}");
        }
    }
}

#[test]
fn a_table_of_another_kind_does_not_fit() {
    let bytes = write_labels(Container::File);
    let error = open(&bytes, true).and_then(read_activations).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let message = error.to_string();
    assert!(
        message.contains("labels/1") && message.contains("activations/1"),
        "{message}"
    );
}

#[test]
fn what_is_no_table_is_named() {
    for bytes in [&b""[..], b">P1\nMK\n", b"PAR1 parquet", &[0; 64]] {
        assert!(open(bytes, false).is_err());
        assert!(open(bytes, true).is_err());
    }
}

#[test]
fn identities_that_differ_are_named() {
    let one = plm(2);
    let mut other = one.clone();
    other.layer = 9;
    let error = one.check_same("model/", &other, "a.arrow").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let message = error.to_string();
    assert!(
        message.contains("model/ has '3'") && message.contains("a.arrow has '9'"),
        "{message}"
    );
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let value = (-1000_i16..1000).prop_map(|v| f32::from(v) / 8.0);
    let protein = prop::collection::vec((b'A'..=b'Z', prop::collection::vec(value, 3)), 1..9);
    prop::collection::vec(protein, 0..6).prop_map(|proteins| {
        let mut rows = Vec::new();
        for (i, residues) in proteins.into_iter().enumerate() {
            for (position, (letter, x)) in residues.into_iter().enumerate() {
                rows.push((format!("P{i}"), position as u32 + 1, letter, x));
            }
        }
        rows
    })
}

proptest! {
    /// Whatever a damaged byte does, it ends in a table or an error.
    #[test]
    fn a_damaged_byte_does_not_panic(at in 0_usize..4000, xor in 1_u8.., mapped in any::<bool>()) {
        for container in [Container::File, Container::Stream] {
            for mut bytes in [
                write_activations(&rows(), container, ActivationType::F32),
                compressed(CompressionType::LZ4_FRAME, container),
                compressed(CompressionType::ZSTD, container),
            ] {
                let at = at % bytes.len();
                bytes[at] ^= xor;
                let _ = open(&bytes, mapped).and_then(read_activations);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_table_comes_back(rows in any_rows(), f16 in any::<bool>(), file in any::<bool>()) {
        // all values are multiples of 1/8 below 125: exact in half precision
        let of = if f16 { ActivationType::F16 } else { ActivationType::F32 };
        let container = if file { Container::File } else { Container::Stream };
        let bytes = write_activations(&rows, container, of);
        prop_assert_eq!(read_activations(open(&bytes, file).unwrap()).unwrap(), rows);
    }

    #[test]
    fn bytes_do_not_depend_on_how_rows_were_handed_over(cut in 0_usize..6) {
        let write = |pieces: &[std::ops::Range<usize>]| {
            let info = ActivationInfo { plm: None, sample: None, pool: None, compute: None };
            let out = Vec::new();
            let mut w = ActivationWriter::new(out, Container::Stream, 1, ActivationType::F32, &info).unwrap();
            for piece in pieces {
                let positions: Vec<u32> = piece.clone().map(|i| i as u32 + 1).collect();
                let x: Vec<f32> = piece.clone().map(|i| i as f32).collect();
                w.push("P", &positions, &b"MKTAYI"[piece.clone()], &x).unwrap();
            }
            w.finish().unwrap()
        };
        prop_assert_eq!(write(&[0..cut, cut..6]), write(&[0..0, 0..6]));
    }
}

/// Activations as other programs write them: with compressed buffers.
fn compressed(codec: CompressionType, container: Container) -> Vec<u8> {
    let rows: Vec<Row> = (1..=200)
        .map(|position| ("P1".into(), position, b'M', vec![0.5, -1.0]))
        .collect();
    let plain = write_activations(&rows, Container::File, ActivationType::F32);
    let batches = FileReader::try_new(std::io::Cursor::new(plain), None).unwrap();
    let schema = batches.schema();
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(codec))
        .unwrap();
    let mut bytes = Vec::new();
    if container == Container::File {
        let mut writer = FileWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
        for batch in batches {
            writer.write(&batch.unwrap()).unwrap();
        }
        writer.finish().unwrap();
    } else {
        let mut writer = StreamWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
        for batch in batches {
            writer.write(&batch.unwrap()).unwrap();
        }
        writer.finish().unwrap();
    }
    bytes
}

#[test]
fn compressed_tables_are_read_and_their_sizes_not_believed() {
    for (codec, magic) in [
        (CompressionType::LZ4_FRAME, [0x04, 0x22, 0x4d, 0x18]),
        (CompressionType::ZSTD, [0x28, 0xb5, 0x2f, 0xfd]),
    ] {
        for (container, mapped) in [
            (Container::File, true),
            (Container::File, false),
            (Container::Stream, false),
        ] {
            let bytes = compressed(codec, container);
            let whole = read_activations(open(&bytes, mapped).unwrap()).unwrap();
            assert_eq!(whole.len(), 200);
            let frames: Vec<usize> = (8..bytes.len())
                .filter(|&at| bytes[at..].starts_with(&magic))
                .collect();
            assert!(frames.len() > 1, "nothing is compressed");
            for frame in frames {
                for claimed in [1 << 40, i64::MAX] {
                    let mut damaged = bytes.clone();
                    damaged[frame - 8..frame].copy_from_slice(&claimed.to_le_bytes());
                    let error = open(&damaged, mapped).and_then(read_activations);
                    assert!(
                        matches!(error, Err(TableError::Inflated { .. })),
                        "{codec:?}, {container:?}, mapped {mapped}: {error:?}"
                    );
                }
            }
            for length in 0..bytes.len() {
                let cut = open(&bytes[..length], mapped).and_then(read_activations);
                assert!(cut.is_err(), "{codec:?}, {container:?}, cut at {length}");
            }
        }
    }
}
