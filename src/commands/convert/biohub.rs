//! Packs of SAEs of ESM Cambrian, as Biohub publishes them: `config.json` and one `layer_N.safetensors` for each layer.
//! They say which activations they are of, all but the PLM itself.
//!
//! Layer N is entry N of the PLM's hidden states, from 0, the embeddings, on; the last is behind the final norm. An SAE of
//! updates reads entry N less entry N - 1, and entry 0 itself of layer 0.

use crate::{
    Error, Result,
    cli::{Source, log},
    error::Context as _,
    exchange::Pack,
    sae::conversion::Claim,
    table::{
        PlmIdentity,
        metadata::{Convention, Site},
    },
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What folders of updates are called by their publisher, whose first `config.json` did not say it.
const UPDATES_NAME: &str = "sae-mlp";

/// What options say of the activations that a checkpoint is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) layer: Option<u32>,
    pub(super) site: Option<Site>,
    pub(super) convention: Option<Convention>,
}

/// Which activations a checkpoint is of, by options and by what it says itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) layer: Option<u32>,
    pub(super) site: Site,
    pub(super) convention: Convention,
    /// Whether the checkpoint says any of it.
    of_pack: bool,
    says_convention: bool,
}

/// The number in `layer_23.safetensors`.
fn layer_in_name(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_prefix("layer_")?.strip_suffix(".safetensors")?;
    let is_plain = number.bytes().all(|b| b.is_ascii_digit());
    number.parse().ok().filter(|_| is_plain)
}

/// Numbers, for messages.
fn listed<'a>(layers: impl Iterator<Item = &'a u32>) -> String {
    layers.map(u32::to_string).collect::<Vec<_>>().join(", ")
}

/// The file of the layer that is asked for, where the input is a folder of several; else the input.
///
/// # Errors
/// Where it has no such layer, or has several and none is asked for, with those that it has.
pub(super) fn choose(input: &Source, layer: Option<u32>) -> Result<Source> {
    let Some(folder) = input.path().filter(|path| path.is_dir()) else {
        return Ok(input.clone());
    };
    let mut layers: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for entry in fs::read_dir(folder).path(folder)? {
        let path = entry.path(folder)?.path();
        if let Some(layer) = layer_in_name(&path) {
            layers.insert(layer, path);
        }
    }
    let refused = |message: String| Error::usage(message).context(folder.display().to_string());
    let there = || listed(layers.keys());
    match (layer, layers.values().next()) {
        (_, None) => Ok(input.clone()),
        (None, Some(only)) if layers.len() == 1 => Ok(Source::File(only.clone())),
        (None, Some(_)) => Err(refused(format!(
            "holds SAEs of several layers, say which by --layer: {}",
            there()
        ))),
        (Some(layer), Some(_)) => match layers.get(&layer) {
            Some(path) => Ok(Source::File(path.clone())),
            None => Err(refused(format!(
                "holds no layer_{layer}.safetensors; its layers are {}",
                there()
            ))),
        },
    }
}

/// Brings together what options and a pack say.
///
/// # Errors
/// Where they contradict each other, with both, or leave the site open.
pub(super) fn settle(weights: &Source, pack: Option<&Pack>, said: Said) -> Result<Asked> {
    let layer = match pack {
        Some(pack) => layer(weights, pack, said.layer)?,
        None => said.layer,
    };
    let site = match pack {
        Some(pack) => site(weights, pack, layer, said.site)?,
        None => said.site.unwrap_or(Site::Residual),
    };
    Ok(Asked {
        layer,
        site,
        convention: said.convention.unwrap_or_default(),
        of_pack: pack.is_some(),
        says_convention: said.convention.is_some(),
    })
}

/// The layer: what the name of the file says, else the option, else the pack if it has but one.
fn layer(weights: &Source, pack: &Pack, said: Option<u32>) -> Result<Option<u32>> {
    let named = weights.path().and_then(layer_in_name);
    if let (Some(named), Some(said)) = (named, said)
        && named != said
    {
        return Err(Error::mismatch(format!(
            "{weights} is of layer {named} by its name, --layer says {said}"
        )));
    }
    let only = match pack.layers.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let layer = named.or(said).or(only);
    match layer {
        Some(layer) if !pack.layers.is_empty() && !pack.layers.contains(&layer) => {
            Err(Error::mismatch(format!(
                "{weights} is of layer {layer}, the available_layers of its configuration are {}",
                listed(pack.layers.iter())
            )))
        }
        _ => Ok(layer),
    }
}

