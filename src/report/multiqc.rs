//! MultiQC custom content: a table that MultiQC finds by its file name (`*_mqc.json`).

use serde_json::{Map, Value, json};

/// Shows counts.
pub const COUNT: &str = "{:,.0f}";
/// Shows means of counts.
pub const MEAN: &str = "{:,.1f}";
/// Shows shares and scores.
pub const SHARE: &str = "{:,.4f}";

/// Shows words.
pub const TEXT: &str = "{}";

/// A column of the table.
pub struct Column {
    /// Key of the value.
    pub key: &'static str,
    /// Title.
    pub title: &'static str,
    /// Explanation.
    pub description: &'static str,
    /// How its numbers are shown, as Python formats them.
    pub format: &'static str,
    /// Its value for each sample, null where it has none.
    pub values: Vec<Value>,
}

/// A table with a row for each of these samples; `MultiQC` merges tables of one id.
#[must_use]
pub fn table(
    id: &str,
    section: &str,
    description: &str,
    samples: &[&str],
    columns: Vec<Column>,
) -> Value {
    let mut headers = Map::new();
    let mut rows: Map<String, Value> = samples.iter().map(|&s| (s.to_owned(), json!({}))).collect();
    for column in columns {
        headers.insert(
            column.key.into(),
            json!({
                "title": column.title,
                "description": column.description,
                "format": column.format,
            }),
        );
        for (&sample, value) in samples.iter().zip(column.values) {
            // MultiQC has no null: a missing key is an empty cell
            if !value.is_null() {
                rows[sample][column.key] = value;
            }
        }
    }
    json!({
        "id": id,
        "section_name": section,
        "description": description,
        "plot_type": "table",
        "pconfig": {"id": format!("{id}_table"), "title": section},
        "headers": headers,
        "data": rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_a_missing_key() {
        let column = |key, value: Value| Column {
            key,
            title: "t",
            description: "d",
            format: SHARE,
            values: vec![value],
        };
        let table = table(
            "x",
            "X",
            "of x",
            &["s"],
            vec![column("a", json!(1)), column("b", Value::Null)],
        );
        assert_eq!(table["data"], json!({"s": {"a": 1}}));
        // files of which some lack a value are one table
        for key in ["a", "b"] {
            assert_eq!(table["headers"][key]["format"], SHARE);
        }
        assert_eq!(table["plot_type"], "table");
    }
}
