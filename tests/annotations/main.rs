//! Annotations: real files against independent counts, odd files, and the two executables.

mod dat;
mod files;
mod formats;
mod go;
mod references;
mod split;
mod support;
mod tools;
