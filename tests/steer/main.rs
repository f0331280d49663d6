//! `protsae-steer` on the embedded PLM, with an autoencoder whose concept directions are known.

mod device;
mod fixture;
mod masks;
mod refusals;
mod steering;
