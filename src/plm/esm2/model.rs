//! The model on a CPU: blocks over a packed batch, activations wherever they are asked for.
//!
//! A block is two parallel steps: attention, by sequence and head; and everything else, by groups
//! of panels, in which a token's numbers depend on no other token. The second step of a block runs
//! on into the projections of the next.

use super::{
    attention::{self, Inputs},
    block::{Block, Norm},
    config::Config,
    embeddings::Embeddings,
    head::{Head, Logits},
    rotary::Tables,
    vocab::Vocab,
};
use crate::plm::{
    batch::Batch,
    error::PlmError,
    panel::{self, LANES, View, ViewMut},
    place::{Edit, Place},
    weights::{ModelFolder, Precision},
};
use crate::table::metadata::Site;
use rayon::prelude::*;
use std::ops::Range;

/// Most panels that a thread works on together: more tokens for each weight that is read, as long
/// as their activations stay in a core's second-level cache.
const GROUP: usize = 4;

/// Name of the norm behind the last block.
pub(crate) const LAST_NORM: &str = "encoder.emb_layer_norm_after";

/// What of a model is needed.
#[derive(Clone, Copy, Debug)]
pub struct LoadPlan {
    /// Blocks that run; those behind are not loaded.
    pub layers: usize,
    /// Whether the masked-language-modelling head is needed; it runs all blocks.
    pub head: bool,
    /// Precision of the weights.
    pub precision: Precision,
}

impl LoadPlan {
    /// What these places need.
    #[must_use]
    pub fn places(places: &[Place], precision: Precision) -> Self {
        Self {
            layers: places.iter().map(|p| p.layer).max().unwrap_or(0),
            head: false,
            precision,
        }
    }
}

/// An ESM-2, or its first blocks.
pub struct Model {
    config: Config,
    vocab: Vocab,
    embeddings: Embeddings,
    blocks: Vec<Block>,
    /// After the last block; loaded when that is.
    norm: Option<Norm>,
    head: Option<Head>,
    rotary: Tables,
}

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

/// Where something replaces activations, and what.
pub type Replacement<'a> = (Place, &'a dyn Edit);

/// A forward pass: what is read, and what is replaced.
struct Pass<'a> {
    batch: &'a Batch,
    places: &'a [Place],
    edit: Option<Replacement<'a>>,
    /// Blocks that run.
    layers: usize,
    /// Whether the last of them ends with its attention.
    ends_at_attention: bool,
}

/// A few panels that one thread works on.
struct Group<'a> {
    /// Its first token.
    token: usize,
    x: &'a mut [f32],
    qkv: &'a mut [f32],
    captures: Vec<&'a mut [f32]>,
}

impl Model {
    /// Loads what is needed of a model.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor is missing or does not fit, naming it.
    pub fn load(folder: &ModelFolder, needs: LoadPlan) -> Result<Self, PlmError> {
        let config = folder.config.clone();
        let layers = if needs.head {
            config.layers
        } else {
            needs.layers
        };
        let blocks = (1..=layers)
            .map(|number| Block::load(folder, number, needs.precision))
            .collect::<Result<_, _>>()?;
        let embeddings = Embeddings::load(folder)?;
        let norm = (layers == config.layers)
            .then(|| Norm::load(folder, LAST_NORM))
            .transpose()?;
        let head = needs
            .head
            .then(|| Head::load(folder, &embeddings, needs.precision))
            .transpose()?;
        Ok(Self {
            config,
            vocab: folder.vocab.clone(),
            embeddings,
            blocks,
            norm,
            head,
            rotary: Tables::load(folder)?,
        })
    }

    /// Shape of the whole model.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tokens.
    #[must_use]
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// Activations of every token at each of `places`. What `edit` replaces is read before it is
    /// replaced, and changes everything behind.
    ///
    /// # Panics
    /// Where a place lies behind the blocks that were loaded.
    #[must_use]
    pub fn forward(
        &self,
        batch: &Batch,
        places: &[Place],
        edit: Option<Replacement>,
    ) -> Activations {
        let layers = places.iter().map(|p| p.layer).max().unwrap_or(0);
        let pass = Pass {
            batch,
            places,
            edit,
            layers,
            ends_at_attention: places
                .iter()
                .all(|p| p.layer < layers || p.site == Site::Attention),
        };
        Activations {
            width: self.config.width,
            places: self.run(&pass).1.into_iter().map(Values::Panels).collect(),
        }
    }

    /// Logits of every token, with something replaced on the way or not.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    #[must_use]
    pub fn logits(&self, batch: &Batch, edit: Option<Replacement>) -> Logits {
        let head = self
            .head
            .as_ref()
            .expect("the model is loaded with its head");
        let pass = Pass {
            batch,
            places: &[],
            edit,
            layers: self.config.layers,
            ends_at_attention: false,
        };
        let (stream, _) = self.run(&pass);
        head.logits(&self.config, batch, &stream)
    }

