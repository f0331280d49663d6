//! Atoms of mmCIF files: the first table `atom_site`.

use super::{
    StructureError,
    atoms::{Atom, Atoms, Field, Group, in_chain},
    letters::Component,
    tokens::{Kind, Token, Tokens, begins},
};
use std::str;

const TABLE: &[u8] = b"_atom_site.";

/// Whether a text begins as a CIF does.
pub(super) fn is_mmcif(text: &[u8]) -> bool {
    let first = Tokens::new(text).next().ok().flatten();
    first.is_some_and(|token| token.kind == Kind::Keyword && begins(token.text(text), b"data_"))
}

/// Reads the atoms of all models.
pub(super) fn atoms(text: &[u8]) -> Result<Atoms, StructureError> {
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next()? {
        if !begins(token.text(text), b"loop_") || token.kind != Kind::Keyword {
            continue;
        }
        let mut tags = Vec::new();
        let mut next = tokens.next()?;
        while let Some(tag) = next.take_if(|token| token.kind == Kind::Tag) {
            tags.push(tag);
            next = tokens.next()?;
        }
        let is_table = |tag: &Token| begins(tag.text(text), TABLE);
        if tags.first().is_some_and(is_table) {
            let columns = Columns::new(text, &tags, token.line)?;
            return rows(text, &mut tokens, next, &columns);
        }
    }
    Err(StructureError::Unknown)
}

/// Which columns of the table hold what.
struct Columns {
    count: usize,
    group: Option<usize>,
    chain: usize,
    number: Option<usize>,
    insertion: Option<usize>,
    label: Option<usize>,
    component: usize,
    name: usize,
    element: Option<usize>,
    coordinates: [usize; 3],
    occupancy: Option<usize>,
    b_factor: usize,
    model: Option<usize>,
}

impl Columns {
    fn new(text: &[u8], tags: &[Token], line: u64) -> Result<Self, StructureError> {
        let find = |name: &str| {
            let is = |tag: &Token| {
                let item = tag.text(text).get(TABLE.len()..);
                item.is_some_and(|item| item.eq_ignore_ascii_case(name.as_bytes()))
            };
            tags.iter().position(is)
        };
        let either = |first, second| find(first).or_else(|| find(second));
        let need =
            |found: Option<usize>, column| found.ok_or(StructureError::Column { line, column });
        Ok(Self {
            count: tags.len(),
            group: find("group_PDB"),
            chain: need(either("auth_asym_id", "label_asym_id"), "label_asym_id")?,
            number: find("auth_seq_id"),
            insertion: find("pdbx_PDB_ins_code"),
            label: find("label_seq_id"),
            component: need(either("label_comp_id", "auth_comp_id"), "label_comp_id")?,
            name: need(either("label_atom_id", "auth_atom_id"), "label_atom_id")?,
            element: find("type_symbol"),
            coordinates: [
                need(find("Cartn_x"), "Cartn_x")?,
                need(find("Cartn_y"), "Cartn_y")?,
                need(find("Cartn_z"), "Cartn_z")?,
            ],
            occupancy: find("occupancy"),
            b_factor: need(find("B_iso_or_equiv"), "B_iso_or_equiv")?,
            model: find("pdbx_PDB_model_num"),
        })
    }
}

/// A row of the table.
struct Row<'a, 'c> {
    text: &'a [u8],
    cells: &'c [Token],
}

