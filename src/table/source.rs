//! Reading an Arrow table from a mapped file or a stream, to its very end.
//!
//! Arrow's own stream reader takes the end of input between two messages as the end of the table;
//! here the end-of-stream marker is demanded, so that a producer killed between two batches never
//! passes for a short table, and anything behind the end is an error, so that `cat a b` does not
//! lose `b`.

use super::{
    TableError,
    guard::guarded,
    head::{bare_length, is_bare, with_prefix},
    messages::{Messages, check_sizes},
};
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{
    Block, MetadataVersion, convert::try_fb_to_schema, reader::FileDecoder, reader::StreamReader,
    reader::read_footer_length, root_as_footer,
};
use arrow_schema::SchemaRef;
use std::{
    io::{BufRead, Read},
    sync::Arc,
};

/// The bytes that an IPC file begins and ends with.
const MAGIC: &[u8; 6] = b"ARROW1";
/// Footer length and magic at the end of an IPC file.
const TRAILER: usize = 10;
/// What may lie between the last block and the footer: the end-of-stream marker and padding.
const MAX_GAP: usize = 8 + 64;

/// An Arrow table, batch by batch.
pub struct TableSource {
    schema: SchemaRef,
    kind: Kind,
}

enum Kind {
    Mapped {
        bytes: Buffer,
        blocks: Vec<Block>,
        next: usize,
        decoder: Box<FileDecoder>,
    },
    Stream {
        reader: Box<StreamReader<Messages<Box<dyn BufRead + Send>>>>,
        /// The bytes came as an IPC file, which has a footer behind its stream.
        footer_follows: bool,
        done: bool,
    },
    Batches {
        rows: u64,
        batches: Batches,
    },
}

/// Batches of another container.
type Batches = Box<dyn Iterator<Item = Result<RecordBatch, TableError>> + Send>;

impl TableSource {
    /// A table that another container holds, of so many rows.
    pub(super) fn of_batches(schema: SchemaRef, rows: u64, batches: Batches) -> Self {
        Self {
            schema,
            kind: Kind::Batches { rows, batches },
        }
    }

    /// A table in an IPC file whose bytes are all at hand, for example mapped: batches share them.
    ///
    /// # Errors
    /// [`TableError`] where the file is no complete IPC file.
    pub fn from_file_bytes(bytes: Buffer) -> Result<Self, TableError> {
        let all = bytes.as_slice();
        if !all.starts_with(MAGIC) {
            return Err(TableError::NotArrow(all.iter().take(8).copied().collect()));
        }
        let not_ended = TableError::Truncated("the closing ARROW1 of the file is missing");
        if all.len() < 8 + TRAILER {
            return Err(not_ended);
        }
        let (body, trailer) = all.split_at(all.len() - TRAILER);
        let trailer: [u8; TRAILER] = trailer.try_into().unwrap_or_default();
        let footer_len = read_footer_length(trailer).map_err(|_| not_ended)?;
        let Some(footer_start) = body.len().checked_sub(footer_len) else {
            return Err(TableError::Truncated("its footer is longer than the file"));
        };
        let (body, footer) = body.split_at(footer_start);
        let footer = root_as_footer(footer).map_err(|e| TableError::Arrow(e.to_string()))?;
        let schema = footer
            .schema()
            .ok_or_else(|| TableError::Arrow("the footer holds no schema".into()))?;
        let schema: SchemaRef = Arc::new(guarded(|| Ok(try_fb_to_schema(schema)?))?);
        // every message says its own version; writers of V4 messages put V5 into the footer, and V1, which a footer
        // without a version has too, lets the decoder compare nothing
        let mut decoder = FileDecoder::new(Arc::clone(&schema), MetadataVersion::V1);
        let mut last_end = first_message_end(body)?;
        let dictionaries: Vec<Block> = footer
            .dictionaries()
            .map(|d| d.iter().copied().collect())
            .unwrap_or_default();
        for (i, block) in dictionaries.iter().enumerate() {
            let data = block_bytes(&bytes, body.len(), i, block)?;
            check_block(block, &data)?;
            guarded(|| Ok(decoder.read_dictionary(block, &data)?))?;
            last_end = last_end.max(block_end(block));
        }
        let blocks: Vec<Block> = footer
            .recordBatches()
            .map(|b| b.iter().copied().collect())
            .unwrap_or_default();
        for block in &blocks {
            last_end = last_end.max(block_end(block));
        }
        if body.len() > last_end.saturating_add(MAX_GAP) {
            return Err(TableError::TrailingBytes("more than one IPC file in one"));
        }
        Ok(Self {
            schema,
            kind: Kind::Mapped {
                bytes,
                blocks,
                next: 0,
                decoder: Box::new(decoder),
            },
        })
    }

