//! Annotations: real files against independent counts, odd files, and the two executables.

mod files;
mod go;
mod split;
mod support;
mod tools;
