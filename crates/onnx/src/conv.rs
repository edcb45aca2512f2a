//! Convolutions of one to three dimensions, with groups, strides, dilations and padding of every kind, as matrix products
//! (im2col): a row of W per output channel, an input per channel and tap of the kernel, a vector per output position.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::Conv;

use crate::site::{PADDING, Site, block_diagonal, offsets, strides, too_large};

/// The site of a convolution with constant kernel and bias, or why there is none.
pub(crate) fn site(
    op: &Conv,
    name: &str,
    kernel: &Tensor,
    bias: &Tensor,
    x_shape: &[usize],
    (output_kind, y_shape): (DatumType, &[usize]),
) -> TractResult<Result<Site, String>> {
    let spec = &op.pool_spec;
    let mut kernel = kernel.cast_to::<f32>()?.into_owned();
    for change in op.kernel_fmt.kernel_as_group_o_ihw_ops(kernel.shape(), op.group) {
        change.change_tensor(&mut kernel, false)?;
    }
    let [groups, rows, columns] = *kernel.shape() else { bail!("a kernel of shape {:?}", kernel.shape()) };
    if let Some(reason) = too_large(groups, rows, columns) {
        return Ok(Err(reason));
    }
    // Axes of the tensors: [samples], channels and places, in one of two orders.
    let (first, place) = (usize::from(spec.data_format.has_n()), spec.data_format.h_axis());
    let channel = if spec.data_format.c_is_last() { x_shape.len() - 1 } else { first };
    let rank = spec.rank();
    let (x_strides, y_strides) = (strides(x_shape), strides(y_shape));
    let padding = spec.computed_padding(&x_shape[place..place + rank]);
    let taps = ndindex(&spec.kernel_shape);
    let mut offsets_of_taps = Vec::new();
    for position in ndindex(&y_shape[place..place + rank]) {
        for tap in &taps {
            let mut offset = Some(0);
            for axis in 0..rank {
                let at = (position[axis] * spec.stride(axis) + tap[axis] * spec.dilation(axis))
                    .checked_sub(padding[axis].pad_before)
                    .filter(|&at| at < x_shape[place + axis]);
                offset = offset.zip(at).map(|(offset, at)| offset + at * x_strides[place + axis]);
            }
            offsets_of_taps.push(offset.map_or(PADDING, |offset| offset as u32));
        }
    }
    let places: Vec<(usize, usize)> = (place..place + rank).map(|axis| (y_shape[axis], y_strides[axis])).collect();
    let bias = bias.cast_to::<f32>()?;
    let bias = bias.try_as_plain_ram()?;
    let bias = bias.as_slice::<f32>()?;
    let out = groups * rows;
    let values = kernel.try_as_plain_ram()?;
    let values = values.as_slice::<f32>()?;
    let positions = offsets(&places);
    Ok(Ok(Site {
        name: name.to_owned(),
        weight: block_diagonal(groups, rows, columns, |g, r, c| f64::from(values[(g * rows + r) * columns + c])),
        macs: groups * rows * columns * positions.len(),
        input: 0,
        channels: offsets(&[(x_shape[channel], x_strides[channel])]),
        taps: offsets_of_taps,
        rows: offsets(&[(out, y_strides[channel])]),
        positions,
        bias: (0..out).map(|row| if bias.len() == 1 { bias[0] } else { bias[row] }).collect(),
        output_kind,
        output_shape: y_shape.to_vec(),
        steps: 1,
    }))
}

/// All indices of a shape, the last axis fastest.
fn ndindex(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![Vec::new()], |all, &length| {
        let extend = |index: &Vec<usize>| (0..length).map(|i| [&index[..], &[i]].concat()).collect::<Vec<_>>();
        all.iter().flat_map(extend).collect()
    })
}
