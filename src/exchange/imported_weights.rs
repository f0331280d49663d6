//! A checkpoint's numbers on their way into a model: what the families have in common.

use super::{Activation, ExchangeError, Pack};
use crate::sae::{
    config::{MAX_SIZE, Objective, Shape, Variant},
    conversion::{Family, InputTransform},
    params::Params,
    variants::{BatchTopk, Gated, JumpRelu, Relu, Topk},
};

/// How latents are chosen.
#[derive(Clone, Debug)]
pub(crate) enum Choosing {
    /// Every positive pre-activation.
    Relu,
    /// The `k` largest positive ones of a row.
    Topk { k: usize },
    /// Those above one threshold.
    Batchtopk { k: usize, threshold: f32 },
    /// Those above a threshold each, and positive.
    Jumprelu { thresholds: Vec<f32> },
    /// Gates whose bias is the encoder's; magnitudes `relu(exp(r_mag) raw + b_mag)`.
    Gated { b_mag: Vec<f32>, r_mag: Vec<f32> },
}

impl Choosing {
    pub(crate) fn variant(&self) -> Variant {
        match *self {
            Self::Relu => Variant::Relu(Relu::new()),
            Self::Topk { k } => Variant::Topk(Topk { k }),
            Self::Batchtopk { k, .. } => Variant::Batchtopk(BatchTopk { k }),
            Self::Jumprelu { .. } => Variant::Jumprelu(JumpRelu::new()),
            Self::Gated { .. } => Variant::Gated(Gated::new()),
        }
    }

    /// Its name among those that an option gives; none for the others.
    pub(crate) fn activation(&self) -> Option<Activation> {
        match self {
            Self::Relu => Some(Activation::Relu),
            Self::Topk { .. } => Some(Activation::Topk),
            Self::Batchtopk { .. } => Some(Activation::Batchtopk),
            Self::Jumprelu { .. } | Self::Gated { .. } => None,
        }
    }
}

/// `latents = choose(enc (input(x) - b_dec if shifted) + b_enc) * scale`, and
/// `x = output(dec^T (latents / scale) + b_dec)`.
#[derive(Clone, Debug)]
pub(crate) struct ImportedWeights {
    pub(crate) family: Family,
    pub(crate) width: usize,
    pub(crate) latents: usize,
    /// `[latents, width]`
    pub(crate) enc: Vec<f32>,
    /// `[latents, width]`
    pub(crate) dec: Vec<f32>,
    pub(crate) b_enc: Vec<f32>,
    pub(crate) b_dec: Vec<f32>,
    /// Whether the encoder sees activations minus `b_dec`.
    pub(crate) shifted: bool,
    pub(crate) choosing: Choosing,
    pub(crate) input: InputTransform,
    pub(crate) input_scale: f64,
    /// What latents are multiplied by once they are chosen, above 0.
    pub(crate) scale: Option<Vec<f32>>,
    /// The largest activation of each latent, scaled, where the checkpoint knows it.
    pub(crate) maxima: Option<Vec<f32>>,
    pub(crate) prefixes: Vec<usize>,
    /// What a pack of several layers says.
    pub(crate) pack: Option<Pack>,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

/// An encoder and a decoder.
pub(crate) struct Matrices {
    pub(crate) latents: usize,
    pub(crate) width: usize,
    /// `[latents, width]`
    pub(crate) enc: Vec<f32>,
    /// `[latents, width]`
    pub(crate) dec: Vec<f32>,
}

/// What a draft becomes.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) shape: Shape,
    pub(crate) objective: Objective,
    pub(crate) params: Params<f32>,
    pub(crate) latent_scale: Vec<f32>,
}

