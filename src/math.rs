//! Numbers, and nothing of proteins: vectors, products, the K largest, randomness, and the machine's fast paths for them.

pub(crate) mod elementary;
pub mod matrix_unit;
pub(crate) mod pool;
pub mod product;
pub mod random;
pub mod real;
pub mod simd;
pub mod topk;
pub mod vector;
