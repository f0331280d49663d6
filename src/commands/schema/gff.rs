//! GFF3 as `protsae-annotate` writes it: what the specification demands of such lines.

use super::error::{CheckError, demand};
use std::collections::HashMap;

/// The first line.
const VERSION: &str = "##gff-version 3";
const REGION: &str = "##sequence-region ";
const COLUMNS: usize = 9;

/// GFF3: what it is.
pub(super) fn check(text: &str) -> Result<String, CheckError> {
    let mut lengths: HashMap<&str, u64> = HashMap::new();
    let mut ids = HashMap::new();
    let mut lines = text.lines().zip(1..);
    let first = lines.next().map_or("", |(line, _)| line);
    demand(first == VERSION, 1, "the line", first, VERSION)?;
    let mut features = 0;
    for (text, line) in lines {
        if let Some(region) = text.strip_prefix(REGION) {
            let words: Vec<&str> = region.split(' ').collect();
            let length = match words[..] {
                [id, "1", length] if is_sequence_id(id) => length.parse().ok().map(|n| (id, n)),
                _ => None,
            };
            let (id, length) = length
                .filter(|(_, n)| *n > 0)
                .ok_or_else(|| CheckError::Line {
                    line,
                    what: "the region".into(),
                    found: region.into(),
                    expected: "an escaped id, 1, and a length".into(),
                })?;
            let new = lengths.insert(id, length).is_none();
            demand(new, line, "the region of", id, "once")?;
        } else if !text.starts_with('#') {
            feature(text, line, &lengths, &mut ids)?;
            features += 1;
        }
    }
    Ok(format!(
        "GFF3 of {features} features of {} sequences",
        lengths.len()
    ))
}

fn feature<'a>(
    text: &'a str,
    line: usize,
    lengths: &HashMap<&str, u64>,
    ids: &mut HashMap<&'a str, (&'a str, &'a str)>,
) -> Result<(), CheckError> {
    let columns: Vec<&str> = text.split('\t').collect();
    let &[
        id,
        source,
        kind,
        start,
        end,
        score,
        strand,
        phase,
        attributes,
    ] = &columns[..]
    else {
        let (found, expected) = (columns.len().to_string(), COLUMNS.to_string());
        return demand(false, line, "number of columns", &found, &expected);
    };
    let length = lengths.get(id).copied().unwrap_or(0);
    demand(length > 0, line, "column 1", id, "a sequence with a region")?;
    demand(!source.is_empty(), line, "column 2", source, "a source")?;
    let term = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
    let is_term = !kind.is_empty() && kind.chars().all(term);
    demand(is_term, line, "column 3", kind, "a term of SO")?;
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let (first, last) = (number(start), number(end));
    demand(first > 0, line, "column 4", start, "a position")?;
    let inside = first <= last && last <= length;
    demand(
        inside,
        line,
        "column 5",
        end,
        &format!("{first} to {length}, the sequence's length"),
    )?;
    let finite = score.parse::<f64>().is_ok_and(f64::is_finite);
    demand(
        finite || score == ".",
        line,
        "column 6",
        score,
        "a number or .",
    )?;
    demand(
        [".", "+", "-", "?"].contains(&strand),
        line,
        "column 7",
        strand,
        "a strand",
    )?;
    demand(
        [".", "0", "1", "2"].contains(&phase),
        line,
        "column 8",
        phase,
        "a phase",
    )?;
    let mut has_id = false;
    for attribute in attributes.split(';') {
        let (tag, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let fits = !tag.is_empty() && !value.is_empty() && !value.contains(['=', '&']);
        let escaped = !has_loose_percent(value);
        demand(
            fits && escaped,
            line,
            "attribute",
            attribute,
            "tag=value, escaped",
        )?;
        if tag == "ID" {
            let own = (id, kind);
            // lines of one id are parts of one feature
            let fits = *ids.entry(value).or_insert(own) == own && !has_id;
            demand(fits, line, "ID", value, "that of one feature, once")?;
            has_id = true;
        }
    }
    Ok(())
}

/// Whether a percent sign begins no two hexadecimal digits.
fn has_loose_percent(text: &str) -> bool {
    let hex = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_hexdigit());
    text.split('%').skip(1).any(|rest| {
        let mut bytes = rest.bytes();
        !hex(bytes.next()) || !hex(bytes.next())
    })
}

/// Whether an id is escaped as column 1 must be.
fn is_sequence_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:^*$@!+_?-|%".contains(c);
    !id.is_empty() && id.chars().all(plain) && !has_loose_percent(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_lines_are_found() {
        let with = |lines: &str| {
            let text = format!("##gff-version 3\n##sequence-region a%3Db 1 9\n{lines}\n");
            check(&text).unwrap_or_else(|e| e.to_string())
        };
        let fine = "a%3Db\tProtSAE\tpolypeptide_region\t1\t9\t0.5\t.\t.\tID=a%3Db.f0.1;latent=0";
        assert_eq!(with(fine), "GFF3 of 1 features of 1 sequences");
        for (from, to, word) in [
            ("a%3Db\tP", "a=b\tP", "column 1 is 'a=b'"),
            ("1\t9", "1\t10", "column 5 is '10'"),
            ("0.5", "nan", "column 6"),
            ("latent=0", "latent", "attribute"),
            ("latent=0", "Note=50%", "attribute"),
            ("\t.\t.", "\t.", "number of columns is '8'"),
            ("latent=0", "ID=x;ID=x", "ID is 'x'"),
        ] {
            let message = with(&fine.replace(from, to));
            assert!(
                message.starts_with("line 3") && message.contains(word),
                "{message}"
            );
        }
        assert!(with("##sequence-region a=b 1 9").contains("the region is 'a=b 1 9'"));
        assert!(check("P1\n").is_err());
    }
}
