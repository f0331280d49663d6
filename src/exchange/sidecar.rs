//! `cfg.json`, `config.json` or `config.yaml` beside a checkpoint: keys and plain values.

use serde_yaml::Value;

use super::ExchangeError;

/// The configuration beside a checkpoint; without one, nothing is known.
#[derive(Clone, Debug, Default)]
pub struct Sidecar {
    /// Its name, for messages; empty where there is none.
    name: String,
    value: Value,
}

impl Sidecar {
    /// File names that configurations have, in order of preference.
    pub const NAMES: [&str; 3] = ["cfg.json", "config.json", "config.yaml"];

    /// Reads JSON or YAML as plain data: tags (of Python objects) are passed over.
    ///
    /// # Errors
    /// [`ExchangeError::Sidecar`] where it is neither.
    pub fn read(name: &str, text: &str) -> Result<Self, ExchangeError> {
        let fail = |message: String| ExchangeError::Sidecar {
            file: name.to_owned(),
            message,
        };
        // JSON is not quite a part of YAML: tabs
        let value: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|e| fail(e.to_string()))?
        } else {
            serde_yaml::from_str(text).map_err(|e| fail(e.to_string()))?
        };
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_present(&self) -> bool {
        !self.name.is_empty()
    }

    pub(crate) fn fail<T>(&self, message: impl Into<String>) -> Result<T, ExchangeError> {
        Err(ExchangeError::Sidecar {
            file: self.name.clone(),
            message: message.into(),
        })
    }

    /// A value by the keys on the way to it.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Value> {
        let mut value = untagged(&self.value);
        for key in path {
            value = untagged(value.get(key)?);
        }
        Some(value).filter(|v| !v.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(&[key]).is_some()
    }

    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_str()
    }

    pub(crate) fn number(&self, path: &[&str]) -> Option<f64> {
        self.get(path)?.as_f64()
    }

    /// A switch; the default where it is not set.
    pub(crate) fn flag(&self, key: &str, default: bool) -> Result<bool, ExchangeError> {
        self.flag_at(&[key], default)
    }

    /// The same by the keys on the way to it.
    pub(crate) fn flag_at(&self, path: &[&str], default: bool) -> Result<bool, ExchangeError> {
        match self.get(path) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => self.fail(format!(
                "{} is {other:?}, expected true or false",
                path.join(".")
            )),
        }
    }

    /// Keys that have a value, beside those that are known.
    pub(crate) fn others(&self, known: &[&str]) -> Vec<&str> {
        let keys = untagged(&self.value).as_mapping().into_iter().flatten();
        keys.filter(|(_, value)| !value.is_null())
            .filter_map(|(key, _)| key.as_str())
            .filter(|key| !known.contains(key))
            .collect()
    }

    /// A whole number above 0.
    pub(crate) fn count(&self, path: &[&str]) -> Option<usize> {
        let count = self.get(path)?.as_u64().filter(|&n| n > 0)?;
        usize::try_from(count).ok()
    }
}

fn untagged(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => untagged(&tagged.value),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_of_python_objects_is_data() {
        let text = "!!python/object:interplm.Config\ntrainer_cfg: !!python/object:interplm.Trainer\n  \
                    k: 8\n  path: !!python/object/apply:pathlib.PosixPath [a, b]\n  l1: 0.5\n";
        let sidecar = Sidecar::read("config.yaml", text).unwrap();
        assert_eq!(sidecar.count(&["trainer_cfg", "k"]), Some(8));
        assert_eq!(sidecar.number(&["trainer_cfg", "l1"]), Some(0.5));
        assert_eq!(sidecar.text(&["trainer_cfg", "k"]), None);
        assert!(!sidecar.has("k"));
    }

    #[test]
    fn what_is_no_json_is_named() {
        let error = Sidecar::read("cfg.json", "{\"a\": ").unwrap_err();
        assert!(error.to_string().starts_with("cfg.json: "));
        assert!(!Sidecar::default().is_present());
    }
}
