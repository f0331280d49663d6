//! Rows of latents of which few are active.

/// Entries of a row, ascending.
#[derive(Clone, Copy)]
pub(crate) struct RowEntries<'a, T> {
    pub(crate) latents: &'a [u32],
    pub(crate) values: &'a [T],
    /// Empty where entries have no second number.
    pub(crate) second: &'a [T],
}

/// Sparse rows of latents.
#[derive(Clone, Debug, Default)]
pub struct SparseRows<T> {
    /// Start of each row in the lists, and the end of the last.
    pub offsets: Vec<usize>,
    /// Latents, ascending in a row.
    pub latents: Vec<u32>,
    /// Activations: positive, or (while learning) 0 where only the gate or threshold feels the row.
    pub values: Vec<T>,
    /// Whether the activation is the forced one.
    pub forced: Vec<bool>,
    /// Gated: the gate; jumprelu: the pre-activation. Otherwise empty.
    pub second: Vec<T>,
}

impl<T> SparseRows<T> {
    /// Forgets all rows, keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.clear();
        self.offsets.push(0);
        self.latents.clear();
        self.values.clear();
        self.forced.clear();
        self.second.clear();
    }

    /// Rows held.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The entries of a row.
    #[must_use]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// All entries, as those of one row.
    pub(crate) fn entries(&self) -> RowEntries<'_, T> {
        RowEntries {
            latents: &self.latents,
            values: &self.values,
            second: &self.second,
        }
    }

    /// Keeps the entries that `keep` says, of all rows.
    pub fn retain(&mut self, keep: impl Fn(usize, u32, &T) -> bool) {
        let (mut to, mut start) = (0, 0);
        for row in 0..self.offsets.len().saturating_sub(1) {
            let end = self.offsets[row + 1];
            for from in start..end {
                if keep(row, self.latents[from], &self.values[from]) {
                    self.latents.swap(to, from);
                    self.values.swap(to, from);
                    self.forced.swap(to, from);
                    to += 1;
                }
            }
            self.offsets[row + 1] = to;
            start = end;
        }
        self.latents.truncate(to);
        self.values.truncate(to);
        self.forced.truncate(to);
    }

    pub(crate) fn push(&mut self, latent: u32, value: T, forced: bool) {
        self.latents.push(latent);
        self.values.push(value);
        self.forced.push(forced);
    }
}