/// The site of an SAE of updates, or not, at a layer: before the first block nothing is added yet.
fn site_of(updates: bool, layer: Option<u32>) -> Site {
    if updates && layer != Some(0) {
        Site::Update
    } else {
        Site::Residual
    }
}

fn site(weights: &Source, pack: &Pack, layer: Option<u32>, said: Option<Site>) -> Result<Site> {
    const KEY: &str = Pack::UPDATES;
    let updates = match (pack.updates, said) {
        (_, Some(site @ (Site::Attention | Site::Mlp))) => {
            return Err(Error::mismatch(format!(
                "{weights} is an ESMC SAE, of the residual stream or of all that a block adds to it, --site says {site}; what its \
                 publisher calls MLP outputs is --site update"
            )));
        }
        (Some(updates), Some(site))
            if site_of(updates, layer) != site_of(site == Site::Update, layer) =>
        {
            return Err(Error::mismatch(format!(
                "{weights} is of site {} by {KEY}: {updates} in its configuration, --site says {site}",
                site_of(updates, layer)
            )));
        }
        (Some(updates), _) => updates,
        (None, Some(site)) => site == Site::Update,
        (None, None) if is_named_of_updates(weights) => {
            return Err(Error::usage(format!(
                "{weights}: its configuration has no {KEY}, but the name of its folder ({UPDATES_NAME}) is that of SAEs of updates: \
                 say --site update, or --site residual"
            )));
        }
        (None, None) => {
            log::warn(&format!(
                "{weights}: its configuration has no {KEY}: taken to be of residual states; --site update, if it is of what blocks add"
            ));
            false
        }
    };
    Ok(site_of(updates, layer))
}

fn is_named_of_updates(weights: &Source) -> bool {
    let folder = weights.path().and_then(Path::parent).map(|folder| {
        // where the folder is '.', its name is that of the current one
        fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
    });
    folder.is_some_and(|f| f.to_string_lossy().to_lowercase().contains(UPDATES_NAME))
}

impl Asked {
    /// What the model remembers of it, where the checkpoint said it.
    pub(super) fn claim(&self) -> Option<Claim> {
        let layer = self.layer.filter(|_| self.of_pack)?;
        let site = self.site;
        Some(Claim { layer, site })
    }

    /// Demands that an option which only a pack or a PLM has a use for is given with one.
    ///
    /// # Errors
    /// Where it is given with neither.
    pub(super) fn check_options(&self, has_plm: bool) -> Result<()> {
        match self.layer {
            Some(layer) if !self.of_pack && !has_plm => Err(Error::usage(format!(
                "--layer {layer} is said without --plm DIR, of a checkpoint of one layer"
            ))),
            None if has_plm => Err(Error::usage("--plm DIR needs --layer N")),
            _ => Ok(()),
        }
    }

    /// Demands a table of the layer and the site that a pack says.
    ///
    /// # Errors
    /// [`TableError::Identity`], naming both.
    pub(super) fn check_table(
        &self,
        weights: &Source,
        table: &Source,
        plm: &PlmIdentity,
    ) -> Result<()> {
        if !self.of_pack {
            return Ok(());
        }
        let layer = self.layer.unwrap_or(plm.layer);
        let site = site_of(self.site == Site::Update, Some(layer));
        let claim = Claim { layer, site };
        Ok(claim.check(&weights.to_string(), plm, &table.to_string())?)
    }

    /// Says what the last layer of a PLM of so many is taken as: packs do not say it.
    pub(super) fn warn_of_last(&self, weights: &Source, layers: usize) {
        let is_last = self.layer.is_some_and(|layer| layer as usize == layers);
        if !self.of_pack || !is_last {
            return;
        }
        match self.site {
            Site::Update => log::warn(&format!(
                "{weights}: Biohub's esm gives the SAE of the last layer, {layers}, the residual behind the final norm less the one before \
                 the block; site update is before the norm: try --check TABLE"
            )),
            _ if self.says_convention => {}
            _ => log::warn(&format!(
                "{weights}: the last layer, {layers}, is taken behind the final norm, as Biohub's esm has it; --convention block-outputs \
                 is before it, and --check TABLE shows which fits"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_in_names() {
        let of = |name: &str| layer_in_name(Path::new(name));
        assert_eq!(of("a/layer_23.safetensors"), Some(23));
        for other in [
            "layer_.safetensors",
            "layer_+1.safetensors",
            "layer_4.pt",
            "xlayer_4.safetensors",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