impl ImportedWeights {
    /// The weights of an encoder and a decoder, and nothing else yet.
    pub(crate) fn new(family: Family, matrices: Matrices, choosing: Choosing) -> Self {
        let Matrices {
            latents,
            width,
            enc,
            dec,
        } = matrices;
        Self {
            family,
            width,
            latents,
            enc,
            dec,
            b_enc: vec![0.0; latents],
            b_dec: vec![0.0; width],
            shifted: true,
            choosing,
            input: InputTransform::None,
            input_scale: 1.0,
            scale: None,
            maxima: None,
            prefixes: Vec::new(),
            pack: None,
            notes: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Infinities and NaN, which dead latents have in some releases, become 0: their latents are
    /// dead here too.
    pub(crate) fn bury_dead(&mut self) {
        let width = self.width;
        let mut dead = std::collections::BTreeSet::new();
        for values in [&mut self.enc, &mut self.dec] {
            for (i, value) in values
                .iter_mut()
                .enumerate()
                .filter(|(_, v)| !v.is_finite())
            {
                dead.insert(i / width);
                *value = 0.0;
            }
        }
        for (i, value) in self.b_enc.iter_mut().enumerate() {
            if !value.is_finite() {
                dead.insert(i);
                *value = 0.0;
            }
        }
        if !dead.is_empty() {
            self.note(format!(
                "{} dead latents have weights that are infinite or no numbers; taken as 0",
                dead.len()
            ));
        }
    }

    /// Latents in units of their decoder rows' lengths: chosen by these, and decoded by unit rows.
    pub(crate) fn fold_decoder_norm(&mut self) {
        let d = self.width;
        let rows = self
            .enc
            .chunks_exact_mut(d)
            .zip(self.dec.chunks_exact_mut(d));
        for ((enc, dec), bias) in rows.zip(&mut self.b_enc) {
            let norm = dec
                .iter()
                .map(|&v| f64::from(v).powi(2))
                .sum::<f64>()
                .sqrt();
            times(enc, norm);
            *bias = (f64::from(*bias) * norm) as f32;
            if norm > 0.0 {
                times(dec, 1.0 / norm);
            }
        }
    }

    fn check(&self) -> Result<(), ExchangeError> {
        for (name, size) in [("width", self.width), ("number of latents", self.latents)] {
            if size == 0 || size > MAX_SIZE {
                return Err(ExchangeError::Damaged(format!(
                    "{name} {size} is not from 1 to {MAX_SIZE}"
                )));
            }
        }
        let none: &[f32] = &[];
        let (b_mag, r_mag) = match &self.choosing {
            Choosing::Gated { b_mag, r_mag } => (b_mag.as_slice(), r_mag.as_slice()),
            _ => (none, none),
        };
        for (name, values) in [
            ("encoder weights", self.enc.as_slice()),
            ("decoder weights", &self.dec),
            ("encoder bias", &self.b_enc),
            ("decoder bias", &self.b_dec),
            ("magnitude bias", b_mag),
            ("magnitude scale", r_mag),
        ] {
            if let Some(index) = values.iter().position(|v| !v.is_finite()) {
                return Err(ExchangeError::NotFinite {
                    name: name.into(),
                    value: values[index],
                    index,
                });
            }
        }
        // infinite ones are of dead latents
        if let Choosing::Jumprelu { thresholds } = &self.choosing
            && let Some(index) = thresholds.iter().position(|t| t.is_nan())
        {
            return Err(ExchangeError::NotFinite {
                name: "threshold".into(),
                value: f32::NAN,
                index,
            });
        }
        Ok(())
    }

    /// Folds what a model here has no place for into its weights.
    pub(crate) fn finish(mut self) -> Result<Model, ExchangeError> {
        self.check()?;
        if !self.shifted {
            self.shift();
        }
        let latent_scale = self.fold_scale();
        // factors beyond the range of single precision show only now
        self.check()?;
        let shape = Shape {
            width: self.width,
            latents: self.latents,
            ..Shape::default()
        };
        let objective = self.objective();
        let mut params = Params::zeros_for(shape, &objective);
        params.enc = self.enc;
        params.dec = self.dec;
        params.b_enc = self.b_enc;
        params.b_dec = self.b_dec;
        match self.choosing {
            Choosing::Batchtopk { threshold, .. } => {
                let threshold = threshold.max(0.0);
                set_own(&mut params, "threshold", vec![threshold; shape.latents]);
            }
            Choosing::Jumprelu { mut thresholds } => {
                // what is above a negative threshold and below 0 is cut off to 0 by every family
                for threshold in &mut thresholds {
                    *threshold = threshold.max(0.0);
                }
                set_own(&mut params, "threshold", thresholds);
            }
            Choosing::Gated { b_mag, r_mag } => {
                set_own(&mut params, "b_mag", b_mag);
                set_own(&mut params, "r_mag", r_mag);
            }
            Choosing::Relu | Choosing::Topk { .. } => {}
        }
        Ok(Model {
            shape,
            objective,
            params,
            latent_scale,
        })
    }

    /// Divides decoders by the latents' scale, and multiplies encoders where that changes no choice; returns what latents
    /// are multiplied by after it where it would.
    fn fold_scale(&mut self) -> Vec<f32> {
        let Some(scale) = self.scale.take() else {
            return Vec::new();
        };
        for (dec, &s) in self.dec.chunks_exact_mut(self.width).zip(&scale) {
            times(dec, 1.0 / f64::from(s));
        }
        match &mut self.choosing {
            // the choice compares latents with each other, or all with one number: it must not
            // see the scale
            Choosing::Topk { .. } | Choosing::Batchtopk { .. } => return scale,
            Choosing::Relu => scale_rows(&mut self.enc, &mut self.b_enc, &scale),
            Choosing::Jumprelu { thresholds } => {
                scale_rows(&mut self.enc, &mut self.b_enc, &scale);
                multiply(thresholds, &scale);
            }
            Choosing::Gated { b_mag, .. } => {
                scale_rows(&mut self.enc, &mut self.b_enc, &scale);
                multiply(b_mag, &scale);
            }
        }
        Vec::new()
    }

    /// What the model was trained for, as far as a checkpoint knows it.
    fn objective(&mut self) -> Objective {
        Objective {
            variant: self.choosing.variant(),
            lambda_annot: 0.0,
            lambda_axiom: 0.0,
            forced_activation: false,
            prefixes: std::mem::take(&mut self.prefixes),
            ..Objective::paper()
        }
    }

    /// Gives the encoder, which here always sees activations minus `b_dec`, what it lacks then.
    fn shift(&mut self) {
        let d = self.width;
        for (latent, row) in self.enc.chunks_exact(d).enumerate() {
            let parts = row.iter().zip(&self.b_dec);
            let lack: f64 = parts.map(|(&w, &b)| f64::from(w) * f64::from(b)).sum();
            self.b_enc[latent] = (f64::from(self.b_enc[latent]) + lack) as f32;
            if let Choosing::Gated { b_mag, r_mag } = &mut self.choosing {
                let lack = f64::from(r_mag[latent]).exp() * lack;
                b_mag[latent] = (f64::from(b_mag[latent]) + lack) as f32;
            }
        }
        self.shifted = true;
    }
}

/// Puts a tensor of the variant's own in place.
fn set_own(params: &mut Params<f32>, name: &str, values: Vec<f32>) {
    if let Some(tensor) = params.own.iter_mut().find(|tensor| tensor.name == name) {
        tensor.values = values;
    }
}

/// Multiplies every value.
pub(crate) fn times(values: &mut [f32], factor: f64) {
    for value in values {
        *value = (f64::from(*value) * factor) as f32;
    }
}

fn multiply(values: &mut [f32], factors: &[f32]) {
    for (value, &factor) in values.iter_mut().zip(factors) {
        *value *= factor;
    }
}

/// Multiplies encoder rows and their biases by a factor each.
pub(crate) fn scale_rows(enc: &mut [f32], b_enc: &mut [f32], factors: &[f32]) {
    let width = enc.len() / factors.len().max(1);
    if width > 0 {
        for (row, &factor) in enc.chunks_exact_mut(width).zip(factors) {
            times(row, f64::from(factor));
        }
    }
    multiply(b_enc, factors);
}