    fn run(&self, pass: &Pass) -> (Vec<f32>, Vec<Vec<f32>>) {
        assert!(
            pass.layers <= self.blocks.len(),
            "blocks that were not loaded"
        );
        let config = &self.config;
        let tokens = pass.batch.tokens().len();
        let count = panel::panels(tokens);
        let size = config.width * LANES;
        let mut x = vec![0f32; count * size];
        let mut captures = vec![vec![0f32; count * size]; pass.places.len()];
        self.embeddings.embed(config, pass.batch, &mut x);
        let running = pass.layers > 0;
        let mut qkv = vec![0f32; if running { 3 * count * size } else { 0 }];
        let mut attended = vec![0f32; if running { tokens * config.width } else { 0 }];
        let table = self.rotary.at_least(pass.batch.longest());
        let group = count.div_ceil(rayon::current_num_threads()).clamp(1, GROUP);
        for layer in 0..=pass.layers {
            groups(group, size, &mut x, &mut qkv, &mut captures)
                .into_par_iter()
                .with_max_len(1)
                .for_each(|group| self.between_attentions(pass, layer, &attended, group));
            if layer < pass.layers {
                let inputs = Inputs {
                    batch: pass.batch,
                    qkv: &qkv,
                    rotary: &table,
                };
                attention::attend(config, &inputs, &mut attended);
            }
        }
        (x, captures)
    }

    /// What follows the attention of block `layer` (0: the embeddings), up to the projections of
    /// the next block.
    fn between_attentions(&self, pass: &Pass, layer: usize, attended: &[f32], mut group: Group) {
        let config = &self.config;
        let size = config.width * LANES;
        let stream = group.x.len();
        let inner = Block::inner_size(config, stream / size);
        panel::with_scratch(2 * stream + inner, |scratch| {
            let (first, rest) = scratch.split_at_mut(stream);
            let (second, hidden) = rest.split_at_mut(stream);
            if layer > 0 {
                let block = &self.blocks[layer - 1];
                for (p, panel) in first.chunks_exact_mut(size).enumerate() {
                    let from = group.token + p * LANES;
                    attention::scatter(config, pass.batch, attended, from, panel);
                }
                let out = &block.attention_out;
                panel::linear(
                    &out.weight,
                    &out.bias,
                    &View {
                        data: first,
                        stride: size,
                    },
                    &mut ViewMut {
                        data: second,
                        stride: size,
                    },
                    stream / size,
                );
                panel::add(group.x, second);
                visit(
                    pass,
                    Site::Attention,
                    layer,
                    group.token,
                    config.width,
                    group.x,
                    &mut group.captures,
                );
                if layer == pass.layers && pass.ends_at_attention {
                    return;
                }
                block.mlp(config, group.x, first, hidden, second);
                visit(
                    pass,
                    Site::Mlp,
                    layer,
                    group.token,
                    config.width,
                    second,
                    &mut group.captures,
                );
                panel::add(group.x, second);
                if let (true, Some(norm)) = (layer == config.layers, &self.norm) {
                    norm.apply(config.epsilon, group.x, first);
                    group.x.copy_from_slice(first);
                }
            }
            visit(
                pass,
                Site::Residual,
                layer,
                group.token,
                config.width,
                group.x,
                &mut group.captures,
            );
            if layer < pass.layers {
                self.blocks[layer].project(config, group.x, first, group.qkv);
            }
        });
    }
}

/// Cuts everything into groups of panels.
fn groups<'a>(
    panels: usize,
    size: usize,
    x: &'a mut [f32],
    qkv: &'a mut [f32],
    captures: &'a mut [Vec<f32>],
) -> Vec<Group<'a>> {
    let mut qkv = qkv.chunks_mut(3 * panels * size);
    let mut captures: Vec<_> = captures
        .iter_mut()
        .map(|c| c.chunks_mut(panels * size))
        .collect();
    x.chunks_mut(panels * size)
        .enumerate()
        .map(|(i, x)| Group {
            token: i * panels * LANES,
            x,
            qkv: qkv.next().unwrap_or_default(),
            captures: captures.iter_mut().filter_map(Iterator::next).collect(),
        })
        .collect()
}

/// Reads and replaces activations at a place, where that was asked for.
fn visit(
    pass: &Pass,
    site: Site,
    layer: usize,
    token: usize,
    width: usize,
    values: &mut [f32],
    captures: &mut [&mut [f32]],
) {
    let here = Place { site, layer };
    for (place, capture) in pass.places.iter().zip(captures) {
        if *place == here {
            capture.copy_from_slice(values);
        }
    }
    let Some((_, edit)) = pass.edit.filter(|(place, _)| *place == here) else {
        return;
    };
    let end = (token + values.len() / width).min(pass.batch.tokens().len());
    let tokens: Vec<usize> = (token..end).filter(|&t| pass.batch.is_residue(t)).collect();
    let mut rows = vec![0f32; tokens.len() * width];
    let size = width * LANES;
    for (&t, row) in tokens.iter().zip(rows.chunks_exact_mut(width)) {
        let at = t - token;
        panel::column(&values[at / LANES * size..][..size], at % LANES, row);
    }
    edit.edit(&tokens, &mut rows);
    for (&t, row) in tokens.iter().zip(rows.chunks_exact(width)) {
        let at = t - token;
        panel::set_column(&mut values[at / LANES * size..][..size], at % LANES, row);
    }
}
