//! What is written for a structure: the same file with other B-factors, and the trace of the page.

use super::*;
use std::fmt::Write as _;

/// A chain of alanines in one format, numbered from a number.
fn alanines(format: Format, count: usize, first: i32) -> String {
    let numbers = first..;
    let mut rows = String::new();
    for (i, number) in (1..=count).zip(numbers) {
        for (serial, name) in [(2 * i - 1, "N"), (2 * i, "CA")] {
            match format {
                Format::Pdb => {
                    let residue = format!(" ALA A{number:>4} ");
                    let line = record(
                        "ATOM",
                        serial,
                        &format!(" {name:<3}"),
                        &residue,
                        1.0,
                        1.0,
                        50.0,
                    );
                    rows.push_str(&line);
                    rows.push('\n');
                }
                Format::Mmcif => {
                    let element = &name[..1];
                    writeln!(rows, "ATOM {serial} {element} {name} . ALA A {i} ? 1.0 2.0 3.0 1.0 50.0 {number} A 1").unwrap();
                }
            }
        }
    }
    match format {
        Format::Pdb => {
            rows + "HETATM 9999  O   HOH A 900       1.000   2.000   3.000  1.00 33.00           O  \r\nEND\n"
        }
        Format::Mmcif => cif(&rows),
    }
}

fn coloured(structure: &Structure, sequence: &[u8], values: &[Option<f32>]) -> String {
    let shown = structure.shows(sequence).unwrap();
    let mut out = Vec::new();
    structure.write_b_factors(&mut out, &shown, values).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn only_the_column_of_b_factors_changes() {
    let text = alanines(Format::Pdb, 10, 1);
    let mut values = [Some(0.25); 10];
    values[3] = None;
    values[4] = Some(f32::NAN);
    values[5] = Some(2.0);
    let written = coloured(&read(&text), b"AAAAAAAAAA", &values);
    let mut factors = Vec::new();
    for (before, after) in text.lines().zip(written.lines()) {
        if before.starts_with("END") {
            assert_eq!(before, after);
            continue;
        }
        assert_eq!((&before[..60], &before[66..]), (&after[..60], &after[66..]));
        factors.push(&after[60..66]);
    }
    assert_eq!(text.len(), written.len());
    assert_eq!(factors[..4], [" 25.00"; 4]);
    assert_eq!(
        factors[6..12],
        ["  0.00", "  0.00", "  0.00", "  0.00", "100.00", "100.00"]
    );
    assert_eq!(factors[20], "  0.00");

    let text = alanines(Format::Mmcif, 10, 1);
    let written = coloured(&read(&text), b"AAAAAAAAAA", &[Some(0.25); 10]);
    assert_eq!(written, text.replace(" 50.0 ", " 25.00 "));
}

#[test]
fn lines_that_end_too_early_grow() {
    let mut text = String::new();
    for number in 1..=10 {
        let line = record(
            "ATOM",
            1,
            " CA ",
            &format!(" ALA A{number:>4} "),
            1.0,
            1.0,
            50.0,
        );
        text.push_str(&line[..[54, 60, 63, 66][number % 4]]);
        text.push('\n');
    }
    let written = coloured(&read(&text), b"AAAAAAAAAA", &[Some(0.5); 10]);
    for (before, after) in text.lines().zip(written.lines()) {
        assert_eq!(&after[..54], &before[..54]);
        assert_eq!(&after[60..], " 50.00");
    }
    assert_eq!(read(&written).chains()[0].residues[9].b_factor, 50.0);
}

#[test]
fn the_trace_holds_tenths_of_an_angstrom_from_the_middle() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let x = [10.04, 12.0, 13.96];
    let mut lines: Vec<String> = (x.iter().zip(1..))
        .map(|(&x, n)| record("ATOM", n, " CA ", &format!(" ALA A{n:>4} "), x, 1.0, 1.0))
        .collect();
    lines.push(record("ATOM", 9, " CB ", " TRP A   5 ", 0.0, 1.0, 1.0));
    let structure = read(&pdb(&lines));
    let shown = Shown {
        chain: 0,
        residues: vec![Some(0), Some(1), Some(2), None, Some(3)],
        same: 4,
        observed: 4,
    };
    let bytes = STANDARD.decode(Trace::new(&structure, &shown).ca).unwrap();
    let numbers: Vec<i16> = bytes
        .chunks(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    assert_eq!(numbers[..9], [-20, 0, 0, 0, 0, 0, 20, 0, 0]);
    assert_eq!(numbers[9..], [i16::MIN; 6]);
}

proptest! {
    #[test]
    fn values_that_are_written_are_read_again(
        values in proptest::collection::vec(proptest::option::of(0.0_f32..=1.0), 10..40),
        format in prop_oneof![Just(Format::Pdb), Just(Format::Mmcif)],
        first in -20..3000,
    ) {
        let text = alanines(format, values.len(), first);
        let sequence = vec![b'A'; values.len()];
        let before = read(&text);
        let shown = before.shows(&sequence).unwrap();
        let written = coloured(&before, &sequence, &values);
        let after = read(&written);
        for (residue, position) in shown.positions() {
            let b_factor = after.chains()[0].residues[residue].b_factor;
            let expected = 100.0 * values[position - 1].unwrap_or(0.0);
            prop_assert!((b_factor - expected).abs() <= 0.005_1, "{b_factor} for {expected}");
        }
        // all but the B-factors
        let rest = |structure: &Structure| {
            let mut text = structure.text.clone();
            for site in structure.sites.iter().rev() {
                text.drain(site.span.clone());
            }
            text
        };
        prop_assert_eq!(rest(&before), rest(&after));
    }
}
