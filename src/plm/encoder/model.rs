//! The model on a CPU: blocks over a packed batch, activations wherever they are asked for.
//!
//! A block is two parallel steps: attention, by sequence and head; and everything else, by groups
//! of panels, in which a token's numbers depend on no other token. The second step of a block runs
//! on into the projections of the next.

use super::{
    Activations, LoadPlan, Logits,
    attention::{self, Projections},
    block::{self, Block, Norm, Scratch},
    head::Head,
    parts::{Form, Parts},
    pass::Pass,
};
use crate::math::matrix_unit::Split;
use crate::plm::{
    architecture::Architecture,
    batch::Batch,
    error::PlmError,
    panel::{self, Inputs, LANES, View, ViewMut, Weights},
    place::{Place, Replacement},
    vocabulary::Vocabulary,
    weights::{ModelFolder, Precision},
};
use crate::table::metadata::{Convention, Site};
use rayon::prelude::*;

/// Most panels that a thread works on together: more tokens for each weight that is read, as long
/// as their activations stay in a core's second-level cache.
const GROUP: usize = 4;
/// The same where weights are split a block at a time, which must pay.
const SPLIT_GROUP: usize = 8;

/// A model of any family, or its first blocks.
pub struct Model {
    parts: Parts<InPlace>,
    /// Into which numbers products split theirs.
    split: Option<Split>,
}

/// Weights in the host's memory: where products split their numbers, packed once; else as they are stored.
struct InPlace {
    split: Option<Split>,
    precision: Precision,
}

impl Form for InPlace {
    type Block = Block<Weights>;
    type Norm = Norm;
    type Head = Head<Weights>;

    fn block(&self, block: Block) -> Result<Self::Block, PlmError> {
        Ok(block.map(|matrix| match self.split {
            None => Weights::Stored(matrix.rounded(self.precision)),
            split => Weights::new(matrix, split),
        }))
    }

    fn norm(&self, norm: Norm) -> Result<Norm, PlmError> {
        Ok(norm)
    }

