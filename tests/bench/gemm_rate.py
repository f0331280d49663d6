#!/usr/bin/env python3
"""A machine's rate of matrix products in GFLOP/s by PyTorch, the median of several.

    python gemm_rate.py [THREADS [cpu|cuda [f32|bf16|f16]]]
"""
import statistics
import sys
import time

import torch

threads, device, precision = (sys.argv[1:] + ["2", "cpu", "f32"][len(sys.argv) - 1 :])[:3]
torch.set_num_threads(int(threads))
dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[precision]
rows, inner, columns = (2048, 1280, 5120) if device == "cpu" else (16384, 2560, 10240)
a = torch.randn(rows, inner, device=device, dtype=dtype)
b = torch.randn(inner, columns, device=device, dtype=dtype)
out = torch.empty(rows, columns, device=device, dtype=dtype)
rates = []
for _ in range(12):
    start = time.perf_counter()
    torch.mm(a, b, out=out)
    if device != "cpu":
        torch.cuda.synchronize()
    rates.append(2e-9 * rows * inner * columns / (time.perf_counter() - start))
print(f"{statistics.median(rates[2:]):.1f}")
