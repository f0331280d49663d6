//! What a test says where it cannot run: a line that `tests/run.sh` counts.

use std::fmt::Display;

/// Says why a test, or a part of it, is skipped.
pub(crate) fn skipped(reason: impl Display) {
    eprintln!("skipped: {reason}");
}