    fn head(&self, head: Head) -> Result<Self::Head, PlmError> {
        Ok(head.map(|matrix| Weights::Stored(matrix.rounded(self.precision))))
    }
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
        Self::load_split(folder, needs, needs.precision.split())
    }

    /// [`Self::load`] with products whose numbers are split otherwise than the precision has it on this machine.
    ///
    /// # Errors
    /// As of [`Self::load`].
    pub fn load_split(
        folder: &ModelFolder,
        needs: LoadPlan,
        split: Option<Split>,
    ) -> Result<Self, PlmError> {
        let precision = needs.precision;
        let parts = Parts::load(folder, needs, &InPlace { split, precision })?;
        Ok(Self { parts, split })
    }

    /// What there is to know of the whole model.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.parts.architecture
    }

    /// Tokens.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.parts.vocabulary
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
        let (_, captures) = self.run(&Pass::to_places(batch, places, edit, self.architecture()));
        Activations::from_panels(self.architecture().width, captures)
    }

    /// Logits of every token, with something replaced on the way or not.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    #[must_use]
    pub fn logits(&self, batch: &Batch, edit: Option<Replacement>) -> Logits {
        self.logits_and_activations(batch, &[], edit).0
    }

    /// [`Self::logits`], and what [`Self::forward`] gives of the same pass.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    #[must_use]
    pub fn logits_and_activations(
        &self,
        batch: &Batch,
        places: &[Place],
        edit: Option<Replacement>,
    ) -> (Logits, Activations) {
        let (head, config) = (self.parts.head(), self.architecture());
        let (stream, captures) = self.run(&Pass::to_end(batch, places, edit, config));
        let activations = Activations::from_panels(config.width, captures);
        (head.logits(config, batch, &stream), activations)
    }

    /// The last residual stream, and what was read at each place.
    fn run(&self, pass: &Pass) -> (Vec<f32>, Vec<Vec<f32>>) {
        assert!(
            pass.layers <= self.parts.blocks.len(),
            "blocks that were not loaded"
        );
        let config = self.architecture();
        let tokens = pass.batch.tokens().len();
        let count = panel::panels(tokens);
        let size = config.width * LANES;
        let mut x = vec![0f32; count * size];
        let mut captures = vec![vec![0f32; count * size]; pass.places.len()];
        self.parts.embeddings.embed(pass.batch, &mut x);
        let running = pass.layers > 0;
        let heads = if running { config.attention_width() } else { 0 };
        let mut qkv = vec![0f32; 3 * count * heads * LANES];
        let mut attended = vec![0f32; tokens * heads];
        let positions = self.parts.positions.up_to(pass.batch.longest());
        let most = match self.split {
            Some(Split::Bf16x6) => SPLIT_GROUP,
            _ => GROUP,
        };
        let group = count.div_ceil(rayon::current_num_threads()).clamp(1, most);
        for layer in 0..=pass.layers {
            let sizes = [size, 3 * heads * LANES].map(|of_panel| of_panel * group);
            groups(sizes, group, &mut x, &mut qkv, &mut captures)
                .into_par_iter()
                .with_max_len(1)
                .for_each(|group| self.between_attentions(pass, layer, &attended, group));
            if layer < pass.layers {
                let inputs = Projections {
                    batch: pass.batch,
                    qkv: &qkv,
                    positions: &positions,
                };
                attention::attend(config, self.split, &inputs, &mut attended);
            }
        }
        (x, captures)
    }

    /// What follows the attention of block `layer` (0: the embeddings), up to the projections of
    /// the next block.
    fn between_attentions(&self, pass: &Pass, layer: usize, attended: &[f32], mut group: Group) {
        let config = self.architecture();
        let stream = group.x.len();
        let panels = stream / (config.width * LANES);
        let widest = block::widest(config) * LANES * panels;
        let inner = block::inner_size(config, panels);
        let lines = 2 * block::packed_size(config, self.split, panels);
        panel::with_scratch(widest + stream + inner, |memory| {
            panel::with_lines(lines, |lines| {
                let (first, rest) = memory.split_at_mut(widest);
                let (second, hidden) = rest.split_at_mut(stream);
                let mut scratch = Scratch {
                    first,
                    second,
                    hidden,
                    lines,
                    split: self.split,
                };
                self.pass_block(pass, layer, attended, &mut group, &mut scratch);
            });
        });
    }

    /// [`Self::between_attentions`] in a group's memory.
    fn pass_block(
        &self,
        pass: &Pass,
        layer: usize,
        attended: &[f32],
        group: &mut Group,
        scratch: &mut Scratch,
    ) {
        if layer > 0 {
            let mut update = (pass.visits(Place::here(Site::Update, layer)))
                .then(|| Update(vec![0.0; group.x.len()]));
            self.add_attention(pass, layer, attended, group, scratch);
            if let Some(update) = &mut update {
                update.add(scratch.second);
            }
            if pass.ends_at_attention_of(layer) {
                return;
            }
            self.add_mlp(pass, layer, group, scratch);
            if let Some(mut update) = update {
                update.add(scratch.second);
                update.visit(pass, layer, group);
            }
            self.normalise(pass, layer, group, scratch);
        }
        let here = Place::here(Site::Residual, layer);
        visit(pass, here, group.token, group.x, &mut group.captures);
        if layer < pass.layers {
            let config = self.architecture();
            self.parts.blocks[layer].project(config, group.x, scratch, group.qkv);
        }
    }

    /// Adds the attention of block `layer` to the residual stream.
    fn add_attention(
        &self,
        pass: &Pass,
        layer: usize,
        attended: &[f32],
        group: &mut Group,
        scratch: &mut Scratch,
    ) {
        let config = self.architecture();
        let size = config.width * LANES;
        let count = group.x.len() / size;
        let width = config.attention_width();
        let heads = &mut scratch.first[..count * width * LANES];
        for (p, panel) in heads.chunks_exact_mut(width * LANES).enumerate() {
            let from = group.token + p * LANES;
            attention::scatter(config, pass.batch, attended, from, panel);
        }
        let out = &self.parts.blocks[layer - 1].attention_out;
        let heads = View {
            data: heads,
            stride: width * LANES,
        };
        let inputs = Inputs::new(self.split, heads, width, count, scratch.lines);
        let mut to = ViewMut {
            data: scratch.second,
            stride: size,
        };
        panel::linear(&out.weight, &out.bias, &inputs, &mut to, count);
        scale(config.residual_scale, scratch.second);
        panel::add(group.x, scratch.second);
        let here = Place::here(Site::Attention, layer);
        visit(pass, here, group.token, group.x, &mut group.captures);
    }

    /// Adds the MLP of block `layer` to the residual stream.
    fn add_mlp(&self, pass: &Pass, layer: usize, group: &mut Group, scratch: &mut Scratch) {
        let config = self.architecture();
        self.parts.blocks[layer - 1].mlp(config, group.x, scratch);
        scale(config.residual_scale, scratch.second);
        let here = Place::here(Site::Mlp, layer);
        visit(pass, here, group.token, scratch.second, &mut group.captures);
        panel::add(group.x, scratch.second);
    }

    /// Normalises the residual stream behind the last block.
    fn normalise(&self, pass: &Pass, layer: usize, group: &mut Group, scratch: &mut Scratch) {
        let Some(norm) = self.parts.norm_after(layer) else {
            return;
        };
        let before = Place {
            convention: Convention::BlockOutputs,
            ..Place::here(Site::Residual, layer)
        };
        visit(pass, before, group.token, group.x, &mut group.captures);
        let normed = &mut scratch.first[..group.x.len()];
        norm.apply(self.architecture().epsilon, group.x, normed);
        group.x.copy_from_slice(normed);
    }
}

