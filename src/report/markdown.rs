//! Tables in Markdown (GitHub's extension).

use std::fmt::Write as _;

/// A table with a head; a bar in a cell is escaped.
#[must_use]
pub fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    let line = |out: &mut String, cells: &[String]| {
        for cell in cells {
            // writing to a string cannot fail
            let _ = write!(out, "| {} ", cell.replace('|', "\\|").replace('\n', " "));
        }
        out.push_str("|\n");
    };
    line(&mut out, head);
    out.push_str(&"|---".repeat(head.len()));
    out.push_str("|\n");
    for row in rows {
        line(&mut out, row);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cannot_break_the_table() {
        let cells = |row: &[&str]| row.iter().map(|&c| c.to_owned()).collect::<Vec<_>>();
        let text = table(&cells(&["a", "b"]), &[cells(&["1|2", "x\ny"])]);
        assert_eq!(text, "| a | b |\n|---|---|\n| 1\\|2 | x y |\n");
    }
}
