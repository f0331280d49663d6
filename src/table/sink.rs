//! Writing an Arrow table: as IPC file on disk, as IPC stream into a pipe.

use super::TableError;
use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::Schema;
use std::io::Write;

/// Which of Arrow's two containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// The IPC file format, with a footer: for files on disk.
    File,
    /// The IPC stream format: for pipes.
    Stream,
}

/// A table being written. Without [`TableSink::finish`] it has no end and readers refuse it.
pub struct TableSink<W: Write>(Kind<W>);

enum Kind<W: Write> {
    File(Box<FileWriter<W>>),
    Stream(Box<StreamWriter<W>>),
}

impl<W: Write> TableSink<W> {
    /// Begins a table: writes the schema.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn new(out: W, container: Container, schema: &Schema) -> Result<Self, TableError> {
        Ok(Self(match container {
            Container::File => Kind::File(Box::new(FileWriter::try_new(out, schema)?)),
            Container::Stream => Kind::Stream(Box::new(StreamWriter::try_new(out, schema)?)),
        }))
    }

    /// Writes a batch; an empty one leaves no trace.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        match &mut self.0 {
            Kind::File(w) => w.write(batch)?,
            Kind::Stream(w) => {
                w.write(batch)?;
                // a reader at the other end of a pipe should not wait for the next batch
                w.flush()?;
            }
        }
        Ok(())
    }

    /// Ends the table and returns what it was written to.
    ///
    /// # Errors
    /// [`TableError::Io`] where writing fails.
    pub fn finish(self) -> Result<W, TableError> {
        Ok(match self.0 {
            Kind::File(mut w) => {
                w.finish()?;
                w.into_inner()?
            }
            Kind::Stream(mut w) => {
                w.finish()?;
                w.into_inner()?
            }
        })
    }
}
