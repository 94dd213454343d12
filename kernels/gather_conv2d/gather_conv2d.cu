// Convolution (and matrix product) through a table of any size and entries, by read-only loads from global memory.
//
// Neighbouring threads have neighbouring positions and the same weight, so their loads fall into one column of the
// table: [weight][activation] keeps them in few cache lines.
#include "common/codes.cuh"
#include "common/conv.cuh"

constexpr int THREADS = 256;
constexpr int OUTPUTS = 8;

// weights: uint16 [group][output][channel][tap]. table: int32 [weight code][activation code].
extern "C" __global__ void __launch_bounds__(THREADS) gather_conv2d(
    Codes codes, Conv conv, const unsigned short* weights, const int* table, void* out) {
    const int blocks = (conv.group_outputs + OUTPUTS - 1) / OUTPUTS;
    const int column = blockIdx.x % (conv.groups * blocks);
    const int group = column / blocks;
    const int output = (column - group * blocks) * OUTPUTS;
    const int index = blockIdx.x / (conv.groups * blocks) * THREADS + threadIdx.x;
    if (index >= positions(conv)) {
        return;
    }
    const Position at = position(conv, index);
    const int taps = conv.kernel_h * conv.kernel_w;
    const long long fan_in = (long long)conv.group_channels * taps;
    const int outputs = min(OUTPUTS, conv.group_outputs - output);
    weights += ((long long)group * conv.group_outputs + output) * fan_in;
    const long long rows = codes.mask + 1;
    long long sums[OUTPUTS] = {};
    for (int tap = 0; tap < taps; ++tap) {
        const int tap_row = tap / conv.kernel_w;
        const int tap_column = tap - tap_row * conv.kernel_w;
        const bool real = is_real(conv, at, tap_row, tap_column);
        if (conv.skip && !real) {
            continue;
        }
        const int row = at.row * conv.stride_h + tap_row * conv.dilation_h - conv.top;
        const int x_column = at.column * conv.stride_w + tap_column * conv.dilation_w - conv.left;
        const long long start = at.image * codes.image + row * codes.row + x_column * codes.column +
                                group * (long long)conv.group_channels * codes.channel;
        for (int channel = 0; channel < conv.group_channels; ++channel) {
            const int code = real ? code_at(codes, start + channel * codes.channel) : codes.pad;
            const long long term = (long long)channel * taps + tap;
#pragma unroll
            for (int n = 0; n < OUTPUTS; ++n) {
                if (n < outputs) {
                    sums[n] += __ldg(table + __ldg(weights + n * fan_in + term) * rows + code);
                }
            }
        }
    }
#pragma unroll
    for (int n = 0; n < OUTPUTS; ++n) {
        if (n < outputs) {
            const int channel = group * conv.group_outputs + output + n;
            write_sum(conv, out, out_offset(conv, index) + channel * conv.out_channel, sums[n]);
        }
    }
}
