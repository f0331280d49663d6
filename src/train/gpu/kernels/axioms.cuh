// The axiom loss: hinges [alpha |c_a + s v - c_b| + beta_a r_a + beta_b r_b + mu g]+ over class
// centres, the first m of which are encoder rows, the others those of zero classes.
#pragma once
#include "common.cuh"

// A hinge of an axiom.
struct Term {
    unsigned kind, a, b, relation;
};

// What the hinges of a normal form have in common; `share` is 1 over the axioms of the form.
struct Kind {
    float alpha, beta_a, beta_b, margin, sign, share;
};

// Class centres and what belongs to them; `inverse` holds 1 / length of each centre where centres are
// divided by their lengths, else it is null.
struct Classes {
    const float *enc, *zero, *bias, *b_zero, *relations, *inverse;
    unsigned m, d, is_signed;
    float shift;

    __device__ const float *centre(unsigned c) const { return c < m ? enc + (u64)c * d : zero + (u64)(c - m) * d; }
    __device__ float own_bias(unsigned c) const { return c < m ? bias[c] : b_zero[c - m]; }
    // the bias plus a shift, at least 0, or (not signed) its absolute value
    __device__ float radius(unsigned c) const {
        return is_signed ? fmaxf(own_bias(c) + shift, 0.0f) : fabsf(own_bias(c));
    }
    // the radius's slope by the bias
    __device__ float slope(unsigned c) const {
        float b = own_bias(c);
        if (is_signed)
            return b + shift > 0.0f ? 1.0f : 0.0f;
        return b > 0.0f ? 1.0f : b < 0.0f ? -1.0f : 0.0f;
    }
    __device__ float scale(unsigned c) const { return inverse ? inverse[c] : 1.0f; }
};

// Number i of c_a + s v - c_b.
__device__ __forceinline__ float difference(const Classes &classes, Term term, float sign, unsigned i) {
    float out = classes.centre(term.a)[i] * classes.scale(term.a) - classes.centre(term.b)[i] * classes.scale(term.b);
    return term.relation == NONE ? out : out + sign * classes.relations[(u64)term.relation * classes.d + i];
}

// 1 / length of the centres that are named, at their places among all; a warp a class.
extern "C" __global__ void measure_centres(const unsigned *named, unsigned count, const float *enc, const float *zero,
                                           unsigned m, unsigned d, float *inverse) {
    u64 at = place() / WARP;
    if (at >= count)
        return;
    unsigned c = named[at];
    const float *row = c < m ? enc + (u64)c * d : zero + (u64)(c - m) * d;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x % WARP; i < d; i += WARP)
        sum += row[i] * row[i];
    sum = warp_sum(sum);
    if (threadIdx.x % WARP == 0)
        inverse[c] = sum > 0.0f ? 1.0f / sqrtf(sum) : 0.0f;
}

// Which hinges are active: `pulls` are their gradients by the length, over the length; `weights` those by
// the hinge; `losses` their parts of the loss. A warp a hinge.
extern "C" __global__ void measure_hinges(const Term *terms, unsigned count, const Kind *kinds, const float *enc,
                                          const float *zero, const float *bias, const float *b_zero,
                                          const float *relations, const float *inverse, unsigned m, unsigned d,
                                          unsigned is_signed, float shift, float factor, float *pulls, float *weights, float *losses) {
    u64 t = place() / WARP;
    if (t >= count)
        return;
    Classes classes = {enc, zero, bias, b_zero, relations, inverse, m, d, is_signed, shift};
    Term term = terms[t];
    Kind kind = kinds[term.kind];
    float sum = 0.0f;
    for (unsigned i = threadIdx.x % WARP; i < d; i += WARP) {
        float here = difference(classes, term, kind.sign, i);
        sum += here * here;
    }
    float length = sqrtf(warp_sum(sum));
    if (threadIdx.x % WARP == 0) {
        float hinge = kind.alpha * length + kind.beta_a * classes.radius(term.a) +
                      kind.beta_b * classes.radius(term.b) + kind.margin;
        float weight = hinge > 0.0f ? factor * kind.share : 0.0f;
        weights[t] = weight;
        pulls[t] = weight > 0.0f && length > 0.0f ? kind.alpha * weight / length : 0.0f;
        losses[t] = hinge > 0.0f ? hinge * kind.share : 0.0f;
    }
}

