"""Writes the same small tables in all the ways in which pyarrow and Polars would write them.

    write_theirs.py FOLDER
"""
import pathlib
import sys

import polars as pl
import pyarrow as pa

folder = pathlib.Path(sys.argv[1])
proteins, positions, residues = ["P1", "P1", "P2"], [1, 2, 1], ["M", "K", "A"]
vectors = [[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0]]
identity = {
    "protsae.format": "activations/1", "plm.name": "tiny", "plm.sha256": "ab" * 32,
    "plm.layer": "3", "plm.site": "residual", "plm.width": "2",
}


def write(table, name):
    for suffix, new in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        with new(str(folder / f"{name}.{suffix}"), table.schema) as out:
            out.write_table(table)
    for compression in ("lz4", "zstd"):
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with pa.ipc.new_file(str(folder / f"{name}.{compression}"), table.schema, options=options) as out:
            out.write_table(table)


def vector_column(kind):
    if kind == "f16":
        flat = pa.array([x for v in vectors for x in v], pa.float32()).cast(pa.float16())
        return pa.FixedSizeListArray.from_arrays(flat, 2)
    return pa.array(vectors, type={
        "f32": pa.list_(pa.float32(), 2), "f64": pa.list_(pa.float64(), 2),
        "list": pa.list_(pa.float32()), "large_list": pa.large_list(pa.float32()),
    }[kind])


strings = {
    "utf8": pa.utf8(), "large_utf8": pa.large_utf8(), "utf8_view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.utf8()),
}
for text, text_type in strings.items():
    for kind in ("f16", "f32", "f64", "list", "large_list"):
        table = pa.table({
            "protein": pa.array(proteins).cast(text_type) if text != "utf8_view" else pa.array(proteins, text_type),
            "position": pa.array(positions, pa.int64()),
            "residue": pa.array(residues).cast(text_type) if text != "utf8_view" else pa.array(residues, text_type),
            "activation": vector_column(kind),
        })
        write(table, f"activations_{text}_{kind}")
        if text == "utf8" and kind == "f32":
            write(table.replace_schema_metadata(identity), "activations_identity")
            # rows around them, sliced away: offsets that do not begin at 0
            padded = pa.concat_tables([table, table, table]).combine_chunks()
            write(padded.slice(3, 3), "activations_sliced")

# metadata of version 4, with the short prefix of messages before Arrow 0.15 or the long one
plain = pa.table({
    "protein": proteins, "position": positions, "residue": residues, "activation": vector_column("list"),
})
for name, options in {
    "v4": pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4),
    "v4_legacy": pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4, use_legacy_format=True),
    "v4_zstd": pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4, compression="zstd"),
}.items():
    for suffix, new in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        with new(str(folder / f"activations_{name}.{suffix}"), plain.schema, options=options) as out:
            out.write_table(plain, max_chunksize=2)
# batches without rows first, between and last; dictionaries that grow or change from batch to batch
for text in ("utf8", "dictionary"):
    table = plain.set_column(0, "protein", pa.array(proteins).cast(strings[text]))
    for suffix, new in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        with new(str(folder / f"activations_empties_{text}.{suffix}"), table.schema) as out:
            for start, length in ((0, 0), (0, 1), (1, 0), (1, 2), (3, 0)):
                out.write_batch(table.to_batches()[0].slice(start, length))
table = plain.set_column(0, "protein", pa.array(proteins).dictionary_encode())
for name, deltas in (("deltas", True), ("replaced", False)):
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    with pa.ipc.new_stream(str(folder / f"activations_{name}.stream"), table.schema, options=options) as out:
        for start, keys, known in ((0, [0, 0], ["P1"]), (2, [1], ["P1", "P2"])):
            part = plain.slice(start, len(keys)).to_batches()[0]
            column = pa.DictionaryArray.from_arrays(pa.array(keys, pa.int32()), pa.array(known))
            out.write_batch(pa.record_batch([column, *part.columns[1:]], schema=table.schema))

# no rows: of no type, and of no batch
for kind, columns in {
    "activations": ("protein", "position", "residue", "activation"),
    "features": ("protein", "position", "residue", "latent", "activation", "concept", "probability"),
    "labels": ("protein", "concept", "start", "end", "instance", "source", "evidence"),
}.items():
    nothing = pa.table({column: [] for column in columns})
    write(nothing, f"none_{kind}_untyped")
    for suffix, new in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        with new(str(folder / f"none_{kind}_unbatched.{suffix}"), nothing.schema):
            pass

labels = pa.table({
    "protein": ["P1", "P1"], "concept": ["GO:0005524", "BINDING:Zn(2+)"],
    "start": pa.array([None, 2], pa.int32()), "end": pa.array([None, 2], pa.int64()),
    "instance": pa.array([1, 1], pa.int8()), "source": ["UniProtKB"] * 2, "evidence": ["IDA", None],
})
write(labels, "labels_pyarrow")
features = pa.table({
    "protein": ["P1", "P1"], "position": [1, 2], "residue": ["M", "K"],
    "latent": pa.array([[0, 5], []], pa.large_list(pa.int64())),
    "activation": pa.array([[0.5, 2.0], []], pa.list_(pa.float64())),
    "concept": pa.array([[1], [1]], pa.list_(pa.uint32())),
    "probability": pa.array([[0.75], [0.75]], pa.list_(pa.float32())),
})
write(features, "features_pyarrow")

frames = {
    "labels": pl.from_arrow(labels), "features": pl.from_arrow(features),
    "activations": pl.DataFrame({
        "protein": proteins, "position": positions, "residue": residues,
        "activation": pl.Series(vectors, dtype=pl.Array(pl.Float32, 2)),
    }),
    "activations_categorical": pl.DataFrame({
        "protein": pl.Series(proteins, dtype=pl.Categorical), "position": positions, "residue": residues,
        "activation": pl.Series(vectors, dtype=pl.List(pl.Float64)),
    }),
}
for name, frame in frames.items():
    frame.write_ipc(folder / f"{name}_polars.file")
    frame.write_ipc(folder / f"{name}_polars.zstd", compression="zstd")
    frame.write_ipc_stream(folder / f"{name}_polars.stream")
