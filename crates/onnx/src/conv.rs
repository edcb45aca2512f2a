//! Convolutions of one to three dimensions, with groups, strides, dilations and padding of every kind, as matrix products
//! (im2col): a row of W per output channel, an input per channel and tap of the kernel, a vector per output position.

use phaseloom_network::window::{WindowAxis, Windows};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::Conv;

use crate::site::{Site, block_diagonal, expect_finite, offsets, require_site, strides, too_large};

/// The site of a convolution with constant kernel and bias, whose names in the file are `tensors`, or why there is none.
pub(crate) fn site(
    op: &Conv,
    name: &str,
    kernel: &Tensor,
    bias: &Tensor,
    tensors: [&str; 2],
    x_shape: &[usize],
    (output_kind, y_shape): (DatumType, &[usize]),
) -> TractResult<Result<Site, String>> {
    let spec = &op.pool_spec;
    let mut kernel = kernel.cast_to::<f32>()?.into_owned();
    for change in op.kernel_fmt.kernel_as_group_o_ihw_ops(kernel.shape(), op.group) {
        change.change_tensor(&mut kernel, false)?;
    }
    let [groups, rows, columns] = *kernel.shape() else { bail!("a kernel of shape {:?}", kernel.shape()) };
    if let Some(reason) = too_large(x_shape, groups, rows, columns) {
        return Ok(Err(reason));
    }
    // Axes of the tensors: [images], channels and places, in one of two orders. A sample may have several images.
    let (first, place) = (usize::from(spec.data_format.has_n()), spec.data_format.h_axis());
    let images = if first == 1 { x_shape[0] } else { 1 };
    let channel = if spec.data_format.c_is_last() { x_shape.len() - 1 } else { first };
    let rank = spec.rank();
    let (x_strides, y_strides) = (strides(x_shape), strides(y_shape));
    let padding = spec.computed_padding(&x_shape[place..place + rank]);
    let entries = groups * rows * groups * columns;
    require_site(
        name,
        entries,
        &[&[images], &y_shape[place..place + rank]].concat(),
        spec.kernel_shape.iter().product(),
    )?;
    let of_images = WindowAxis {
        length: images,
        distance: x_strides[0] * first,
        kernel: 1,
        stride: 1,
        dilation: 1,
        before: 0,
        positions: images,
    };
    let of_places = (0..rank).map(|axis| WindowAxis {
        length: x_shape[place + axis],
        distance: x_strides[place + axis],
        kernel: spec.kernel_shape[axis],
        stride: spec.stride(axis),
        dilation: spec.dilation(axis),
        before: padding[axis].pad_before,
        positions: y_shape[place + axis],
    });
    let axes: Vec<WindowAxis> = [of_images].into_iter().chain(of_places).collect();
    let places = (place..place + rank).map(|axis| (y_shape[axis], y_strides[axis]));
    let places: Vec<(usize, usize)> = [(images, y_strides[0])].into_iter().chain(places).collect();
    let bias = bias.cast_to::<f32>()?;
    let bias = bias.try_as_plain_ram()?;
    let bias = bias.as_slice::<f32>()?;
    let out = groups * rows;
    let values = kernel.try_as_plain_ram()?;
    let values = values.as_slice::<f32>()?;
    expect_finite(values, name, tensors[0])?;
    expect_finite(bias, name, tensors[1])?;
    let positions = offsets(&places);
    Ok(Ok(Site {
        name: name.to_owned(),
        weight: block_diagonal(groups, rows, columns, |g, r, c| f64::from(values[(g * rows + r) * columns + c])),
        macs: groups * rows * columns * positions.len(),
        input: 0,
        windows: Windows::new(offsets(&[(x_shape[channel], x_strides[channel])]), &axes),
        rows: offsets(&[(out, y_strides[channel])]),
        positions,
        bias: (0..out).map(|row| if bias.len() == 1 { bias[0] } else { bias[row] }).collect(),
        output_kind,
        output_shape: y_shape.to_vec(),
        steps: 1,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom_network::data::Batch;
    use tract_onnx::tract_core::ops::cnn::{KernelFormat, PaddingSpec, PoolSpec};
    use tract_onnx::tract_core::ops::nn::DataFormat;

    /// A tensor of varied numbers.
    fn tensor(shape: &[usize], seed: usize) -> Tensor {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| ((i * 37 + seed * 101) as f32 * 0.7).sin()).collect();
        Tensor::from_shape(shape, &values).unwrap()
    }

    /// tract computes in single precision: 1e-5 of the largest output covers sums of some hundred products.
    fn compare(op: &Conv, x: &Tensor, kernel: &Tensor) {
        let bias = tensor(&[op.pool_spec.output_channels], 3);
        let mut model = TypedModel::default();
        let source = model.add_source("x", f32::fact(x.shape())).unwrap();
        let constants =
            [("k", kernel), ("b", &bias)].map(|(name, value)| model.add_const(name, value.clone()).unwrap());
        let y = model.wire_node("conv", op.clone(), &[source, constants[0], constants[1]]).unwrap();
        model.select_output_outlets(&y).unwrap();
        let shape = model.output_fact(0).unwrap().shape.as_concrete().unwrap().to_vec();
        let expected =
            model.into_optimized().unwrap().into_runnable().unwrap().run(tvec!(x.clone().into_tvalue())).unwrap();
        let site =
            site(op, "conv", kernel, &bias, ["k", "b"], x.shape(), (f32::datum_type(), &shape)).unwrap().unwrap();
        let mut multiply = |_: usize, columns: &Batch| &site.weight * columns;
        let found = site.multiply(&[x.clone().into_tvalue()], &mut multiply).unwrap().remove(0);
        assert_eq!(found.shape(), expected[0].shape());
        let values = |tensor: &Tensor| tensor.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec();
        let (found, expected) = (values(&found), values(&expected[0]));
        let largest = expected.iter().fold(0.0_f32, |all, y| all.max(y.abs()));
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-5 * largest, "{op:?}: {a} {b}");
        }
    }

    #[test]
    fn the_product_is_the_convolution_of_tract() {
        let mut cases = 0;
        for (rank, lengths) in [(1, vec![9]), (2, vec![8, 7]), (3, vec![5, 4, 6])] {
            for padding in [
                PaddingSpec::Valid,
                PaddingSpec::SameUpper,
                PaddingSpec::SameLower,
                PaddingSpec::Explicit(tvec!(1; rank), tvec!(2; rank)),
            ] {
                for (stride, dilation, taps) in [(1, 1, 3), (2, 1, 3), (1, 2, 2), (3, 1, 1)] {
                    for (group, into, out) in [(1, 3, 4), (2, 4, 6), (4, 4, 4)] {
                        for format in [DataFormat::NCHW, DataFormat::NHWC] {
                            let mut kernel_shape: TVec<usize> = tvec!(taps; rank);
                            kernel_shape[0] = (taps + 1).min(3);
                            let op = Conv {
                                pool_spec: PoolSpec {
                                    data_format: format,
                                    kernel_shape: kernel_shape.clone(),
                                    padding: padding.clone(),
                                    dilations: Some(tvec!(dilation; rank)),
                                    strides: Some(tvec!(stride; rank)),
                                    input_channels: into,
                                    output_channels: out,
                                },
                                kernel_fmt: KernelFormat::OIHW,
                                group,
                                q_params: None,
                            };
                            let kernel = [&[out, into / group], &kernel_shape[..]].concat();
                            for images in if stride == 2 { 1..3 } else { 1..2 } {
                                let x = match format {
                                    DataFormat::NHWC => [&[images], &lengths[..], &[into]].concat(),
                                    _ => [&[images, into], &lengths[..]].concat(),
                                };
                                compare(&op, &tensor(&x, 1), &tensor(&kernel, 2));
                                cases += 1;
                            }
                        }
                    }
                }
            }
        }
        assert_eq!(cases, 360);
    }
}