    /// A table in an IPC stream, or in an IPC file that is read from front to back.
    ///
    /// # Errors
    /// [`TableError`] where it does not begin as one.
    pub fn from_reader(mut reader: Box<dyn BufRead + Send>) -> Result<Self, TableError> {
        let head = reader.fill_buf()?;
        if head.is_empty() {
            return Err(TableError::Truncated("it holds no byte"));
        }
        let footer_follows = head.starts_with(MAGIC);
        if !footer_follows && !looks_like_stream(head) {
            return Err(TableError::NotArrow(head.iter().take(8).copied().collect()));
        }
        if footer_follows {
            skip_magic(&mut reader)?;
            reader = with_prefix(reader)?;
        }
        let messages = Messages::new(reader);
        let reader = Box::new(guarded(|| Ok(StreamReader::try_new(messages, None)?))?);
        Ok(Self {
            schema: reader.schema(),
            kind: Kind::Stream {
                reader,
                footer_follows,
                done: false,
            },
        })
    }

    /// The table's schema with its metadata.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows in all batches, where that is known without reading them (not of IPC streams).
    ///
    /// # Errors
    /// [`TableError`] where a block is damaged.
    pub fn rows(&self) -> Result<Option<u64>, TableError> {
        let (bytes, blocks) = match &self.kind {
            Kind::Mapped { bytes, blocks, .. } => (bytes, blocks),
            Kind::Stream { .. } => return Ok(None),
            Kind::Batches { rows, .. } => return Ok(Some(*rows)),
        };
        let mut rows = 0_u64;
        for (i, block) in blocks.iter().enumerate() {
            let data = block_bytes(bytes, bytes.len(), i, block)?;
            let message = message_of(data.as_slice())?;
            let length = message.header_as_record_batch().map_or(0, |b| b.length());
            rows += u64::try_from(length).unwrap_or(0);
        }
        Ok(Some(rows))
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>, TableError> {
        match &mut self.kind {
            Kind::Mapped {
                bytes,
                blocks,
                next,
                decoder,
            } => {
                let Some(block) = blocks.get(*next) else {
                    return Ok(None);
                };
                let data = block_bytes(bytes, bytes.len(), *next, block)?;
                check_block(block, &data)?;
                let batch = guarded(|| Ok(decoder.read_record_batch(block, &data)?))?;
                *next += 1;
                Ok(batch)
            }
            Kind::Batches { batches, .. } => batches.next().transpose(),
            Kind::Stream { done: true, .. } => Ok(None),
            Kind::Stream {
                reader,
                footer_follows,
                done,
            } => {
                if let Some(batch) = guarded(|| Ok(reader.next().transpose()?))? {
                    return Ok(Some(batch));
                }
                *done = true;
                let messages = reader.get_mut();
                if messages.met_end() {
                    return Err(TableError::Truncated("the end-of-stream marker is missing"));
                }
                if *footer_follows {
                    check_footer(messages.inner_mut())?;
                } else if !messages.inner_mut().fill_buf()?.is_empty() {
                    return Err(TableError::TrailingBytes("behind the end-of-stream marker"));
                }
                Ok(None)
            }
        }
    }
}

impl Iterator for TableSource {
    type Item = Result<RecordBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// A stream begins with a continuation marker, or (before Arrow 0.15) with a small length.
fn looks_like_stream(head: &[u8]) -> bool {
    match head.first_chunk::<4>() {
        Some([0xff, 0xff, 0xff, 0xff]) => true,
        Some(length) => (1..1 << 20).contains(&i32::from_le_bytes(*length)),
        None => false,
    }
}

/// Passes the magic of an IPC file and the zeros that align its first message.
fn skip_magic(reader: &mut dyn BufRead) -> Result<(), TableError> {
    let mut passed = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Err(TableError::Truncated("it ends in its head"));
        }
        let skipped = buffer
            .iter()
            .zip(passed..)
            .take_while(|&(&byte, at)| at < MAGIC.len() || byte == 0)
            .count();
        let all = skipped == buffer.len();
        reader.consume(skipped);
        passed += skipped;
        if !all {
            return Ok(());
        }
    }
}