/// What a block adds to the residual stream of a group, where somebody asks for it.
struct Update(Vec<f32>);

impl Update {
    fn add(&mut self, part: &[f32]) {
        panel::add(&mut self.0, part);
    }

    fn visit(self, pass: &Pass, layer: usize, group: &mut Group) {
        let here = Place::here(Site::Update, layer);
        let mut replaced = self.0.clone();
        visit(pass, here, group.token, &mut replaced, &mut group.captures);
        // by the difference: what is not changed stays bit by bit
        for ((x, new), old) in group.x.iter_mut().zip(&replaced).zip(&self.0) {
            *x += new - old;
        }
    }
}

/// Multiplies what a branch adds to the residual stream, unless it is added as it is.
fn scale(factor: f32, branch: &mut [f32]) {
    if factor != 1.0 {
        for value in branch {
            *value *= factor;
        }
    }
}

/// Cuts everything into groups of so many panels; `sizes` are of a group's stream, and of its queries, keys and values.
fn groups<'a>(
    [stream, projections]: [usize; 2],
    panels: usize,
    x: &'a mut [f32],
    qkv: &'a mut [f32],
    captures: &'a mut [Vec<f32>],
) -> Vec<Group<'a>> {
    let mut qkv = qkv.chunks_mut(projections.max(1));
    let mut captures: Vec<_> = captures.iter_mut().map(|c| c.chunks_mut(stream)).collect();
    x.chunks_mut(stream)
        .enumerate()
        .map(|(i, x)| Group {
            token: i * panels * LANES,
            x,
            qkv: qkv.next().unwrap_or_default(),
            captures: captures.iter_mut().filter_map(Iterator::next).collect(),
        })
        .collect()
}

/// Reads and replaces activations at a place, in panels from `token` on, where that was asked for.
fn visit(pass: &Pass, here: Place, token: usize, values: &mut [f32], captures: &mut [&mut [f32]]) {
    for (place, capture) in pass.places.iter().zip(captures) {
        if *place == here {
            capture.copy_from_slice(values);
        }
    }
    let Some(edit) = pass.edit_at(here) else {
        return;
    };
    let size = pass.width * LANES;
    let end = (token + values.len() / pass.width).min(pass.batch.tokens().len());
    let tokens = pass.residues(token..end);
    let mut rows = vec![0f32; tokens.len() * pass.width];
    for (&t, row) in tokens.iter().zip(rows.chunks_exact_mut(pass.width)) {
        let at = t - token;
        panel::column(&values[at / LANES * size..][..size], at % LANES, row);
    }
    edit.edit(&tokens, &mut rows);
    for (&t, row) in tokens.iter().zip(rows.chunks_exact(pass.width)) {
        let at = t - token;
        panel::set_column(&mut values[at / LANES * size..][..size], at % LANES, row);
    }
}
