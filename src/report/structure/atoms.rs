//! From atoms in a file's order to chains of residues.

use super::{Chain, Format, Residue, Site, Structure, letters::Component};
use std::{collections::HashMap, ops::Range};

/// Whether the file says that an atom belongs to a polymer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// `ATOM`, or a place in the sequence of an entity.
    Polymer,
    /// `HETATM`: ligands, but modified residues of chains too.
    Hetero,
}

/// An atom, as either format has it.
pub(super) struct Atom<'a> {
    pub(super) group: Group,
    pub(super) chain: &'a str,
    pub(super) number: i32,
    pub(super) insertion: Option<char>,
    pub(super) label: Option<u32>,
    pub(super) component: Component,
    /// Whether it is a C-alpha (and not a calcium).
    pub(super) alpha: bool,
    pub(super) position: [f32; 3],
    pub(super) occupancy: f32,
    pub(super) b_factor: f32,
}

/// Where an atom's B-factor stands.
pub(super) struct Field {
    pub(super) span: Range<usize>,
    pub(super) padding: usize,
}

/// A residue that atoms are added to.
struct Growing {
    chain: usize,
    residue: Residue,
    known: bool,
    /// Of the C-alpha that was taken.
    occupancy: f32,
}

/// Name of the chain, number, insertion code.
type Key = (String, i32, Option<char>);

/// Atoms so far.
#[derive(Default)]
pub(super) struct Atoms {
    chains: Vec<String>,
    residues: Vec<Growing>,
    index: HashMap<Key, usize>,
    sites: Vec<(Field, Option<usize>)>,
}

/// Whether the atom can be one of a residue of a chain. A free amino acid is a HETATM with a standard name.
pub(super) fn in_chain(group: Group, component: Component) -> bool {
    group == Group::Polymer || matches!(component, Component::Modified(_))
}

impl Atoms {
    /// An atom that is in no chain: water, a ligand.
    pub(super) fn add_other(&mut self, field: Field) {
        self.sites.push((field, None));
    }

    /// An atom of the first model.
    pub(super) fn add(&mut self, atom: &Atom<'_>, field: Field) {
        if !in_chain(atom.group, atom.component) {
            return self.add_other(field);
        }
        let last = self.residues.len().checked_sub(1);
        let at = match last.filter(|&at| self.is_of(at, atom)) {
            Some(at) => at,
            None => self.residue_of(atom),
        };
        self.sites.push((field, Some(at)));
        let growing = &mut self.residues[at];
        let known = atom.component != Component::Other;
        // of alternate residues at one place, the one whose C-alpha is taken is the residue
        let better = growing.residue.alpha.is_none() || atom.occupancy > growing.occupancy;
        if atom.alpha && better {
            growing.residue.alpha = Some(atom.position);
            growing.residue.letter = atom.component.letter();
            growing.residue.b_factor = atom.b_factor;
            growing.occupancy = atom.occupancy;
            growing.known = known;
        }
    }

    /// An atom of a later model: it is the same residue's.
    pub(super) fn add_again(&mut self, atom: &Atom<'_>, field: Field) {
        let chained = in_chain(atom.group, atom.component);
        let at = (self.index).get(&(atom.chain.to_owned(), atom.number, atom.insertion));
        self.sites.push((field, at.copied().filter(|_| chained)));
    }

    fn is_of(&self, at: usize, atom: &Atom<'_>) -> bool {
        let Growing { chain, residue, .. } = &self.residues[at];
        residue.number == atom.number
            && residue.insertion == atom.insertion
            && self.chains[*chain] == atom.chain
    }

    /// The residue of an atom, a new one where there is none.
    fn residue_of(&mut self, atom: &Atom<'_>) -> usize {
        let key = (atom.chain.to_owned(), atom.number, atom.insertion);
        if let Some(&at) = self.index.get(&key) {
            return at;
        }
        let chain = self.chains.iter().rposition(|name| name == atom.chain);
        let chain = chain.unwrap_or_else(|| {
            self.chains.push(atom.chain.to_owned());
            self.chains.len() - 1
        });
        let at = self.residues.len();
        self.index.insert(key, at);
        self.residues.push(Growing {
            chain,
            residue: Residue {
                number: atom.number,
                insertion: atom.insertion,
                label: atom.label,
                letter: atom.component.letter(),
                alpha: None,
                b_factor: atom.b_factor,
            },
            known: atom.component != Component::Other,
            occupancy: 0.0,
        });
        at
    }

    /// The chains: what has neither the name of an amino acid nor a C-alpha is none (nucleotides, caps).
    pub(super) fn finish(self, format: Format, text: Vec<u8>) -> Structure {
        let mut chains: Vec<Chain> = self
            .chains
            .into_iter()
            .map(|name| Chain {
                name,
                residues: Vec::new(),
            })
            .collect();
        let mut places = Vec::with_capacity(self.residues.len());
        for growing in self.residues {
            let is_residue = growing.known || growing.residue.alpha.is_some();
            places.push(is_residue.then(|| {
                let residues = &mut chains[growing.chain].residues;
                residues.push(growing.residue);
                (growing.chain, residues.len() - 1)
            }));
        }
        // chains without a residue go, and the others move up
        let mut kept = Vec::with_capacity(chains.len());
        let mut count = 0;
        for chain in &chains {
            kept.push(count);
            count += usize::from(!chain.residues.is_empty());
        }
        chains.retain(|chain| !chain.residues.is_empty());
        let sites = self.sites.into_iter().map(|(field, at)| Site {
            span: field.span,
            padding: field.padding,
            residue: at
                .and_then(|at| places[at])
                .map(|(chain, residue)| (kept[chain], residue)),
        });
        Structure {
            format,
            chains,
            sites: sites.collect(),
            text,
        }
    }
}
