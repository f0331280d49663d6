"""Reads the tables in a folder with pyarrow and Polars and checks every value.

    read_ours.py FOLDER
"""
import pathlib
import sys

import polars as pl
import pyarrow as pa

folder = pathlib.Path(sys.argv[1])


def opened(path):
    source = pa.memory_map(str(path))
    reader = pa.ipc.open_file(source) if path.suffix == ".file" else pa.ipc.open_stream(source)
    return reader.read_all()


for suffix in ("file", "stream"):
    for dtype in ("f16", "f32"):
        path = folder / f"activations_{dtype}.{suffix}"
        table = opened(path)
        table.validate(full=True)
        assert table.schema.metadata[b"protsae.format"] == b"activations/1"
        assert table.schema.metadata[b"plm.layer"] == b"3"
        assert table["protein"].to_pylist() == ["P1", "P1", "P2"]
        assert table["position"].to_pylist() == [1, 2, 1]
        assert table["residue"].to_pylist() == ["M", "K", "A"]
        vectors = [[float(x) for x in row] for row in table["activation"].to_pylist()]
        assert vectors == [[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0]], vectors
    labels = opened(folder / f"labels.{suffix}").to_pylist()
    assert labels[0]["start"] is None and labels[0]["evidence"] == "IDA"
    assert labels[1]["concept"] == "BINDING:Zn(2+)" and labels[1]["end"] == 2
    features = opened(folder / f"features.{suffix}")
    features.validate(full=True)
    assert features["latent"].to_pylist() == [[0, 5], []]
    assert features["probability"].to_pylist() == [[0.75], [0.75]]
    proteins = opened(folder / f"proteins.{suffix}").to_pylist()
    assert proteins[0]["length"] == 2 and proteins[0]["activation_max"] == [2.0]

    read = pl.read_ipc if suffix == "file" else pl.read_ipc_stream
    frame = read(folder / f"activations_f32.{suffix}")
    assert frame["activation"].to_list() == [[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0]]
    assert read(folder / f"labels.{suffix}")["start"].to_list() == [None, 2]
    assert read(folder / f"features.{suffix}")["latent"].to_list() == [[0, 5], []]
    assert read(folder / f"proteins.{suffix}")["concept"].to_list() == [[0, 1]]
