"""Reads an RO-Crate with the library of that name, and prints what it finds there.

    read_crate.py FOLDER
"""
import sys

from rocrate.rocrate import ROCrate

crate = ROCrate(sys.argv[1])
files = [entity for entity in crate.data_entities if entity.type == "File"]
for file in files:
    # the library finds the file behind the id
    with open(file.source, "rb") as content:
        assert len(content.read()) == int(file["contentSize"]), file.id
actions = [entity for entity in crate.contextual_entities if entity.type == "CreateAction"]
for action in actions:
    assert action["instrument"]["softwareVersion"], action.id
    for side in "object", "result":
        # references are resolved: none is left as text; one alone is no list
        named = action.get(side, [])
        named = named if isinstance(named, list) else [named]
        assert all(not isinstance(entity, str) for entity in named), action.id
print(len(files), len(actions), sorted(action["name"] for action in actions))
