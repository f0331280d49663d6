//! Which residue of a chain is which position of a protein.
//!
//! No alignment with gaps: the residues that a file has coordinates of lie in the protein at one offset, by one of the
//! numberings of the file. In files of `AlphaFold` the number is the position (offset 0).

use super::{Chain, Residue, Structure, StructureError};

/// The percentage of the residues of a chain that must be those of the protein.
const LEAST_PERCENT: usize = 95;

/// A shorter chain is in many proteins by chance; it must be all of one.
const LEAST_RESIDUES: usize = 10;

/// Where a structure shows a protein.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Index of the chain.
    pub chain: usize,
    /// Of each position of the protein, in order: the index of its residue in the chain; none where it has no
    /// coordinates.
    pub residues: Vec<Option<usize>>,
    /// Residues of the chain that are those of the protein.
    pub same: usize,
    /// Residues of the chain that were compared: all but those of unknown kind.
    pub observed: usize,
}

impl Shown {
    /// The position, from 1, of each residue of the chain.
    pub(super) fn positions(&self) -> impl Iterator<Item = (usize, usize)> {
        let of = |(i, &residue): (usize, &Option<usize>)| residue.map(|residue| (residue, i + 1));
        self.residues.iter().enumerate().filter_map(of)
    }

    /// The index of the residue at a position from 1.
    #[must_use]
    pub fn residue_at(&self, position: u32) -> Option<usize> {
        let i = usize::try_from(position).ok()?.checked_sub(1)?;
        self.residues.get(i).copied().flatten()
    }
}

/// A chain laid beside a protein.
struct Fit {
    /// Of each residue of the chain: its number in the numbering that fits.
    numbers: Vec<i64>,
    /// What a number and this make is a position from 0.
    offset: i64,
    same: usize,
}

/// The residues of a chain by each numbering, in the order in which they are believed.
fn numberings(residues: &[Residue]) -> Vec<Vec<i64>> {
    let labels = residues.iter().map(|r| r.label.map(i64::from));
    let authors = residues
        .iter()
        .map(|r| r.insertion.is_none().then_some(i64::from(r.number)));
    let order = (0_i64..).take(residues.len());
    let ways = [labels.collect(), authors.collect(), Some(order.collect())];
    let ascend = |numbers: &Vec<i64>| numbers.is_sorted_by(|a, b| a < b);
    ways.into_iter().flatten().filter(ascend).collect()
}

/// Residues that are the protein's at an offset; none where it cannot be more than `best`.
fn count_same(
    residues: &[Residue],
    numbers: &[i64],
    sequence: &[u8],
    offset: i64,
    best: usize,
) -> Option<usize> {
    let mut may = residues.len();
    let mut same = 0;
    for (residue, number) in residues.iter().zip(numbers) {
        let at = usize::try_from(number + offset).ok();
        let letter = at.and_then(|at| sequence.get(at));
        if residue.letter != b'X' && letter.is_some_and(|l| l.eq_ignore_ascii_case(&residue.letter))
        {
            same += 1;
        } else {
            may -= 1;
            if may <= best {
                return None;
            }
        }
    }
    (same > best).then_some(same)
}

/// Where a chain is most like a protein.
fn fit(chain: &Chain, sequence: &[u8]) -> Option<Fit> {
    let mut found: Option<Fit> = None;
    for numbers in numberings(&chain.residues) {
        let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else {
            continue;
        };
        // at least half of the chain lies within the protein
        let beyond = i64::try_from(chain.residues.len() / 2).ok()?;
        let length = i64::try_from(sequence.len()).ok()?;
        let mut offsets: Vec<i64> = (-first - beyond..length - last + beyond).collect();
        // position = number comes first, and wins where others are as good
        offsets.sort_by_key(|offset| (offset + 1).abs());
        for offset in offsets {
            let best = found.as_ref().map_or(0, |fit| fit.same);
            if let Some(same) = count_same(&chain.residues, &numbers, sequence, offset, best) {
                found = Some(Fit {
                    numbers: numbers.clone(),
                    offset,
                    same,
                });
            }
        }
    }
    found
}

impl Structure {
    /// Finds the chain that shows most of a protein (letters of its residues), and where.
    ///
    /// # Errors
    /// Where no chain is long enough, or none is of this protein: less than 95 % of the residues that it has coordinates
    /// of are the protein's, at one offset of any of its numberings.
    pub fn shows(&self, sequence: &[u8]) -> Result<Shown, StructureError> {
        let mut shown: Option<Shown> = None;
        let mut unlike: Option<(usize, usize, usize)> = None;
        for (index, chain) in self.chains.iter().enumerate() {
            let observed = chain.residues.iter().filter(|r| r.letter != b'X').count();
            if observed == 0 || observed < LEAST_RESIDUES.min(sequence.len()) {
                continue;
            }
            let fit = fit(chain, sequence);
            let same = fit.as_ref().map_or(0, |fit| fit.same);
            if 100 * same < LEAST_PERCENT * observed {
                if unlike.is_none_or(|(_, best, _)| same > best) {
                    unlike = Some((index, same, observed));
                }
            } else if let Some(fit) = fit.filter(|_| shown.as_ref().is_none_or(|s| same > s.same)) {
                shown = Some(Shown {
                    chain: index,
                    residues: lay_out(&fit, sequence.len()),
                    same,
                    observed,
                });
            }
        }
        shown.ok_or_else(|| match unlike {
            Some((chain, same, observed)) => StructureError::Unlike {
                chain: self.chains[chain].name.clone(),
                same,
                observed,
                needed: LEAST_PERCENT,
            },
            None => StructureError::NoChain {
                least: LEAST_RESIDUES.min(sequence.len()).max(1),
            },
        })
    }
}

