//! Heads of IPC files as Polars writes them: the schema without the prefix that makes a message of it.

use crate::support::{open, read_activations, rows, write_activations};
use protsae::table::{Container, TableError, schema::ActivationType};

/// Takes the prefix of the schema out of an IPC file; places in its footer are then behind what they name.
fn bare(mut file: Vec<u8>) -> Vec<u8> {
    let start = 6 + file[6..].iter().take_while(|&&b| b == 0).count();
    assert_eq!(file[start..start + 4], [0xff; 4]);
    file.drain(start..start + 8);
    file
}

#[test]
fn a_schema_without_its_prefix_is_read_where_no_row_follows_and_from_a_pipe() {
    let of = |rows| {
        bare(write_activations(
            rows,
            Container::File,
            ActivationType::F32,
        ))
    };
    let (empty, full) = (of(&[]), of(&rows()));
    for mapped in [true, false] {
        assert_eq!(read_activations(open(&empty, mapped).unwrap()).unwrap(), []);
    }
    assert_eq!(
        read_activations(open(&full, false).unwrap()).unwrap(),
        rows()
    );
}

#[test]
fn a_bare_schema_hides_neither_a_cut_nor_a_second_table() {
    let rows = rows();
    let of = |rows| {
        bare(write_activations(
            rows,
            Container::File,
            ActivationType::F32,
        ))
    };
    let (empty, full) = (of(&[]), of(&rows));
    let twice = [&empty[..], &empty].concat();
    assert!(matches!(
        open(&twice, true).err(),
        Some(TableError::TrailingBytes(_))
    ));
    assert!(open(&twice, false).and_then(read_activations).is_err());
    for end in (8..full.len()).step_by(7) {
        let read = open(&full[..end], false).and_then(read_activations);
        assert!(read.is_err(), "cut at {end}");
    }
}
