//! What can go wrong in making a page.

use crate::error::{Classify, ErrorKind, kind_of};

/// A page that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The template.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// Its data.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A drawing.
    #[error(transparent)]
    Drawing(#[from] std::io::Error),
}

impl Classify for PageError {
    fn kind(&self) -> ErrorKind {
        kind_of(self)
    }
}
