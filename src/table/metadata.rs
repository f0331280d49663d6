//! Identities: which PLM, at which site, and which SAE a table's numbers come from.

use super::{TableError, schema as s};
use arrow_schema::{Metadata, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where in a transformer block activations are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// The residual stream after a block (0: the embeddings; the last: as a [`Convention`] has it).
    Residual,
    /// The residual stream after a block's attention, before its MLP.
    Attention,
    /// The output of a block's MLP, before it is added to the residual stream.
    Mlp,
    /// All that a block adds to the residual stream: its attention and its MLP.
    Update,
}

impl Site {
    /// Every site, in the order of the block.
    pub const ALL: [Self; 4] = [Self::Residual, Self::Attention, Self::Mlp, Self::Update];

    /// The name used in options and metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Residual => "residual",
            Self::Attention => "attention",
            Self::Mlp => "mlp",
            Self::Update => "update",
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|site| site.name() == text)
            .ok_or_else(|| format!("unknown site '{text}': residual, attention, mlp or update"))
    }
}

/// What the residual stream behind the last block is; of every other layer both are the same numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// As in transformers' `hidden_states` and in `esm` since 3.4: the last is behind the final norm.
    #[default]
    HiddenStates,
    /// What the blocks give: the last is before the final norm, as `esm` before 3.4 had it.
    BlockOutputs,
}

impl Convention {
    /// Every convention.
    pub const ALL: [Self; 2] = [Self::HiddenStates, Self::BlockOutputs];

    /// The name used in options and metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HiddenStates => "hidden-states",
            Self::BlockOutputs => "block-outputs",
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Convention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.name() == text);
        found.ok_or_else(|| format!("unknown convention '{text}': hidden-states or block-outputs"))
    }
}

/// Which activations: the PLM, its weights, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlmIdentity {
    /// Name of the PLM's folder.
    pub name: String,
    /// SHA-256 of the weights file (of the sorted `name sha256` lines of its shards).
    pub sha256: String,
    /// Number of the block, from 1; 0 for the embeddings.
    pub layer: u32,
    /// Site within the block.
    pub site: Site,
    /// What the residual stream of the last layer is.
    #[serde(default)]
    pub convention: Convention,
    /// Family of the PLM, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Width of the activations.
    pub width: u32,
}

/// A way to read one metadata value, or to say what it should have been.
fn parse<T: FromStr>(
    metadata: &Metadata,
    key: &'static str,
    expected: &'static str,
) -> Result<Option<T>, TableError> {
    metadata
        .get(key)
        .map(|value| {
            value.parse().map_err(|_| TableError::Metadata {
                key,
                value: value.clone(),
                expected,
            })
        })
        .transpose()
}

impl PlmIdentity {
    /// Metadata entries of this identity.
    #[must_use]
    pub fn to_metadata(&self) -> Vec<(String, String)> {
        let mut entries = vec![
            (s::META_PLM_NAME.into(), self.name.clone()),
            (s::META_PLM_SHA256.into(), self.sha256.clone()),
            (s::META_PLM_LAYER.into(), self.layer.to_string()),
            (s::META_PLM_SITE.into(), self.site.to_string()),
            (s::META_PLM_CONVENTION.into(), self.convention.to_string()),
            (s::META_PLM_WIDTH.into(), self.width.to_string()),
        ];
        let family = self.family.clone();
        entries.extend(family.map(|family| (s::META_PLM_FAMILY.into(), family)));
        entries
    }

    /// The identity in a table's metadata; `None` where the table carries none.
    ///
    /// # Errors
    /// [`TableError::Metadata`] where a value cannot be understood.
    pub fn from_schema(schema: &Schema) -> Result<Option<Self>, TableError> {
        let m = &schema.metadata;
        let Some(sha256) = m.get(s::META_PLM_SHA256) else {
            return Ok(None);
        };
        let layer = parse(m, s::META_PLM_LAYER, "a block number")?;
        let site = parse(m, s::META_PLM_SITE, "residual, attention, mlp or update")?;
        let conventions = "hidden-states or block-outputs";
        let convention = parse(m, s::META_PLM_CONVENTION, conventions)?.unwrap_or_default();
        let width = parse(m, s::META_PLM_WIDTH, "a number")?;
        let (Some(layer), Some(site), Some(width)) = (layer, site, width) else {
            return Ok(None);
        };
        Ok(Some(Self {
            name: m.get(s::META_PLM_NAME).cloned().unwrap_or_default(),
            sha256: sha256.clone(),
            layer,
            site,
            convention,
            family: m.get(s::META_PLM_FAMILY).cloned(),
            width,
        }))
    }

