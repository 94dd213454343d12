// The instructions that C++ has no operator for. tests/kernels/cuda/shim has a twin of this file for CPUs.
#pragma once

// Static storage of the size that the launch asks for.
#define DYNAMIC_SHARED(name) extern __shared__ uint4 name[]

// sum + low (high) 16 bits of the pair, in one instruction of the pipe that address arithmetic leaves idle.
__device__ inline unsigned add_low(unsigned pair, unsigned sum) {
    return __dp2a_lo(pair, 0x0001u, sum);
}

__device__ inline unsigned add_high(unsigned pair, unsigned sum) {
    return __dp2a_lo(pair, 0x0100u, sum);
}

// Warp-wide products of a 16 x 32-byte and an 8 x 32-byte tile (both with the terms of the sum along a row), added to
// 16 x 8 sums. Fragments as in the PTX manual, "Warp-level matrix fragments": with g = lane / 4 and t = lane % 4, a
// holds bytes 4t.. of rows g and g + 8, then 4t + 16.. of the same; b bytes 4t.. and 4t + 16.. of row g; the sums are
// (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
#define MMA(SHAPE_AND_TYPES, SUM)                                                                        \
    asm volatile("mma.sync.aligned." SHAPE_AND_TYPES " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "   \
                 "{%0, %1, %2, %3};"                                                                     \
                 : "+" SUM(sums[0]), "+" SUM(sums[1]), "+" SUM(sums[2]), "+" SUM(sums[3])                \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))

__device__ inline void mma_f16(float (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    MMA("m16n8k16.row.col.f32.f16.f16.f32", "f");
}

// Integer sums wrap modulo 2^32.
__device__ inline void mma_s8(int (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    MMA("m16n8k32.row.col.s32.s8.s8.s32", "r");
}

__device__ inline void mma_u8(int (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    MMA("m16n8k32.row.col.s32.u8.s8.s32", "r");
}

#undef MMA
