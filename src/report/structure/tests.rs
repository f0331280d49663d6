//! Small files of both formats, and what is read from them.

mod writing;

use super::*;
use proptest::prelude::*;

/// A record of an atom as PDB has it: `HETATM` or `ATOM`, name in its four columns, alternate location, component,
/// chain, number with insertion code in five columns, x, occupancy, B-factor.
fn record(
    kind: &str,
    serial: usize,
    name: &str,
    residue: &str,
    x: f64,
    occupancy: f64,
    b: f64,
) -> String {
    format!(
        "{kind:<6}{serial:>5} {name}{residue}   {x:8.3}{:8.3}{:8.3}{occupancy:6.2}{b:6.2}          {:>2}  ",
        2.0,
        -3.5,
        name.trim().chars().next().unwrap()
    )
}

fn pdb(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}

fn read(text: &str) -> Structure {
    Structure::read(text.as_bytes()).unwrap()
}

fn error(text: &str) -> String {
    Structure::read(text.as_bytes()).unwrap_err().to_string()
}

fn letters(chain: &Chain) -> String {
    chain
        .residues
        .iter()
        .map(|r| char::from(r.letter))
        .collect()
}

/// Two chains, a modified residue, an insertion, alternate locations, a calcium and a water.
fn example() -> String {
    pdb(&[
        "HEADER    HYDROLASE".into(),
        record("ATOM", 1, " N  ", " MET A   7 ", 1.0, 1.0, 11.0),
        record("ATOM", 2, " CA ", " MET A   7 ", 2.0, 1.0, 12.0),
        record("HETATM", 3, " CA ", " MSE A   8 ", 3.0, 1.0, 13.0),
        record("ATOM", 4, " CA ", "ASER A   8A", 4.0, 0.3, 14.0),
        record("ATOM", 5, " CA ", "BTHR A   8A", 5.0, 0.7, 15.0),
        record("ATOM", 6, " CA ", " GLY A  12 ", 6.0, 1.0, 16.0),
        record("ATOM", 7, " CA ", " LYS B  -1 ", 7.0, 1.0, 17.0),
        "TER".into(),
        record("HETATM", 8, "CA  ", "  CA A 101 ", 8.0, 1.0, 18.0),
        record("HETATM", 9, " O  ", " HOH A 201 ", 9.0, 1.0, 19.0),
        "END".into(),
    ])
}

/// The rows of a table `atom_site`.
fn cif(rows: &str) -> String {
    format!(
        "data_X\n#\n_entry.id X\nloop_\n_audit_author.name\n\"Jumper, J\"\n;D. O'Loop\n_atom_site.id\n;\n#\nloop_\n\
         _atom_site.group_PDB\n_atom_site.id\n_atom_site.type_symbol\n_atom_site.label_atom_id\n\
         _atom_site.label_alt_id\n_atom_site.label_comp_id\n_atom_site.label_asym_id\n_atom_site.label_seq_id\n\
         _atom_site.pdbx_PDB_ins_code\n_atom_site.Cartn_x\n_atom_site.Cartn_y\n_atom_site.Cartn_z\n\
         _atom_site.occupancy\n_atom_site.B_iso_or_equiv\n_atom_site.auth_seq_id\n_atom_site.auth_asym_id\n\
         _atom_site.pdbx_PDB_model_num\n{rows}#\n_end.id X\n"
    )
}

const ROWS: &str = "\
ATOM   1 C  CA   . MET A 3 ? 1.0 2.0 -3.5 1.0 90.50 7   1E1 1\n\
ATOM   2 C \"CB\" . MET A 3 ? 1.5 2.0 -3.5 1.0 90.5  7   1E1 1\n\
HETATM 3 SE SE   . MSE A 4 ? 2.0 2.0 -3.5 1.0 80    8   1E1 1\n\
HETATM 4 C  CA   . MSE A 4 ? 2.5 2.0 -3.5 1.0 81    8   1E1 1\n\
ATOM   5 ? 'CA' B SER A 5 A 3.0(2) 2.0 -3.5 0.4 70  8   1E1 1\n\
HETATM 6 C  C1   . GLU B . ? 4.0 2.0 -3.5 1.0 60.0  301 1E1 1\n\
HETATM 7 CA CA   . CA  C . ? 5.0 2.0 -3.5 1.0 ?     302 1E1 1\n\
ATOM   8 C  CA   . MET A 3 ? 9.0 2.0 -3.5 1.0 90.50 7   1E1 2\n";

