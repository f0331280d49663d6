//! The emulator's executable, one for each file of kernels: compiled where its sources are new, else
//! as it was left in the build folder.

use std::{
    collections::BTreeMap,
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sae/emulator");

/// Signals instead of undefined behaviour where an array or a shift has bounds to pass; the fibers jump
/// between stacks, which hardened libraries take for an attack.
const FLAGS: [&str; 7] = [
    "-std=c++17",
    "-O2",
    "-ffp-contract=off",
    "-Wno-unknown-pragmas",
    "-U_FORTIFY_SOURCE",
    "-fsanitize=bounds,shift",
    "-fsanitize-undefined-trap-on-error",
];

/// Where the executable lies; none where there is no compiler, with a word on stderr.
pub(super) fn executable(kernels: &Path) -> Option<PathBuf> {
    static KNOWN: Mutex<BTreeMap<PathBuf, Option<PathBuf>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known
        .entry(kernels.to_owned())
        .or_insert_with(|| compile(kernels));
    if found.is_none() {
        crate::skip::skipped("no C++ compiler");
    }
    found.clone()
}

fn compile(kernels: &Path) -> Option<PathBuf> {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".into());
    let mut words = compiler.split_whitespace();
    let program = words.next()?;
    let mut texts = BTreeMap::new();
    gather(kernels, &mut texts);
    let names = names(&texts);
    for entry in fs::read_dir(SOURCES).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().unwrap_or_default();
        if extension == "cpp" || extension == "h" {
            gather(&path, &mut texts);
        }
    }
    let mut hash = Sha256::new_with_prefix(format!("{compiler}\n{FLAGS:?}\n"));
    for (path, text) in &texts {
        hash.update(format!("{}\n{text}\n", path.display()));
    }
    let hash = hash.finalize();
    let first = hash.first_chunk().expect("it has 32 bytes");
    let hash = u64::from_be_bytes(*first);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let executable = target.join(format!("emulator-{hash:016x}"));
    if executable.exists() {
        return Some(executable);
    }

    let folder = tempfile::tempdir_in(target).unwrap();
    let write = |name: &str, line: &dyn Fn(&String) -> String| {
        let lines = names.iter().map(line).collect::<String>();
        fs::write(folder.path().join(name), lines).unwrap();
    };
    write("renamed.h", &|name| {
        format!("#define {name} kernel_{name}\n")
    });
    write("named.h", &|name| format!("KERNEL({name})\n"));
    let made = folder.path().join("emulator");
    let sources = texts
        .keys()
        .filter(|path| path.extension().is_some_and(|e| e == "cpp"));
    let output = Command::new(program)
        .args(words)
        .args(FLAGS)
        .arg("-I")
        .arg(folder.path())
        .arg("-I")
        .arg(Path::new(SOURCES).join("shim"))
        .arg(format!("-DKERNELS=\"{}\"", kernels.display()))
        .args(sources)
        .arg("-o")
        .arg(&made)
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        other => other.unwrap(),
    };
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler} failed:\n{messages}");
    // others may have made the same meanwhile
    fs::rename(&made, &executable).unwrap();
    Some(executable)
}

/// A file and the files that it includes by a path from its own, with their texts.
fn gather(path: &Path, texts: &mut BTreeMap<PathBuf, String>) {
    if texts.contains_key(path) {
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let included: Vec<PathBuf> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#include \"")?.strip_suffix('"'))
        .map(|name| path.with_file_name(name))
        .filter(|path| path.exists())
        .collect();
    texts.insert(path.to_owned(), text);
    for path in included {
        gather(&path, texts);
    }
}

/// Names of all kernels, as `extern "C" __global__ void NAME(` says them.
fn names(texts: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut out = Vec::new();
    for text in texts.values() {
        for after in text.split("extern \"C\" __global__").skip(1) {
            let head = after.split_once("void ").map(|(_, rest)| rest);
            let name = head.and_then(|rest| rest.split_once('('));
            let (name, _) = name.expect("a kernel has a name and arguments");
            out.push(name.trim().to_owned());
        }
    }
    out
}
