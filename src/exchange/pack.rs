//! What a folder of SAEs, one file for each layer of a PLM, says beside their weights.

use serde_yaml::Value;

use super::{ExchangeError, Sidecar};

/// Numbers of the layers.
const LAYERS: &str = "available_layers";

/// What a pack says of its SAEs, and whether it has statistics of this one's latents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Whether they are of what a block adds to the residual stream, not of the stream; none where it does not say.
    pub updates: Option<bool>,
    /// Layers that it names: 0 the embeddings, 1 the first block; empty where it names none.
    pub layers: Vec<u32>,
    /// Whether the largest activations and the inverse frequencies of latents are known.
    pub statistics: bool,
}

impl Pack {
    /// The key that says whether the SAEs are of what blocks add; absent in packs that were published before there was one.
    pub const UPDATES: &str = "use_residual_update_instead_of_states";

    /// Reads what the configuration of a pack says.
    ///
    /// # Errors
    /// [`ExchangeError::Sidecar`] where a value is of another kind than it should be.
    pub(crate) fn read(sidecar: &Sidecar, statistics: bool) -> Result<Self, ExchangeError> {
        let says_updates = sidecar.has(Self::UPDATES);
        let updates = sidecar.flag(Self::UPDATES, false)?;
        let layers = match sidecar.get(&[LAYERS]) {
            None => Vec::new(),
            Some(Value::Sequence(layers)) => {
                let number = |layer: &Value| layer.as_u64().and_then(|n| u32::try_from(n).ok());
                let numbers: Option<Vec<u32>> = layers.iter().map(number).collect();
                match numbers {
                    Some(numbers) => numbers,
                    None => {
                        return sidecar.fail(format!("{LAYERS} holds more than numbers of layers"));
                    }
                }
            }
            Some(_) => return sidecar.fail(format!("{LAYERS} is no list of layers")),
        };
        Ok(Self {
            updates: says_updates.then_some(updates),
            layers,
            statistics,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Pack, ExchangeError> {
        Pack::read(&Sidecar::read("config.json", text)?, false)
    }

    #[test]
    fn a_pack_that_says_nothing_is_not_one_that_says_false() {
        let silent = of(r#"{"k": 4}"#).unwrap();
        assert_eq!((silent.updates, silent.layers.len()), (None, 0));
        let said =
            of(r#"{"use_residual_update_instead_of_states": false, "available_layers": [0, 80]}"#);
        let said = said.unwrap();
        assert_eq!((said.updates, said.layers), (Some(false), vec![0, 80]));
    }

    #[test]
    fn values_of_another_kind_are_named() {
        for (text, word) in [
            (
                r#"{"use_residual_update_instead_of_states": 1}"#,
                "true or false",
            ),
            (r#"{"available_layers": 4}"#, "no list of layers"),
            (r#"{"available_layers": [4, -1]}"#, "more than numbers"),
        ] {
            let said = of(text).unwrap_err().to_string();
            assert!(
                said.starts_with("config.json: ") && said.contains(word),
                "{said}"
            );
        }
    }
}