impl<'a> Row<'a, '_> {
    fn given(&self, column: usize) -> Option<&'a [u8]> {
        self.cells[column].given(self.text)
    }

    fn maybe(&self, column: Option<usize>) -> Option<&'a [u8]> {
        self.given(column?)
    }

    fn string(&self, column: usize) -> &'a str {
        // a name that is not ASCII is no name of the dictionaries
        str::from_utf8(self.given(column).unwrap_or_default()).unwrap_or_default()
    }

    /// A number; its standard uncertainty in brackets is left out.
    fn number<T: str::FromStr>(
        &self,
        column: usize,
        what: &'static str,
    ) -> Result<T, StructureError> {
        let text = String::from_utf8_lossy(self.cells[column].text(self.text));
        let digits = text.split('(').next().unwrap_or_default();
        digits.parse().map_err(|_| StructureError::Number {
            line: self.cells[column].line,
            what,
            value: text.clone().into_owned(),
        })
    }

    fn finite(&self, column: usize, what: &'static str) -> Result<f32, StructureError> {
        let value: f32 = self.number(column, what)?;
        if value.is_finite() {
            return Ok(value);
        }
        Err(StructureError::Number {
            line: self.cells[column].line,
            what,
            value: value.to_string(),
        })
    }

    fn finite_or(
        &self,
        column: Option<usize>,
        what: &'static str,
        none: f32,
    ) -> Result<f32, StructureError> {
        match column.filter(|&column| self.given(column).is_some()) {
            Some(column) => self.finite(column, what),
            None => Ok(none),
        }
    }
}

/// Reads the rows, of which the first begins with `next`.
fn rows(
    text: &[u8],
    tokens: &mut Tokens<'_>,
    mut next: Option<Token>,
    columns: &Columns,
) -> Result<Atoms, StructureError> {
    let mut atoms = Atoms::default();
    let mut model: Option<&[u8]> = None;
    let mut cells = Vec::with_capacity(columns.count);
    while let Some(cell) = next.take_if(|token| token.is_value()) {
        let end = cell.span.end;
        cells.push(cell);
        if cells.len() == columns.count {
            let row = Row {
                text,
                cells: &cells,
            };
            let own = row.maybe(columns.model).unwrap_or_default();
            let first = *model.get_or_insert(own) == own;
            add(&row, columns, &mut atoms, !first)?;
            cells.clear();
            if end == text.len() {
                // the last value may be a part of one
                let (line, missing) = (
                    tokens.line(),
                    "the end of the last line of the table atom_site",
                );
                return Err(StructureError::Cut { line, missing });
            }
        }
        next = tokens.next()?;
    }
    match cells.first() {
        Some(cell) => Err(StructureError::Row {
            line: cell.line,
            columns: columns.count,
            values: cells.len(),
        }),
        None if model.is_none() => Err(StructureError::Unknown),
        None => Ok(atoms),
    }
}

fn add(
    row: &Row<'_, '_>,
    columns: &Columns,
    atoms: &mut Atoms,
    again: bool,
) -> Result<(), StructureError> {
    // what has a place in a sequence is no ligand, whatever else is said of it
    let label = match columns.label {
        Some(column) if row.given(column).is_some() => {
            Some(row.number(column, "the place of a residue")?)
        }
        _ => None,
    };
    let hetero = row.maybe(columns.group) == Some(b"HETATM");
    let group = if label.is_none() && hetero {
        Group::Hetero
    } else {
        Group::Polymer
    };
    let component = Component::of(row.string(columns.component));
    let field = Field {
        span: row.cells[columns.b_factor].span.clone(),
        padding: 0,
    };
    let number = columns.number.filter(|&c| row.given(c).is_some());
    let Some(number) = number
        .or(columns.label)
        .filter(|_| in_chain(group, component))
    else {
        atoms.add_other(field);
        return Ok(());
    };
    let mut position = [0.0; 3];
    for (value, column) in position.iter_mut().zip(columns.coordinates) {
        *value = row.finite(column, "a coordinate")?;
    }
    let element = row.maybe(columns.element);
    let insertion = row.maybe(columns.insertion);
    let atom = Atom {
        group,
        chain: row.string(columns.chain),
        number: row.number(number, "the number of a residue")?,
        insertion: insertion.and_then(|code| code.first().copied().map(char::from)),
        label,
        component,
        alpha: row.string(columns.name) == "CA" && element.is_none_or(|e| e == b"C"),
        position,
        occupancy: row.finite_or(columns.occupancy, "an occupancy", 1.0)?,
        b_factor: row.finite_or(Some(columns.b_factor), "a B-factor", 0.0)?,
    };
    if again {
        atoms.add_again(&atom, field);
    } else {
        atoms.add(&atom, field);
    }
    Ok(())
}
