//! Annotations: real files against independent counts, odd files, and the two executables.

mod dat;
mod fasta_odd;
mod files;
mod formats;
mod function;
mod go;
mod identity;
mod lookalikes;
mod mutations;
mod references;
mod sequences;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;
mod skipped;
mod split;
mod support;
mod tools;