#[test]
fn pdb_records_become_chains_of_residues() {
    let structure = read(&example());
    assert_eq!(structure.format(), Format::Pdb);
    let [a, b] = structure.chains() else {
        panic!("{:?}", structure.chains())
    };
    assert_eq!((a.name.as_str(), letters(a).as_str()), ("A", "MMTG"));
    assert_eq!((b.name.as_str(), letters(b).as_str()), ("B", "K"));
    let numbers: Vec<_> = a.residues.iter().map(|r| (r.number, r.insertion)).collect();
    assert_eq!(numbers, [(7, None), (8, None), (8, Some('A')), (12, None)]);
    assert_eq!(b.residues[0].number, -1);
    // the C-alpha, of the location that is more often taken
    assert_eq!(a.residues[0].alpha, Some([2.0, 2.0, -3.5]));
    assert_eq!(a.residues[0].b_factor, 12.0);
    assert_eq!(a.residues[2].alpha, Some([5.0, 2.0, -3.5]));
    assert_eq!(a.residues[2].b_factor, 15.0);
}

#[test]
fn the_first_of_equal_locations_is_taken() {
    let text = pdb(&[
        record("ATOM", 1, " CA ", "AVAL A   1 ", 1.0, 0.5, 10.0),
        record("ATOM", 2, " CA ", "BVAL A   1 ", 2.0, 0.5, 20.0),
    ]);
    assert_eq!(read(&text).chains()[0].residues[0].b_factor, 10.0);
}

#[test]
fn the_rows_of_atom_site_become_chains_of_residues() {
    let structure = read(&cif(ROWS));
    assert_eq!(structure.format(), Format::Mmcif);
    let [chain] = structure.chains() else {
        panic!("{:?}", structure.chains())
    };
    assert_eq!(
        (chain.name.as_str(), letters(chain).as_str()),
        ("1E1", "MMS")
    );
    let labels: Vec<_> = chain.residues.iter().map(|r| r.label).collect();
    assert_eq!(labels, [Some(3), Some(4), Some(5)]);
    assert_eq!(chain.residues[2].insertion, Some('A'));
    assert_eq!(chain.residues[2].alpha, Some([3.0, 2.0, -3.5]));
    assert_eq!(chain.residues[1].b_factor, 81.0);
    // the second model is not read, but its atoms are the same residues'
    assert_eq!(chain.residues[0].alpha, Some([1.0, 2.0, -3.5]));
    assert_eq!(structure.sites[7].residue, Some((0, 0)));
    assert_eq!(structure.sites[5].residue, None);
}

#[test]
fn of_several_models_the_first_is_read() {
    let model = |n: u32, x: f64| {
        format!(
            "MODEL     {n:>4}\n{}\nENDMDL\n",
            record("ATOM", 1, " CA ", " TRP A   1 ", x, 1.0, 5.0)
        )
    };
    let structure = read(&format!("{}{}END\n", model(1, 1.0), model(2, 9.0)));
    assert_eq!(structure.chains()[0].residues.len(), 1);
    assert_eq!(
        structure.chains()[0].residues[0].alpha,
        Some([1.0, 2.0, -3.5])
    );
    assert_eq!(structure.sites.len(), 2);
    assert_eq!(structure.sites[0].residue, structure.sites[1].residue);
}

#[test]
fn nucleotides_and_caps_are_no_residues() {
    let text = pdb(&[
        record("ATOM", 1, " P  ", "  DA N   1 ", 1.0, 1.0, 5.0),
        record("ATOM", 2, " C  ", " ACE A   0 ", 1.0, 1.0, 5.0),
        record("ATOM", 3, " CB ", " ALA A   1 ", 1.0, 1.0, 5.0),
        record("ATOM", 4, " CA ", " ABC A   2 ", 1.0, 1.0, 5.0),
    ]);
    let structure = read(&text);
    let [chain] = structure.chains() else {
        panic!("{:?}", structure.chains())
    };
    assert_eq!(letters(chain), "AX");
    assert_eq!(chain.residues[0].alpha, None);
    let sites: Vec<_> = structure.sites.iter().map(|site| site.residue).collect();
    assert_eq!(sites, [None, None, Some((0, 0)), Some((0, 1))]);
}

