//! The Arrow tables: written and read back, cut short, appended to, and exchanged with other readers.

mod exchange;
mod heads;
mod integrity;
mod lists;
#[path = "../support/skip.rs"]
mod skip;
mod strangers;
mod support;
