//! The four Arrow tables that pass between steps, as IPC files on disk and IPC streams in pipes.
//!
//! [`schema`] holds every column name and metadata key; [`metadata`] the identities that steps
//! check; [`TableSource`] and [`TableSink`] the containers (`parquet` that of tables for others); [`foreign`] those of other programs; [`activations`], [`features`], [`proteins`] and
//! [`labels`] the typed readers and writers. Readers take what Polars, pyarrow and `DuckDB` write
//! as long as the columns fit by name and by type up to width (`column`).

pub mod activations;
pub mod calls;
pub(crate) mod column;
pub(crate) mod error;
pub mod features;
pub mod foreign;
mod guard;
mod head;
pub mod labels;
mod messages;
pub mod metadata;
pub mod neighbours;
pub(crate) mod parquet;
pub mod proteins;
pub(crate) mod rows;
pub mod schema;
pub(crate) mod sink;
pub(crate) mod source;

pub use error::TableError;
pub use foreign::ForeignError;
pub use metadata::{PlmIdentity, SaeIdentity};
pub use sink::{Container, TableSink};
pub use source::TableSource;
