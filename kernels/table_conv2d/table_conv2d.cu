// Convolution (and matrix product) through any table of 8-bit operands whose entries span at most 16 bits.
//
// A block sums eight outputs at many positions. For one octet of terms it lays the table columns of its 8 x 8 weights
// side by side, products[code][term][output], 32 KB; then one 128-bit load looks up the products of one activation
// with eight weights. The eight threads that are served in one cycle always work on different terms (thread ^ step),
// whose entries lie in different banks whatever the codes: no conflicts, 64 products a cycle.
//
// Entries are the table's minus its minimum; minimum times the number of terms is added at the end. Sums are modulo
// 2^32, which is right whenever the true sum fits; for int64 results the host calls with few enough terms.
#include "common/conv.cuh"
#include "common/intrinsics.cuh"

constexpr int THREADS = 256;
constexpr int OUTPUTS = 8;

__device__ inline unsigned low_pair(unsigned first, unsigned second) {
    return __byte_perm(first, second, 0x5410);
}

__device__ inline unsigned high_pair(unsigned first, unsigned second) {
    return __byte_perm(first, second, 0x7632);
}

// Lay out the columns of one octet: a thread transposes eight codes of one term, four at a time to save registers.
__device__ inline void stage(uint4* products, const uint2* weights, const uint2* table, bool term_exists) {
    const int term = threadIdx.x & 7;
    const int codes = threadIdx.x >> 3;
    uint4* to = products + codes * 64 + term;
    if (!term_exists) {
        for (int code = 0; code < 8; ++code) {
            to[code * 8] = make_uint4(0, 0, 0, 0);
        }
        return;
    }
    const uint2 eight = __ldg(weights + term);
#pragma unroll 1
    for (int part = 0; part < 2; ++part) {
        uint2 columns[8];
#pragma unroll
        for (int output = 0; output < 8; ++output) {
            const unsigned weight = ((output < 4 ? eight.x : eight.y) >> (output % 4 * 8)) & 255u;
            columns[output] = __ldg(table + weight * 64 + codes * 2 + part);
        }
        const auto pairs = [&](unsigned (*pair)(unsigned, unsigned), unsigned uint2::*field) {
            return make_uint4(
                pair(columns[0].*field, columns[1].*field), pair(columns[2].*field, columns[3].*field),
                pair(columns[4].*field, columns[5].*field), pair(columns[6].*field, columns[7].*field));
        };
        to[0] = pairs(low_pair, &uint2::x);
        to[8] = pairs(high_pair, &uint2::x);
        to[16] = pairs(low_pair, &uint2::y);
        to[24] = pairs(high_pair, &uint2::y);
        to += 32;
    }
}

// Terms of the sum within the first steps.
__device__ inline long long terms(const Conv& conv, int steps) {
    const int taps = steps / conv.octets;
    return (long long)taps * conv.group_channels + min((steps - taps * conv.octets) * 8, conv.group_channels);
}

// POSITIONS a thread: more of them share one staging, fewer fill the GPU with a small layer.
template <int POSITIONS>
__device__ inline void table_conv2d_tile(
    const Conv& conv, const uint2* x, const uint2* weights, const uint2* table, int minimum, int first_step,
    int end_step, void* out) {
    __shared__ uint4 products[256 * 8];
    const int blocks = (conv.group_outputs + OUTPUTS - 1) / OUTPUTS;
    const int column = blockIdx.x % (conv.groups * blocks);
    const int tile = blockIdx.x / (conv.groups * blocks);
    const int group = column / blocks;
    const int count = positions(conv);
    const int steps = conv.kernel_h * conv.kernel_w * conv.octets;
    weights += (long long)column * steps * 8;

    // Byte j of a pair of words permuted by these is byte (thread ^ j) & 7.
    const unsigned lane = threadIdx.x & 7;
    unsigned early = 0, late = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
        early |= (lane ^ j) << (4 * j);
        late |= (lane ^ (j + 4)) << (4 * j);
    }

    unsigned sums[POSITIONS][OUTPUTS] = {};
    int starts[POSITIONS];
