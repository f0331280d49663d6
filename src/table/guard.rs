//! Panics of Arrow's decoder as errors.
//!
//! The decoder trusts parts of a message's metadata and panics where they are broken (a buffer that ends behind its
//! data, for one). What comes from outside must not end a program so.

use super::TableError;
use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    /// Whether this thread decodes, and its panic is reported as an error.
    static DECODES: Cell<bool> = const { Cell::new(false) };
}

/// Runs a step of a decoder, which is not used again after an error.
///
/// # Errors
/// The step's own, and [`TableError::Arrow`] in place of its panic.
pub(super) fn guarded<T>(step: impl FnOnce() -> Result<T, TableError>) -> Result<T, TableError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !DECODES.get() {
                usual(info);
            }
        }));
    });
    DECODES.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(step));
    DECODES.set(false);
    result.unwrap_or_else(|panic| {
        let said = said(panic.as_ref());
        Err(TableError::Arrow(format!("broken metadata: {said}")))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("the decoder gave up")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_results_pass() {
        let error = guarded::<()>(|| panic!("slice offset={}", 7)).unwrap_err();
        assert!(error.to_string().contains("slice offset=7"), "{error}");
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
        assert!(guarded::<()>(|| Err(TableError::Truncated("x"))).is_err());
    }
}