/// The residue at each position of the protein.
fn lay_out(fit: &Fit, length: usize) -> Vec<Option<usize>> {
    let mut residues = vec![None; length];
    for (i, number) in fit.numbers.iter().enumerate() {
        let at = usize::try_from(number + fit.offset).ok();
        if let Some(place) = at.and_then(|at| residues.get_mut(at)) {
            *place = Some(i);
        }
    }
    residues
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::structure::Format;

    /// A chain of residues `(number, insertion, label, letter)`.
    fn chain(name: &str, residues: &[(i32, Option<char>, Option<u32>, u8)]) -> Chain {
        let residue = |&(number, insertion, label, letter)| Residue {
            number,
            insertion,
            label,
            letter,
            alpha: Some([0.0; 3]),
            b_factor: 0.0,
        };
        Chain {
            name: name.into(),
            residues: residues.iter().map(residue).collect(),
        }
    }

    fn structure(chains: Vec<Chain>) -> Structure {
        Structure {
            format: Format::Pdb,
            chains,
            text: Vec::new(),
            sites: Vec::new(),
        }
    }

    /// Residues of a sequence from a position on, numbered from another number.
    fn part(
        sequence: &[u8],
        from: usize,
        to: usize,
        number: i32,
    ) -> Vec<(i32, Option<char>, Option<u32>, u8)> {
        let numbers = number..;
        let letters = &sequence[from - 1..to];
        let residue = |(&letter, number)| (number, None, None, letter);
        letters.iter().zip(numbers).map(residue).collect()
    }

    const PROTEIN: &[u8] = b"MKVLAAGIVGLCWERTYHPSDFNQMKVLAAGHHHKEND";

    #[test]
    fn numbers_are_positions_where_that_fits() {
        // a repeat: the same letters stand at 1 to 7 and at 25 to 31
        let repeat = [b"MKVLAAG".as_slice(); 4].concat();
        let second = structure(vec![chain("A", &part(&repeat, 8, 21, 8))]);
        let shown = second.shows(&repeat).unwrap();
        assert_eq!(shown.residue_at(8), Some(0));
        assert_eq!(shown.residue_at(7), None);
        assert_eq!((shown.same, shown.observed), (14, 14));
    }

    #[test]
    fn an_offset_and_gaps_are_found() {
        let mut residues = part(PROTEIN, 4, 12, 104);
        residues.extend(part(PROTEIN, 20, 30, 120));
        let shown = structure(vec![chain("A", &residues)])
            .shows(PROTEIN)
            .unwrap();
        assert_eq!(shown.residues.iter().flatten().count(), 20);
        assert_eq!(shown.residue_at(4), Some(0));
        assert_eq!(shown.residue_at(12), Some(8));
        assert_eq!(shown.residue_at(13), None);
        assert_eq!(shown.residue_at(20), Some(9));
    }

    #[test]
    fn insertion_codes_leave_the_labels_or_the_order() {
        let mut residues = part(PROTEIN, 1, 20, 1);
        residues[5].0 = 5;
        residues[5].1 = Some('A');
        for (residue, number) in residues[6..].iter_mut().zip(6..) {
            residue.0 = number;
        }
        let shown = structure(vec![chain("A", &residues)])
            .shows(PROTEIN)
            .unwrap();
        assert_eq!(shown.residue_at(6), Some(5));
        // with labels, a gap is known too
        residues.drain(8..12);
        for (residue, label) in residues.iter_mut().zip((1..=8).chain(13..)) {
            residue.2 = Some(label);
        }
        let shown = structure(vec![chain("A", &residues)])
            .shows(PROTEIN)
            .unwrap();
        assert_eq!(shown.residue_at(13), Some(8));
        assert_eq!(shown.residue_at(10), None);
    }

    #[test]
    fn the_chain_that_shows_most_is_taken() {
        let other = part(b"WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW", 1, 37, 1);
        let chains = vec![
            chain("A", &other),
            chain("B", &part(PROTEIN, 1, 15, 1)),
            chain("C", &part(PROTEIN, 2, 30, 2)),
            chain("D", &part(PROTEIN, 2, 30, 2)),
        ];
        let shown = structure(chains).shows(PROTEIN).unwrap();
        assert_eq!((shown.chain, shown.same), (2, 29));
    }

    #[test]
    fn one_in_twenty_may_differ_and_not_more() {
        let mut residues = part(PROTEIN, 1, 20, 1);
        residues[3].3 = b'W';
        let one = structure(vec![chain("A", &residues)]).shows(PROTEIN);
        assert_eq!(one.unwrap().same, 19);
        residues[4].3 = b'W';
        let two = structure(vec![chain("A", &residues)]).shows(PROTEIN);
        let message = two.unwrap_err().to_string();
        let numbers =
            "at best 18 of the 20 residues of chain \"A\" (90.0 %) are those of the protein; 95 %";
        assert!(message.contains(numbers), "{message}");
        // what is unknown is not compared
        residues[4].3 = b'X';
        residues[5].3 = b'X';
        let shown = structure(vec![chain("A", &residues)])
            .shows(PROTEIN)
            .unwrap_err();
        assert!(shown.to_string().contains("17 of the 18"), "{shown}");
    }

    #[test]
    fn a_peptide_shows_a_protein_only_if_it_is_all_of_it() {
        let short = structure(vec![chain("A", &part(PROTEIN, 1, 7, 1))]);
        let error = short.shows(PROTEIN).unwrap_err();
        assert!(
            matches!(error, StructureError::NoChain { least: 10 }),
            "{error}"
        );
        assert_eq!(short.shows(&PROTEIN[..7]).unwrap().same, 7);
        assert!(structure(Vec::new()).shows(b"").is_err());
    }
}
