//! MatMul, Gemm and Einsum, which tract writes as one operator: a sum of products over named axes.
//!
//! With W the constant and x the activation, an axis is one of
//!
//! | in W | in x | in y | |
//! |---|---|---|---|
//! | × | × | × | group: one matrix each |
//! | × | × | | channel, summed over |
//! | × | | × | row |
//! | | × | × | position |
//!
//! An axis of length 1 broadcasts: its offset is zero wherever it is. Roles alone matter, because tract permutes axes and
//! inputs at will.

use phaseloom_network::window::Windows;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::einsum::EinSum;

use crate::site::{Site, block_diagonal, expect_finite, offsets, require_site, strides, too_large};

/// Length of an axis, and its strides in W, x and y (0 where it is absent or broadcast).
struct Role {
    length: usize,
    weight: usize,
    x: usize,
    y: usize,
}

/// The site of an operator whose input `1 - x` is the constant `weight`, which the file calls `tensor`, or why there is none.
pub(crate) fn site(
    op: &EinSum,
    name: &str,
    x: usize,
    (weight, tensor): (&Tensor, &str),
    x_shape: &[usize],
    (output_kind, y_shape): (DatumType, &[usize]),
) -> TractResult<Result<Site, String>> {
    let (mut groups, mut channels, mut rows, mut positions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for axis in op.axes.iter_all_axes() {
        let places = [&axis.inputs[1 - x], &axis.inputs[x], &axis.outputs[0]];
        if places.iter().any(|places| places.len() > 1) {
            return Ok(Err("a diagonal".into()));
        }
        let shapes = [weight.shape(), x_shape, y_shape];
        let lengths: Vec<Option<usize>> =
            places.iter().zip(shapes).map(|(places, shape)| places.first().map(|&place| shape[place])).collect();
        let length = lengths.iter().flatten().copied().max().unwrap_or(1);
        if lengths.iter().flatten().any(|&own| own != 1 && own != length) {
            return Ok(Err("axes of different lengths".into()));
        }
        let stride = |which: usize| match (places[which].first(), lengths[which]) {
            (Some(&place), Some(own)) if own > 1 => strides(shapes[which])[place],
            _ => 0,
        };
        let role = Role { length, weight: stride(0), x: stride(1), y: stride(2) };
        let is_in = |which: usize| lengths[which].is_some_and(|own| own > 1);
        match (is_in(0), is_in(1), is_in(2)) {
            (false, false, false) => {}
            (true, true, true) => groups.push(role),
            (true, true, false) => channels.push(role),
            (true, false, true) => rows.push(role),
            (false, true, true) => positions.push(role),
            (true, false, false) | (false, true, false) => return Ok(Err("a sum over one factor".into())),
            (false, false, true) => return Ok(Err("a broadcast".into())),
        }
    }
    let all = |roles: &[&[Role]], stride: fn(&Role) -> usize| {
        let axes: Vec<(usize, usize)> =
            roles.iter().copied().flatten().map(|role| (role.length, stride(role))).collect();
        offsets(&axes)
    };
    let count = |roles: &[Role]| roles.iter().map(|role| role.length).product::<usize>();
    let (g, r, c) = (count(&groups), count(&rows), count(&channels));
    if let Some(reason) = too_large(x_shape, g, r, c) {
        return Ok(Err(reason));
    }
    require_site(name, g * r * g * c, &[count(&positions)], 1)?;
    let values = weight.cast_to::<f32>()?;
    let values = values.try_as_plain_ram()?;
    let values = values.as_slice::<f32>()?;
    expect_finite(values, name, tensor)?;
    let of_group = all(&[&groups], |role| role.weight);
    let (row_error, of_channel) = (all(&[&rows], |role| role.weight), all(&[&channels], |role| role.weight));
    Ok(Ok(Site {
        name: name.to_owned(),
        weight: block_diagonal(g, r, c, |g, r, c| f64::from(values[of_group[g] + row_error[r] + of_channel[c]])),
        macs: g * r * c * count(&positions),
        input: x,
        windows: Windows::with_one_tap(
            all(&[&groups, &channels], |role| role.x),
            all(&[&positions], |role| role.x).into_iter().map(|offset| offset as u32).collect(),
        ),
        rows: all(&[&groups, &rows], |role| role.y),
        positions: all(&[&positions], |role| role.y),
        bias: Vec::new(),
        output_kind,
        output_shape: y_shape.to_vec(),
        steps: 1,
    }))
}
