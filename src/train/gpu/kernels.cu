// Kernels of a training step, and of a trained model applied. One translation unit: nvcc makes PTX of it at build time.
//
// Rows of a batch are B, latents n, of which the first m are concepts', activations d wide. What a
// row has active stands in lists of `room` entries a row: latents ascending (the top bit says that the
// activation is the forced one), activations, slopes. No sum depends on the order in which threads
// run: the same input gives the same bits on the same card.

#include "kernels/common.cuh"
// in the order of a step
#include "kernels/input.cuh"
#include "kernels/select.cuh"
#include "kernels/annotate.cuh"
#include "kernels/decode.cuh"
#include "kernels/index.cuh"
#include "kernels/axioms.cuh"
#include "kernels/learn.cuh"
// when a model is applied
#include "kernels/apply.cuh"
