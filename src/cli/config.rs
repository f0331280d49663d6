//! `--config FILE.yaml` and `--print-config`, for any tool, from its clap definition alone.
//!
//! Options of the file that the command line does not name are put in front of it as if they had
//! been typed, so that they pass the same checks.

use crate::{Error, error::Context as _};
use clap::{ArgAction, ArgMatches, Command, parser::ValueSource};
use serde_yaml::{Mapping, Value};
use std::{
    ffi::{OsStr, OsString},
    fs,
    io::Write,
    path::Path,
};

/// What came of a command line.
pub(super) enum Parsed {
    /// The options to run with.
    Run(ArgMatches),
    /// The resolved options were asked for and printed.
    Printed,
}

/// Why a command line was refused.
pub(super) enum Refusal {
    /// By clap, which also "refuses" `--help` and `--version`.
    Clap(clap::Error),
    /// Because of its configuration file.
    Config(Error),
}

const CONFIG: &str = "config";
const PRINT_CONFIG: &str = "print_config";

/// Parses a command line together with the configuration file that it names.
pub(super) fn parse(command: &Command, arguments: Vec<OsString>) -> Result<Parsed, Refusal> {
    let lenient = command.clone().ignore_errors(true);
    let named = lenient.try_get_matches_from(&arguments).ok();
    let file = named.as_ref().and_then(|m| {
        let mut values = m.get_raw(CONFIG)?;
        values.next().map(std::ffi::OsStr::to_owned)
    });
    let arguments = match (file, named) {
        (Some(file), Some(named)) => {
            let more = read(command, &named, Path::new(&file)).map_err(Refusal::Config)?;
            splice(arguments, more)
        }
        _ => arguments,
    };
    let matches = command
        .clone()
        .try_get_matches_from(arguments)
        .map_err(Refusal::Clap)?;
    if matches.get_flag(PRINT_CONFIG) {
        print(command, &matches).map_err(Refusal::Config)?;
        return Ok(Parsed::Printed);
    }
    Ok(Parsed::Run(matches))
}

/// Puts options behind the program's name.
fn splice(mut arguments: Vec<OsString>, more: Vec<OsString>) -> Vec<OsString> {
    let at = arguments.len().min(1);
    arguments.splice(at..at, more);
    arguments
}

/// The options of a file that the command line does not name, as arguments.
fn read(command: &Command, named: &ArgMatches, path: &Path) -> Result<Vec<OsString>, Error> {
    let text = fs::read_to_string(path).path(path)?;
    let bad = |message: String| Error::usage(message).context(path.display().to_string());
    let content: Option<Mapping> =
        serde_yaml::from_str(&text).map_err(|e| bad(format!("not a YAML mapping: {e}")))?;
    let mut arguments = Vec::new();
    for (key, value) in content.unwrap_or_default() {
        let key = key
            .as_str()
            .ok_or_else(|| bad("option names must be strings".into()))?;
        let arg = command
            .get_arguments()
            .find(|a| {
                a.get_long() == Some(key) && a.get_id() != CONFIG && a.get_id() != PRINT_CONFIG
            })
            .ok_or_else(|| bad(format!("unknown option '{key}'")))?;
        if named.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            continue;
        }
        let flag = matches!(arg.get_action(), ArgAction::SetTrue);
        match value {
            Value::Null => {}
            Value::Bool(on) if flag => {
                if on {
                    arguments.push(format!("--{key}").into());
                }
            }
            Value::Sequence(values) if !flag => {
                for value in &values {
                    let text = scalar(value)
                        .ok_or_else(|| bad(format!("option '{key}' holds a nested value")))?;
                    arguments.push(format!("--{key}={text}").into());
                }
            }
            value => {
                let text = scalar(&value).filter(|_| !flag);
                let text = text
                    .ok_or_else(|| bad(format!("option '{key}' has a value of the wrong kind")))?;
                arguments.push(format!("--{key}={text}").into());
            }
        }
    }
    Ok(arguments)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::String(s) => Some(s.clone()),
        _ => None,
    }
}

/// A value as YAML would read it again: numbers and truth values as such, the rest as text.
fn typed(text: &str) -> Value {
    match serde_yaml::from_str::<Value>(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_)))
            if scalar(&value).as_deref() == Some(text) =>
        {
            value
        }
        _ => Value::String(text.to_owned()),
    }
}

/// Prints the resolved options as YAML.
fn print(command: &Command, matches: &ArgMatches) -> Result<(), Error> {
    let mut content = Mapping::new();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let Some(long) = arg.get_long() else { continue };
        if [CONFIG, PRINT_CONFIG, "help", "version"].contains(&id) {
            continue;
        }
        let value = match arg.get_action() {
            ArgAction::SetTrue => Value::Bool(matches.get_flag(id)),
            action => {
                let Some(raw) = matches.get_raw(id) else {
                    continue;
                };
                let text = |value: &OsStr| {
                    let text = value.to_str().ok_or_else(|| {
                        Error::usage(format!(
                            "--{long} {} is not UTF-8, as YAML must be",
                            value.display()
                        ))
                    });
                    text.map(typed)
                };
                let mut values: Vec<Value> = raw.map(text).collect::<Result<_, _>>()?;
                match (action, values.pop()) {
                    (ArgAction::Append, Some(last)) => {
                        values.push(last);
                        Value::Sequence(values)
                    }
                    (_, Some(last)) if values.is_empty() => last,
                    (_, Some(last)) => {
                        values.push(last);
                        Value::Sequence(values)
                    }
                    (_, None) => continue,
                }
            }
        };
        content.insert(Value::String(long.to_owned()), value);
    }
    let text = serde_yaml::to_string(&content).map_err(|e| Error::data(e.to_string()))?;
    super::standard_streams::demand_output()?;
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}
