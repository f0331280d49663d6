//! What a forward pass gives.

use crate::plm::panel::LANES;
use std::ops::Range;

/// Activations of a batch at some places.
pub struct Activations {
    width: usize,
    places: Vec<Values>,
}

/// Activations of all tokens at one place.
enum Values {
    Panels(Vec<f32>),
    Rows(Vec<f32>),
}

impl Activations {
    /// From rows of `width` numbers a token, for each place.
    #[must_use]
    pub fn from_rows(width: usize, places: Vec<Vec<f32>>) -> Self {
        Self {
            width,
            places: places.into_iter().map(Values::Rows).collect(),
        }
    }

    /// From panels of `width` features, for each place.
    pub(super) fn from_panels(width: usize, places: Vec<Vec<f32>>) -> Self {
        Self {
            width,
            places: places.into_iter().map(Values::Panels).collect(),
        }
    }

    /// Features of a token.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Copies the activations of some tokens at a place (its index in the request) to `out`,
    /// row-major, `tokens.len() x width`.
    ///
    /// # Panics
    /// Where `out` has another length.
    pub fn rows(&self, place: usize, tokens: Range<usize>, out: &mut [f32]) {
        assert_eq!(out.len(), tokens.len() * self.width, "rows of activations");
        let panels = match &self.places[place] {
            Values::Rows(rows) => {
                let all = tokens.start * self.width..tokens.end * self.width;
                return out.copy_from_slice(&rows[all]);
            }
            Values::Panels(panels) => panels,
        };
        let size = self.width * LANES;
        let mut rest = out;
        let mut token = tokens.start;
        while token < tokens.end {
            let lane = token % LANES;
            let take = (LANES - lane).min(tokens.end - token);
            let panel = &panels[token / LANES * size..][..size];
            let (rows, others) = rest.split_at_mut(take * self.width);
            for (feature, values) in panel.chunks_exact(LANES).enumerate() {
                for (row, value) in rows.chunks_exact_mut(self.width).zip(&values[lane..]) {
                    row[feature] = *value;
                }
            }
            rest = others;
            token += take;
        }
    }
}