    /// Demands that two identities are of the same activations; names may differ.
    ///
    /// # Errors
    /// [`TableError::Identity`] with the first part that differs, naming both.
    pub fn check_same(
        &self,
        self_name: &str,
        other: &Self,
        other_name: &str,
    ) -> Result<(), TableError> {
        let parts = [
            (
                "width of the activations",
                self.width.to_string(),
                other.width.to_string(),
            ),
            (
                "PLM (sha256 of its weights)",
                self.sha256.clone(),
                other.sha256.clone(),
            ),
            (
                "layer of the PLM",
                self.layer.to_string(),
                other.layer.to_string(),
            ),
            (
                "site of the PLM",
                self.site.to_string(),
                other.site.to_string(),
            ),
            (
                "convention of the last residual stream",
                self.convention.to_string(),
                other.convention.to_string(),
            ),
        ];
        check_parts(self_name, other_name, parts)
    }
}

/// Demands that what two things say of their activations is the same: of each part its name, and both values.
///
/// # Errors
/// [`TableError::Identity`] with the first part that differs, naming both.
pub(crate) fn check_parts(
    left_name: &str,
    right_name: &str,
    parts: impl IntoIterator<Item = (&'static str, String, String)>,
) -> Result<(), TableError> {
    match parts.into_iter().find(|(_, left, right)| left != right) {
        None => Ok(()),
        Some((what, left, right)) => Err(TableError::Identity {
            what,
            left_name: left_name.into(),
            left,
            right_name: right_name.into(),
            right,
        }),
    }
}

/// Which SAE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaeIdentity {
    /// SHA-256 of `model.safetensors`.
    pub sha256: String,
    /// All latents.
    pub latents: u32,
    /// Defined latents.
    pub concepts: u32,
    /// K of `TopK`.
    pub k: u32,
}

impl SaeIdentity {
    /// Metadata entries of this identity.
    #[must_use]
    pub fn to_metadata(&self) -> Vec<(String, String)> {
        vec![
            (s::META_SAE_SHA256.into(), self.sha256.clone()),
            (s::META_SAE_LATENTS.into(), self.latents.to_string()),
            (s::META_SAE_CONCEPTS.into(), self.concepts.to_string()),
            (s::META_SAE_K.into(), self.k.to_string()),
        ]
    }

    /// The identity in a table's metadata; `None` where the table carries none.
    ///
    /// # Errors
    /// [`TableError::Metadata`] where a value cannot be understood.
    pub fn from_schema(schema: &Schema) -> Result<Option<Self>, TableError> {
        let m = &schema.metadata;
        let Some(sha256) = m.get(s::META_SAE_SHA256).cloned() else {
            return Ok(None);
        };
        let latents = parse(m, s::META_SAE_LATENTS, "a number")?;
        let concepts = parse(m, s::META_SAE_CONCEPTS, "a number")?;
        let k = parse(m, s::META_SAE_K, "a number")?;
        let (Some(latents), Some(concepts), Some(k)) = (latents, concepts, k) else {
            return Ok(None);
        };
        Ok(Some(Self {
            sha256,
            latents,
            concepts,
            k,
        }))
    }

    /// Demands that two identities are of the same SAE.
    ///
    /// # Errors
    /// [`TableError::Identity`] naming both.
    pub fn check_same(
        &self,
        self_name: &str,
        other: &Self,
        other_name: &str,
    ) -> Result<(), TableError> {
        let (left, right) = (self.sha256.clone(), other.sha256.clone());
        let part = ("SAE (sha256 of its weights)", left, right);
        check_parts(self_name, other_name, [part])
    }
}

/// Demands a table of this format, or one that names none.
///
/// # Errors
/// [`TableError::Format`] naming both.
pub fn check_format(schema: &Schema, expected: &'static str) -> Result<(), TableError> {
    match schema.metadata.get(s::META_FORMAT) {
        // features/2 has columns more, which may be null
        Some(found) if found == s::FEATURES_FORMAT_1 && expected == s::FEATURES_FORMAT => Ok(()),
        Some(found) if found != expected => Err(TableError::Format {
            found: found.clone(),
            expected,
        }),
        _ => Ok(()),
    }
}
