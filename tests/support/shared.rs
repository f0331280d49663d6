//! Reference data beside the checkout, which not every machine has.

use crate::skip::skipped;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Where it is set, and to anything but nothing or 0, a test that lacks reference data fails instead of being skipped.
const REQUIRE: &str = "PROTSAE_REQUIRE_SHARED";

/// A file or folder below `../shared`; none where it is absent, which is said.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")).join(path);
    if path.exists() {
        return Some(path);
    }
    let required = env::var(REQUIRE).is_ok_and(|value| !matches!(value.as_str(), "" | "0"));
    assert!(
        !required,
        "{} is not here, and {REQUIRE} asks for it",
        path.display()
    );
    skipped(format_args!("{} is not here", path.display()));
    None
}
