//! What a model's latents are compared with: an autoencoder that learned nothing, whose latents are worth what chance is
//! worth, and the neurons of the protein language model.

use super::{
    config::{Objective, Shape, Variant},
    folder::Sae,
    params::Params,
    variants::{Relu, Topk},
};
use std::ops::Range;

impl Sae {
    /// An untrained `TopK` of this one's width, number of latents and K (32 where it has none), on the same inputs; it
    /// ties no latent to a concept. Its maxima are unknown, so 1.
    #[must_use]
    pub fn untrained(&self, seed: u64) -> Self {
        let own = &self.config;
        let shape = Shape {
            defined: 0,
            zero_classes: 0,
            relations: 0,
            ..own.shape
        };
        let topk = Variant::Topk(Topk::new());
        let k = own.objective.variant.k().map(|k| k.min(shape.latents));
        let objective = Objective {
            variant: k.map_or(topk, |k| topk.with_k(k)),
            ..own.objective.clone()
        };
        let b_dec = &self.params.b_dec;
        let params = Params::initial(shape, &objective, seed, 0.0, b_dec);
        self.with_params(params, objective, own.input_scale)
    }

    /// Some neurons of the protein language model as an autoencoder: latents 2i and 2i + 1 are the i-th of them where it is
    /// positive, and where it is negative. It reconstructs those neurons and nothing else.
    #[must_use]
    pub fn neurons(&self, neurons: Range<usize>) -> Self {
        let width = self.config.shape.width;
        let shape = Shape {
            width,
            latents: 2 * neurons.len(),
            ..Shape::default()
        };
        let objective = Objective {
            variant: Variant::Relu(Relu::new()),
            ..Objective::default()
        };
        let mut params = Params::initial(shape, &objective, 0, 0.0, &vec![0.0; width]);
        params.enc.fill(0.0);
        for (latent, row) in params.enc.chunks_exact_mut(width).enumerate() {
            let sign = if latent % 2 == 0 { 1.0 } else { -1.0 };
            row[neurons.start + latent / 2] = sign;
        }
        params.dec.clone_from(&params.enc);
        params.b_enc.fill(0.0);
        self.with_params(params, objective, 1.0)
    }

    /// Another model on the same inputs, that ties no latent to a concept and knows no maxima.
    fn with_params(&self, params: Params<f32>, objective: Objective, input_scale: f64) -> Self {
        let shape = params.shape;
        Self {
            params,
            config: super::ModelConfig {
                shape,
                input_scale,
                objective,
                ..self.config.clone()
            },
            concepts: self.concepts.clone(),
            latent_max: vec![1.0; shape.latents],
            latent_scale: Vec::new(),
            positive_weight: Vec::new(),
            sha256: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        annot::concept::ConceptsFile,
        sae::{Encoder, ModelConfig},
    };

    #[test]
    fn a_control_has_the_shape_and_k_and_no_concepts() {
        let shape = Shape {
            width: 8,
            latents: 32,
            defined: 2,
            ..Shape::default()
        };
        let objective = Objective {
            variant: Variant::default().with_k(4),
            ..Objective::default()
        };
        let sae = Sae {
            params: Params::initial(shape, &objective, 1, -3.0, &[0.5; 8]),
            config: ModelConfig {
                format: String::new(),
                plm: None,
                shape,
                input_scale: 1.0,
                objective,
                training: crate::sae::settings::Training::default(),
                conversion: None,
            },
            concepts: ConceptsFile::default(),
            latent_max: vec![3.0; 32],
            latent_scale: Vec::new(),
            positive_weight: Vec::new(),
            sha256: "its own".into(),
        };
        let control = sae.untrained(7);
        let mut encoder = Encoder::new(&control);
        let encoded = encoder
            .encode(&[1.0, -1.0, 0.0, 2.0, 0.0, 1.0, -2.0, 0.5])
            .unwrap();
        assert_eq!(encoded.concepts, 0);
        assert!(encoded.z.row(0).0.len() <= 4);
        assert_eq!(control.params.b_dec, sae.params.b_dec);
        assert_ne!(control.params.enc, sae.untrained(8).params.enc);

        let neurons = sae.neurons(3..6);
        let mut encoder = Encoder::new(&neurons);
        let encoded = encoder
            .encode(&[1.0, -1.0, 0.0, 2.0, 0.0, -0.5, -2.0, 0.5])
            .unwrap();
        assert_eq!(encoded.z.row(0), (&[0, 5][..], &[2.0, 0.5][..]));
    }
}
