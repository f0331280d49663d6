//! What happens to latents between encoding and decoding.

use schemars::JsonSchema;
use serde::Serialize;

/// What a change of an activation is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The model's own units.
    #[default]
    Absolute,
    /// The largest activation of any latent at the residue.
    RelativeToken,
    /// The latent's largest activation over the training rows.
    RelativeDataset,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Absolute, Self::RelativeToken, Self::RelativeDataset];

    /// Its name in the table, which is that of the option.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::RelativeToken => "relative-token",
            Self::RelativeDataset => "relative-dataset",
        }
    }
}

/// What happens to a model's latents at every residue.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Change {
    /// Nothing.
    #[default]
    None,
    /// `z[k] += scale` for each of some latents, in units of the mode. An activation may fall below 0: the latent's
    /// direction is subtracted then.
    Add {
        /// Latents, ascending, each once.
        latents: Vec<u32>,
        /// Units.
        mode: Mode,
        /// How many of them.
        scale: f32,
    },
    /// `z[k] = 0` for each of some latents.
    Ablate {
        /// Latents, ascending, each once.
        latents: Vec<u32>,
    },
}

/// A row's latents after a change, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed {
    pub(super) latents: Vec<u32>,
    pub(super) values: Vec<f32>,
}

impl Changed {
    fn push(&mut self, latent: u32, value: f32) {
        self.latents.push(latent);
        self.values.push(value);
    }
}

impl Change {
    /// Applies it to a row's latents (ascending, with their activations) into `out`; `maxima` are those of
    /// all latents over the training rows.
    pub(super) fn apply(&self, latents: &[u32], values: &[f32], maxima: &[f32], out: &mut Changed) {
        out.latents.clear();
        out.values.clear();
        let entries = latents.iter().copied().zip(values.iter().copied());
        match self {
            Self::None => entries.for_each(|(latent, value)| out.push(latent, value)),
            Self::Ablate { latents: ablated } => entries
                .filter(|(latent, _)| ablated.binary_search(latent).is_err())
                .for_each(|(latent, value)| out.push(latent, value)),
            Self::Add {
                latents: added,
                mode,
                scale,
            } => {
                let largest = values.iter().copied().fold(0f32, f32::max);
                let amount = |latent: u32| {
                    let unit = match mode {
                        Mode::Absolute => 1.0,
                        Mode::RelativeToken => largest,
                        Mode::RelativeDataset => {
                            maxima.get(latent as usize).copied().unwrap_or(0.0)
                        }
                    };
                    scale * unit
                };
                let mut open = added.iter().copied().peekable();
                for (latent, value) in entries {
                    while let Some(new) = open.next_if(|&new| new < latent) {
                        out.push(new, amount(new));
                    }
                    let same = open.next_if_eq(&latent).is_some();
                    out.push(latent, if same { value + amount(latent) } else { value });
                }
                open.for_each(|new| out.push(new, amount(new)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn applied(change: &Change, latents: &[u32], values: &[f32]) -> Vec<(u32, f32)> {
        let mut out = Changed::default();
        change.apply(latents, values, &[10.0, 20.0, 30.0, 40.0, 50.0], &mut out);
        out.latents.into_iter().zip(out.values).collect()
    }

    #[test]
    fn each_mode_has_its_unit() {
        let add = |mode, scale| Change::Add {
            latents: vec![0, 3],
            mode,
            scale,
        };
        let (latents, values) = ([1, 3], [2.0, 0.5]);
        let cases = [
            (Mode::Absolute, 0.25, 0.25, 0.75),
            (Mode::RelativeToken, 0.5, 1.0, 1.5),
            (Mode::RelativeDataset, 0.5, 5.0, 20.5),
            (Mode::Absolute, -1.0, -1.0, -0.5),
        ];
        for (mode, scale, first, third) in cases {
            let got = applied(&add(mode, scale), &latents, &values);
            assert_eq!(got, [(0, first), (1, 2.0), (3, third)], "{mode:?}");
        }
        let none = Change::Ablate {
            latents: vec![0, 3],
        };
        assert_eq!(applied(&none, &latents, &values), [(1, 2.0)]);
    }

    proptest! {
        #[test]
        fn a_change_is_that_of_the_dense_row(
            dense in prop::collection::vec(prop_oneof![Just(0f32), 0.5f32..9.0], 5),
            chosen in prop::collection::btree_set(0u32..5, 0..5),
            scale in -2f32..2.0,
        ) {
            let active: Vec<u32> = (0..5).filter(|&k| dense[k as usize] > 0.0).collect();
            let values: Vec<f32> = active.iter().map(|&k| dense[k as usize]).collect();
            let latents: Vec<u32> = chosen.iter().copied().collect();
            let changes = [
                Change::None,
                Change::Ablate { latents: latents.clone() },
                Change::Add { latents, mode: Mode::Absolute, scale },
            ];
            for (number, change) in changes.iter().enumerate() {
                let got = applied(change, &active, &values);
                prop_assert!(got.windows(2).all(|pair| pair[0].0 < pair[1].0));
                let mut row = [0f32; 5];
                for (latent, value) in got {
                    row[latent as usize] = value;
                }
                for (k, (&got, &before)) in row.iter().zip(&dense).enumerate() {
                    let want = match (chosen.contains(&(k as u32)), number) {
                        (true, 1) => 0.0,
                        (true, 2) => before + scale,
                        _ => before,
                    };
                    prop_assert_eq!(got, want);
                }
            }
        }
    }
}
