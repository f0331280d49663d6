#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| protsae_fuzz::foreign_activations(data));
