//! Schemas of `--config` files, from the definitions of the command lines.

use crate::commands;
use clap::{Arg, ArgAction, Command};
use serde_json::{Map, Value, json};
use std::any::TypeId;

/// The draft of JSON Schema that all schemas follow.
pub(super) const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// `config-<tool>` for every executable with options of its own.
pub(super) fn all() -> impl Iterator<Item = (String, Value)> {
    commands::all().into_iter().map(|command| {
        let tool = command.get_name().trim_start_matches("protsae-").to_owned();
        (format!("config-{tool}"), schema(&command))
    })
}

fn schema(command: &Command) -> Value {
    let mut properties = Map::new();
    let mut arguments: Vec<&Arg> = command.get_arguments().collect();
    arguments.sort_by_key(|a| a.get_long());
    for arg in arguments {
        let id = arg.get_id().as_str();
        let Some(long) = arg.get_long() else { continue };
        if ["config", "print_config", "help", "version"].contains(&id) {
            continue;
        }
        properties.insert(long.to_owned(), property(arg));
    }
    json!({
        "$schema": DRAFT,
        "title": format!("Configuration of {}", command.get_name()),
        "description": "Options by their long names; those of the command line win",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(arg: &Arg) -> Value {
    let one = value_type(arg);
    let many = matches!(arg.get_action(), ArgAction::Append)
        || arg.get_num_args().is_some_and(|n| n.max_values() > 1)
        || arg.get_value_delimiter().is_some();
    let mut property = if many {
        json!({"anyOf": [one.clone(), {"type": "array", "items": one}]})
    } else {
        one
    };
    if let (Some(help), Value::Object(fields)) = (arg.get_help(), &mut property) {
        fields.insert("description".into(), help.to_string().into());
        let default: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|v| v.to_string_lossy().into_owned())
            .collect();
        if let [default] = &default[..]
            && !matches!(arg.get_action(), ArgAction::SetTrue)
        {
            let number = serde_json::from_str::<Value>(default)
                .ok()
                .filter(Value::is_number);
            fields.insert(
                "default".into(),
                number.unwrap_or_else(|| default.clone().into()),
            );
        }
    }
    property
}

fn value_type(arg: &Arg) -> Value {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return json!({"type": "boolean"});
    }
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|v| v.get_name().to_owned())
        .collect();
    let parser = arg.get_value_parser();
    let is = |id: TypeId| parser.type_id() == id;
    if is(TypeId::of::<bool>()) {
        // its possible values are words, but YAML has truth values
        json!({"type": "boolean"})
    } else if !possible.is_empty() && arg.get_value_delimiter().is_none() {
        json!({"enum": possible})
    } else if is(TypeId::of::<u32>()) || is(TypeId::of::<u64>()) || is(TypeId::of::<usize>()) {
        json!({"type": "integer", "minimum": 0})
    } else if is(TypeId::of::<f32>()) || is(TypeId::of::<f64>()) {
        json!({"type": "number"})
    } else {
        // lists of names and numbers may be written as one string, too
        json!({"type": ["string", "number"]})
    }
}
