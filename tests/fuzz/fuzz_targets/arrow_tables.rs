#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| protsae_fuzz::arrow_tables(data));
