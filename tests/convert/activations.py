#!/usr/bin/env python3
"""Writes activations as other programs do, and reads what protsae-convert writes.

    activations.py write FOLDER      a file of each kind, all of the same numbers, and those numbers in `numbers.tsv`
    activations.py read FOLDER       `out.npy`, `out.tsv` and `out.parquet` hold the numbers of `numbers.tsv`
"""
import io
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

PROTEINS = {"P12345": "MKTAY", "Q9ÜX01": "A", "P00001": "GLSDGEWQ"}
WIDTH = 6


def numbers():
    """Numbers that half precision holds, by protein."""
    rng = np.random.default_rng(0)
    return {name: rng.integers(-64, 64, (len(letters), WIDTH)).astype("f4") / 16 for name, letters in PROTEINS.items()}


def write_hdf5(folder, x):
    with h5py.File(folder / "uniprot.h5", "w") as f:
        for name, rows in x.items():
            f.create_dataset(name, data=rows.astype("f2"))
    with h5py.File(folder / "uniprot_pooled.h5", "w") as f:
        for name, rows in x.items():
            f.create_dataset(name, data=rows.mean(0).astype("f2"))
    # as bio_embeddings: write_embeddings_file and embeddings_reduced_file
    with h5py.File(folder / "bio_embeddings.h5", "w") as f, h5py.File(folder / "bio_embeddings_pooled.h5", "w") as reduced:
        for number, (name, rows) in enumerate(x.items()):
            dataset = f.create_dataset(str(number), data=rows, compression="gzip", chunks=True, compression_opts=9)
            dataset.attrs["original_id"] = f"sp|{name}|SOME_NAME"
            reduced.create_dataset(str(number), data=rows.mean(0)).attrs["original_id"] = name
    with h5py.File(folder / "latest.h5", "w", libver="latest", track_order=True) as f:
        for name, rows in x.items():
            f.create_dataset(name, data=rows.astype(">f8"), chunks=(1, WIDTH), compression="gzip", shuffle=True, fletcher32=True)
    # what is no embedding
    bad = {
        "integers": lambda f: f.create_dataset("P1", data=np.ones((2, 3), "i4")),
        "group": lambda f: f.create_group("more").create_dataset("P1", data=np.ones((2, 3), "f4")),
        "cube": lambda f: f.create_dataset("P1", data=np.ones((2, 3, 4), "f4")),
        "no_residues": lambda f: f.create_dataset("P1", data=np.ones((0, 3), "f4")),
        "nothing": lambda f: None,
        "widths": lambda f: (f.create_dataset("P1", data=np.ones((2, 3), "f4")), f.create_dataset("P2", data=np.ones((2, 4), "f4"))),
        "types": lambda f: (f.create_dataset("P1", data=np.ones((2, 3), "f4")), f.create_dataset("P2", data=np.ones((2, 3), "f2"))),
        "twice": lambda f: [f.create_dataset(str(i), data=np.ones((2, 3), "f4")).attrs.create("original_id", "P1") for i in range(2)],
    }
    for name, write in bad.items():
        with h5py.File(folder / f"bad_{name}.h5", "w") as f:
            write(f)


def write(folder):
    x = numbers()
    rows = np.concatenate(list(x.values()))
    names = [name for name, letters in PROTEINS.items() for _ in letters]
    np.savetxt(folder / "numbers.tsv", rows, fmt="%.9g", delimiter="\t")
    (folder / "proteins.fasta").write_text("".join(f">sp|{name}|X\n{letters}\n" for name, letters in PROTEINS.items()))
    (folder / "proteins.tsv").write_text("".join(f"{name}\t{len(letters)}\n" for name, letters in PROTEINS.items()))
    uniprot = pd.DataFrame({"Entry": PROTEINS.keys(), "Length": map(len, PROTEINS.values()), "Sequence": PROTEINS.values()})
    uniprot.to_csv(folder / "uniprot.tsv", sep="\t", index=False)
    for kind in ("<f2", "<f4", "<f8", ">f2", ">f4", ">f8"):
        np.save(folder / f"rows_{kind.replace('<', 'little_').replace('>', 'big_')}.npy", rows.astype(kind))
    for version in ((1, 0), (2, 0), (3, 0)):
        with open(folder / f"rows_version_{version[0]}.npy", "wb") as f:
            np.lib.format.write_array(f, rows, version=version)
    np.save(folder / "pooled.npy", np.stack([one.mean(0) for one in x.values()]))
    np.save(folder / "bad_fortran.npy", np.asfortranarray(rows))
    np.save(folder / "bad_object.npy", np.array([[{}], [[]]], dtype=object))
    np.save(folder / "bad_integers.npy", rows.astype("i4"))
    np.save(folder / "bad_flat.npy", rows.ravel())
    np.savez(folder / "bad_archive.npz", rows)
    for name, value in (("nan", np.nan), ("inf", np.inf), ("large", 1e5)):
        odd = rows.copy()
        odd[7, 2] = value  # the second residue of P00001
        np.save(folder / f"odd_{name}.npy", odd)
    write_hdf5(folder, x)
    vectors = pa.array(list(rows), pa.list_(pa.float32()))
    pq.write_table(pa.table({"entry": names, "embedding": vectors, "n": list(range(len(names)))}), folder / "pyarrow.parquet")
    pq.write_table(pa.table({"protein": list(PROTEINS), "activation": list(np.stack([one.mean(0) for one in x.values()]))}), folder / "pooled.parquet")
    frame = pl.DataFrame({"protein": names, "activation": rows}, schema_overrides={"activation": pl.Array(pl.Float32, WIDTH)})
    frame.write_parquet(folder / "polars.parquet")
    frame.write_ipc(folder / "polars.arrow")
    pq.write_table(pa.table({"a": names, "b": names, "x": vectors}), folder / "bad_ambiguous.parquet")
    pq.write_table(pa.table({"protein": names, "n": list(range(len(names)))}), folder / "bad_no_vectors.parquet")


def read(folder):
    rows = np.loadtxt(folder / "numbers.tsv", delimiter="\t").astype("f4")
    array = np.load(folder / "out.npy")
    assert array.dtype == np.float16 and np.array_equal(array, rows), array
    saved = io.BytesIO()
    np.save(saved, array)
    assert saved.getvalue() == (folder / "out.npy").read_bytes(), "other bytes than numpy.save writes"
    listed = pd.read_csv(folder / "out.tsv", sep="\t")
    assert dict(zip(listed["protein"], listed["sequence"])) == PROTEINS, listed
    assert list(listed["length"]) == [len(letters) for letters in PROTEINS.values()], listed
    table = pq.read_table(folder / "out.parquet")
    assert table.schema.metadata[b"protsae.format"] == b"activations/1", table.schema.metadata
    assert table.schema.field("activation").type == pa.list_(pa.field("item", pa.float16(), nullable=False), WIDTH), table.schema
    assert np.array_equal(np.stack(table["activation"].to_numpy()), rows)
    assert "".join(table["residue"].to_pylist()) == "".join(PROTEINS.values())
    frame = pl.read_parquet(folder / "out.parquet")
    assert frame["position"].to_list() == [i + 1 for letters in PROTEINS.values() for i in range(len(letters))], frame
    assert np.array_equal(frame["activation"].to_numpy(), rows), frame
    import duckdb

    first = duckdb.sql(f"select activation[1] from '{folder / 'out.parquet'}' where protein = 'P00001' order by position").fetchall()
    assert [one for one, in first] == list(rows[6:, 0]), first


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
