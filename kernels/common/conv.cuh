// What every convolution kernel is told about its problem. A matrix product is a 1 x 1 convolution of one image with
// one row: its positions are the rows of the first matrix, its channels the terms of the sum.
#pragma once

// Mirrored field by field in agnsim/kernels/cuda/arguments.py.
struct Conv {
    int images;
    int groups;
    int group_channels;  // terms per tap
    int group_outputs;
    int octets;  // eights of channels that packed activations have per group
    int height;  // rows and columns of the activations as the kernel finds them: padded where they are packed
    int width;
    int kernel_h;
    int kernel_w;
    int stride_h;
    int stride_w;
    int dilation_h;
    int dilation_w;
    int top;  // rows and columns of padding before the first real one, within height and width where packed
    int left;
    int real_height;  // rows and columns that are no padding
    int real_width;
    int skip;  // padded positions contribute nothing; only for kernels that read unpacked activations
    int out_height;
    int out_width;
    int wide;  // the result is int64, else int32
    long long out_image;  // strides of the result, in elements
    long long out_channel;
    long long out_pixel;
};

struct Position {
    int image;
    int row;  // of the output
    int column;
};

__device__ inline int positions(const Conv& conv) {
    return conv.images * conv.out_height * conv.out_width;
}

__device__ inline Position position(const Conv& conv, int index) {
    const int row = index / conv.out_width;
    Position found;
    found.column = index - row * conv.out_width;
    found.image = row / conv.out_height;
    found.row = row - found.image * conv.out_height;
    return found;
}

// First octet of a position's receptive field in activations packed as [image][group][octet][row][column].
__device__ inline int first_octet(const Conv& conv, const Position& at, int group) {
    return ((at.image * conv.groups + group) * conv.octets * conv.height + at.row * conv.stride_h) * conv.width +
           at.column * conv.stride_w;
}

// Whether a tap of a position's receptive field is a real activation. Rows count from the first padded one.
__device__ inline bool is_real(const Conv& conv, const Position& at, int tap_row, int tap_column) {
    const int row = at.row * conv.stride_h + tap_row * conv.dilation_h - conv.top;
    const int column = at.column * conv.stride_w + tap_column * conv.dilation_w - conv.left;
    return unsigned(row) < unsigned(conv.real_height) && unsigned(column) < unsigned(conv.real_width);
}

// Offset of a position in the first output channel's result.
__device__ inline long long out_offset(const Conv& conv, int index) {
    const int pixels = conv.out_height * conv.out_width;
    const int image = index / pixels;
    return image * conv.out_image + (index - image * pixels) * conv.out_pixel;
}

__device__ inline void write_sum(const Conv& conv, void* out, long long offset, long long sum) {
    if (conv.wide) {
        static_cast<long long*>(out)[offset] = sum;
    } else {
        static_cast<int*>(out)[offset] = int(sum);
    }
}