// Gradients of the centres and radii of named classes, from the hinges that each occurs in: twice the
// hinge, plus one where the class is its second. Those of concepts' centres stand in the order of the
// names, those of zero classes in place; a block a class.
extern "C" __global__ void gather_centres(const unsigned *named, const unsigned *starts, const unsigned *incident,
                                          const Term *terms, const Kind *kinds, const float *pulls,
                                          const float *weights, const float *enc, const float *zero,
                                          const float *bias, const float *b_zero, const float *relations,
                                          const float *inverse, unsigned m, unsigned d, unsigned is_signed,
                                          float shift, float *centres,
                                          float *of_zero, float *of_bias, float *of_b_zero) {
    __shared__ float sums[MOST];
    Classes classes = {enc, zero, bias, b_zero, relations, inverse, m, d, is_signed, shift};
    unsigned c = named[blockIdx.x], from = starts[blockIdx.x], to = starts[blockIdx.x + 1];
    const float *own = classes.centre(c);
    float *out = c < m ? centres + (u64)blockIdx.x * d : of_zero + (u64)(c - m) * d;
    float along = 0.0f;
    for (unsigned i = threadIdx.x; i < d; i += blockDim.x) {
        float sum = 0.0f;
        for (unsigned j = from; j < to; j++) {
            unsigned t = incident[j] / 2;
            float pull = incident[j] % 2 ? -pulls[t] : pulls[t];
            if (pull != 0.0f)
                sum += pull * difference(classes, terms[t], kinds[terms[t].kind].sign, i);
        }
        out[i] = sum;
        along += sum * own[i];
    }
    if (inverse) {
        // from the gradient of a centre over its length to that of the centre
        float scale = inverse[c];
        along = block_sum(along, sums) * scale * scale;
        for (unsigned i = threadIdx.x; i < d; i += blockDim.x)
            out[i] = (out[i] - along * own[i]) * scale;
    }
    if (threadIdx.x == 0) {
        float sum = 0.0f;
        for (unsigned j = from; j < to; j++) {
            unsigned t = incident[j] / 2;
            Kind kind = kinds[terms[t].kind];
            sum += (incident[j] % 2 ? kind.beta_b : kind.beta_a) * weights[t];
        }
        sum *= classes.slope(c);
        *(c < m ? of_bias + c : of_b_zero + (c - m)) += sum;
    }
}

// Parts of the gradients of the relations' vectors, [parts, d], from the hinges that each part lists, all
// of one relation; blocks of columns (x) and parts (y).
extern "C" __global__ void gather_relations(const unsigned *starts, const unsigned *of_relation, const Term *terms,
                                            const Kind *kinds, const float *pulls, const float *enc,
                                            const float *zero, const float *bias, const float *b_zero,
                                            const float *relations, const float *inverse, unsigned m, unsigned d,
                                            unsigned is_signed, float shift, float *parts) {
    Classes classes = {enc, zero, bias, b_zero, relations, inverse, m, d, is_signed, shift};
    u64 i = place();
    if (i >= d)
        return;
    float sum = 0.0f;
    for (unsigned j = starts[blockIdx.y]; j < starts[blockIdx.y + 1]; j++) {
        unsigned t = of_relation[j];
        Kind kind = kinds[terms[t].kind];
        if (pulls[t] != 0.0f)
            sum += kind.sign * pulls[t] * difference(classes, terms[t], kind.sign, (unsigned)i);
    }
    parts[(u64)blockIdx.y * d + i] = sum;
}
