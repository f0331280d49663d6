//! What a check on a GPU needs beside the executables; `gpu.sh` packs it, and its `run.sh` calls it.
//!
//!     plm 8M|150M|650M DIR           a protein language model of random weights, always the same
//!     compare activations|features|model FOUND EXPECTED      how far two results are apart
//!     card                           memory and rates of the first GPU
//!     encode WIDTH LATENTS K         rows a second of a model applied on the GPU, with the copies to and from it
//!     hold MIB COMMAND...            runs a command while so much of the GPU's memory is free, and no more

mod card;
mod compare;
mod plm;

use std::{env, error::Error, process::ExitCode};

/// What goes wrong ends the check.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Exit status of a command line that is not understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["plm", shape, folder] => plm::write(shape, folder.as_ref()),
        ["compare", kind, found, expected] => {
            compare::print(kind, found.as_ref(), expected.as_ref())
        }
        ["card"] => card::print(),
        ["encode", width, latents, k] => card::encode([width, latents, k]),
        ["hold", mib, program, ref rest @ ..] => return ended(card::hold(mib, program, rest)),
        _ => {
            eprintln!("gpu: plm, compare, card, encode or hold; see tests/bench/gpu/main.rs");
            return ExitCode::from(USAGE);
        }
    };
    ended(done.map(|()| 0))
}

/// The exit status, with a word on stderr where something failed.
fn ended(done: Result<u8>) -> ExitCode {
    done.map_or_else(
        |error| {
            eprintln!("gpu: {error}");
            ExitCode::FAILURE
        },
        ExitCode::from,
    )
}
