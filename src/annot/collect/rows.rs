//! Records that are lines.

use super::Collector;
use crate::annot::{
    error::AnnotError,
    lines::{Line, Lines, trimmed},
};
use std::io::BufRead;

impl Collector {
    /// The next line that is UTF-8; others are bad records.
    pub(in crate::annot) fn next_line<'l, R: BufRead>(
        &mut self,
        lines: &'l mut Lines<R>,
    ) -> Result<Option<Line<'l>>, AnnotError> {
        while let Some(error) = lines.take_broken()? {
            self.record(|_| Err(error))?;
        }
        Ok(lines.take())
    }

    /// Reads the rows of a table without a header: every line is a record, but for blank ones and those that begin
    /// with the character of comments.
    ///
    /// # Errors
    /// What `row` returns, unless bad records are skipped; the reader's errors.
    pub(in crate::annot) fn rows(
        &mut self,
        reader: impl BufRead,
        comment: Option<char>,
        row: impl Fn(u64, &str, &mut Self) -> Result<(), AnnotError>,
    ) -> Result<(), AnnotError> {
        let mut lines = Lines::new(reader);
        while let Some(Line { number: line, text }) = self.next_line(&mut lines)? {
            if comment.is_some_and(|c| text.starts_with(c)) || trimmed(text).is_empty() {
                continue;
            }
            self.record(|collector| row(line, text, collector))?;
        }
        Ok(())
    }
}