#pragma unroll
    for (int p = 0; p < POSITIONS; ++p) {
        const int index = (tile * POSITIONS + p) * THREADS + threadIdx.x;
        starts[p] = index < count ? first_octet(conv, position(conv, index), group) : 0;
    }
    for (int step = first_step; step < end_step; ++step) {
        const int tap = step / conv.octets;
        const int octet = step - tap * conv.octets;
        const int tap_row = tap / conv.kernel_w;
        const int tap_column = tap - tap_row * conv.kernel_w;
        const uint2* at =
            x + (octet * conv.height + tap_row * conv.dilation_h) * conv.width + tap_column * conv.dilation_w;
        constexpr int AHEAD = POSITIONS / 2;  // codes on their way while others are looked up; registers hold no more
        uint2 codes[POSITIONS];
#pragma unroll
        for (int p = 0; p < AHEAD; ++p) {
            codes[p] = __ldg(at + starts[p]);
        }
        __syncthreads();
        stage(products, weights + step * 8, table, octet * 8 + int(lane) < conv.group_channels);
        __syncthreads();
#pragma unroll
        for (int p = 0; p < POSITIONS; ++p) {
            if (p + AHEAD < POSITIONS) {
                codes[p + AHEAD] = __ldg(at + starts[p + AHEAD]);
            }
            const unsigned words[2] = {
                __byte_perm(codes[p].x, codes[p].y, early), __byte_perm(codes[p].x, codes[p].y, late)};
#pragma unroll
            for (int j = 0; j < 8; ++j) {
                const unsigned code = (words[j / 4] >> (j % 4 * 8)) & 255u;
                const uint4 found = products[code * 8 + (lane ^ j)];
                sums[p][0] = add_low(found.x, sums[p][0]);
                sums[p][1] = add_high(found.x, sums[p][1]);
                sums[p][2] = add_low(found.y, sums[p][2]);
                sums[p][3] = add_high(found.y, sums[p][3]);
                sums[p][4] = add_low(found.z, sums[p][4]);
                sums[p][5] = add_high(found.z, sums[p][5]);
                sums[p][6] = add_low(found.w, sums[p][6]);
                sums[p][7] = add_high(found.w, sums[p][7]);
            }
        }
    }
    const long long less = (terms(conv, end_step) - terms(conv, first_step)) * minimum;
#pragma unroll
    for (int p = 0; p < POSITIONS; ++p) {
        const int index = (tile * POSITIONS + p) * THREADS + threadIdx.x;
        if (index >= count) {
            continue;
        }
        const int output = (column - group * blocks) * OUTPUTS;
        long long offset = out_offset(conv, index) + (group * conv.group_outputs + output) * conv.out_channel;
#pragma unroll
        for (int n = 0; n < OUTPUTS; ++n) {
            if (output + n < conv.group_outputs) {
                long long sum = sums[p][n] + less;
                if (first_step > 0) {  // of int64 results only
                    sum += static_cast<const long long*>(out)[offset];
                }
                write_sum(conv, out, offset, sum);
                offset += conv.out_channel;
            }
        }
    }
}

// x: octets of activation codes. weights: uint8 [group][output / 8][tap][octet][term % 8][output % 8].
// table: uint16 [weight code 256][activation code 256], entries minus `minimum`.
// Steps are (tap, octet); the whole sum is steps 0 to taps * octets. Parts after the first add to an int64 result.
// Compiled once per number of positions a thread (PER_THREAD).
extern "C" __global__ void __launch_bounds__(THREADS, 2) table_conv2d(
    Conv conv, const uint2* x, const uint2* weights, const uint2* table, int minimum, int first_step, int end_step,
    void* out) {
    table_conv2d_tile<PER_THREAD>(conv, x, weights, table, minimum, first_step, end_step, out);
}
