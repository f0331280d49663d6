#!/usr/bin/env python3
"""Runs the tests of the Galaxy wrappers without Galaxy: each test's parameters fill in the wrapper's command, which bash
runs in a folder of its own; the outputs are held against what the test expects. Parameters are
wrapped as Galaxy wraps them, as far as these wrappers use that.

    wrappers.py WRAPPERS TEST_DATA [WRAPPER.xml ...]
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from Cheetah.Template import Template
from galaxy.tool_util.parser.factory import get_tool_source
from galaxy.tool_util.verify import verify
from galaxy.tool_util.verify.asserts import verify_assertions


class Text(str):
    """A parameter that Galaxy shows as text: empty and `None` are false."""

    def __bool__(self):
        return self not in ("", "None")


class Dataset(Text):
    """A dataset of the history: its path, name and datatype."""

    def __new__(cls, path, name, ext):
        self = super().__new__(cls, path)
        self.element_identifier, self.ext = name, ext
        self.extra_files_path = str(path)
        return self


class Row(Text):
    """A row of a data table."""

    def __new__(cls, value, fields):
        self = super().__new__(cls, value)
        self.fields = type("Fields", (), fields)
        return self


class Group(dict):
    """A section, a conditional or a round of a repeat."""

    __getattr__ = dict.__getitem__


def choices(param, given):
    """What a select parameter is: the values given, else those that are selected."""
    options = param.findall("option")
    values = [option.get("value") for option in options]
    chosen = given.split(",") if given is not None else [o.get("value") for o in options if o.get("selected") == "true"]
    optional = param.get("optional") == "true"
    if not chosen and not optional and param.get("multiple") != "true":
        chosen = values[:1]
    unknown = set(chosen) - set(values)
    assert not unknown, f"{param.get('argument') or param.get('name')}: no option {unknown}"
    return Text(",".join(chosen) if chosen else "None")


class Case:
    """One test of a wrapper: parameters by name, and what Galaxy would do of them."""

    def __init__(self, tree, test, data, work):
        self.tree, self.data, self.work = tree, data, work
        self.given = {entry["name"]: entry for entry in test["inputs"]}
        self.used = set()

    def value(self, path):
        entry = self.given.get(path)
        if entry is None:
            return None
        self.used.add(path)
        return entry["value"]

    def dataset(self, path, number, definition, name):
        source = self.data / definition["value"]
        assert source.exists(), f"{path}: no {source.name} in the test data"
        # in Galaxy no dataset has its own name, or a suffix that says what it is
        link = self.work / f"{path.replace('|', '_')} {number} é.dat"
        link.symlink_to(source)
        return Dataset(link, name, definition["attributes"].get("ftype") or "txt")

    def param(self, param, path):
        kind, given = param.get("type"), self.value(path)
        if kind == "data_collection" and path in self.given:
            self.used.add(path)
            elements = self.given[path]["attributes"]["collection"]["elements"]
            return [self.dataset(path, number, element["element_definition"], element["element_identifier"])
                    for number, element in enumerate(elements)]
        if kind in ("data", "data_collection"):
            if given is None:
                assert param.get("optional") == "true", f"{path}: the test gives no dataset"
                return [] if param.get("multiple") == "true" else Text("None")
            attributes = self.given[path]["attributes"]
            sets = [self.dataset(path, number, {"value": name, "attributes": attributes}, name)
                    for number, name in enumerate(given.split(","))]
            return sets if param.get("multiple") == "true" else sets[0]
        if kind == "select":
            options = param.find("options")
            if options is None:
                return choices(param, given)
            table = options.get("from_data_table")
            rows = [line.split("\t") for line in (self.data / f"{table}.loc").read_text().splitlines()]
            row = next(row for row in rows if row[0] == (given or rows[0][0]))
            return Row(row[0], {"path": row[2]})
        if kind == "boolean":
            on = (given if given is not None else param.get("checked", "false")) == "true"
            return Text(param.get("truevalue", "true") if on else param.get("falsevalue", "false"))
        given = given if given is not None else param.get("value")
        if kind == "text":
            sanitizer = param.find("sanitizer")
            assert sanitizer is not None, f"{path}: text goes to the command line as it is"
            for add in sanitizer.findall("mapping/add"):
                given = given and given.replace(add.get("source"), add.get("target"))
            return Text(given or "")
        assert kind in ("integer", "float"), f"{path}: type {kind}"
        assert given is not None or param.get("optional") == "true", f"{path}: the test gives no number"
        return Text("" if given is None else str(given))

    def group(self, parent, prefix=""):
        group = Group()
        for element in parent:
            name = element.get("name") or (element.get("argument") or "").lstrip("-").replace("-", "_")
            path = prefix + name
            if element.tag == "param":
                group[name] = self.param(element, path)
            elif element.tag == "section":
                group[name] = self.group(element, path + "|")
            elif element.tag == "conditional":
                test = element.find("param")
                chosen = str(self.param(test, f"{path}|{test.get('name')}"))
                when = next(when for when in element.findall("when") if when.get("value") == chosen)
                group[name] = Group({test.get("name"): Text(chosen)}, **self.group(when, path + "|"))
            elif element.tag == "repeat":
                rounds = []
                while any(given.startswith(f"{path}_{len(rounds)}|") for given in self.given):
                    rounds.append(self.group(element, f"{path}_{len(rounds)}|"))
                group[name] = rounds
        return group


def plain(value):
    """A parameter as the filters of outputs see it."""
    if isinstance(value, Group):
        return {name: plain(one) for name, one in value.items()}
    return None if value == "None" else value


def check_output(folder, data, path, output):
    expected = output["attributes"]
    if path.is_dir():
        for extra in expected["extra_files"]:
            check_output(folder, data, path / extra["name"], extra)
        return
    content = path.read_bytes()
    assert content, f"{path.name} is empty"
    if expected["assert_list"]:
        verify_assertions(content, expected["assert_list"])
    if output["value"]:
        verify(path.name, content, expected, filename=output["value"], get_filename=lambda name: str(data / name))


def run_test(tree, template, test, data):
    with tempfile.TemporaryDirectory(prefix="galaxy test ") as folder:
        folder = Path(folder)
        (folder / "in").mkdir()
        (folder / "out").mkdir()
        (folder / "working").mkdir()
        case = Case(tree, test, data, folder / "in")
        state = case.group(tree.find("inputs"))
        unused = set(case.given) - case.used
        assert not unused, f"the wrapper has no parameters {unused}"
        outputs = {}
        for output in tree.findall("outputs/data"):
            filters = [text.text.strip() for text in output.findall("filter")]
            if all(eval(text, {}, plain(state)) for text in filters):
                outputs[output.get("name")] = output
        for name, output in outputs.items():
            if output.get("format") == "directory":
                state[name] = Dataset(folder / "out" / f"{name}_files", name, "directory")
            else:
                state[name] = Dataset(folder / "out" / f"{name}.dat", name, "data")
                Path(state[name]).touch()
        command = str(Template(template, searchList=[state]))
        # as a job script of Galaxy has it
        done = subprocess.run(["bash", "-c", "set -e\n" + " ".join(command.split("\n"))], cwd=folder / "working", capture_output=True, text=True)
        if test["expect_failure"]:
            expected = test["expect_exit_code"]
            assert done.returncode != 0, "it ends well, and should not"
            assert expected is None or done.returncode == int(expected), f"exit status {done.returncode}, not {expected}: {done.stderr}"
            assert not any(path.stat().st_size for path in (folder / "out").glob("*.dat")), "it left outputs behind"
            if test["stderr"]:
                verify_assertions(done.stderr.encode(), test["stderr"])
            return
        assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr}\n{command}"
        expected = test["expect_num_outputs"]
        assert expected and len(outputs) == int(expected), f"{len(outputs)} outputs, not {expected}"
        for output in test["outputs"]:
            element = outputs[output["name"]]
            kind = element.get("format")
            for when in element.findall("change_format/when"):
                level, name = when.get("input").split(".")
                kind = when.get("format") if state[level][name] == when.get("value") else kind
            assert output["attributes"]["ftype"] in (None, kind), f"{output['name']} is {kind}"
            path = state[output["name"]]
            check_output(folder, data, Path(path.extra_files_path), output)


def main():
    wrappers, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    names = sys.argv[3:] or sorted(path.name for path in wrappers.glob("protsae_*.xml"))
    failed = 0
    for name in names:
        source = get_tool_source(str(wrappers / name))
        tree, template = source.xml_tree.getroot(), source.parse_command()
        tests = source.parse_tests_to_dict()["tests"]
        assert tests, f"{name} has no tests"
        for number, test in enumerate(tests, 1):
            try:
                run_test(tree, template, test, data)
                print(f"   {name} test {number}: holds", flush=True)
            except Exception as error:
                failed += 1
                print(f"   {name} test {number}: FAILS: {type(error).__name__}: {error}", flush=True)
    sys.exit(1 if failed or not names else 0)


if __name__ == "__main__":
    main()
