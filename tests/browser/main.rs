//! The page of the embedded example in a real browser: `page.py` looks and clicks; pictures are left in `target/browser`.

#[path = "../support/skip.rs"]
mod skip;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Whether a program is on PATH.
fn is_installed(program: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// The Python of the tests, with Selenium; none where something is missing, which is said.
fn python() -> Option<PathBuf> {
    for program in ["chromium", "chromedriver"] {
        if !is_installed(program) {
            skip::skipped(format_args!(
                "no {program} on PATH (Debian: chromium, chromium-driver)"
            ));
            return None;
        }
    }
    let python = Path::new(ROOT).join("target/venv/bin/python");
    let has_selenium = Command::new(&python)
        .args(["-c", "import selenium"])
        .output();
    if !has_selenium.is_ok_and(|output| output.status.success()) {
        skip::skipped("no selenium in target/venv; tests/run.sh installs it");
        return None;
    }
    Some(python)
}

/// Amino acids, by their letters.
const RESIDUES: &str = "A ALA R ARG N ASN D ASP C CYS Q GLN E GLU G GLY H HIS I ILE L LEU K LYS M MET F PHE P PRO S SER \
                        T THR W TRP Y TYR V VAL";

/// A structure for each protein of the example: a helix, folded to and fro.
fn write_structures(folder: &Path) {
    let words: Vec<&str> = RESIDUES.split(' ').collect();
    let name = |letter: char| {
        let at = words
            .iter()
            .step_by(2)
            .position(|w| *w == letter.to_string());
        at.map_or("UNK", |at| words[2 * at + 1])
    };
    let fasta = fs::read_to_string(format!("{ROOT}/test_data/example/proteins.fasta"))
        .expect("the example");
    for record in fasta.split('>').skip(1) {
        let (header, sequence) = record.split_once('\n').expect("a header");
        let id = header.split(['|', ' ']).nth(1).expect("an accession");
        let letters = sequence.chars().filter(|c| !c.is_whitespace());
        let atoms = letters.enumerate().map(|(i, letter)| {
            let (turn, along) = ((i as f64 * 100.0).to_radians(), i % 40);
            let z = 1.5 * if i / 40 % 2 == 0 { along } else { 39 - along } as f64;
            let (x, y) = (2.3 * turn.cos() + 10.0 * (i / 40) as f64, 2.3 * turn.sin());
            format!(
                "ATOM  {n:>5}  CA  {residue} A{n:>4}    {x:8.3}{y:8.3}{z:8.3}  1.00 90.00           C  \n",
                n = i + 1,
                residue = name(letter)
            )
        });
        let text = atoms.collect::<String>() + "END\n";
        fs::write(folder.join(format!("{id}.pdb")), text).expect("room for a structure");
    }
}

/// The page of the quickstart's results in a folder, with structures.
fn with_structures(report: &Path, folder: &Path) -> PathBuf {
    let path = |name: &str| folder.join(name);
    fs::create_dir(path("structures")).expect("a new folder");
    write_structures(&path("structures"));
    let mut command = Command::new(report);
    for (option, name) in [
        ("-i", "features.arrow"),
        ("-m", "model"),
        ("--dictionary", "dictionary.json"),
        ("--scores", "metrics.json"),
        ("--labels", "labels.arrow"),
        ("--concepts", "concepts.json"),
        ("--split", "split.tsv"),
        ("--missing", "missing.tsv"),
        ("--structures", "structures"),
        ("-o", "with_structures.html"),
    ] {
        command.arg(option).arg(path(name));
    }
    let output = command.output().expect("the executable");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let page = path("with_structures.html");
    let text = fs::read_to_string(&page).expect("a page");
    assert!(text.contains("\"structure\":{\"ca\":"), "no chain");
    page
}

#[test]
fn a_person_can_read_the_page_and_it_reaches_nothing() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let report = Path::new(env!("CARGO_BIN_EXE_protsae-report"));
    let made = Command::new(format!("{ROOT}/workflows/quickstart.sh"))
        .env("PROTSAE_BIN", report.parent().expect("a file has a folder"))
        .arg("--outdir")
        .arg(dir.path())
        .output()
        .expect("a shell");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let page = with_structures(report, dir.path());
    let read = Command::new(python)
        .arg(format!("{ROOT}/tests/browser/page.py"))
        .arg(page)
        .arg(format!("{ROOT}/target/browser"))
        .output()
        .expect("the Python of the tests");
    assert!(
        read.status.success() && read.stdout.ends_with(b"passed\n"),
        "{}\n{}",
        String::from_utf8_lossy(&read.stdout),
        String::from_utf8_lossy(&read.stderr)
    );
}
