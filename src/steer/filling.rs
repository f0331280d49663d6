//! What stands at a masked residue, by the PLM's logits there.

use crate::{math::random::unit, plm::vocabulary::Vocabulary, seq::alphabet::AMINO_ACIDS};
use rand_chacha::rand_core::RngCore;

/// How a residue is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Filling {
    /// The likeliest of the twenty amino acids; the first in the alphabet of those that are.
    #[default]
    Argmax,
    /// Drawn by the probabilities of the twenty, with logits divided by the temperature.
    Sample {
        /// Above 0.
        temperature: f64,
    },
}

/// The twenty amino acids as tokens.
#[derive(Clone, Debug)]
pub(crate) struct Alphabet([u32; 20]);

impl Alphabet {
    /// In this vocabulary.
    #[must_use]
    pub(crate) fn new(vocabulary: &Vocabulary) -> Self {
        Self(AMINO_ACIDS.map(|letter| vocabulary.token(letter)))
    }

    /// Chooses a residue by the logits of all tokens; none where those of the twenty are no numbers.
    pub(crate) fn choose(
        &self,
        logits: &[f32],
        filling: Filling,
        rng: &mut impl RngCore,
    ) -> Option<u8> {
        let own = self.0.map(|token| f64::from(logits[token as usize]));
        if own.iter().any(|logit| !logit.is_finite()) {
            return None;
        }
        let largest = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let chosen = match filling {
            Filling::Argmax => own.iter().position(|&logit| logit == largest),
            Filling::Sample { temperature } => {
                let weights = own.map(|logit| ((logit - largest) / temperature).exp());
                let mut left = unit(rng) * weights.iter().sum::<f64>();
                let within = weights.iter().position(|weight| {
                    left -= weight;
                    left < 0.0
                });
                // rounding may leave nothing of the last
                within.or_else(|| own.iter().position(|&logit| logit == largest))
            }
        };
        chosen.map(|at| AMINO_ACIDS[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Purpose, stream};

    /// Tokens are the letters' own numbers; special ones are likelier than all.
    fn alphabet() -> Alphabet {
        Alphabet(AMINO_ACIDS.map(u32::from))
    }

    fn logits(likely: &[(u8, f32)]) -> Vec<f32> {
        let mut logits = vec![-3.0; 256];
        logits[0] = 50.0;
        for &(letter, logit) in likely {
            logits[usize::from(letter)] = logit;
        }
        logits
    }

    #[test]
    fn the_likeliest_amino_acid_is_taken_and_the_first_of_equals() {
        let mut rng = stream(0, Purpose::Rows, 0);
        let mut choose = |logits: &[f32]| alphabet().choose(logits, Filling::Argmax, &mut rng);
        assert_eq!(choose(&logits(&[(b'W', 2.0), (b'B', 9.0)])), Some(b'W'));
        assert_eq!(choose(&logits(&[(b'W', 2.0), (b'K', 2.0)])), Some(b'K'));
        assert_eq!(choose(&logits(&[(b'W', f32::NAN)])), None);
    }

    #[test]
    fn samples_follow_probabilities_and_the_temperature() {
        let mut rng = stream(0, Purpose::Rows, 0);
        let logits = logits(&[(b'A', 4.0), (b'C', 4.0 + 3f32.ln())]);
        let mut share = |temperature: f64| {
            let filling = Filling::Sample { temperature };
            let drawn = (0..4000).map(|_| alphabet().choose(&logits, filling, &mut rng));
            drawn.filter(|&letter| letter == Some(b'C')).count() as f64 / 4000.0
        };
        // e^-7 each for the other eighteen
        let (one, half) = (share(1.0), share(0.5));
        assert!((one - 0.75).abs() < 0.03, "{one}");
        assert!((half - 0.9).abs() < 0.03, "{half}");
        assert!(share(1e-300) > 0.999);
        assert!((share(1e300) - 0.05).abs() < 0.02);
    }
}