#[test]
fn a_file_that_is_cut_is_refused_by_its_line() {
    let whole = example();
    let cut = &whole[..whole.find("SER A").unwrap() + 20];
    assert_eq!(
        error(cut),
        "line 5: a record of an atom ends at column 37, but its coordinates end at column 54; is the file whole?"
    );
    let atom = record("ATOM", 1, " CA ", " TRP A   1 ", 1.0, 1.0, 5.0);
    let text = format!("MODEL        1\n{atom}\n");
    assert_eq!(
        error(&text),
        "line 2: the file ends before the record ENDMDL of its model; is it whole?"
    );
    let text = format!("SEQRES   1 A    9  TRP\n{atom}\n");
    assert_eq!(
        error(&text),
        "line 2: the file ends before the record END; is it whole?"
    );

    let whole = cif(ROWS);
    let cut = whole.find("4.0 2.0 -3.5").unwrap();
    assert_eq!(
        error(&whole[..cut]),
        "line 34: the last row of the table atom_site has 9 values for its 17 columns; is the file whole?"
    );
    let cut = whole.find(" 1\nHETATM 7").unwrap() + 2;
    let message = "line 34: the file ends before the end of the last line of the table atom_site; is it whole?";
    assert_eq!(error(&whole[..cut]), message);
    let cut = whole.find("O'Loop").unwrap();
    assert_eq!(
        error(&whole[..cut]),
        "line 7: the file ends before the end of a value in quotes; is it whole?"
    );
}

#[test]
fn what_is_no_number_is_named() {
    let text = example().replace("   4.000", "   4.0x0");
    assert_eq!(
        error(&text),
        "line 5: a coordinate should be a number, not \"4.0x0\""
    );
    let text = example().replace("   4.000", "     inf");
    assert_eq!(
        error(&text),
        "line 5: a coordinate should be a number, not \"inf\""
    );
    let text = example().replace("A  12 ", "A  1x ");
    assert_eq!(
        error(&text),
        "line 7: the number of a residue should be a number, not \"1x\""
    );
    let text = cif(&ROWS.replace("1.0 2.0 -3.5 1.0 90.50", "? 2.0 -3.5 1.0 90.50"));
    assert_eq!(
        error(&text),
        "line 29: a coordinate should be a number, not \"?\""
    );
    let text = cif(ROWS).replace("_atom_site.Cartn_y", "_atom_site.y");
    assert_eq!(
        error(&text),
        "line 11: the table atom_site has no column Cartn_y"
    );
}

#[test]
fn other_files_are_refused() {
    for text in [
        "",
        "{\"a\": 1}",
        "HEADER    X\nEND\n",
        "data_X\nloop_\n_a.b\n1 2\n",
        "data_X\n_atom_site.id 1\n",
    ] {
        assert!(
            error(text).starts_with("neither a PDB nor an mmCIF file"),
            "{text}"
        );
    }
    let no_rows = cif("").replace("_end.id X", "loop_");
    assert!(
        error(&no_rows).starts_with("neither"),
        "{}",
        error(&no_rows)
    );
    let caps = pdb(&[record("ATOM", 1, " P  ", "  DA N   1 ", 1.0, 1.0, 5.0)]);
    assert!(read(&caps).shows(b"ACDEFGHIKL").is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        cut in 0_usize..4000,
        replaced in proptest::collection::vec((0_usize..4000, any::<u8>()), 0..8),
        format in prop_oneof![Just(example()), Just(cif(ROWS))],
    ) {
        let mut text = format.into_bytes();
        for (at, byte) in replaced {
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
        }
        text.truncate(cut);
        if let Ok(structure) = Structure::read(&text[..]) {
            let starts: Vec<_> = structure.sites.iter().map(|site| site.span.start).collect();
            prop_assert!(starts.is_sorted());
            let _ = structure.shows(b"MMTGACDEFGHIK");
        }
    }
}