/// The bytes behind the stream of an IPC file must be its footer, and nothing after it.
fn check_footer(reader: &mut dyn BufRead) -> Result<(), TableError> {
    let mut rest = Vec::new();
    // a footer holds the schema and 24 bytes a batch: a gigabyte is far beyond any
    reader.take(1 << 30).read_to_end(&mut rest)?;
    let Some((body, trailer)) = rest.split_last_chunk::<TRAILER>() else {
        return Err(TableError::Truncated("its footer is missing"));
    };
    match read_footer_length(*trailer) {
        Err(_) => Err(TableError::Truncated("its footer is incomplete")),
        Ok(length) if body.len() > length + MAX_GAP => Err(TableError::TrailingBytes(
            "behind the footer of an IPC file",
        )),
        Ok(_) => Ok(()),
    }
}

fn message_of(data: &[u8]) -> Result<arrow_ipc::Message<'_>, TableError> {
    let head = match data.first_chunk::<4>() {
        Some([0xff, 0xff, 0xff, 0xff]) => 8,
        _ => 4,
    };
    let message = data.get(head..).unwrap_or_default();
    arrow_ipc::root_as_message(message).map_err(|e| TableError::Arrow(e.to_string()))
}

/// End of the schema message, which is where an empty file's stream ends.
fn first_message_end(body: &[u8]) -> Result<usize, TableError> {
    let start = MAGIC.len();
    let zeros = body.get(start..).unwrap_or_default();
    let start = start + zeros.iter().take_while(|&&b| b == 0).count();
    let length_at = |at: usize| {
        body.get(at..at + 4)
            .and_then(|b| <[u8; 4]>::try_from(b).ok())
            .map(i32::from_le_bytes)
            .ok_or(TableError::Truncated("it ends in its head"))
    };
    let (at, length) = match length_at(start)? {
        -1 => (start + 8, length_at(start + 4)?),
        bare if is_bare(bare) => {
            let length = body.get(start..).and_then(bare_length);
            return Ok(length.map_or(body.len(), |length| start + length));
        }
        legacy => (start + 4, legacy),
    };
    Ok(at + usize::try_from(length).unwrap_or(0))
}

fn block_end(block: &Block) -> usize {
    let end = block
        .offset()
        .saturating_add(i64::from(block.metaDataLength()))
        .saturating_add(block.bodyLength());
    usize::try_from(end).unwrap_or(usize::MAX)
}

/// Looks at a block before it is decoded.
fn check_block(block: &Block, data: &[u8]) -> Result<(), TableError> {
    let head = usize::try_from(block.metaDataLength()).unwrap_or(usize::MAX);
    check_sizes(&message_of(data)?, data.get(head..).unwrap_or_default())
}

/// The bytes of a block, once it is known that they lie in the body.
fn block_bytes(
    bytes: &Buffer,
    body_len: usize,
    index: usize,
    block: &Block,
) -> Result<Buffer, TableError> {
    let end = block_end(block);
    match usize::try_from(block.offset()) {
        Ok(start) if start + 8 <= end && end <= body_len => {
            Ok(bytes.slice_with_length(start, end - start))
        }
        _ => Err(TableError::BadBlock {
            block: index,
            start: block.offset(),
            end: i64::try_from(end).unwrap_or(i64::MAX),
            len: body_len,
        }),
    }
}
